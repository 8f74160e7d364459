import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../src/base/assert.ts';
import { isDbError } from '../../src/base/errors.ts';
import { ServedCounters } from '../../src/data/shards/served-counters.ts';
import { servedShards } from '../../src/data/shards/served-shards.ts';
import { HeldPledges } from '../../src/data/shards/pledges/held-pledges.ts';
import { ClusterQueries } from '../../src/data/statements/queries/cluster-queries.ts';
import { QueryRegistry } from '../../src/data/statements/queries/query-registry.ts';
import type { ShardAccess } from '../../src/data/engine/shard-access.ts';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import type { RpcListener } from '../../src/env/transport.ts';
import { deliverMethod } from '../../src/meta/server/raft-methods.ts';
import { MetaNode } from '../../src/meta/server/meta-node.ts';
import { GrpcTransport } from '../../src/rpc/grpc/grpc-transport.ts';
import { createRpcHandlers } from '../../src/rpc/rpc-service.ts';
import { joinRequests, nodeRequests, type NodeRequest } from '../hostile/node-requests.ts';
import { MemoryKv } from '../support/memory-kv.ts';
import { World } from '../sim/world/world.ts';

/** A member of the cluster that sends what no member would: the gate is open, the messages are not. */
const clock = new NodeClock();
const transport = new GrpcTransport({ clock });
const written: unknown[] = [];
let node: MetaNode;
let listener: RpcListener;
let metadata = {};

beforeAll(async () => {
  const world = new World(1);
  world.addNode('m1');
  const { random, log } = must(world.nodes[0], 'm1').env;
  const onFatal = (error: unknown): void => expect.fail(String(error));
  node = await MetaNode.open(
    { clock, random, log, kv: new MemoryKv(), transport, onFatal },
    { httpAddress: '127.0.0.1:1', tcpAddress: '127.0.0.1:2', tickMs: 100, electionTicks: 10, heartbeatTicks: 1, snapshotEntries: 1_000 }, // prettier-ignore
  );
  await node.found();
  const shards = {
    writeMany: (batches: readonly unknown[]) => {
      written.push(...batches);
      return Promise.resolve([]);
    },
  } as unknown as ShardAccess;
  const meta = { catalog: node.catalog, nodeId: 4, execute: () => Promise.resolve(undefined) };
  const registry = new QueryRegistry({ clock, log });
  const queries = new ClusterQueries(registry, meta, {} as never);
  const methods = [
    ...node.methods,
    ...servedShards({
      clock,
      meta,
      shards,
      counters: new ServedCounters(),
      keep: () => Promise.resolve(),
      unsettled: { heard: () => undefined, hold: () => false },
      settledFor: () => ({ run: 1, settledBelow: 1 }),
      freshCount: () => 0,
      schemaVersion: () => 0,
      listVersion: () => 0,
      pledges: { give: () => undefined },
      stamps: { learned: () => undefined, seen: () => undefined, lastNs: 0n },
    }),
    ...queries.methods,
    new HeldPledges({ clock, log, meta }).method,
  ];
  listener = await transport.listen('127.0.0.1:0', createRpcHandlers(node.membership, methods));
  metadata = node.membership.credentials('member');
});

afterAll(async () => {
  await transport.close();
  await listener.close();
  await node.close();
});

/** Sends; whatever comes back is a reply or an error with a code, soon. */
async function send({ kind, path }: NodeRequest, bytes: Uint8Array): Promise<string> {
  const options = { deadlineMs: 400, metadata };
  try {
    if (kind === 'call') await transport.call(listener.address, path, bytes, options);
    else for await (const _ of transport.stream(listener.address, path, bytes, options)) break;
    return 'ok';
  } catch (error) {
    if (!isDbError(error)) throw error;
    // A bug of a handler would be `internal`.
    expect(error.code, `${path}: ${error.message}`).not.toBe('internal');
    return error.code;
  }
}

const requests = [...nodeRequests, ...joinRequests].filter(
  ({ path }) => !path.endsWith('Node/Join'),
);

test.each(requests.map((request) => [request.path, request] as const))(
  'node requests: %s with random bytes, cut and with bits turned over',
  async (_path, request) => {
    const sent: Promise<string>[] = [];
    const { bytes } = request;
    for (let end = 0; end < bytes.length; end += Math.max(1, bytes.length >> 6))
      sent.push(send(request, bytes.subarray(0, end)));
    const flips = fc.sample(fc.nat(Math.max(0, bytes.length * 8 - 1)), { numRuns: 150, seed: 7 });
    for (const bit of flips) {
      const bad = bytes.slice();
      bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
      sent.push(send(request, bad));
    }
    const noise = fc.sample(fc.uint8Array({ maxLength: 300 }), { numRuns: 150, seed: 8 });
    for (const one of noise) sent.push(send(request, one));
    await Promise.all(sent);
    // It still answers, and nothing was written anywhere.
    expect(node.catalog.metaNodes).toHaveLength(1);
    expect(node.status.term).toBeLessThan(1_000);
    expect(written).toEqual([]);
  },
);

test('node requests: a message longer than its method takes is refused as soon as it says so', async () => {
  const some = requests.filter(({ path }) => /Listen|Kill|Watch/.test(path));
  expect(some.length).toBeGreaterThan(0);
  for (const request of some)
    expect(await send(request, new Uint8Array(2 << 20)), request.path).toBe('too_large');
});

test('node requests: an absurd term is refused before it is adopted', async () => {
  const deliver = must(nodeRequests[0], 'deliver');
  const { term } = node.status;
  const beat = { from: 9, to: 1, kind: 'heartbeat', commit: 0, round: 1 } as const;
  const head = { from: 'm9:8089', commandVersion: 1 };
  for (const absurd of [2 ** 48 + 1, 2 ** 53 - 1]) {
    const messages = [{ ...beat, term: absurd }];
    const bytes = deliverMethod.request.encode({ ...head, messages });
    expect(await send(deliver, bytes)).toBe('invalid_argument');
  }
  expect(node.status.term).toBe(term);
});
