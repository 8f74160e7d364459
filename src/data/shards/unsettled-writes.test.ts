import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { ShardBatch, WriteCall } from '../engine/shard-access.ts';
import { UnsettledWrites } from './unsettled-writes.ts';

const run = 77;

function callOf(number: number, settledBelow: number, of = run): WriteCall {
  return { nodeId: 4, run: of, number, settledBelow };
}

/** An owner whose coordinator answers what the test says, or is away. */
class Owner {
  readonly passedOn: string[] = [];
  readonly released: number[] = [];
  readonly world = new World(1);
  askedCount = 0;
  deletes: readonly StoredDelete[] = [];
  answer: { readonly run: number; readonly settledBelow: number } | DbError = new DbError('unavailable', 'away'); // prettier-ignore
  readonly writes: UnsettledWrites;
  #number = 0;

  constructor(bytesMax?: number) {
    const { clock, log } = this.world.addNode('a').env;
    this.writes = new UnsettledWrites(
      {
        clock,
        log,
        nodeId: () => 3,
        storedDeletes: () => Promise.resolve(this.deletes),
        otherOwners: (shardId) => (shardId === 9 ? [] : [5, 6]),
        ask: () => {
          this.askedCount++;
          return this.answer instanceof DbError ? Promise.reject(this.answer) : Promise.resolve(this.answer); // prettier-ignore
        },
        passOn: ({ payload }, owners) => {
          this.passedOn.push(`${payload[0]} to ${owners.join()}`);
          return Promise.resolve();
        },
      },
      bytesMax,
    );
  }

  /** Takes a batch as a call of its own; whether it is held. */
  take(call: WriteCall, shardId = 7): boolean {
    const number = ++this.#number;
    const payload = new Uint8Array(1_024).fill(number);
    const batch: ShardBatch = { shardId, database: 'd', retentionPolicy: 'r', payload };
    this.writes.heard(call);
    return this.writes.hold(call, batch, () => this.released.push(number));
  }

  wait(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }
}

test('unsettled writes: the next call says what has got everywhere, and nobody is asked', async () => {
  const owner = new Owner();
  owner.take(callOf(1, 1));
  owner.take(callOf(2, 1));
  expect(owner.released).toEqual([]);
  owner.take(callOf(3, 3));
  expect(owner.released).toEqual([1, 2]);
  expect(owner.writes.heldBytes).toBe(1_024);
  owner.writes.heard(callOf(4, 4));
  await owner.wait(10_000);
  expect([owner.askedCount, owner.passedOn, owner.writes.heldBytes]).toEqual([0, [], 0]);
});

test('unsettled writes: a coordinator that writes no more is asked, as long as copies of it are under way', async () => {
  const owner = new Owner();
  owner.answer = { run, settledBelow: 1 };
  owner.take(callOf(1, 1));
  await owner.wait(3_500);
  expect([owner.askedCount, owner.released]).toEqual([3, []]);
  owner.answer = { run, settledBelow: 2 };
  await owner.wait(5_000);
  expect([owner.askedCount, owner.released, owner.passedOn]).toEqual([4, [1], []]);
});

test('unsettled writes: what a coordinator had in hand that has died goes to the other owners, in its order', async () => {
  const owner = new Owner();
  for (const number of [1, 2, 3]) owner.take(callOf(number, 1));
  owner.take(callOf(4, 2));
  await owner.wait(1_500);
  expect(owner.passedOn).toEqual([]);
  await owner.wait(1_000);
  expect(owner.passedOn).toEqual(['2 to 5,6', '3 to 5,6', '4 to 5,6']);
  expect([owner.released, owner.writes.heldBytes]).toEqual([[1, 2, 3, 4], 0]);
});

test('unsettled writes: what may have been deleted meanwhile is passed on to nobody', async () => {
  const owner = new Owner();
  owner.take(callOf(1, 1));
  owner.deletes = Array.from({ length: 256 }, (_, i) => ({ stamp: (1n << 126n) + BigInt(i), minTimeNs: 0n, maxTimeNs: 9n, filter: `${i}` })); // prettier-ignore
  await owner.wait(2_500);
  expect([owner.passedOn, owner.released]).toEqual([[], [1]]);
});

test('unsettled writes: one that has been started again has nothing in hand of before, whether it is asked or writes', async () => {
  const asked = new Owner();
  asked.take(callOf(5, 5));
  asked.answer = { run: run + 1, settledBelow: 1 };
  await asked.wait(1_100);
  expect(asked.passedOn).toEqual(['1 to 5,6']);
  const written = new Owner();
  written.take(callOf(5, 5));
  expect(written.take(callOf(1, 1, run + 1))).toBe(true);
  await written.wait(1);
  expect([written.passedOn, written.writes.heldBytes]).toEqual([['1 to 5,6'], 1_024]);
});

test('unsettled writes: one that has been started again has nothing in hand of before, also where it brings nothing that is held', async () => {
  const owner = new Owner();
  owner.take(callOf(5, 5));
  expect(owner.take(callOf(1, 1, run + 1), 9)).toBe(false);
  await owner.wait(1);
  expect(owner.passedOn).toEqual(['1 to 5,6']);
});

test('unsettled writes: one that has left the cluster is asked once', async () => {
  const owner = new Owner();
  owner.answer = new DbError('node_not_found', 'node not found');
  owner.take(callOf(1, 1));
  await owner.wait(1_100);
  expect([owner.askedCount, owner.passedOn]).toEqual([1, ['1 to 5,6']]);
});

test('unsettled writes: a shard with no other owner is not held, nor what has been settled meanwhile', () => {
  const owner = new Owner();
  expect(owner.take(callOf(1, 1), 9)).toBe(false);
  owner.take(callOf(2, 1));
  owner.writes.heard(callOf(4, 4));
  expect(owner.take(callOf(3, 1))).toBe(false);
});

test('unsettled writes: past the bytes that may be held what came first goes', async () => {
  const owner = new Owner(2_048);
  for (const number of [1, 2, 3]) owner.take(callOf(number, 1));
  expect([owner.released, owner.writes.heldBytes]).toEqual([[1], 2_048]);
  await owner.wait(2_500);
  expect(owner.passedOn).toEqual(['2 to 5,6', '3 to 5,6']);
});

test('unsettled writes: past the bytes that may be held the oldest goes, whichever coordinator it is of', async () => {
  const owner = new Owner(2_048);
  owner.take({ ...callOf(1, 1), nodeId: 8 });
  await owner.wait(5);
  owner.take(callOf(1, 1));
  await owner.wait(5);
  owner.take({ ...callOf(2, 1), nodeId: 8 });
  await owner.wait(5);
  owner.take({ ...callOf(3, 1), nodeId: 8 });
  expect(owner.released).toEqual([1, 2]);
});

test('unsettled writes: who is stopped asks until all is settled, and not for long; what a dead coordinator had in hand is passed on', async () => {
  const owner = new Owner();
  owner.take(callOf(1, 1));
  owner.take(callOf(2, 1));
  owner.answer = { run, settledBelow: 2 };
  owner.world.schedule(50, () => {
    owner.answer = { run, settledBelow: 3 };
  });
  await owner.world.complete(owner.writes.close());
  expect([owner.askedCount, owner.writes.heldBytes, owner.passedOn]).toEqual([4, 0, []]);
  const hanging = new Owner();
  hanging.take(callOf(1, 1));
  hanging.answer = { run, settledBelow: 1 };
  const fromMs = hanging.world.nowMs;
  await hanging.world.complete(hanging.writes.close());
  expect(hanging.world.nowMs - fromMs).toBeLessThan(1_000);
  expect([hanging.writes.heldBytes, hanging.passedOn]).toEqual([1_024, []]);
  const dead = new Owner();
  dead.take(callOf(1, 1));
  await dead.world.complete(dead.writes.close());
  expect([dead.writes.heldBytes, dead.passedOn]).toEqual([0, ['1 to 5,6']]);
});

test('unsettled writes: other owners are in doubt while who has them in hand is silent, and while they are passed on', async () => {
  const owner = new Owner();
  owner.take(callOf(1, 1));
  owner.answer = { run, settledBelow: 1 };
  expect(await owner.writes.inDoubt()).toEqual([]);
  owner.answer = new DbError('unavailable', 'away');
  const doubts = [5, 6].map((nodeId) => ({ nodeId, shardIds: [7] }));
  expect(await owner.writes.inDoubt()).toEqual(doubts);
  // With this one it is passed on.
  expect(await owner.writes.inDoubt()).toEqual(doubts);
  await owner.wait(0);
  expect(owner.passedOn).toEqual(['1 to 5,6']);
  expect(await owner.writes.inDoubt()).toEqual([]);
});
