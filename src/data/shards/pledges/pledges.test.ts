import { beforeEach, expect, test } from 'vitest';
import { must } from '../../../base/assert.ts';
import { emptyCatalog, type Catalog } from '../../../meta/model/catalog.ts';
import { RpcClient } from '../../../rpc/rpc-client.ts';
import { createRpcHandlers } from '../../../rpc/rpc-service.ts';
import { World, type SimNode } from '../../../../test/sim/world/world.ts';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { GivenPledges } from './given-pledges.ts';
import { HeldPledges, type AskedAt } from './held-pledges.ts';
import type { Pledge } from './pledge.ts';
import { PledgeHolders } from './pledge-holders.ts';

const durationMs = 500;
/** A quarter more is waited for. */
const waitedMs = 625;
/** From the start on, and after each change. */
const quietMs = 1_000;
const dataNodes = [4, 5].map((id) => ({ id, httpAddress: '', tcpAddress: `n${id}:8088` }));
const renew = () => Promise.resolve();
/** Nobody knows of runs before, and all may be given one. */
const onDisk = { former: undefined, has: () => true, note: () => Promise.resolve(), settle: () => Promise.resolve() }; // prettier-ignore

/** Node 4 gives its word, node 5 holds it. */
class Pair {
  readonly world = new World(1);
  readonly giver: SimNode;
  readonly holder: SimNode;
  readonly given: GivenPledges;
  readonly held: HeldPledges;
  catalog = { ...emptyCatalog, dataNodes, index: 7 } as unknown as Catalog;

  constructor() {
    this.world.addNode('n4');
    this.world.addNode('n5');
    const [giver, holder] = this.world.nodes;
    this.giver = must(giver, 'n4');
    this.holder = must(holder, 'n5');
    const { clock, log, transport } = this.giver.env;
    const rpc = new RpcClient(transport, { credentials: () => ({}) });
    this.given = new GivenPledges(
      { clock, log, meta: this.#metaOf(4), rpc, onDisk },
      { durationMs },
    );
    this.held = new HeldPledges({ ...this.holder.env, meta: this.#metaOf(5) });
  }

  /** Ready to give: nobody may hold one of a run before. */
  async start(): Promise<void> {
    const gate = { check: () => ({ isTrusted: true }) };
    const handlers = createRpcHandlers(gate, [this.held.method]);
    await this.world.complete(this.holder.env.transport.listen('n5:8088', handlers));
    await this.pass(waitedMs);
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }

  get nowMs(): number {
    return this.world.nowMs;
  }

  /** Asked for, given and taken at once. */
  pledge(lists = 'a'): void {
    this.taken(this.held.now(), must(this.given.give(5), 'a pledge'), lists);
  }

  taken(asked: AskedAt, pledge: Pledge, lists = 'a'): void {
    this.held.take(4, { lists, asked, pledge, renew });
  }

  get lists(): string | undefined {
    return this.held.lists(4);
  }

  /** How long whoever wrote waits. */
  async waitedFor(listVersion: number): Promise<number> {
    const startMs = this.nowMs;
    await this.world.complete(this.given.whenTold(listVersion) ?? Promise.resolve());
    return this.nowMs - startMs;
  }

  #metaOf(nodeId: number): { readonly nodeId: number; readonly catalog: Catalog } {
    const catalog = () => this.catalog;
    return {
      nodeId,
      get catalog() {
        return catalog();
      },
    };
  }
}

let pair: Pair;
beforeEach(async () => {
  pair = new Pair();
  await pair.start();
});

test('pledges: a change is acknowledged once who relies on older lists has let go of them', async () => {
  pair.pledge();
  expect(pair.lists).toBe('a');
  const waitMs = await pair.waitedFor(1);
  expect(pair.lists).toBeUndefined();
  expect(waitMs).toBeLessThan(5);
  // Nothing has changed since: nobody waits.
  expect(pair.given.whenTold(1)).toBeUndefined();
});

test('pledges: where nobody holds one nobody waits', () => {
  expect(pair.given.whenTold(1)).toBeUndefined();
});

test('pledges: of a holder that cannot be told the time is waited for, by which it holds none any more', async () => {
  pair.pledge();
  pair.world.network.partition(['n4'], ['n5']);
  const waitMs = await pair.waitedFor(1);
  expect(waitMs).toBeGreaterThanOrEqual(waitedMs - 1);
  expect(waitMs).toBeLessThan(waitedMs + 60);
  expect(pair.lists).toBeUndefined();
});

test('pledges: writes that come while others are told wait for it, too', async () => {
  pair.pledge();
  const first = pair.given.whenTold(1);
  expect(first).toBeDefined();
  expect(pair.given.whenTold(2)).toBe(first);
  expect(pair.given.give(5)).toBeUndefined();
  await pair.world.complete(must(first, 'others are told'));
});

test('pledges: one whose answer comes behind its end is void', async () => {
  const asked = pair.held.now();
  const late = must(pair.given.give(5), 'a pledge');
  await pair.waitedFor(1);
  pair.taken(asked, late);
  expect(pair.lists).toBeUndefined();
  await pair.pass(quietMs);
  pair.pledge('b');
  expect(pair.lists).toBe('b');
});

test('pledges: none is given for a moment after a change', async () => {
  expect(pair.given.whenTold(1)).toBeUndefined();
  expect(pair.given.give(5)).toBeUndefined();
  await pair.pass(quietMs);
  expect(pair.given.give(5)).toEqual({ durationMs, catalogIndex: 7 });
  // Writes that change nothing of the lists neither end it nor keep the next one from being given.
  expect(pair.given.whenTold(1)).toBeUndefined();
  expect(pair.given.give(5)).toEqual({ durationMs, catalogIndex: 7 });
});

test('pledges: they are given to other nodes of the cluster alone', () => {
  expect([pair.given.give(4), pair.given.give(6), pair.given.give(0)]).toEqual([undefined, undefined, undefined]); // prettier-ignore
});

test('pledges: whoever starts again waits until those of before are over', async () => {
  const { clock, log } = pair.giver.env;
  const meta = { nodeId: 4, catalog: pair.catalog };
  const again = new GivenPledges(
    { clock, log, meta, rpc: {} as unknown as RpcClient, onDisk },
    { durationMs },
  );
  const startMs = pair.nowMs;
  await pair.world.complete(again.whenTold(1) ?? Promise.resolve());
  expect(pair.nowMs - startMs).toBeGreaterThanOrEqual(waitedMs - 1);
  expect(again.whenTold(2)).toBeUndefined();
});

test('pledges: whoever starts again waits as well for a write that the run before did not acknowledge, though it changes nothing', async () => {
  const { clock, log } = pair.giver.env;
  const meta = { nodeId: 4, catalog: pair.catalog };
  const rpc = {} as unknown as RpcClient;
  const again = new GivenPledges({ clock, log, meta, rpc, onDisk }, { durationMs });
  const startMs = pair.nowMs;
  await pair.world.complete(again.whenTold(0) ?? Promise.resolve());
  expect(pair.nowMs - startMs).toBeGreaterThanOrEqual(waitedMs - 1);
  expect(again.whenTold(0)).toBeUndefined();
});

/** A run of node 4 on its disk. */
async function run(givenMs = durationMs): Promise<GivenPledges> {
  const { clock, disk, log, transport } = pair.giver.env;
  const rpc = new RpcClient(transport, { credentials: () => ({}) });
  const meta = { nodeId: 4, catalog: pair.catalog };
  const opening = PledgeHolders.open({ clock, disk, log }, 'meta');
  return new GivenPledges({ clock, log, meta, rpc, onDisk: await pair.world.complete(opening) }, { durationMs: givenMs }); // prettier-ignore
}

/** How long the first write of a run waits. */
async function waitedAtStart(given: GivenPledges): Promise<number> {
  const startMs = pair.nowMs;
  await pair.world.complete(given.whenTold(1) ?? Promise.resolve());
  return pair.nowMs - startMs;
}

test('pledges: the first run waits, for what a release without a list of holders gave, and later ones for holders alone', async () => {
  const first = await run();
  expect(await waitedAtStart(first)).toBeGreaterThanOrEqual(waitedMs - 1);
  await pair.pass(quietMs);
  expect(await waitedAtStart(await run())).toBe(0);
  // Not before the disk says that node 5 may hold one.
  expect(first.give(5)).toBeUndefined();
  await pair.pass(100);
  expect(first.give(5)).toBeDefined();
  const startMs = pair.nowMs;
  const again = await run();
  pair.pledge();
  expect(await waitedAtStart(again)).toBeLessThan(20);
  expect(pair.nowMs - startMs).toBeGreaterThan(0);
  expect(pair.lists).toBeUndefined();
});

test('pledges: a run that cannot tell a holder of the run before waits until its time is over', async () => {
  const first = await run();
  await waitedAtStart(first);
  await pair.pass(quietMs);
  first.give(5);
  await pair.pass(100);
  pair.pledge();
  pair.world.network.partition(['n4'], ['n5']);
  const again = await run();
  expect(await waitedAtStart(again)).toBeGreaterThanOrEqual(waitedMs - 2);
  expect(pair.lists).toBeUndefined();
});

test('pledges: a run that gives none any more tells those who may hold one of the run before, once', async () => {
  expect(await waitedAtStart(await run(0))).toBe(0);
  const first = await run();
  await waitedAtStart(first);
  await pair.pass(quietMs);
  first.give(5);
  await pair.pass(100);
  pair.pledge();
  const again = await run(0);
  expect(pair.lists).toBe('a');
  expect(await waitedAtStart(again)).toBeLessThan(20);
  expect(pair.lists).toBeUndefined();
  expect(again.give(5)).toBeUndefined();
  await pair.pass(100);
  expect(await waitedAtStart(await run(0))).toBe(0);
  expect(await waitedAtStart(await run())).toBe(0);
});

test('pledges: who has left the cluster is no holder any more, and a list that is damaged is none', async () => {
  const { disk } = pair.giver.env;
  const first = await run();
  await waitedAtStart(first);
  await pair.pass(quietMs);
  first.give(5);
  await pair.pass(100);
  const text = async () => new TextDecoder().decode(await pair.world.complete(disk.readFile('meta/pledges.json'))); // prettier-ignore
  expect(await text()).toMatch(/"holders":\[5\]/);
  const damaged = (await text()).replace('[5]', '[6]');
  pair.catalog = {
    ...pair.catalog,
    dataNodes: pair.catalog.dataNodes.filter(({ id }) => id === 4),
  };
  // It has no address any more.
  expect(await waitedAtStart(await run())).toBeGreaterThanOrEqual(waitedMs - 2);
  await pair.pass(100);
  expect(await text()).toMatch(/"holders":\[\]/);
  expect(await waitedAtStart(await run())).toBe(0);
  await pair.world.complete(disk.replaceFile('meta/pledges.json', new TextEncoder().encode(damaged))); // prettier-ignore
  expect(await waitedAtStart(await run())).toBeGreaterThanOrEqual(waitedMs - 2);
});

test('pledges: who goes out of the list is given none while that is written, as it may have come to be a node by now', async () => {
  const { clock, disk, log } = pair.giver.env;
  const open = () => pair.world.complete(PledgeHolders.open({ clock, disk, log }, 'meta'));
  const before = await open();
  for (const id of [5, 6]) await pair.world.complete(before.note(id));
  const holders = await open();
  expect([holders.has(5), holders.has(6)]).toEqual([true, true]);
  const settled = holders.settle((id) => id === 5);
  expect([holders.has(5), holders.has(6)]).toEqual([true, false]);
  await pair.world.complete(settled);
  expect([...must((await open()).former, 'a list')]).toEqual([5]);
});

test('pledges: a disk that does not take the list keeps pledges from being given, and is not asked all the time', async () => {
  const { clock, disk, log } = pair.giver.env;
  let askedCount = 0;
  const full = new Proxy(disk, {
    get(of, name: keyof Disk) {
      if (name !== 'replaceFile') return of[name].bind(of);
      return () => {
        askedCount++;
        return Promise.reject(new DbError('disk_full', 'no space left'));
      };
    },
  });
  const holders = await pair.world.complete(PledgeHolders.open({ clock, disk: full, log }, 'meta'));
  for (let i = 0; i < 100; i++) await pair.world.complete(holders.note(5));
  expect([holders.has(5), askedCount]).toEqual([false, 1]);
  await pair.pass(10_000);
  await pair.world.complete(holders.note(5));
  expect(askedCount).toBe(2);
});

test('pledges: one ends by itself, at once where the clock on the wall steps forward, and not where it steps back', async () => {
  pair.pledge();
  await pair.pass(durationMs - 10);
  expect(pair.lists).toBe('a');
  await pair.pass(10);
  expect(pair.lists).toBeUndefined();
  pair.pledge();
  pair.holder.clock.jump(-5_000);
  expect(pair.lists).toBe('a');
  pair.pledge();
  pair.holder.clock.jump(5_000 + 2 * durationMs);
  expect(pair.lists).toBeUndefined();
});

test('pledges: one of a node with a newer catalog is not relied on, as shards may have other owners', () => {
  const pledge = must(pair.given.give(5), 'a pledge');
  pair.catalog = { ...pair.catalog, index: 6 };
  pair.taken(pair.held.now(), pledge);
  expect(pair.lists).toBeUndefined();
});

test('pledges: one that is made use of is renewed before it ends', async () => {
  let renewedCount = 0;
  const again = (): Promise<void> => {
    renewedCount++;
    const pledge = must(pair.given.give(5), 'a pledge');
    pair.held.take(4, { lists: 'a', asked: pair.held.now(), pledge, renew: again });
    return Promise.resolve();
  };
  void again();
  await pair.pass(durationMs);
  expect([renewedCount, pair.lists]).toEqual([1, undefined]);
  void again();
  for (let i = 0; i < 10; i++) {
    await pair.pass(durationMs);
    expect(pair.lists).toBe('a');
  }
  expect(renewedCount).toBeGreaterThan(15);
  // Nobody has looked for more than a minute.
  await pair.pass(62_000);
  const before = renewedCount;
  await pair.pass(10_000);
  expect([renewedCount, pair.lists]).toEqual([before, undefined]);
  await pair.world.complete(pair.held.close());
});

test('pledges: who has the address of a holder by now does not answer for it', async () => {
  pair.pledge();
  pair.catalog = { ...pair.catalog, dataNodes: dataNodes.map((node) => ({ ...node, id: node.id + 1 })) }; // prettier-ignore
  // Node 5 is said to be at node 4's address, where nobody listens.
  expect(await pair.waitedFor(1)).toBeGreaterThanOrEqual(waitedMs - 1);
});
