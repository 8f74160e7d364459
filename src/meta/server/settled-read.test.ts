import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { DbError } from '../../base/errors.ts';
import { settleRead, type SettledReadPorts } from './settled-read.ts';

/** A follower of m1 that has applied entry 4; `asked` is what the leader answers each time. */
function follower(world: World, asked: () => Promise<{ readonly index: number }>) {
  const { clock } = world.addNode('m2').env;
  const driver = {
    isLeader: false,
    leaderAddress: 'm1:8089',
    appliedIndex: 4,
    readBarrier: () => Promise.reject(new DbError('not_leader', 'm2 does not lead')),
  };
  const rpc = { call: asked } as unknown as SettledReadPorts['rpc'];
  return { driver, clock, ports: { driver, rpc, clock } };
}

test('settled read: waits for what was committed when it was asked, and for nothing later', async () => {
  const world = new World(1);
  const { driver, clock, ports } = follower(world, () => Promise.resolve({ index: 6 }));
  clock.after(300, () => {
    driver.appliedIndex = 5;
  });
  clock.after(600, () => {
    driver.appliedIndex = 6;
  });
  const startMs = world.nowMs;
  expect(await world.complete(settleRead(ports, 2_000))).toBe(true);
  expect(world.nowMs - startMs).toBeGreaterThanOrEqual(600);
  expect(world.nowMs - startMs).toBeLessThan(700);
});

test('settled read: a node that was just started hears of its leader first', async () => {
  const world = new World(1);
  const { driver, clock, ports } = follower(world, () => Promise.resolve({ index: 4 }));
  driver.leaderAddress = '';
  clock.after(500, () => {
    driver.leaderAddress = 'm1:8089';
  });
  const startMs = world.nowMs;
  expect(await world.complete(settleRead(ports, 2_000))).toBe(true);
  expect(world.nowMs - startMs).toBeGreaterThanOrEqual(500);
});

test.each([
  ['nobody leads', { leaderAddress: '' }, { index: 4 }],
  ['who led leads no more', {}, new DbError('not_leader', 'm1 does not lead')],
  ['it does not get that far', {}, { index: 9 }],
] as const)(
  'settled read: says after its limit that it does not know: %s',
  async (_what, change, said) => {
    const world = new World(1);
    const { driver, ports } = follower(world, () =>
      'index' in said ? Promise.resolve(said) : Promise.reject(said),
    );
    Object.assign(driver, change);
    const startMs = world.nowMs;
    expect(await world.complete(settleRead(ports, 2_000))).toBe(false);
    expect(world.nowMs - startMs).toBeGreaterThanOrEqual(2_000);
    expect(world.nowMs - startMs).toBeLessThan(2_100);
  },
);

test('settled read: a leader of an earlier release is not waited for', async () => {
  const world = new World(1);
  const unknown = new DbError('unsupported_version', 'method ReadIndex is not known here');
  const { ports } = follower(world, () => Promise.reject(unknown));
  const startMs = world.nowMs;
  expect(await world.complete(settleRead(ports, 2_000))).toBe(false);
  expect(world.nowMs - startMs).toBeLessThan(100);
});

test('settled read: one that became the leader meanwhile asks itself', async () => {
  const world = new World(1);
  const lost = new DbError('unavailable', 'm1 is gone');
  const { driver, clock, ports } = follower(world, () => Promise.reject(lost));
  clock.after(200, () => {
    Object.assign(driver, { isLeader: true, readBarrier: () => Promise.resolve() });
  });
  expect(await world.complete(settleRead(ports, 2_000))).toBe(true);
});
