import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { Cluster } from '../../test/support/querier-cluster.ts';

test('continuous querier: what was due while no node held the lease runs when one does', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  await cluster.pass(25_000);
  cluster.start('a');
  await cluster.pass(31_500);
  cluster.metas.away.add('a');
  await cluster.pass(65_000);
  cluster.metas.away.clear();
  await cluster.pass(72_500);
  expect(cluster.runs).toEqual(['a 0 20', 'a 20 30', 'a 30 60', 'a 60 70']);
});

test('continuous querier: a long absence is made up for in slices', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  await cluster.pass(25_000_000);
  cluster.start('a');
  await cluster.pass(25_002_000);
  expect(cluster.runs).toEqual(['a 0 10000', 'a 10000 20010', 'a 20010 25000']);
});

/** Windows of 10 s of a run, as `Cluster.runs` has them. */
function windowCount(run: string | undefined): number {
  const [, start = 0, end = 0] = (run ?? '').split(' ').map(Number);
  return (end - start) / 10;
}

test('continuous querier: missed windows that are too many for a limit of queries together run in fewer', async () => {
  for (const code of ['limit_exceeded', 'timeout'] as const) {
    const cluster = new Cluster();
    cluster.metas.create('cq');
    await cluster.pass(5_000_000);
    let atMost = 0;
    cluster.start('a', {
      run: () => {
        const count = windowCount(cluster.runs.at(-1));
        if (count > 2) return Promise.reject(new DbError(code, 'too much'));
        atMost = Math.max(atMost, count);
        return Promise.resolve(1n);
      },
    });
    await cluster.pass(5_261_500);
    expect(cluster.metas.marks).toEqual([5_260n]);
    expect(atMost).toBeGreaterThan(0);
    // On time again, runs have a window each.
    expect(cluster.runs.at(-1)).toBe('a 5250 5260');
  }
});

test('continuous querier: runs that ended with a timeout for hours, as owners stood still, are no run for each window', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  let isStill = true;
  cluster.start('a', {
    run: () => (isStill ? Promise.reject(new DbError('timeout', 'timeout')) : Promise.resolve(1n)),
  });
  await cluster.pass(40_000_000);
  isStill = false;
  cluster.runs.length = 0;
  await cluster.pass(40_065_000);
  expect(cluster.metas.marks).toEqual([40_060n]);
  // There were four thousand windows.
  expect(cluster.runs.length).toBeLessThan(60);
});

test('continuous querier: a window that is too much by itself is given up after an hour, and those behind it run', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  await cluster.pass(100_000);
  const isIn = (run: string, seconds: number): boolean => {
    const [, start = 0, end = 0] = run.split(' ').map(Number);
    return start <= seconds && seconds < end;
  };
  const written: string[] = [];
  cluster.start('a', {
    run: () => {
      const run = cluster.runs.at(-1);
      if (isIn(run, 55)) return Promise.reject(new DbError('limit_exceeded', 'too much'));
      written.push(run);
      return Promise.resolve(1n);
    },
  });
  await cluster.pass(3_600_000);
  expect(cluster.metas.marks).toEqual([50n]);
  await cluster.pass(4_000_500);
  expect(cluster.metas.marks).toEqual([4_000n]);
  for (let seconds = 5; seconds < 4_000; seconds += 10)
    expect([seconds, written.some((run) => isIn(run, seconds))]).toEqual([seconds, seconds !== 55]);
});

test('continuous querier: owners that are away for hours have no window given up', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  let isAway = true;
  cluster.start('a', {
    run: () => (isAway ? Promise.reject(new DbError('unavailable', 'no')) : Promise.resolve(1n)),
  });
  await cluster.pass(9_000_000);
  expect(cluster.metas.marks).toEqual([0n]);
  isAway = false;
  cluster.runs.length = 0;
  await cluster.pass(9_070_000);
  expect(cluster.runs[0]).toMatch(/^a 0 90\d0$/);
});
