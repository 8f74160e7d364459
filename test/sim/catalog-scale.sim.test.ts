/**
 * What a command costs, in bytes sent and written and not in time: the same with ten databases and with more than a thousand.
 */
import { expect, test } from 'vitest';
import { must } from '../../src/base/assert.ts';
import type { RpcTransport } from '../../src/env/transport.ts';
import { MetaClient } from '../../src/meta/client/meta-client.ts';
import { MetaNode } from '../../src/meta/server/meta-node.ts';
import { createRpcHandlers } from '../../src/rpc/rpc-service.ts';
import { MemoryKv } from '../support/memory-kv.ts';
import { World } from './world/world.ts';

/** Counts what is written. */
class CountingKv extends MemoryKv {
  bytes = 0;

  override batch(...args: Parameters<MemoryKv['batch']>): Promise<void> {
    for (const operation of args[0])
      if (operation.kind === 'put') this.bytes += operation.value.length;
    return super.batch(...args);
  }
}

/** One meta node and one data node. */
class Pair {
  readonly world = new World(3);
  readonly kv = new CountingKv();
  sentBytes = 0;
  #node: MetaNode | undefined;
  #client: MetaClient | undefined;

  get client(): MetaClient {
    return must(this.#client, 'the data node runs');
  }

  async start(): Promise<void> {
    for (const name of ['m1', 'd1']) this.world.addNode(name);
    const { env } = must(this.world.nodes[0], 'm1');
    const onFatal = (error: unknown): void => {
      throw error;
    };
    const { clock, random, log, transport } = env;
    const node = await MetaNode.open(
      { clock, random, log, kv: this.kv, transport, onFatal },
      { httpAddress: 'm1:8091', tcpAddress: 'm1:8089', tickMs: 100, electionTicks: 10, heartbeatTicks: 1, snapshotEntries: 1_024 }, // prettier-ignore
    );
    this.#node = node;
    const handlers = createRpcHandlers(node.membership, node.methods);
    await this.world.complete(transport.listen('m1:8089', handlers));
    await this.world.complete(node.found());
    await this.world.run(this.world.nowMs + 3_000);
    await this.world.complete(node.execute({ kind: 'create-data-node', httpAddress: 'd1:8086', tcpAddress: 'd1:8088', dataNodesMax: 9 })); // prettier-ignore
    await this.#openData();
    await this.world.complete(this.client.join({ nodeId: 2, clusterId: node.clusterId, metaAddresses: ['m1:8089'] })); // prettier-ignore
  }

  #counted(transport: RpcTransport): RpcTransport {
    const count = (bytes: Uint8Array): Uint8Array => {
      this.sentBytes += bytes.length;
      return bytes;
    };
    return {
      listen: transport.listen.bind(transport),
      call: async (...args) => count(await transport.call(...args)),
      async *stream(...args) {
        for await (const reply of transport.stream(...args)) yield count(reply);
      },
      close: transport.close.bind(transport),
    };
  }

  /** A database and its first point's shard group, as a client's two requests make them. */
  async make(i: number): Promise<void> {
    const name = `database-${i}`;
    await this.client.execute({ kind: 'create-database', name });
    await this.client.execute({ kind: 'create-shard-groups', database: name, retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  }

  /** Bytes that `count` more databases cost: sent to the data node, written by it, written by the meta node. */
  async costs(from: number, count: number): Promise<readonly number[]> {
    const before = await this.#totals();
    for (let i = from; i < from + count; i++) await this.world.complete(this.make(i));
    await this.world.run(this.world.nowMs + 100);
    const after = await this.#totals();
    return after.map((bytes, i) => (bytes - (before[i] ?? 0)) / count);
  }

  async #totals(): Promise<readonly number[]> {
    const { disk } = must(this.world.nodes[1], 'd1').env;
    const size = async (name: string) => (await this.world.complete(disk.size(`client/${name}`))) ?? 0; // prettier-ignore
    return [
      this.sentBytes,
      (await size('catalog')) + (await size('catalog.changes')),
      this.kv.bytes,
    ];
  }

  async restartData(): Promise<void> {
    await this.world.complete(this.client.close());
    this.sentBytes = 0;
    await this.#openData();
  }

  /** The data node's copy is gone. */
  async forget(): Promise<void> {
    const { disk } = must(this.world.nodes[1], 'd1').env;
    await this.world.complete(this.client.close());
    await this.world.complete(disk.remove('client/catalog'));
  }

  async #openData(): Promise<void> {
    const { env } = must(this.world.nodes[1], 'd1');
    const transport = this.#counted(env.transport);
    this.#client = await this.world.complete(MetaClient.open({ ...env, transport }, 'client'));
  }

  async stop(): Promise<void> {
    await this.world.complete(this.client.close());
    await this.world.complete(must(this.#node, 'the meta node runs').close());
  }
}

test('catalog: a database costs the same bytes after a thousand as after ten, on the wire and on both disks', async () => {
  const pair = new Pair();
  await pair.start();
  await pair.costs(0, 10);
  const few = await pair.costs(10, 40);
  for (let i = 50; i < 1_500; i++) await pair.world.complete(pair.make(i));
  const many = await pair.costs(1_500, 40);
  const names = ['sent', 'written by the data node', 'written by the meta node'];
  for (const [i, name] of names.entries())
    expect(many[i], name).toBeLessThan(1.2 * must(few[i], 'a cost'));
  expect(Math.max(...many)).toBeLessThan(2_500);
  expect(pair.client.catalog.databases.length).toBe(1_540);
  expect(pair.client.catalog.databases.shardCount).toBe(1_540);
  // Snapshots are in the total, and come in proportion to what was commanded.
  expect(pair.kv.bytes / 1_540).toBeLessThan(5_000);
  await pair.stop();
});

test('catalog: a data node that was away is sent what it missed, one that is new the whole, once', async () => {
  const pair = new Pair();
  await pair.start();
  for (let i = 0; i < 300; i++) await pair.world.complete(pair.make(i));
  await pair.restartData();
  expect(pair.client.catalog.databases.length).toBe(300);
  expect(pair.sentBytes).toBe(0);
  for (let i = 300; i < 310; i++) await pair.world.complete(pair.make(i));
  expect(pair.sentBytes).toBeLessThan(20_000);
  await pair.forget();
  await pair.restartData();
  await pair.world.run(pair.world.nowMs + 2_000);
  expect(pair.client.catalog.databases.length).toBe(310);
  expect(pair.sentBytes).toBeGreaterThan(20_000);
  await pair.stop();
});
