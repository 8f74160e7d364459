import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { Latch } from '../../base/async/latch.ts';
import { DbError } from '../../base/errors.ts';
import type { RpcOptions } from '../../env/transport.ts';
import { dayNs } from '../../base/units.ts';
import { applyCommand } from '../apply/apply.ts';
import { discardMethod, leaveDataMethod, type ShardState } from '../client/data-methods.ts';
import { queueRepairMethod } from '../client/digest-methods.ts';
import { exchangeHintsMethod, type WaitingHints } from '../client/hint-news-method.ts';
import type { Command } from '../command/command.ts';
import { emptyCatalog, type Catalog } from '../model/catalog.ts';
import { PlanKeeper, type PlanKeeperPorts } from './plan-keeper.ts';

/** What a copy of a shard takes. */
const copyMs = 50;
const dayCount = 20;

/** Two nodes, of which one owns all shards: one for each day. */
class MovingWorld {
  readonly world = new World(1);
  readonly #env = this.world.addNode('meta').env;
  readonly clock = this.#env.clock;
  keeper: PlanKeeper;
  readonly discarded: number[] = [];
  /** How often nodes were asked. */
  askedCount = 0;
  isFirstSilent = false;
  /** Addresses of nodes that were asked to leave. */
  readonly leftAt: string[] = [];
  /** Before a copy begins. */
  preparing: Promise<unknown> = Promise.resolve();
  /** Before a node that is asked to leave has erased what it has. */
  leaving: Promise<unknown> = Promise.resolve();
  /** Before a node says what it knows. */
  hearing: Promise<unknown> = Promise.resolve();
  catalog: Catalog = emptyCatalog;
  written: () => Pick<ShardState, 'isHot' | 'modifiedNs'> = () => ({
    isHot: false,
    modifiedNs: 0n,
  });
  /** What a node does that is to delete a shard. */
  discard: (shardId: number) => Promise<void> = (shardId) => {
    this.discarded.push(shardId);
    return Promise.resolve();
  };
  /** What a node knows that the first one lacks, and of that what nothing is kept for. */
  waiting: readonly WaitingHints[] = [];
  lost: readonly WaitingHints[] = [];
  /** What a node does that is to have a shard repaired. */
  repair: (shardId: number) => Promise<void> = () => Promise.resolve();
  /** What a node says nothing of, as it can not be read there: node and shard. */
  readonly unreadable = new Set<string>();
  #index = 0;
  #term = 0;

  constructor(hosts: readonly string[] = ['d1', 'd2']) {
    for (const host of hosts) this.do({ kind: 'create-data-node', httpAddress: `${host}:8086`, tcpAddress: `${host}:8088`, dataNodesMax: 9 }); // prettier-ignore
    const policy = { shardDurationNs: dayNs, replication: 1 };
    this.do({ kind: 'create-database', name: 'db', policy });
    const timesNs = Array.from({ length: dayCount }, (_, day) => BigInt(day) * dayNs);
    this.do({ kind: 'create-shard-groups', database: 'db', retentionPolicy: 'autogen', timesNs });
    for (const { shard } of [...this.catalog.databases.shards()]) {
      for (const nodeId of shard.owners) this.give(shard.id, nodeId, 1);
    }
    this.keeper = this.lead();
  }

  /** Another node leads from now on. */
  lead(restoreAfterMs = 0): PlanKeeper {
    this.keeper = new PlanKeeper(this.#ports(), { movesAtOnce: 1, restoreAfterMs });
    return this.keeper;
  }

  /** The latest node to lead does so no more, or does again. */
  set isDeposed(isDeposed: boolean) {
    this.#term = Math.abs(this.#term) * (isDeposed ? -1 : 1);
  }

  get states(): readonly string[] {
    return (this.catalog.movePlan?.moves ?? []).map(({ shardId, state }) => `${shardId} ${state}`);
  }

  do(command: Command): void {
    const logged = { id: `${++this.#index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.#index, logged);
    expect(answer).toMatchObject({ ok: true });
    this.catalog = catalog;
  }

  get shardIds(): readonly number[] {
    return [...this.catalog.databases.shards()].map(({ shard }) => shard.id);
  }

  ownersOf(shardId: number): readonly number[] | undefined {
    return this.catalog.databases.shard(shardId)?.shard.owners;
  }

  /** The other node owns it from now on. */
  give(shardId: number, fromId: number, toId: number): void {
    if (fromId === toId) return;
    this.do({ kind: 'add-shard-owner', shardId, nodeId: toId });
    this.do({ kind: 'remove-shard-owner', shardId, nodeId: fromId, nowNs: 1n });
  }

  begin(shardIds: readonly number[]): void {
    const moves = shardIds.map((shardId) => ({ shardId, fromId: 1, toId: 2, sizeBytes: 1, reason: '' })); // prettier-ignore
    this.do({ kind: 'begin-move-plan', goal: 'balance', leavingId: 0, joiningId: 0, isRemoval: false, startedNs: 1n, moves }); // prettier-ignore
  }

  /** How long it takes until all shards are the other node's, ms. */
  async emptied(): Promise<number> {
    const { world, clock } = this;
    const { shardIds } = this;
    const beganMs = clock.monotonicMs();
    this.begin(shardIds);
    while (this.catalog.movePlan?.endedNs === 0n) await world.run(world.nowMs + 100);
    const owners = [...this.catalog.databases.shards()].flatMap(({ shard }) => shard.owners);
    expect(owners).toEqual(shardIds.map(() => 2));
    return clock.monotonicMs() - beganMs;
  }

  /** The plan is paused or stopped while nodes are asked what they know, and then some looks pass. */
  async endAsAsked(action: 'pause' | 'stop'): Promise<void> {
    const { world, keeper } = this;
    const answered = new Latch<undefined>();
    this.hearing = answered.promise;
    await world.run(world.nowMs + 2_500);
    await world.complete(action === 'stop' ? keeper.stop() : keeper.pause(true));
    answered.open(undefined);
    await world.run(world.nowMs + 10_000);
  }

  /** Of each data node. */
  async *#states(address: string) {
    const all = [...this.catalog.databases.shards()];
    const shards = all.filter(({ shard }) => !this.unreadable.has(`${address} ${shard.id}`));
    const of = { database: 'db', retentionPolicy: 'autogen', sizeBytes: 1 };
    const states = shards.map(({ shard }) => ({ ...of, ...this.written(), shardId: shard.id }));
    yield await Promise.resolve({ states, behind: [] });
  }

  #ports(): PlanKeeperPorts {
    const term = ++this.#term;
    const catalogNow = () => this.catalog;
    const isLeaderNow = () => term === this.#term;
    const node: PlanKeeperPorts['node'] = {
      get catalog() {
        return catalogNow();
      },
      get isLeader() {
        return isLeaderNow();
      },
      clusterId: 1n,
      status: { nodeId: 3 } as PlanKeeperPorts['node']['status'],
      readBarrier: () => Promise.resolve(),
      execute: (command) => {
        this.do(command);
        const done = { index: this.#index };
        return Promise.resolve(done as Awaited<ReturnType<PlanKeeperPorts['node']['execute']>>);
      },
    };
    const copies: PlanKeeperPorts['copies'] = {
      copy: async ({ shardId, destinationId: nodeId }, isWanted) => {
        await this.preparing;
        if (isWanted?.() === false) throw new DbError('cancelled', 'it was given up');
        await this.clock.sleep(copyMs);
        this.do({ kind: 'add-shard-owner', shardId, nodeId });
      },
      kill: () => Promise.resolve(false),
    };
    const call = async (
      to: string,
      method: unknown,
      request: { readonly shardId: number },
      { signal }: RpcOptions,
    ) => {
      const left = new Promise((_, reject) => signal?.addEventListener('abort', () => { reject(new DbError('cancelled', 'the call was cancelled')); })); // prettier-ignore
      left.catch(() => undefined);
      this.askedCount++;
      if (this.isFirstSilent && to === 'd1:8088') throw new DbError('unavailable', 'd1 is away');
      if (method === discardMethod) await Promise.race([this.discard(request.shardId), left]);
      if (method === leaveDataMethod) this.leftAt.push(to);
      if (method === leaveDataMethod) await Promise.race([this.leaving, left]);
      if (method === queueRepairMethod) await this.repair(request.shardId);
      if (method === exchangeHintsMethod) await this.hearing;
      return { waiting: this.waiting, lost: this.lost };
    };
    const rpc = {
      call,
      stream: (address: string) => this.#states(address),
    } as unknown as PlanKeeperPorts['rpc'];
    const { clock, log } = this.#env;
    return { clock, log, node, copies, rpc };
  }
}

test('plans: shards that nobody writes to follow each other behind rests of some times what a move takes', async () => {
  const old = new MovingWorld();
  const tookMs = await old.emptied();
  const shards = old.shardIds.length;
  // Copies alone take 50 ms of each, and rests three times as much: a look each two seconds would take 80 s.
  expect(shards).toBe(2 * dayCount);
  expect(tookMs).toBeGreaterThan(shards * copyMs * 3);
  expect(tookMs).toBeLessThan(shards * copyMs * 5 + 4_000);
});

test.each([
  ['are written to', (nowNs: bigint) => ({ isHot: false, modifiedNs: nowNs - 1_000_000_000n })],
  ['have points in memory', () => ({ isHot: true, modifiedNs: 0n })],
])('plans: of shards that %s the next begins at the next look', async (_what, written) => {
  const current = new MovingWorld();
  current.written = () => written(current.clock.wallNs());
  const shards = current.shardIds.length;
  expect(await current.emptied()).toBeGreaterThan((shards - 1) * 2_000);
});

test.each(['the same plan', 'the next plan'])(
  'plans: what is handed over as a plan is stopped and its leader dies is deleted all the same, by %s',
  async (seenBy) => {
    const moving = new MovingWorld();
    const { world, keeper } = moving;
    const [first = 0] = moving.shardIds;
    moving.begin([first]);
    const answers = moving.discard;
    // The node is asked, and does not answer before all that.
    moving.discard = () => new Promise(() => undefined);
    await world.run(world.nowMs + 5_000);
    expect(moving.ownersOf(first)).toEqual([2]);
    await world.complete(keeper.stop());
    moving.discard = answers;
    const next = moving.lead();
    if (seenBy === 'the next plan') {
      await world.complete(next.begin({ goal: 'balance', leavingId: 0, joiningId: 0, isRemoval: false })); // prettier-ignore
    }
    await world.run(world.nowMs + 5_000);
    expect(moving.discarded[0]).toBe(first);
    expect(moving.states[0]).toBe(`${first} done`);
  },
);

test('plans: a shard whose owner is away is looked at every two seconds, and not over and over', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  moving.isFirstSilent = true;
  const [first = 0] = moving.shardIds;
  moving.begin([first]);
  await world.run(world.nowMs + 20_000);
  expect(moving.states).toEqual([`${first} open`]);
  // Two nodes in ten looks.
  expect(moving.askedCount).toBeLessThanOrEqual(22);
});

test('plans: a move whose owner is away holds up none behind it', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0, second = 0] = moving.shardIds;
  moving.do({ kind: 'add-shard-owner', shardId: second, nodeId: 2 });
  moving.isFirstSilent = true;
  moving.begin([first, second]);
  await world.run(world.nowMs + 10_000);
  expect(moving.ownersOf(first)).toEqual([1]);
  expect(moving.ownersOf(second)).toEqual([2]);
});

test('plans: a shard whose owner lacks what hinted handoff could not keep is repaired before it is handed over', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0, second = 0] = moving.shardIds;
  const repaired: string[] = [];
  moving.repair = (shardId) => {
    const owners = moving.ownersOf(shardId)?.join();
    repaired.push(`${shardId} of ${owners}`);
    return Promise.resolve();
  };
  const lost = [{ nodeId: 1, shardIds: [first] }];
  Object.assign(moving, { waiting: lost, lost });
  moving.begin([first, second]);
  await world.run(world.nowMs + 30_000);
  expect(repaired).toEqual([`${first} of 1,2`]);
  expect(moving.states).toEqual([`${first} open`, `${second} done`]);
  // One that was of no use is asked for again.
  await world.run(world.nowMs + 60_000);
  expect(repaired).toHaveLength(2);
  Object.assign(moving, { waiting: [], lost: [] });
  await world.run(world.nowMs + 4_000);
  expect(moving.states).toEqual([`${first} done`, `${second} done`]);
});

test('plans: such a shard moves as it is where anti-entropy is off, but for what waits for its owner', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0, second = 0] = moving.shardIds;
  moving.repair = () => Promise.reject(new DbError('unsupported', 'anti-entropy service is not enabled')); // prettier-ignore
  const lost = [{ nodeId: 1, shardIds: [first] }];
  Object.assign(moving, { waiting: [...lost, { nodeId: 1, shardIds: [second] }], lost });
  moving.begin([first, second]);
  await world.run(world.nowMs + 30_000);
  expect(moving.states).toEqual([`${first} done`, `${second} open`]);
});

test.each(['pause', 'stop'] as const)(
  'plans: what is to %s as nodes are asked begins no move',
  async (action) => {
    const moving = new MovingWorld();
    const [first = 0] = moving.shardIds;
    moving.begin([first]);
    await moving.endAsAsked(action);
    expect(moving.ownersOf(first)).toEqual([1]);
  },
);

test('plans: a copy whose plan is stopped as it is made ready does not begin', async () => {
  const moving = new MovingWorld();
  const { world, keeper } = moving;
  const [first = 0] = moving.shardIds;
  const isReady = new Latch<undefined>();
  moving.preparing = isReady.promise;
  moving.begin([first]);
  await world.run(world.nowMs + 2_500);
  await world.complete(keeper.stop());
  isReady.open(undefined);
  await world.run(world.nowMs + 10_000);
  expect(moving.ownersOf(first)).toEqual([1]);
});

test('plans: a shard whose owner has gone away stays its as long as something waits for it', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0] = moving.shardIds;
  moving.do({ kind: 'add-shard-owner', shardId: first, nodeId: 2 });
  moving.isFirstSilent = true;
  moving.waiting = [{ nodeId: 1, shardIds: [first] }];
  moving.begin([first]);
  await world.run(world.nowMs + 60_000);
  expect(moving.states).toEqual([`${first} open`]);
  expect(moving.ownersOf(first)).toEqual([1, 2]);
  moving.isFirstSilent = false;
  moving.waiting = [];
  await world.run(world.nowMs + 5_000);
  expect(moving.states).toEqual([`${first} done`]);
});

test('plans: what the owner that stays lacks is brought to it before the other one deletes it', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0] = moving.shardIds;
  moving.do({ kind: 'add-shard-owner', shardId: first, nodeId: 2 });
  const repaired: number[] = [];
  moving.repair = (shardId) => Promise.resolve(void repaired.push(shardId));
  moving.lost = [{ nodeId: 2, shardIds: [first] }];
  moving.begin([first]);
  await world.run(world.nowMs + 10_000);
  expect(repaired).toEqual([first]);
  expect(moving.discarded).toEqual([]);
  moving.lost = [];
  await world.run(world.nowMs + 60_000);
  expect(moving.states).toEqual([`${first} done`]);
});

test('plans: how long a node is silent is counted by a leader from when it leads', async () => {
  const moving = new MovingWorld(['d1', 'd2', 'd3']);
  const { world } = moving;
  moving.lead(60_000);
  moving.isFirstSilent = true;
  await world.run(world.nowMs + 10_000);
  moving.isDeposed = true;
  await world.run(world.nowMs + 600_000);
  moving.isDeposed = false;
  await world.run(world.nowMs + 30_000);
  expect(moving.catalog.movePlan).toBeUndefined();
  await world.run(world.nowMs + 40_000);
  expect(moving.catalog.movePlan).toMatchObject({ goal: 'restore', leavingId: 1 });
});

test.each(['pause', 'stop'] as const)(
  'plans: a node whose plan is to %s as nodes are asked does not leave',
  async (action) => {
    const moving = new MovingWorld();
    moving.do({ kind: 'begin-move-plan', goal: 'decommission', leavingId: 2, joiningId: 0, isRemoval: true, startedNs: 1n, moves: [] }); // prettier-ignore
    await moving.endAsAsked(action);
    expect(moving.catalog.dataNodes.map(({ id }) => id)).toEqual([1, 2]);
  },
);

test('plans: a node that misses a question is no node that is away: it is asked to leave, and what waits for it is waited for', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const { shardIds } = moving;
  const [first = 0] = shardIds;
  for (const shardId of shardIds) {
    moving.do({ kind: 'add-shard-owner', shardId, nodeId: 2 });
    if (shardId !== first) moving.do({ kind: 'remove-shard-owner', shardId, nodeId: 1, nowNs: 1n });
  }
  const moves = [{ shardId: first, fromId: 1, toId: 2, sizeBytes: 0, reason: '' }];
  moving.do({ kind: 'begin-move-plan', goal: 'decommission', leavingId: 1, joiningId: 0, isRemoval: true, startedNs: 1n, moves }); // prettier-ignore
  moving.isFirstSilent = true;
  moving.waiting = [{ nodeId: 1, shardIds: [first] }];
  await world.run(world.nowMs + 5_000);
  expect(moving.ownersOf(first)).toEqual([1, 2]);
  moving.waiting = [];
  await world.run(world.nowMs + 3_000);
  expect(moving.catalog.dataNodes.map(({ id }) => id)).toEqual([1, 2]);
  moving.isFirstSilent = false;
  await world.run(world.nowMs + 5_000);
  expect(moving.leftAt).toEqual(['d1:8088']);
  expect(moving.catalog.dataNodes.map(({ id }) => id)).toEqual([2]);
});

test('plans: a leader that stops does not wait for a node that erases what it has', async () => {
  const never = new Promise<void>(() => undefined);
  const leaving = new MovingWorld();
  leaving.leaving = never;
  leaving.do({ kind: 'begin-move-plan', goal: 'decommission', leavingId: 2, joiningId: 0, isRemoval: true, startedNs: 1n, moves: [] }); // prettier-ignore
  await leaving.world.run(leaving.world.nowMs + 5_000);
  expect(leaving.leftAt).toEqual(['d2:8088']);
  await leaving.world.complete(leaving.keeper.close());
  expect(leaving.catalog.dataNodes.map(({ id }) => id)).toEqual([1, 2]);
  const moving = new MovingWorld();
  moving.discard = () => never;
  moving.begin([1]);
  await moving.world.run(moving.world.nowMs + 5_000);
  await moving.world.complete(moving.keeper.close());
  // Whoever leads next has it deleted.
  expect(moving.states).toEqual(['1 left']);
});

test('plans: a node that is away for good is taken out without being asked', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  moving.isFirstSilent = true;
  for (const shardId of moving.shardIds) moving.give(shardId, 1, 2);
  moving.do({ kind: 'begin-move-plan', goal: 'decommission', leavingId: 1, joiningId: 0, isRemoval: true, startedNs: 1n, moves: [] }); // prettier-ignore
  await world.run(world.nowMs + 20_000);
  expect(moving.leftAt).toEqual([]);
  expect(moving.catalog.dataNodes.map(({ id }) => id)).toEqual([2]);
});

test.each([
  ['of its own figures', '_internal', [2], true],
  ['of other points', 'other', [1, 2], false],
])(
  'plans: where a lost node alone has a shard %s the plan that takes it out ends: %s',
  async (_what, database, left, hasEnded) => {
    const moving = new MovingWorld();
    const { world } = moving;
    for (const shardId of moving.shardIds) moving.give(shardId, 1, 2);
    moving.do({
      kind: 'create-database',
      name: database,
      policy: { shardDurationNs: dayNs, replication: 1 },
    });
    moving.do({ kind: 'create-shard-groups', database, retentionPolicy: 'autogen', timesNs: [0n] });
    const shards = [...moving.catalog.databases.shards()].filter(
      (one) => one.database === database,
    );
    for (const { shard } of shards)
      for (const owner of shard.owners) moving.give(shard.id, owner, 1);
    moving.isFirstSilent = true;
    const moves = shards.map(({ shard }) => ({ shardId: shard.id, fromId: 1, toId: 0, sizeBytes: 0, reason: 'no node that answers has a copy of it' })); // prettier-ignore
    moving.do({ kind: 'begin-move-plan', goal: 'replace', leavingId: 1, joiningId: 2, isRemoval: true, startedNs: 1n, moves }); // prettier-ignore
    await world.run(world.nowMs + 30_000);
    expect(shards.length).toBeGreaterThan(0);
    expect(moving.catalog.dataNodes.map(({ id }) => id)).toEqual(left);
    expect(moving.catalog.movePlan?.endedNs !== 0n).toBe(hasEnded);
    expect(moving.catalog.movePlan?.isPaused).toBe(!hasEnded);
  },
);

test('plans: an owner from which nothing of a shard can be read is not left alone with it', async () => {
  const moving = new MovingWorld();
  const { world } = moving;
  const [first = 0, second = 0] = [...moving.catalog.databases.shards()].map(({ shard }) => shard.id); // prettier-ignore
  for (const shardId of [first, second]) moving.do({ kind: 'add-shard-owner', shardId, nodeId: 2 });
  moving.unreadable.add(`d2:8088 ${first}`);
  moving.begin([first, second]);
  await world.run(world.nowMs + 10_000);
  expect(moving.states).toEqual([`${first} open`, `${second} done`]);
  expect(moving.discarded).toEqual([second]);
  await world.run(world.nowMs + 120_000);
  expect(moving.catalog.movePlan?.moves[0]).toMatchObject({ state: 'failed', reason: `node 2 owns shard ${first}, and has nothing of it that can be read` }); // prettier-ignore
  expect(moving.catalog.databases.shard(first)?.shard.owners).toEqual([1, 2]);
});
