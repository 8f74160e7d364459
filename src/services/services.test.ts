import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { dayNs, hourNs, maxTimeNs } from '../base/units.ts';
import type { Clock } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import { applyCommand } from '../meta/apply/apply.ts';
import { emptyCatalog, findDatabase, type Catalog } from '../meta/model/catalog.ts';
import type { Command } from '../meta/command/command.ts';
import { shardFate } from '../meta/model/shard-fate.ts';
import { PrecreationService } from './precreation.ts';
import { deletedGroupKeptNs, RetentionService } from './retention.ts';

const hour = 100n * 365n * 24n * hourNs;

/** A cluster whose catalog commands change at once, and a clock that stands where it is told. */
class Cluster {
  catalog: Catalog = emptyCatalog;
  nowNs = hour;
  readonly lines: string[] = [];
  readonly done: string[] = [];
  error: DbError | undefined;
  #index = 1;
  readonly ports = {
    clock: {
      every: () => ({ cancel: () => undefined }),
      wallNs: () => this.nowNs,
    } as unknown as Clock,
    log: {
      info: (line: string) => this.lines.push(line),
      error: (line: string) => this.lines.push(line),
    } as unknown as Log,
    meta: this as { readonly catalog: Catalog; execute(command: Command): Promise<undefined> },
  };

  constructor() {
    this.#apply({ kind: 'found-cluster', clusterId: 7n });
    this.#apply({ kind: 'create-data-node', httpAddress: 'a:1', tcpAddress: 'a:2', dataNodesMax: 9 }); // prettier-ignore
  }

  execute(command: Command): Promise<undefined> {
    this.done.push(command.kind);
    if (this.error !== undefined) return Promise.reject(this.error);
    this.#apply(command);
    return Promise.resolve(undefined);
  }

  database(name: string, durationNs: bigint, timesNs: readonly bigint[]): void {
    this.#apply({ kind: 'create-database', name, policy: { durationNs, shardDurationNs: hourNs } });
    if (timesNs.length > 0)
      this.#apply({ kind: 'create-shard-groups', database: name, retentionPolicy: 'autogen', timesNs }); // prettier-ignore
    this.done.length = 0;
  }

  /** Starts of the groups of a database in hours from now, those that are deleted in brackets. */
  groups(name: string): string {
    const groups = findDatabase(this.catalog, name)?.retentionPolicies[0]?.shardGroups ?? [];
    return groups
      .map(({ startNs, deletedAtNs }) => {
        const hours = String((startNs - hour) / hourNs);
        return deletedAtNs === undefined ? hours : `[${hours}]`;
      })
      .join(' ');
  }

  #apply(command: Command): void {
    const { catalog, answer } = applyCommand(this.catalog, ++this.#index, { id: `${this.#index}`, command }); // prettier-ignore
    if (!answer.ok) throw new DbError('conflict', answer.text);
    this.catalog = catalog;
  }
}

function retentionOf({ ports }: Cluster): RetentionService {
  return new RetentionService(ports, { checkIntervalMs: 1_800_000 });
}

test('retention: groups that have outlived their policy are deleted, whole ones only, once', async () => {
  const cluster = new Cluster();
  const times = [-3n, -2n, -1n, 0n].map((hours) => hour + hours * hourNs);
  cluster.database('short', hourNs, times);
  cluster.database('long', 2n * dayNs, times);
  cluster.database('forever', 0n, times);
  const retention = retentionOf(cluster);
  await retention.check();
  // The group of -2 h ended an hour ago, to the nanosecond: its last point may be as old as the policy allows.
  expect(cluster.groups('short')).toBe('[-3] -2 -1 0');
  expect([cluster.groups('long'), cluster.groups('forever')]).toEqual(['-3 -2 -1 0', '-3 -2 -1 0']);
  cluster.nowNs += 1n;
  await retention.check();
  expect(cluster.groups('short')).toBe('[-3] [-2] -1 0');
  expect(cluster.lines.filter((line) => line === 'Deleted shard group')).toHaveLength(2);
  await retention.check();
  expect(cluster.done).toEqual(['delete-shard-group', 'delete-shard-group']);
  expect([1, 2, 3, 4].map((id) => shardFate(cluster.catalog, id))).toEqual(['dropped', 'dropped', 'live', 'live']); // prettier-ignore
  await retention.close();
});

test('retention: what was deleted two weeks ago leaves the catalog; its shards stay dropped', async () => {
  const cluster = new Cluster();
  cluster.database('short', hourNs, [hour - 3n * hourNs, hour]);
  const retention = retentionOf(cluster);
  await retention.check();
  const deletedNs = cluster.nowNs;
  cluster.database('short', hourNs, []);
  cluster.nowNs = deletedNs + deletedGroupKeptNs;
  await retention.check();
  expect(cluster.groups('short')).toBe('[-3] [0]');
  cluster.nowNs++;
  await retention.check();
  expect(cluster.groups('short')).toBe('[0]');
  expect(cluster.done).toEqual(['delete-shard-group', 'prune-shard-groups']);
  expect(shardFate(cluster.catalog, 1)).toBe('dropped');
  await retention.close();
});

test('retention: what a check cannot do the next one does, and says so', async () => {
  const cluster = new Cluster();
  cluster.database('short', hourNs, [hour - 3n * hourNs]);
  cluster.error = new DbError('unavailable', 'meta service unavailable');
  const retention = retentionOf(cluster);
  await retention.check();
  expect(cluster.lines).toEqual([
    'Starting retention policy enforcement service',
    'Failed to delete shard group',
    'One or more errors occurred during shard deletion and will be retried on the next check',
  ]);
  cluster.error = undefined;
  await retention.check();
  expect(cluster.groups('short')).toBe('[-3]');
  await retention.close();
});

test.each(['retention', 'precreation'] as const)(
  '%s: a stop ends a check between two commands, which take long where no meta node leads',
  async (what) => {
    const cluster = new Cluster();
    const time = what === 'retention' ? -3n : 0n;
    for (const name of ['a', 'b', 'c']) cluster.database(name, hourNs, [hour + time * hourNs]);
    cluster.done.length = 0;
    cluster.error = new DbError('unavailable', 'meta service unavailable');
    const precreation = { checkIntervalMs: 600_000, advancePeriodMs: 7_200_000 };
    const service = what === 'retention' ? retentionOf(cluster) : new PrecreationService(cluster.ports, precreation); // prettier-ignore
    const checked = service.check();
    await service.close();
    await checked;
    expect(cluster.done).toHaveLength(1);
  },
);

test('retention: a group that went meanwhile is no error', async () => {
  const cluster = new Cluster();
  cluster.database('short', hourNs, [hour - 3n * hourNs]);
  cluster.error = new DbError('database_not_found', 'database not found: short');
  const retention = retentionOf(cluster);
  await retention.check();
  expect(cluster.lines).toEqual(['Starting retention policy enforcement service']);
  await retention.close();
});

test('precreation: the successor of a group that ends within the advance period is made, once', async () => {
  const cluster = new Cluster();
  cluster.database('ends', 0n, [hour - hourNs, hour]);
  cluster.database('ended', 0n, [hour - 2n * hourNs]);
  cluster.database('later', 0n, [hour + 2n * hourNs]);
  cluster.database('empty', 0n, []);
  const precreation = new PrecreationService(cluster.ports, { checkIntervalMs: 600_000, advancePeriodMs: 1_800_000 }); // prettier-ignore
  cluster.nowNs = hour + hourNs / 2n;
  await precreation.check();
  expect(cluster.done).toEqual([]);
  cluster.nowNs += 1n;
  await precreation.check();
  await precreation.check();
  expect(cluster.done).toEqual(['create-shard-groups']);
  expect(['ends', 'ended', 'later', 'empty'].map((name) => cluster.groups(name))).toEqual(['-1 0 1', '-2', '2', '']); // prettier-ignore
  await precreation.close();
});

test('precreation: nothing comes after the end of time, and a leader that is away ends no check', async () => {
  const cluster = new Cluster();
  cluster.database('last', 0n, [maxTimeNs]);
  cluster.database('ends', 0n, [hour]);
  cluster.error = new DbError('unavailable', 'meta service unavailable');
  const precreation = new PrecreationService(cluster.ports, { checkIntervalMs: 1, advancePeriodMs: 1_800_000 }); // prettier-ignore
  cluster.nowNs = maxTimeNs - 5n;
  await precreation.check();
  cluster.nowNs = hour + hourNs - 5n;
  await precreation.check();
  expect(cluster.done).toEqual(['create-shard-groups']);
  expect(cluster.lines).toContain('Failed to precreate successive shard group');
  await precreation.close();
});
