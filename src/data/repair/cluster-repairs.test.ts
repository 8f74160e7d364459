import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import type { ShardRepair } from '../../meta/client/digest-methods.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers, type Gate } from '../../rpc/rpc-service.ts';
import { ClusterRepairs } from './cluster-repairs.ts';

const dataNodes = [4, 5, 6].map((id) => ({ id, httpAddress: '', tcpAddress: `n${id}:8088` }));
const open = { check: () => ({ isTrusted: true }) };
const shard = { id: 7, owners: [5, 6] };
const databases = { shard: (id: number) => (id === 7 ? { shard } : undefined) };
const catalog = { ...emptyCatalog, dataNodes, databases } as unknown as Catalog;

function repairOf(
  shardId: number,
  status: string,
  state: { readonly isQueued?: boolean; readonly isProcessing?: boolean } = {},
): ShardRepair {
  return { shardId, status, isQueued: false, isProcessing: false, ...state };
}

interface ClusterOptions {
  readonly gate?: Gate;
  /** What each node knows of repairs; left out: of the shard of its number. */
  readonly known?: Readonly<Record<number, readonly ShardRepair[]>>;
  /** That repairs nothing by itself. */
  readonly offId?: number;
}

/** Nodes that repair shards, and what each was asked for. */
async function cluster({ gate = open, known = {}, offId }: ClusterOptions = {}) {
  const world = new World(1);
  const queued: string[] = [];
  const cancelled: string[] = [];
  const start = async ({ transport }: Env, nodeId: number): Promise<ClusterRepairs> => {
    const repairs = known[nodeId] ?? [repairOf(nodeId, 'diff', { isQueued: true })];
    const service = {
      repairs,
      queueRepair: (shardId: number) => queued.push(`${shardId} on ${nodeId}`),
      cancelRepair: (shardId: number) => cancelled.push(`${shardId} on ${nodeId}`),
    };
    const rpc = new RpcClient(transport, { credentials: () => ({}) });
    const all = new ClusterRepairs({
      meta: { catalog, nodeId },
      rpc,
      service: () => (nodeId === offId ? undefined : service),
    });
    await transport.listen(`n${nodeId}:8088`, createRpcHandlers(gate, all.methods));
    return all;
  };
  const started: ClusterRepairs[] = [];
  for (const { id } of dataNodes)
    started.push(await world.complete(start(world.addNode(`n${id}`).env, id)));
  const [first] = started;
  if (first === undefined) throw new Error('no node');
  const clog = (name: string): void => {
    world.network.clog(name, 'n4', 60_000);
    world.network.clog('n4', name, 60_000);
  };
  return { world, first, started, queued, cancelled, clog };
}

test('cluster repairs: beside a node that stands still the others are listed within a second', async () => {
  const { world, first, clog } = await cluster();
  const shardIds = async () =>
    (await world.complete(first.list({ isLocal: false }))).map((one) => one.shardId);
  expect(await shardIds()).toEqual([4, 5, 6]);
  clog('n5');
  const askedMs = world.nowMs;
  expect(await shardIds()).toEqual([4, 6]);
  expect(world.nowMs - askedMs).toBeLessThan(1_000);
});

test('cluster repairs: one is queued on an owner that answers, within a second where the other stands still', async () => {
  const { world, first, queued, clog } = await cluster();
  clog('n5');
  const askedMs = world.nowMs;
  await world.complete(first.queue(7));
  expect(world.nowMs - askedMs).toBeLessThan(1_000);
  expect(queued).toEqual(['7 on 6']);
});

test('cluster repairs: where all owners stand still it is said, and one that answers after two seconds still takes it', async () => {
  const { world, first, queued, clog } = await cluster();
  clog('n5');
  clog('n6');
  await expect(world.complete(first.queue(7))).rejects.toMatchObject({ code: 'timeout' });
  expect(queued).toEqual([]);
  const late = await cluster();
  for (const name of ['n5', 'n6']) late.world.network.clog(name, 'n4', 2_000);
  await late.world.complete(late.first.queue(7));
  expect(late.queued[0]).toBe('7 on 5');
});

test('cluster repairs: one is cancelled at all of its owners, also beside one that is away', async () => {
  const { world, first, cancelled, clog } = await cluster();
  await world.complete(first.cancel(7, { isLocal: false }));
  expect(cancelled).toEqual(['7 on 5', '7 on 6']);
  clog('n5');
  await world.complete(first.cancel(7, { isLocal: false }));
  expect(cancelled.slice(2)).toEqual(['7 on 6']);
});

test('cluster repairs: what no owner has cancelled is not told as cancelled', async () => {
  const away = await cluster();
  away.clog('n5');
  away.clog('n6');
  await expect(away.world.complete(away.first.cancel(7, { isLocal: false }))).rejects.toMatchObject({ code: 'timeout' }); // prettier-ignore
  const refusing = {
    check: () => {
      throw new DbError('unauthenticated', 'internal token: it is missing');
    },
  };
  const strange = await cluster({ gate: refusing });
  await expect(strange.world.complete(strange.first.cancel(7, { isLocal: false }))).rejects.toMatchObject({ code: 'unauthenticated' }); // prettier-ignore
  expect(strange.cancelled).toEqual([]);
});

test('cluster repairs: of a shard is told what the nodes say together, and by itself what this one says', async () => {
  const known = {
    4: [repairOf(9, ''), repairOf(7, 'diff')],
    5: [repairOf(7, 'error', { isQueued: true }), repairOf(8, 'diff', { isProcessing: true })],
    6: [repairOf(9, 'diff'), repairOf(7, ''), repairOf(8, '', { isQueued: true })],
  };
  const { world, first } = await cluster({ known });
  expect(await world.complete(first.list({ isLocal: false }))).toEqual([
    repairOf(7, 'diff', { isQueued: true }),
    repairOf(8, 'diff', { isQueued: true, isProcessing: true }),
    repairOf(9, 'diff'),
  ]);
  expect(await world.complete(first.list({ isLocal: true }))).toEqual([repairOf(7, 'diff'), repairOf(9, '')]); // prettier-ignore
});

test('cluster repairs: an owner queues and cancels by itself what it is asked for, and no other does', async () => {
  const { world, started, queued, cancelled } = await cluster();
  const [other, owner] = started;
  await world.complete(owner?.queue(7) ?? Promise.reject(new Error('no owner')));
  expect(queued).toEqual(['7 on 5']);
  await world.complete(owner?.cancel(7, { isLocal: true }) ?? Promise.resolve());
  expect(cancelled).toEqual(['7 on 5']);
  await world.complete(other?.cancel(7, { isLocal: true }) ?? Promise.resolve());
  expect(cancelled).toEqual(['7 on 5']);
  await expect(world.complete(other?.queue(70) ?? Promise.resolve())).rejects.toMatchObject({ code: 'shard_not_found', message: 'shard not found for id: 70' }); // prettier-ignore
});

test('cluster repairs: where anti-entropy is off, here or at the owner, that is what is said', async () => {
  const { world, first, started, queued } = await cluster({ offId: 5 });
  expect(started.map(({ isEnabled }) => isEnabled)).toEqual([true, false, true]);
  for (const asked of [first, started[1]]) {
    const answer = world.complete(asked?.queue(7) ?? Promise.resolve());
    await expect(answer).rejects.toMatchObject({ code: 'unsupported', message: 'anti-entropy service is not enabled' }); // prettier-ignore
  }
  expect(queued).toEqual([]);
  const listed = await world.complete(first.list({ isLocal: false }));
  expect(listed.map(({ shardId }) => shardId)).toEqual([4, 6]);
});
