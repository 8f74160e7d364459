import { expect, test } from 'vitest';
import { errorText } from '../../src/base/errors.ts';
import { below } from '../../src/env/random.ts';
import { MetaClient } from '../../src/meta/client/meta-client.ts';
import type { MetaNode } from '../../src/meta/server/meta-node.ts';
import { startSimMeta } from './cluster/sim-meta.ts';
import { World } from './world/world.ts';

const names = ['m1', 'm2', 'm3'];

class MetaWorld {
  readonly world: World;
  readonly nodes = new Map<string, MetaNode>();
  /** The catalog at each index, as the first server to get there had it. */
  readonly #seen = new Map<number, string>();

  constructor(seed: number) {
    this.world = new World(seed);
    for (const name of names) this.world.addNode(name);
    this.world.addNode('d1');
  }

  async start(): Promise<MetaClient> {
    await Promise.all(names.map((name) => this.world.complete(this.boot(name))));
    const first = this.nodes.get('m1');
    await this.world.complete(first?.found() ?? Promise.reject(new Error('no first')));
    await this.world.run(this.world.nowMs + 3_000);
    for (const name of ['m2', 'm3'])
      await this.world.complete(
        first?.addMeta(`${name}:8091`, `${name}:8089`) ?? Promise.resolve(0),
      );
    const { env } = this.node('d1');
    const client = await this.world.complete(MetaClient.open(env, 'client'));
    const metaAddresses = names.map((name) => `${name}:8089`);
    const identity = { nodeId: 9, clusterId: first?.clusterId ?? 0n, metaAddresses };
    await this.world.complete(client.join(identity));
    return client;
  }

  async boot(name: string): Promise<void> {
    this.nodes.set(name, await startSimMeta(this.node(name).env, name));
  }

  node(name: string) {
    const node = this.world.nodes.find((one) => one.name === name);
    if (node === undefined) throw new Error(`no node ${name}`);
    return node;
  }

  crash(name: string): void {
    this.node(name).crash();
    this.nodes.delete(name);
  }

  restart(name: string): Promise<void> {
    this.node(name).restart();
    return this.boot(name);
  }

  /** Committed catalog entries are equal everywhere. */
  check(): void {
    for (const [name, { catalog }] of this.nodes) {
      const text = JSON.stringify(catalog, (_key, value: unknown) => typeof value === 'bigint' ? `${value}` : value); // prettier-ignore
      const seen = this.#seen.get(catalog.index) ?? text;
      if (seen !== text) throw new Error(`${name} has another catalog at ${catalog.index}`);
      this.#seen.set(catalog.index, text);
    }
  }
}

test('meta cluster: founded by one, joined by two; databases reach the data node’s cache', async () => {
  const cluster = new MetaWorld(1);
  const client = await cluster.start();
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  expect(client.catalog.databases.map(({ name }) => name)).toEqual(['db']);
  expect(client.catalog.metaNodes.map(({ id }) => id)).toEqual([1, 2, 3]);
  await expect(cluster.world.complete(client.execute({ kind: 'create-database', name: '' }))).rejects.toThrow('database name required'); // prettier-ignore
  await cluster.world.complete(client.close());
});

test('meta cluster: without a majority commands say so, the cache stays, also over a restart', async () => {
  const cluster = new MetaWorld(2);
  const client = await cluster.start();
  await cluster.world.complete(client.execute({ kind: 'create-database', name: 'db' }));
  for (const name of names) cluster.crash(name);
  const refused = client.execute({ kind: 'create-database', name: 'no' });
  await expect(cluster.world.complete(refused)).rejects.toThrow('meta service unavailable');
  await cluster.world.complete(client.close());
  const again = await cluster.world.complete(MetaClient.open(cluster.node('d1').env, 'client'));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['db']);
  expect(again.nodeId).toBe(9);
  for (const name of names) await cluster.world.complete(cluster.restart(name));
  await cluster.world.complete(again.execute({ kind: 'create-database', name: 'yes' }));
  expect(again.catalog.databases.map(({ name }) => name)).toEqual(['db', 'yes']);
  await cluster.world.complete(again.close());
});

test.each([11, 12, 13, 14])(
  'meta cluster: crashes under load lose no acknowledged command, seed %i',
  async (seed) => {
    const cluster = new MetaWorld(seed);
    const { world } = cluster;
    const client = await cluster.start();
    const random = world.random('faults');
    const acknowledged: string[] = [];
    const refused: string[] = [];
    const work = (async () => {
      for (let i = 0; i < 60; i++) {
        const name = `db${i}`;
        try {
          await client.execute({ kind: 'create-database', name });
          acknowledged.push(name);
        } catch (error) {
          refused.push(errorText(error));
        }
        await cluster.node('d1').env.clock.sleep(200);
      }
    })();
    for (let round = 0; round < 12; round++) {
      await world.run(world.nowMs + 1_500);
      cluster.check();
      const name = names[below(random, 3)] ?? 'm1';
      if (cluster.nodes.has(name)) cluster.crash(name);
      await world.run(world.nowMs + below(random, 2_000));
      for (const down of names) if (!cluster.nodes.has(down)) await world.complete(cluster.restart(down)); // prettier-ignore
    }
    await world.complete(work, 600_000);
    await world.run(world.nowMs + 5_000);
    cluster.check();
    for (const { catalog } of cluster.nodes.values()) {
      const databases = catalog.databases.map(({ name }) => name);
      expect(acknowledged.filter((name) => !databases.includes(name))).toEqual([]);
    }
    expect(acknowledged.length).toBeGreaterThan(40);
    await world.complete(client.close());
  },
);
