import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import type { LeaseGrant } from '../meta/client/meta-access.ts';
import { LeaseKeeper, type HeldLease } from './lease-keeper.ts';

const durationMs = 9_000;

/** A node that asks for a lease, and what it is answered. */
class Holder {
  readonly world = new World(1);
  readonly askedAtMs: number[] = [];
  readonly clock: Clock;
  readonly keeper: LeaseKeeper;
  answersAfterMs = 0;
  answer: () => LeaseGrant | undefined = () => ({ token: 1, durationMs });

  constructor() {
    const { clock, log } = this.world.addNode('a').env;
    const acquire = async (): Promise<LeaseGrant | undefined> => {
      this.askedAtMs.push(Math.round(this.world.nowMs));
      await clock.sleep(this.answersAfterMs);
      return this.answer();
    };
    this.clock = clock;
    this.keeper = new LeaseKeeper({ clock, log, acquire });
  }

  /** Works for so long; the lease that it had. */
  async work(forMs: number): Promise<HeldLease | undefined> {
    let held: HeldLease | undefined;
    const done = this.keeper.run(async (lease) => {
      held = lease;
      await this.clock.sleep(forMs);
    });
    await this.world.complete(done);
    return held;
  }

  pass(ms: number): Promise<void> {
    return this.world.run(this.world.nowMs + ms);
  }
}

test('lease keeper: it is renewed while there is work, three times as often as it has to be, and asked for by nobody behind that', async () => {
  const holder = new Holder();
  const lease = await holder.work(10_000);
  expect(lease?.signal.aborted).toBe(false);
  expect(holder.askedAtMs).toEqual([0, 3_000, 6_000, 9_000]);
  await holder.pass(100_000);
  expect(holder.askedAtMs).toHaveLength(4);
  expect(lease?.signal.reason).toMatchObject({ code: 'lease_lost' });
});

test('lease keeper: one that is fresh is not asked for, one with less than half of it left is', async () => {
  const holder = new Holder();
  const first = await holder.work(0);
  await holder.pass(4_000);
  expect(await holder.work(0)).toBe(first);
  expect(holder.askedAtMs).toEqual([0]);
  await holder.pass(1_000);
  expect(await holder.work(0)).toBe(first);
  expect(holder.askedAtMs).toEqual([0, 5_000]);
});

test('lease keeper: two renewals may fail, and what nobody renews is lost in time', async () => {
  const holder = new Holder();
  holder.answer = () => {
    if (holder.askedAtMs.length > 1) throw new DbError('no_leader', 'none');
    return { token: 1, durationMs };
  };
  const ends: unknown[] = [];
  const done = holder.keeper.run(async ({ signal }) => {
    await holder.clock.sleep(20_000, signal).catch((error: unknown) => {
      ends.push(Math.round(holder.world.nowMs), error);
    });
    await holder.clock.sleep(20_000);
  });
  await holder.world.complete(done);
  expect(ends).toMatchObject([durationMs, { code: 'lease_lost' }]);
  // Nobody asks for what is lost.
  expect(holder.askedAtMs.filter((atMs) => atMs <= durationMs)).toHaveLength(4);
  expect(holder.askedAtMs.filter((atMs) => atMs > durationMs)).toEqual([]);
});

test('lease keeper: what is answered late is held from when it was asked for', async () => {
  const holder = new Holder();
  holder.answersAfterMs = 8_000;
  const lease = await holder.work(0);
  expect(() => lease?.check()).not.toThrow();
  await holder.pass(1_000);
  expect(() => lease?.check()).toThrow('another node has the lease');
});

test('lease keeper: somebody in between is another token and another signal, and a stop ends it', async () => {
  const holder = new Holder();
  const first = await holder.work(0);
  holder.answer = () => undefined;
  await holder.pass(5_000);
  expect(await holder.work(0)).toBeUndefined();
  expect(first?.signal.reason).toMatchObject({ code: 'lease_lost' });
  holder.answer = () => ({ token: 2, durationMs });
  const second = await holder.work(0);
  expect([second?.token, second?.signal.aborted]).toEqual([2, false]);
  holder.keeper.close();
  expect(second?.signal.reason).toMatchObject({ code: 'shutdown' });
});
