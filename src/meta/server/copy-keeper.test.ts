import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { Latch } from '../../base/async/latch.ts';
import { DbError, errorText } from '../../base/errors.ts';
import type { Command } from '../command/command.ts';
import { discardMethod } from '../client/data-methods.ts';
import { CopyKeeper, type CopyKeeperPorts } from './copy-keeper.ts';

/** Of a shard on node 1 and another node; `call` is what nodes are asked. */
async function keeperOf(
  call: (address: string, method: unknown) => Promise<unknown>,
  following: Partial<Pick<CopyKeeperPorts, 'clock' | 'log'> & { readonly stream: unknown }> = {},
) {
  const meta = new MemoryMeta();
  const create = (i: number) =>
    meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
  await create(1);
  await meta.execute({ kind: 'create-database', name: 'd', policy: { replication: 1 } });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  await create(2);
  const node = {
    get catalog() {
      return meta.catalog;
    },
    isLeader: true,
    readBarrier: () => Promise.resolve(),
    execute: (command: Command) => meta.execute(command),
  };
  const still = { every: () => ({ cancel: () => undefined }), wallNs: () => 1n };
  const { stream, clock = still, log } = following;
  const ports = { clock, log, node, rpc: { call, stream } };
  return { meta, keeper: new CopyKeeper(ports as unknown as CopyKeeperPorts) };
}

const request = { shardId: 1, sourceId: 1, destinationId: 2 };

test('copy keeper: a copy from a node that is away is told at once, and does not begin', async () => {
  const { meta, keeper } = await keeperOf((address) =>
    address === 'n1:1'
      ? Promise.reject(new DbError('unavailable', 'n1 is away'))
      : Promise.resolve({}),
  );
  await expect(keeper.copy(request)).rejects.toThrow('n1 is away');
  expect(meta.catalog.copies).toBeUndefined();
});

test('copy keeper: a shard that a restore has still to bring is not copied', async () => {
  const { meta, keeper } = await keeperOf(() => Promise.resolve({}));
  const shards = [{ id: 1, owners: [], restoreIndex: 1 }];
  const group = { id: 1, startNs: 0n, endNs: 9n, shards };
  const rules = { durationNs: 0n, shardGroupDurationNs: 0n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
  const policy = { name: 'p', ...rules, shardGroups: [group] };
  const database = { name: 'r', defaultRetentionPolicy: 'p', retentionPolicies: [policy] };
  const made = await meta.execute({ kind: 'restore-databases', databases: [database], users: [] });
  const shardId = made?.firstShardId ?? 0;
  const [sourceId = 0] = meta.catalog.databases.shard(shardId)?.shard.owners ?? [];
  const restored = { shardId, sourceId, destinationId: 3 - sourceId };
  await expect(keeper.copy(restored)).rejects.toThrow(`a restore has not filled shard ${shardId} yet`); // prettier-ignore
  expect(meta.catalog.copies).toBeUndefined();
});

test('copy keeper: a node that is made ready for a copy is not made ready for the same one again', async () => {
  const discarding = new Latch<object>();
  let discardedCount = 0;
  const { keeper } = await keeperOf((_address, method) => {
    if (method !== discardMethod) return Promise.resolve({});
    discardedCount++;
    return discarding.promise;
  });
  const first = keeper.copy(request);
  await expect(keeper.copy(request)).rejects.toThrow('shard 1 is being copied to node 2');
  discarding.fail(new DbError('unavailable', 'n2 is away'));
  await expect(first).rejects.toThrow('n2 is away');
  expect(discardedCount).toBe(1);
  await expect(keeper.copy(request)).rejects.toThrow('n2 is away');
});

test('copy keeper: what is not wanted any more once its node is ready does not begin', async () => {
  const { meta, keeper } = await keeperOf(() => Promise.resolve({}));
  await expect(keeper.copy(request, () => false)).rejects.toThrow('was given up');
  expect(meta.catalog.copies).toBeUndefined();
});

test('copy keeper: a copy that is given up as its node is made ready does not begin', async () => {
  const ready = new Latch<object>();
  const { meta, keeper } = await keeperOf((_address, method) =>
    method === discardMethod ? ready.promise : Promise.resolve({ repairs: [] }),
  );
  const copied = keeper.copy(request);
  expect(await keeper.kill(request)).toBe(true);
  ready.open({});
  await expect(copied).rejects.toThrow('the copy of shard 1 was given up');
  expect(meta.catalog.copies).toBeUndefined();
});

test('copy keeper: a copy that is given up as its begin is on its way into the catalog goes no further', async () => {
  const { meta, keeper } = await keeperOf(() => Promise.resolve({ repairs: [] }));
  const execute = meta.execute.bind(meta);
  meta.execute = async (command) => {
    if (command.kind === 'begin-shard-copy') expect(await keeper.kill(request)).toBe(true);
    return execute(command);
  };
  await expect(keeper.copy(request)).rejects.toThrow('the copy of shard 1 was given up');
  expect(meta.catalog.copies).toBeUndefined();
});

test.each([
  ['waits for its turn as long as others are brought to its node', true],
  ['brings no byte for minutes though it is its turn is given up', false],
])('copy keeper: a copy that %s', async (_what, isWaiting) => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const turnMs = 600_000;
  const stream = async function* (): AsyncGenerator {
    const progress = { shardId: 1, copyIndex: 1, totalBytes: 0, doneBytes: 0, bytesPerSecond: 0, isWaiting }; // prettier-ignore
    while (env.clock.monotonicMs() < turnMs) {
      yield { progress, isWhole: false };
      await env.clock.sleep(1_000);
    }
    yield { progress: { ...progress, isWaiting: false }, isWhole: true };
  };
  const { meta, keeper } = await keeperOf(() => Promise.resolve({}), { ...env, stream });
  const copied = keeper.copy(request).then(() => 'owned', (error: unknown) => errorText(error)); // prettier-ignore
  const outcome = await world.complete(copied, 3_600_000);
  expect(outcome).toBe(isWaiting ? 'owned' : 'the copy of shard 1 was given up');
  expect(meta.catalog.databases.shard(1)?.shard.owners).toEqual(isWaiting ? [1, 2] : [1]);
  await world.complete(keeper.close());
});

test('copy keeper: a copy that fails as often as it begins is given up, though it waits for its turn each time', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const stream = async function* (): AsyncGenerator {
    const progress = { shardId: 1, copyIndex: 1, totalBytes: 0, doneBytes: 0, bytesPerSecond: 0 };
    yield { progress: { ...progress, isWaiting: true }, isWhole: false };
    await env.clock.sleep(45_000);
    yield { progress: { ...progress, isWaiting: false }, isWhole: false };
    throw new DbError('unavailable', 'n1 has nothing of shard 1');
  };
  const { meta, keeper } = await keeperOf(() => Promise.resolve({}), { ...env, stream });
  const copied = keeper.copy(request).then(() => 'owned', (error: unknown) => errorText(error)); // prettier-ignore
  expect(await world.complete(copied, 3_600_000)).toBe('n1 has nothing of shard 1');
  expect(meta.catalog.copies ?? []).toEqual([]);
  await world.complete(keeper.close());
});
