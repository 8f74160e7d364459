import { expect, test } from 'vitest';
import { hintOf, numberOf } from '../../test/support/hint-script.ts';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';
import type { Env } from '../env/env.ts';
import { HintedHandoff } from './hinted-handoff.ts';
import type { HintOptions } from './hint-options.ts';
import type { DeliverOptions, DeliveryOutcome, HintTarget, Standing } from './hint-target.ts';

const options: HintOptions = {
  folder: 'hh',
  isEnabled: true,
  sizeBytesMax: 10_000,
  ageMsMax: 600_000,
  pendingMax: 100,
  batchBytesMax: 100,
  concurrencyMax: 3,
  rateBytes: 0,
  retryMs: 1_000,
  retryMsMax: 4_000,
  purgeMs: 60_000,
  mayOvertake: false,
  segmentBytesMax: 1_000,
  deadlineMs: 5_000,
};

/** Owners that take what they are brought, or do not. */
class Owners implements HintTarget {
  readonly brought: string[] = [];
  readonly triedAtMs: number[] = [];
  readonly queued = new Set<string>();
  readonly dropped = new Set<string>();
  readonly refused = new Set<number>();
  readonly failing = new Set<number>();
  /** Writes for which the owner's disk has no room. */
  readonly unstored = new Set<number>();
  readonly standings = new Map<number, Standing>();
  /** Writes of clients to this node, and of some to the owner. */
  freshCount = 0;
  ownersFreshCount = 0;
  runningCount = 0;
  runningMax = 0;
  isDown = false;
  /** So many requests more are answered, then none. */
  answeredCount = Infinity;
  env: Env;

  constructor(env: Env) {
    this.env = env;
  }

  standing(_nodeId: number, shardId: number): Standing {
    return this.standings.get(shardId) ?? 'owner';
  }

  async deliver(
    { nodeId, shardId }: { readonly nodeId: number; readonly shardId: number },
    payloads: readonly Uint8Array[],
    { heardFresh }: DeliverOptions,
  ): Promise<readonly DeliveryOutcome[]> {
    const { clock } = this.env;
    this.triedAtMs.push(Math.round(clock.monotonicMs()));
    this.runningMax = Math.max(this.runningMax, ++this.runningCount);
    const isStill = this.answeredCount-- <= 0;
    await clock.sleep(isStill ? options.deadlineMs : 10);
    this.runningCount--;
    if (this.isDown || isStill) throw new DbError('unavailable', 'refused');
    heardFresh?.(this.ownersFreshCount);
    return payloads.map((payload) => {
      const number = numberOf(payload);
      const error = new DbError('field_type_conflict', 'conflict');
      if (this.refused.has(number)) return { kind: 'refused', error };
      if (this.failing.has(shardId) || this.unstored.has(number)) return { kind: 'failed', error };
      this.brought.push(`${nodeId}/${shardId}:${number}`);
      return { kind: 'written' };
    });
  }

  onQueued(nodeId: number, shardId: number): void {
    this.queued.add(`${nodeId}/${shardId}`);
  }

  onDropped(nodeId: number, shardId: number): void {
    this.dropped.add(`${nodeId}/${shardId}`);
  }

  onDrained(nodeId: number, shardId: number): void {
    this.queued.delete(`${nodeId}/${shardId}`);
  }
}

interface Machine {
  readonly world: World;
  readonly owners: Owners;
  readonly handoff: HintedHandoff;
  /** The process dies, and another one comes up. */
  readonly restart: (clusterId?: bigint) => Promise<HintedHandoff>;
  /** The clock of the machine steps. */
  readonly jump: (byMs: number) => void;
  /** So much of the disk may be taken. */
  readonly setCapacity: (bytes: number) => void;
}

async function machine(changed: Partial<HintOptions> = {}): Promise<Machine> {
  const world = new World(1);
  const node = world.addNode('a');
  const owners = new Owners(node.env);
  const start = (env: Env, clusterId: bigint): Promise<HintedHandoff> => {
    const { disk, clock, log } = env;
    owners.env = env;
    const ports = {
      disk,
      clock,
      log,
      target: owners,
      clusterId: () => clusterId,
      freshCount: () => owners.freshCount,
    };
    return world.complete(HintedHandoff.open(ports, { ...options, ...changed }));
  };
  const handoff = await start(node.env, 7n);
  const restart = (clusterId = 7n): Promise<HintedHandoff> => {
    node.crash();
    return start(node.restart(), clusterId);
  };
  const jump = (byMs: number): void => {
    node.clock.jump(byMs);
  };
  const setCapacity = (bytes: number): void => {
    node.drive.capacityBytes = bytes;
  };
  return { world, owners, handoff, restart, jump, setCapacity };
}

async function run(world: World, durationMs: number): Promise<void> {
  await world.run(world.nowMs + durationMs);
}

test('hinted handoff: what is queued is brought in order, and the queue is empty then', async () => {
  const { world, owners, handoff } = await machine();
  for (const number of [1, 2, 3]) await world.complete(handoff.append(5, 7, [hintOf(number)]));
  expect(handoff.isQueued(5, 7)).toBe(true);
  expect(owners.queued).toEqual(new Set(['5/7']));
  await run(world, 500);
  expect(owners.brought).toEqual(['5/7:1', '5/7:2', '5/7:3']);
  expect(handoff).toMatchObject({ isEmpty: true });
  expect(handoff.isQueued(5, 7)).toBe(false);
  expect(owners.queued.size).toBe(0);
});

test('hinted handoff: that its disk is full is known until it has room again', async () => {
  const { world, handoff, setCapacity } = await machine();
  const append = () => world.complete(handoff.append(5, 7, [hintOf(1)]));
  setCapacity(0);
  await expect(append()).rejects.toThrow('ENOSPC');
  expect(handoff.failing).toEqual([{ what: 'hinted handoff', reason: 'ENOSPC' }]);
  setCapacity(Infinity);
  await append();
  expect(handoff.failing).toEqual([]);
});

test('hinted handoff: a node that is down is asked after 1, 2, 4, 4 seconds with one request, at once when it is heard of', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  for (let shard = 1; shard <= 5; shard++)
    await world.complete(handoff.append(5, shard, [hintOf(shard)]));
  await run(world, 11_500);
  const [first = 0, ...later] = owners.triedAtMs.filter((at, i, all) => at - (all[i - 1] ?? -99) > 50); // prettier-ignore
  expect(later.map((at) => Math.round((at - first) / 1_000))).toEqual([1, 3, 7, 11]);
  expect(owners.triedAtMs.filter((at) => at - first > 500)).toHaveLength(4);
  owners.isDown = false;
  handoff.wake(5);
  await run(world, 200);
  expect(owners.brought).toHaveLength(5);
});

test('hinted handoff: a node that was away for long, and is heard of before it answers, is asked again soon', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await run(world, 7_500);
  handoff.wake(5);
  await run(world, 100);
  owners.isDown = false;
  await run(world, 2_200);
  expect(owners.brought).toEqual(['5/7:1']);
});

test('hinted handoff: shards are brought side by side, those of one in turn', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  for (let shard = 1; shard <= 6; shard++)
    for (const number of [1, 2, 3, 4])
      await world.complete(handoff.append(5, shard, [hintOf(number, 60)]));
  owners.isDown = false;
  owners.runningMax = 0;
  await run(world, 6_000);
  expect(owners.runningMax).toBe(3);
  for (let shard = 1; shard <= 6; shard++) {
    const ofShard = owners.brought.filter((one) => one.startsWith(`5/${shard}:`));
    expect(ofShard).toEqual([1, 2, 3, 4].map((number) => `5/${shard}:${number}`));
  }
});

test('hinted handoff: however many shards wait for a node, it has two full requests before it, and fresh writes wait behind no more', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  for (let shard = 1; shard <= 6; shard++)
    for (const number of [1, 2, 3])
      await world.complete(handoff.append(5, shard, [hintOf(number, 100)]));
  owners.isDown = false;
  owners.runningMax = 0;
  await run(world, 6_000);
  expect(owners.runningMax).toBe(2);
  expect(owners.brought).toHaveLength(18);
});

test('hinted handoff: of a node that stands still two requests learn it, and no others wait for it one after the other', async () => {
  const { world, owners, handoff } = await machine({ concurrencyMax: 6 });
  owners.isDown = true;
  for (let shard = 1; shard <= 7; shard++)
    await world.complete(handoff.append(5, shard, [hintOf(shard, 100)]));
  await run(world, 500);
  owners.isDown = false;
  owners.answeredCount = 1;
  owners.triedAtMs.length = 0;
  await run(world, 6_000);
  // One that was answered, and those of the node before it was known to stand still.
  expect(owners.triedAtMs).toHaveLength(3);
  expect(owners.runningCount).toBe(0);
  owners.answeredCount = Infinity;
  await run(world, 1_000);
  expect(owners.brought).toHaveLength(7);
});

test('hinted handoff: it goes on where it was after the process died', async () => {
  const { world, owners, handoff, restart } = await machine();
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1), hintOf(2)]));
  await world.complete(handoff.append(6, 8, [hintOf(3)]));
  owners.queued.clear();
  const again = await restart();
  expect(again.isEmpty).toBe(false);
  expect(owners.queued).toEqual(new Set(['5/7', '6/8']));
  owners.isDown = false;
  await run(world, 3_000);
  expect([...owners.brought].sort()).toEqual(['5/7:1', '5/7:2', '6/8:3']);
});

test('hinted handoff: of another cluster is set aside, and never brought', async () => {
  const { world, owners, handoff, restart } = await machine();
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  const again = await restart(8n);
  owners.isDown = false;
  expect(again.isEmpty).toBe(true);
  await world.complete(again.append(5, 7, [hintOf(2)]));
  await run(world, 3_000);
  expect(owners.brought).toEqual(['5/7:2']);
  expect((await world.complete(owners.env.disk.list('hh'))).map(({ name }) => name)).toContain('of-another-cluster-5'); // prettier-ignore
});

test.each(['cluster', 'cluster.copy'])(
  'hinted handoff: with damage to the file %s what is queued is of this cluster still, and of no other',
  async (name) => {
    for (const damaged of ['', '9', 'x'])
      for (const id of [7n, 8n]) {
        const { world, owners, handoff, restart } = await machine();
        owners.isDown = true;
        await world.complete(handoff.append(5, 7, [hintOf(1)]));
        await world.complete(owners.env.disk.replaceFile(`hh/${name}`, Buffer.from(damaged)));
        expect((await restart(id)).isEmpty).toBe(id === 8n);
      }
  },
);

test('hinted handoff: an owner is known to lack what damage has taken, and not what a crash has torn', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  for (const shardId of [7, 8]) for (const number of [1, 2, 3]) await world.complete(handoff.append(5, shardId, [hintOf(number)])); // prettier-ignore
  await world.complete(change(owners.env.disk, 'hh/5/7/0000000001.hint', (bytes) => bytes.fill(0xff, 70, 90))); // prettier-ignore
  await world.complete(change(owners.env.disk, 'hh/5/8/0000000001.hint', (bytes) => bytes.fill(0, 128))); // prettier-ignore
  owners.isDown = false;
  await run(world, 5_000);
  expect([...owners.brought].sort()).toEqual(['5/7:1', '5/7:3', '5/8:1', '5/8:2']);
  expect([...owners.dropped]).toEqual(['5/7']);
});

test('hinted handoff: nothing waits of a queue that a crash has torn and that is looked at for its age before it is brought', async () => {
  const { world, owners, handoff, restart } = await machine();
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await world.complete(change(owners.env.disk, 'hh/5/7/0000000001.hint', (bytes) => bytes.fill(0)));
  owners.queued.clear();
  owners.standings.set(7, 'unknown');
  const again = await restart();
  expect(owners.queued).toEqual(new Set(['5/7']));
  await run(world, options.purgeMs + 2_000);
  expect(again.isEmpty).toBe(true);
  expect(owners.queued.size).toBe(0);
});

async function change(disk: Disk, path: string, by: (bytes: Uint8Array) => unknown): Promise<void> {
  const bytes = await disk.readFile(path);
  by(bytes);
  const file = await disk.open(path, 'open');
  await file.writeAt(0, bytes);
  await file.close();
}

test('hinted handoff: what the owner refuses is dropped, what is behind it comes', async () => {
  const { world, owners, handoff } = await machine();
  owners.refused.add(2);
  await world.complete(
    handoff.append(
      5,
      7,
      [1, 2, 3].map((number) => hintOf(number)),
    ),
  );
  await run(world, 1_000);
  expect(owners.brought).toEqual(['5/7:1', '5/7:3']);
  expect(handoff.isEmpty).toBe(true);
  const processor = handoff.statistics().find(({ name }) => name === 'hh_processor');
  expect(processor).toMatchObject({ tags: { node: '5', path: 'hh/5/7' }, values: { writeDropped: 1 } }); // prettier-ignore
});

test('hinted handoff: what was sent in vain counts as failed, and what was brought once', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await run(world, 5_000);
  const processor = () =>
    handoff.statistics().find(({ name }) => name === 'hh_processor')?.values ?? {};
  expect(processor()).toMatchObject({ bytesRead: 0, writeNodeReq: 0 });
  expect(processor()['writeNodeReqFail']).toBeGreaterThan(1);
  owners.isDown = false;
  await run(world, 5_000);
  const { length } = hintOf(1);
  expect(processor()).toMatchObject({ bytesRead: length, writeNodeReq: 1 });
});

test('hinted handoff: a shard that fails holds up no other', async () => {
  const { world, owners, handoff } = await machine();
  owners.failing.add(7);
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await world.complete(handoff.append(5, 8, [hintOf(2)]));
  await run(world, 5_000);
  expect(owners.brought).toEqual(['5/8:2']);
  expect(owners.triedAtMs.length).toBeLessThan(8);
  owners.failing.clear();
  await run(world, 5_000);
  expect(owners.brought).toEqual(['5/8:2', '5/7:1']);
});

test('hinted handoff: of a request that an owner takes in part what is missing comes again, and what is behind it', async () => {
  const { world, owners, handoff } = await machine({ batchBytesMax: 1_000 });
  owners.unstored.add(2).add(4);
  await world.complete(
    handoff.append(
      5,
      7,
      [1, 2, 3, 4].map((one) => hintOf(one)),
    ),
  );
  await run(world, 500);
  expect(owners.brought).toEqual(['5/7:1', '5/7:3']);
  expect(handoff.isQueued(5, 7)).toBe(true);
  owners.unstored.delete(2);
  await run(world, 1_000);
  expect(owners.brought.slice(2)).toEqual(['5/7:2', '5/7:3']);
  owners.unstored.clear();
  await run(world, 4_000);
  expect(owners.brought.slice(4)).toEqual(['5/7:4']);
  expect(handoff).toMatchObject({ isEmpty: true });
});

test('hinted handoff: past its size it is full, past its appends blocked, switched off it keeps nothing', async () => {
  const { world, owners, handoff } = await machine({ sizeBytesMax: 200, pendingMax: 1 });
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1), hintOf(2)]));
  await expect(world.complete(handoff.append(5, 8, [hintOf(3)]))).resolves.toBeUndefined();
  await expect(handoff.append(5, 7, [hintOf(4)])).rejects.toThrow('queue is full');
  const first = handoff.append(6, 7, [hintOf(5)]);
  await expect(handoff.append(6, 8, [hintOf(6)])).rejects.toThrow('queue is blocked');
  await world.complete(first);
  const off = await machine({ isEnabled: false });
  await expect(off.handoff.append(5, 7, [hintOf(1)])).rejects.toThrow('hinted handoff disabled');
  expect(off.handoff.isQueued(5, 7)).toBe(false);
});

test('hinted handoff: with allow-out-of-order-writes nothing has to wait behind a queue', async () => {
  const { world, owners, handoff } = await machine({ mayOvertake: true });
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  expect(handoff.isQueued(5, 7)).toBe(false);
  expect(handoff.isEmpty).toBe(false);
});

test('hinted handoff: queues of a shard that is gone are dropped and nothing is tried again; one not known stays', async () => {
  const { world, owners, handoff } = await machine();
  owners.isDown = true;
  for (const shard of [7, 8]) await world.complete(handoff.append(5, shard, [hintOf(shard)]));
  await run(world, 2_000);
  owners.standings.set(7, 'gone');
  owners.standings.set(8, 'unknown');
  owners.isDown = false;
  await run(world, 1_500);
  expect(await world.complete(owners.env.disk.list('hh/5'))).toEqual([{ name: '8', isDirectory: true }]); // prettier-ignore
  expect(owners.queued).toEqual(new Set(['5/8']));
  const triedCount = owners.triedAtMs.length;
  await run(world, 20_000);
  expect(owners.triedAtMs).toHaveLength(triedCount);
  owners.standings.set(8, 'owner');
  await run(world, 6_000);
  expect(owners.brought).toEqual(['5/8:8']);
});

test('hinted handoff: what has waited too long is dropped, what has not stays', async () => {
  const { world, owners, handoff } = await machine({ ageMsMax: 100_000 });
  owners.isDown = true;
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await run(world, 70_000);
  await world.complete(handoff.append(5, 7, [hintOf(2)]));
  expect(owners.dropped.size).toBe(0);
  await run(world, 60_000);
  expect(owners.dropped).toEqual(new Set(['5/7']));
  owners.isDown = false;
  await run(world, 10_000);
  expect(owners.brought).toEqual(['5/7:2']);
});

test.each([10_000_000, -10_000_000])(
  'hinted handoff: a clock that steps by %i ms drops nothing that has not waited too long',
  async (byMs) => {
    const { world, owners, handoff, restart, jump } = await machine({ ageMsMax: 1_000_000 });
    owners.isDown = true;
    await world.complete(handoff.append(5, 7, [hintOf(1)]));
    jump(byMs);
    await run(world, 130_000);
    await world.complete(handoff.append(5, 7, [hintOf(2)]));
    jump(-byMs);
    await run(world, 130_000);
    await restart();
    await run(world, 130_000);
    owners.isDown = false;
    await run(world, 10_000);
    expect(owners.brought).toEqual(['5/7:1', '5/7:2']);
  },
);

test('hinted handoff: no more bytes a second than allowed', async () => {
  const { world, owners, handoff } = await machine({ rateBytes: 100 });
  owners.isDown = true;
  await world.complete(
    handoff.append(
      5,
      7,
      Array.from({ length: 10 }, (_, i) => hintOf(i + 1)),
    ),
  );
  owners.isDown = false;
  await run(world, 2_000);
  expect(owners.brought.length).toBeGreaterThan(1);
  expect(owners.brought.length).toBeLessThan(8);
  await run(world, 6_000);
  expect(owners.brought).toHaveLength(10);
});

test('hinted handoff: a request rests twice as long as it took while clients write here or to the owner, and not at all while none does', async () => {
  const { world, owners, handoff } = await machine();
  const gapsOf = async (grow: () => void): Promise<ReadonlySet<number>> => {
    owners.isDown = true;
    for (let number = 1; number <= 9; number++)
      await world.complete(handoff.append(5, 7, [hintOf(number, 100)]));
    await run(world, 500);
    owners.isDown = false;
    owners.triedAtMs.length = 0;
    const growing = owners.env.clock.every(5, grow);
    handoff.wake(5);
    await run(world, 2_000);
    growing.cancel();
    expect(handoff.isEmpty).toBe(true);
    const [, , , , fifth = 0, sixth = 0, seventh = 0] = owners.triedAtMs;
    return new Set([sixth - fifth, seventh - sixth]);
  };
  const full = await gapsOf(() => undefined);
  const besideOwn = await gapsOf(() => owners.freshCount++);
  const besideOwners = await gapsOf(() => owners.ownersFreshCount++);
  for (const gap of full) expect(gap).toBeLessThan(15);
  for (const gap of [...besideOwn, ...besideOwners]) {
    expect(gap).toBeGreaterThanOrEqual(30);
    expect(gap).toBeLessThan(40);
  }
});
