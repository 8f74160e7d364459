import { expect, test } from 'vitest';
import { must } from '../base/assert.ts';
import { World } from '../../test/sim/world/world.ts';
import { DrainPace } from './drain-pace.ts';

const requestBytesMax = 1_000;

/** One request after the other. */
class Requests {
  readonly world = new World(1);
  readonly pace: DrainPace;
  freshCount = 0;

  constructor() {
    this.world.addNode('a');
    const { clock } = must(this.world.nodes[0], 'a').env;
    this.pace = new DrainPace({ clock, freshCount: () => this.freshCount }, requestBytesMax);
  }

  writesEachMs(ms: number): void {
    const { clock } = must(this.world.nodes[0], 'a').env;
    clock.every(ms, () => this.freshCount++);
  }

  /** As much as there may be at a time. */
  enter(): ReturnType<DrainPace['enter']> {
    return this.pace.enter(1, 2 * requestBytesMax);
  }

  /** Milliseconds from the end of a request that took `tookMs` to when the next may go. */
  async restBehind(tookMs: number, isHurried = false): Promise<number> {
    const { world } = this;
    const leave = await world.complete(this.enter());
    const next = this.enter();
    await world.run(world.nowMs + tookMs);
    const fromMs = world.nowMs;
    leave({ isHurried });
    const leaveNext = await world.complete(next);
    const restMs = world.nowMs - fromMs;
    leaveNext({ isHurried: true });
    return Math.round(restMs);
  }
}

test('drain pace: nobody rests while no client writes, and whoever brings hints rests twice as long as a request took while one does', async () => {
  const requests = new Requests();
  expect(await requests.restBehind(10)).toBe(0);
  requests.freshCount++;
  expect(await requests.restBehind(10)).toBe(20);
  expect(await requests.restBehind(25)).toBe(50);
  await requests.world.run(requests.world.nowMs + 100);
  expect(await requests.restBehind(10)).toBe(0);
  requests.writesEachMs(20);
  expect(await requests.restBehind(5_000)).toBe(100);
});

test('drain pace: clients of the owner are given way, too, from its second answer on', async () => {
  const requests = new Requests();
  requests.pace.heardFresh(70);
  expect(await requests.restBehind(10)).toBe(0);
  requests.pace.heardFresh(71);
  expect(await requests.restBehind(10)).toBe(20);
  requests.pace.heardFresh(71);
  await requests.world.run(requests.world.nowMs + 100);
  expect(await requests.restBehind(10)).toBe(0);
  // It was started again.
  requests.pace.heardFresh(2);
  expect(await requests.restBehind(10)).toBe(20);
});

test('drain pace: whoever waits for the end of a queue waits for no rest, begun or not', async () => {
  const requests = new Requests();
  requests.freshCount++;
  expect(await requests.restBehind(50, true)).toBe(0);
  const { world, pace } = requests;
  requests.freshCount++;
  const leave = await world.complete(requests.enter());
  await world.run(world.nowMs + 50);
  leave({ isHurried: false });
  const fromMs = world.nowMs;
  const next = requests.enter();
  pace.hurry();
  await world.complete(next);
  expect(world.nowMs - fromMs).toBeLessThan(1);
});

test('drain pace: what is queued meanwhile is brought twice as fast as it comes before anybody rests', async () => {
  const requests = new Requests();
  requests.pace.queued(50 * requestBytesMax);
  const rests: number[] = [];
  for (let i = 0; i < 5; i++) {
    requests.freshCount++;
    rests.push(await requests.restBehind(10));
  }
  // What was there before is not what comes; each turn brings as much again.
  expect(rests).toEqual([0, 20, 20, 20, 20]);
});

test('drain pace: a node that stops ends its rests and begins none', async () => {
  const requests = new Requests();
  requests.freshCount++;
  requests.pace.close();
  expect(await requests.restBehind(50)).toBe(0);
});
