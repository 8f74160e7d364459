import { expect, test } from 'vitest';
import { DbError, type DbErrorCode } from '../base/errors.ts';
import { leaseName } from './continuous-querier.ts';
import { Cluster, leaseMs, startNs } from '../../test/support/querier-cluster.ts';

test('continuous querier: each window runs once, on one of the nodes, and is marked', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  cluster.start('a');
  cluster.start('b');
  await cluster.pass(41_500);
  expect(cluster.runs).toEqual(['a 0 10', 'a 10 20', 'a 20 30', 'a 30 40']);
  expect(cluster.metas.marks).toEqual([40n]);
  expect(cluster.statistics('a')).toEqual({ queryFail: 0, queryOk: 4 });
  expect(cluster.statistics('b')).toEqual({ queryFail: 0, queryOk: 0 });
  expect(cluster.records.at(-1)).toMatchObject({
    database: 'db',
    name: 'cq',
    writtenCount: 1n,
    startNs: startNs + 30_000_000_000n,
    endNs: startNs + 40_000_000_000n,
  });
});

test('continuous querier: a holder that stood still marks nothing, and writes nothing more', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  const ends: string[] = [];
  cluster.start('a', {
    run: async ({ signal, checkLease }, { env }) => {
      await env.clock.sleep(100);
      cluster.metas.away.add('a');
      await env.clock.sleep(15_000);
      ends.push(signal.aborted ? 'aborted' : 'at work');
      checkLease();
      return 1n;
    },
  });
  await cluster.pass(10_500);
  cluster.start('b');
  await cluster.pass(32_500);
  expect(ends).toEqual(['aborted']);
  expect(cluster.runs).toEqual(['a 0 10', 'b 0 10', 'b 10 20', 'b 20 30']);
  expect(cluster.metas.marks).toEqual([30n]);
  expect(cluster.statistics('a')).toEqual({ queryFail: 0, queryOk: 0 });
});

test('continuous querier: marks of an old holder are refused', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  // The other node takes over while the answer of the run is on its way.
  cluster.start('a', {
    run: () => {
      cluster.metas.do({
        kind: 'acquire-lease',
        name: leaseName,
        nodeId: 9,
        nowNs: cluster.metas.nowNs + 60_000_000_000n,
        durationNs: 1n,
      });
      return Promise.resolve(1n);
    },
  });
  await cluster.pass(10_500);
  expect(cluster.runs).toEqual(['a 0 10']);
  expect(cluster.metas.marks).toEqual([0n]);
});

test('continuous querier: a lease of a cluster that the node has left is none in the next one', async () => {
  const cluster = new Cluster();
  const { metas } = cluster;
  metas.create('cq', '', 'time(1s)');
  const ends: unknown[] = [];
  cluster.start('a', {
    run: async ({ signal }, { env }) => {
      await env.clock.sleep(800);
      ends.push(signal.aborted);
      return 1n;
    },
  });
  await cluster.pass(2_500);
  expect(cluster.runs).toEqual(['a 0 1', 'a 1 2']);
  const expiresNs = metas.nowNs + 3_600_000_000_000n;
  const leases = [{ name: leaseName, nodeId: 9, expiresNs, token: 1 }];
  metas.become({ ...metas.catalog, clusterId: 8n, leases });
  await cluster.pass(5_500);
  expect([cluster.runs.length, ends]).toEqual([2, [false, true]]);
});

test('continuous querier: windows that a node with a clock ahead ran before they were over run again', async () => {
  const cluster = new Cluster();
  const { metas, world } = cluster;
  metas.create('cq');
  const ranAtS: (readonly [run: string, seconds: number])[] = [];
  const run = (): Promise<bigint> => {
    ranAtS.push([cluster.runs.at(-1), world.nowMs / 1_000]);
    return Promise.resolve(1n);
  };
  const node = cluster.start('a', { run });
  await cluster.pass(21_000);
  cluster.start('b', { run });
  node.clock.jump(3_600_000);
  await cluster.pass(120_500);
  // On time again, by the other node.
  expect(metas.marks).toEqual([120n]);
  expect(cluster.runs.at(-1)).toBe('b 110 120');
  node.clock.jump(-3_600_000);
  await cluster.pass(600_500);
  expect(metas.marks).toEqual([600n]);
  for (let startS = 0; startS < 600; startS += 10) {
    const isRun = ranAtS.some(([one, atS]) => {
      const [, from = 0, to = 0] = one.split(' ').map(Number);
      return from <= startS && to >= startS + 10 && atS >= startS + 10;
    });
    expect([startS, isRun]).toEqual([startS, true]);
  }
});

test('continuous querier: queries run one after the other, or some at once', async () => {
  for (const parallelism of [1, 3]) {
    const cluster = new Cluster();
    for (const name of ['a', 'b', 'c', 'd']) cluster.metas.create(name);
    let [running, most] = [0, 0];
    cluster.start('n', {
      parallelism,
      run: async (_run, { env }) => {
        most = Math.max(most, ++running);
        await env.clock.sleep(500);
        running--;
        return 1n;
      },
    });
    await cluster.pass(13_000);
    expect(most).toBe(parallelism);
    expect(cluster.runs).toHaveLength(4);
  }
});

test('continuous querier: a lease is renewed while a query runs longer than it lasts', async () => {
  const cluster = new Cluster();
  cluster.metas.create('slow', '', 'time(1m)');
  cluster.start('a', {
    run: async ({ checkLease }, { env }) => {
      await env.clock.sleep(3 * leaseMs);
      checkLease();
      return 1n;
    },
  });
  cluster.start('b');
  await cluster.pass(95_000);
  expect(cluster.runs).toEqual(['a 0 60']);
  expect(cluster.metas.marks).toEqual([60n]);
});

test('continuous querier: a run that failed for what may pass runs again, with pauses; for all else it counts', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  const codes: (DbErrorCode | undefined)[] = [
    'unavailable',
    'timeout',
    undefined,
    'partial_write',
    undefined,
  ];
  cluster.start('a', {
    run: () => {
      const code = codes.shift();
      return code === undefined ? Promise.resolve(1n) : Promise.reject(new DbError(code, 'no'));
    },
  });
  await cluster.pass(32_500);
  expect(cluster.runs).toEqual(['a 0 10', 'a 0 10', 'a 0 10', 'a 10 20', 'a 20 30']);
  expect(cluster.statistics('a')).toEqual({ queryFail: 3, queryOk: 2 });
  expect(cluster.metas.marks).toEqual([30n]);
});

test('continuous querier: one that was made anew under its name does not wait for what the old one met', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  let isAway = true;
  cluster.start('a', {
    run: () => (isAway ? Promise.reject(new DbError('unavailable', 'no')) : Promise.resolve(1n)),
  });
  await cluster.pass(50_500);
  const triedCount = cluster.runs.length;
  cluster.metas.do({ kind: 'drop-continuous-query', database: 'db', name: 'cq' });
  cluster.metas.create('cq');
  isAway = false;
  await cluster.pass(62_500);
  expect(cluster.runs.length).toBeGreaterThan(triedCount);
});

test.each(['drop-continuous-query', 'drop-database'] as const)(
  'continuous querier: %s ends a run in its midst',
  async (kind) => {
    const cluster = new Cluster();
    cluster.metas.create('cq');
    const ends: unknown[] = [];
    cluster.start('a', {
      run: async ({ signal }, { env }) => {
        await env.clock.sleep(60_000, signal).catch((error: unknown) => {
          ends.push(error);
          throw error;
        });
        return 1n;
      },
    });
    await cluster.pass(12_000);
    cluster.metas.do(
      kind === 'drop-database' ? { kind, name: 'db' } : { kind, database: 'db', name: 'cq' },
    );
    await cluster.pass(30_000);
    expect(ends).toMatchObject([{ message: 'continuous query dropped' }]);
    expect(cluster.runs).toHaveLength(1);
  },
);

test('continuous querier: one that was made anew under its name while it ran keeps no mark of the old one', async () => {
  const cluster = new Cluster();
  cluster.metas.create('cq');
  cluster.start('a', {
    run: () => {
      if (cluster.runs.length > 1) return Promise.resolve(1n);
      cluster.metas.do({ kind: 'drop-continuous-query', database: 'db', name: 'cq' });
      cluster.metas.create('cq', '', 'time(1h)');
      return Promise.resolve(1n);
    },
  });
  await cluster.pass(10_100);
  expect(cluster.metas.marks).toEqual([undefined]);
});

test('continuous querier: nothing is asked of the metas without queries, and a stop ends what runs', async () => {
  const cluster = new Cluster();
  cluster.start('a', {
    run: ({ signal }, { env }) => env.clock.sleep(60_000, signal).then(() => 1n),
  });
  await cluster.pass(5_000);
  expect(cluster.metas.catalog.leases).toEqual([]);
  cluster.metas.create('cq');
  await cluster.pass(15_000);
  expect(cluster.runs).toHaveLength(1);
  const querier = cluster.queriers.get('a');
  await cluster.world.complete(querier?.close() ?? Promise.reject(new Error('no querier')), 1_000);
  expect(cluster.metas.marks).toEqual([0n]);
});
