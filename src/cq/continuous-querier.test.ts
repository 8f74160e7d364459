import { expect, test } from 'vitest';
import { World, type SimNode } from '../../test/sim/world/world.ts';
import { DbError, type DbErrorCode } from '../base/errors.ts';
import { printSelectTimes } from './testdata/print-select-times.ts';
import type { LeaseGrant } from '../meta/client/meta-access.ts';
import { applyCommand } from '../meta/apply/apply.ts';
import type { CatalogNews } from '../meta/apply/catalog-changes.ts';
import {
  emptyCatalog,
  findDatabase,
  type Catalog,
  type ContinuousQuery,
} from '../meta/model/catalog.ts';
import type { Command } from '../meta/command/command.ts';
import {
  ContinuousQuerier,
  leaseName,
  type ContinuousRun,
  type RunRecord,
} from './continuous-querier.ts';

const leaseMs = 10_000;
/** World time 0. */
const startNs = 1_767_225_600_000_000_000n;

/** Metas in memory: their catalog, and leases by the clock of the world. */
class Metas {
  catalog: Catalog = emptyCatalog;
  /** Nodes that do not reach them. */
  readonly away = new Set<string>();
  readonly listeners = new Set<(news: CatalogNews) => void>();
  readonly #world: World;
  #index = 0;

  constructor(world: World) {
    this.#world = world;
    this.do({ kind: 'create-database', name: 'db' });
  }

  do(command: Command): Record<string, unknown> | undefined {
    const before = this.catalog;
    const { catalog, answer } = applyCommand(before, ++this.#index, {
      id: `${this.#index}`,
      command,
    });
    this.catalog = catalog;
    for (const listener of this.listeners)
      listener({ before, after: catalog, droppedShardIds: [] });
    if (!answer.ok) throw new DbError(answer.code as DbErrorCode, answer.text);
    return answer.value as Record<string, unknown> | undefined;
  }

  /** As the leader does (meta/server/refuse-marks-ahead.ts). */
  #refuseAhead(command: Command): void {
    if (command.kind !== 'mark-continuous-queries') return;
    const untilNs = this.nowNs + 60_000_000_000n;
    if (command.marks.some(({ ranUntilNs }) => ranUntilNs > untilNs))
      throw new DbError('conflict', 'they are not over');
  }

  /** The nodes have left their cluster, and are of another one at once. */
  become(after: Catalog): void {
    const before = this.catalog;
    this.catalog = after;
    for (const listener of this.listeners) listener({ before, after, droppedShardIds: [] });
  }

  create(name: string, resample = '', groupBy = 'time(10s)'): void {
    const text = `CREATE CONTINUOUS QUERY ${name} ON db ${resample} BEGIN SELECT mean(f) INTO db.autogen.out FROM db.autogen.m GROUP BY ${groupBy} END`;
    this.do({
      kind: 'create-continuous-query',
      database: 'db',
      name,
      text,
      nowNs: this.nowNs + 1n,
    });
  }

  get nowNs(): bigint {
    return startNs + BigInt(Math.round(this.#world.nowMs)) * 1_000_000n;
  }

  get marks(): readonly (bigint | undefined)[] {
    const queries: readonly ContinuousQuery[] =
      findDatabase(this.catalog, 'db')?.continuousQueries ?? [];
    return queries.map(({ ranUntilNs }) => ranUntilNs && (ranUntilNs - startNs) / 1_000_000_000n);
  }

  of(name: string, nodeId: number) {
    const whenReached = async <T>(work: () => T): Promise<T> => {
      await Promise.resolve();
      if (this.away.has(name)) throw new DbError('unavailable', 'meta service unavailable');
      return work();
    };
    const catalogOf = (): Catalog => this.catalog;
    return {
      get catalog() {
        return catalogOf();
      },
      execute: (command: Command) =>
        whenReached(() => {
          this.#refuseAhead(command);
          return this.do(command);
        }),
      watch: (listener: (news: CatalogNews) => void) => {
        this.listeners.add(listener);
        return () => this.listeners.delete(listener);
      },
      acquireLease: () =>
        whenReached((): LeaseGrant | undefined => {
          try {
            const durationNs = BigInt(leaseMs) * 1_000_000n;
            const made = this.do({
              kind: 'acquire-lease',
              name: leaseName,
              nodeId,
              nowNs: this.nowNs,
              durationNs,
            });
            const { token } = made?.['lease'] as { token: number };
            return { token, durationMs: leaseMs };
          } catch {
            return undefined;
          }
        }),
    };
  }
}

interface Setting {
  readonly parallelism?: number;
  readonly run?: (run: ContinuousRun, node: SimNode) => Promise<bigint>;
}

class Cluster {
  readonly world = new World(1);
  readonly metas = new Metas(this.world);
  /** `node query [start end)` in seconds since the start, as they began. */
  readonly runs: string[] = [];
  readonly records: RunRecord[] = [];
  readonly queriers = new Map<string, ContinuousQuerier>();

  start(name: string, { parallelism = 1, run }: Setting = {}): SimNode {
    const node = this.world.addNode(name);
    const { clock, log } = node.env;
    const meta = this.metas.of(name, this.queriers.size + 1);
    const options = { runIntervalMs: 1_000, isLogging: true, parallelism, lateNs: 0n };
    const running = (one: ContinuousRun): Promise<bigint> => {
      this.runs.push(`${name} ${printSelectTimes(one.select, startNs)}`);
      return run?.(one, node) ?? Promise.resolve(1n);
    };
    const record = (one: RunRecord) => this.records.push(one);
    this.queriers.set(
      name,
      new ContinuousQuerier({ clock, log, meta, run: running, record }, options),
    );
    return node;
  }

  statistics(name: string): unknown {
    return this.queriers.get(name)?.statistics()[0]?.values;
  }

  pass(untilMs: number): Promise<void> {
    return this.world.run(untilMs);
  }
}

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
