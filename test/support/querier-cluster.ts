/** Continuous queries on some nodes of one cluster, whose metas and clock are simulated. */
import { World, type SimNode } from '../sim/world/world.ts';
import { DbError, type DbErrorCode } from '../../src/base/errors.ts';
import { printSelectTimes } from '../../src/cq/testdata/print-select-times.ts';
import type { LeaseGrant } from '../../src/meta/client/meta-access.ts';
import { applyCommand } from '../../src/meta/apply/apply.ts';
import type { CatalogNews } from '../../src/meta/apply/catalog-changes.ts';
import {
  emptyCatalog,
  findDatabase,
  type Catalog,
  type ContinuousQuery,
} from '../../src/meta/model/catalog.ts';
import type { Command } from '../../src/meta/command/command.ts';
import {
  ContinuousQuerier,
  leaseName,
  type ContinuousQuerierPorts,
  type ContinuousRun,
  type RunRecord,
} from '../../src/cq/continuous-querier.ts';

export const leaseMs = 10_000;
/** World time 0. */
export const startNs = 1_767_225_600_000_000_000n;

/** Metas in memory: their catalog, and leases by the clock of the world. */
export class Metas {
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

  of(name: string, nodeId: number): ContinuousQuerierPorts['meta'] {
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

export interface Setting {
  readonly parallelism?: number;
  readonly run?: (run: ContinuousRun, node: SimNode) => Promise<bigint>;
}

export class Cluster {
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
