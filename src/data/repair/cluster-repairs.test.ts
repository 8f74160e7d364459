import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers, type Gate } from '../../rpc/rpc-service.ts';
import { ClusterRepairs } from './cluster-repairs.ts';

const dataNodes = [4, 5, 6].map((id) => ({ id, httpAddress: '', tcpAddress: `n${id}:8088` }));
const open = { check: () => ({ isTrusted: true }) };
const shard = { id: 7, owners: [5, 6] };
const databases = { shard: (id: number) => (id === 7 ? { shard } : undefined) };
const catalog = { ...emptyCatalog, dataNodes, databases } as unknown as Catalog;

/** Nodes that repair the shards of their number, and what each was asked for. */
async function cluster({ gate = open }: { readonly gate?: Gate } = {}) {
  const world = new World(1);
  const queued: string[] = [];
  const cancelled: string[] = [];
  const start = async ({ transport }: Env, nodeId: number): Promise<ClusterRepairs> => {
    const repairs = [{ shardId: nodeId, status: 'diff', isQueued: true, isProcessing: false }];
    const service = {
      repairs,
      queueRepair: (shardId: number) => queued.push(`${shardId} on ${nodeId}`),
      cancelRepair: (shardId: number) => cancelled.push(`${shardId} on ${nodeId}`),
    };
    const rpc = new RpcClient(transport, { credentials: () => ({}) });
    const all = new ClusterRepairs({ meta: { catalog, nodeId }, rpc, service: () => service });
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
  return { world, first, queued, cancelled, clog };
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
