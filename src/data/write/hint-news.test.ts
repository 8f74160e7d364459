import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../rpc/rpc-service.ts';
import type { Env } from '../../env/env.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { RepairedShards } from '../repair/repaired-shards.ts';
import { LaggingOwners } from '../shards/lagging-owners.ts';
import { HintNews } from './hint-news.ts';
import { exchangeHintsMethod, type WaitingHints } from '../../meta/client/hint-news-method.ts';

const dataNodes = [4, 5, 6].map((id) => ({ id, httpAddress: '', tcpAddress: `n${id}:8088` }));
const catalog = { ...emptyCatalog, dataNodes } as unknown as typeof emptyCatalog;
const gate = { check: () => ({ isTrusted: true }) };

interface Node {
  readonly news: HintNews;
  readonly heard: number[];
  readonly lagging: LaggingOwners;
  waiting: readonly WaitingHints[];
  readonly repaired: RepairedShards;
}

async function startNode(env: Env, nodeId: number): Promise<Node> {
  const { clock, log, transport } = env;
  const heard: number[] = [];
  const own: { waiting: readonly WaitingHints[] } = { waiting: [] };
  const lagging = new LaggingOwners(
    () => true,
    () => clock.monotonicMs(),
  );
  const repaired = new RepairedShards(clock);
  const news = new HintNews({
    clock,
    log,
    lagging,
    meta: { catalog, nodeId },
    rpc: new RpcClient(transport, { credentials: () => ({}) }),
    waiting: () => own.waiting,
    lost: () => lagging.lost,
    repaired: () => repaired.recent,
    onHeard: (id) => heard.push(id),
  });
  await transport.listen(`n${nodeId}:8088`, createRpcHandlers(gate, [news.method]));
  return Object.assign(own, { news, heard, lagging, repaired });
}

test('hint news: what waits is known to all within a moment, forgotten when it is brought, and asked for by who starts', async () => {
  const world = new World(1);
  const machines = new Map([4, 5, 6].map((id) => [id, world.addNode(`n${id}`)]));
  const start = async (id: number): Promise<Node> => {
    const machine = machines.get(id);
    if (machine === undefined) throw new Error(`no node ${id}`);
    return world.complete(startNode(machine.env, id));
  };
  const [four, five] = [await start(4), await start(5)];
  const run = (durationMs: number) => world.run(world.nowMs + durationMs);
  four.waiting = [{ nodeId: 6, shardIds: [1, 2] }];
  four.news.changed();
  await run(300);
  expect([1, 2, 3].map((shard) => five.news.isTold(shard, 6))).toEqual([true, true, false]);
  expect(five.news.isTold(1, 4)).toBe(false);
  // It holds while the node that has it goes on saying so.
  await run(60_000);
  expect(five.news.isTold(1, 6)).toBe(true);
  const six = await start(6);
  await world.complete(six.news.tell());
  expect(six.news.isTold(1, 6)).toBe(true);
  expect(four.heard).toContain(6);
  four.waiting = [];
  four.news.changed();
  await run(300);
  expect([five, six].map(({ news }) => news.isTold(1, 6))).toEqual([false, false]);
});

test('hint news: what a node said that is gone holds for some seconds', async () => {
  const world = new World(2);
  const [a, b] = [world.addNode('n4'), world.addNode('n5')];
  const four = await world.complete(startNode(a.env, 4));
  const five = await world.complete(startNode(b.env, 5));
  four.waiting = [{ nodeId: 6, shardIds: [1] }];
  await world.complete(four.news.tell());
  expect(five.news.isTold(1, 6)).toBe(true);
  a.crash();
  await world.run(world.nowMs + 16_000);
  expect(five.news.isTold(1, 6)).toBe(false);
});

test('hint news: an owner is read again once the node that kept something for it keeps it no more', async () => {
  const world = new World(1);
  const [four, five] = [
    await world.complete(startNode(world.addNode('n4').env, 4)),
    await world.complete(startNode(world.addNode('n5').env, 5)),
  ];
  // Node 5 keeps something of shard 1 for node 6, in the stead of node 4.
  four.lagging.addKept(1, 6, 5);
  five.waiting = [{ nodeId: 6, shardIds: [1] }];
  await world.run(world.nowMs + 30_000);
  expect(four.lagging.missedAt(1, 6)).toBeGreaterThan(0);
  five.waiting = [];
  await world.run(world.nowMs + 6_000);
  expect(four.lagging.missedAt(1, 6)).toBe(0);
  expect(four.lagging.hasKept).toBe(false);
});

test('hint news: whoever asks is told which of it waits nowhere any more', async () => {
  const world = new World(1);
  const { env } = world.addNode('n4');
  const four = await world.complete(startNode(env, 4));
  for (const shardId of [1, 2]) four.lagging.addLost(shardId, 6);
  four.waiting = [{ nodeId: 6, shardIds: [2, 3] }];
  const rpc = new RpcClient(env.transport, { credentials: () => ({}) });
  const request = { nodeId: 9, waiting: [] };
  const asked = rpc.call('n4:8088', exchangeHintsMethod, request, { deadlineMs: 1_000 });
  const { waiting, lost } = await world.complete(asked);
  expect(new Set(waiting.flatMap(({ shardIds }) => shardIds))).toEqual(new Set([1, 2, 3]));
  expect(lost).toEqual([{ nodeId: 6, shardIds: [1] }]);
});

test('hint news: an owner of which something was dropped is read again once a node has repaired the shard since', async () => {
  const world = new World(1);
  const [five, six] = [world.addNode('n5'), world.addNode('n6')];
  const four = await world.complete(startNode(world.addNode('n4').env, 4));
  const [keeper, owner] = [await world.complete(startNode(five.env, 5)), await world.complete(startNode(six.env, 6))]; // prettier-ignore
  const run = (durationMs: number) => world.run(world.nowMs + durationMs);
  const beforeMs = six.env.clock.monotonicMs();
  await run(10_000);
  for (const shardId of [1, 2]) keeper.lagging.addLost(shardId, 6);
  await run(10_000);
  const isTold = () => [1, 2].map((shardId) => [four.news.isTold(shardId, 6), owner.news.isTold(shardId, 6)]); // prettier-ignore
  // One that began before is no proof.
  owner.repaired.note(1, beforeMs);
  await run(10_000);
  expect(isTold()).toEqual([[true, true], [true, true]]); // prettier-ignore
  owner.repaired.note(1, six.env.clock.monotonicMs());
  await run(10_000);
  expect(isTold()).toEqual([[false, false], [true, true]]); // prettier-ignore
  expect([1, 2].map((shardId) => keeper.lagging.missedAt(shardId, 6) > 0)).toEqual([false, true]);
  // What the node with what was lost has repaired by itself.
  keeper.repaired.note(2, five.env.clock.monotonicMs());
  await run(10_000);
  expect(isTold()).toEqual([[false, false], [false, false]]); // prettier-ignore
});
