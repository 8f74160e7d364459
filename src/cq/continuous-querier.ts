/**
 * Runs the continuous queries of the cluster (spec F65 to F67). Each node looks each `run-interval`; the one that holds the
 * lease runs what is due, in the order of the catalog, one after the other or `parallelism` at once.
 *
 * Invariants:
 * - No window is skipped: its mark moves on when it was written, or refused for what no later attempt would change. One that is too
 *   much for a limit by itself is given up after an hour, and told (decision 154).
 * - A window is written under one holder's token; an old holder's writes are refused by the owners (lease-fences.ts) and its
 *   marks by the catalog.
 * - A query that is dropped, or whose database is, ends where it is.
 */
import { Tasks } from '../base/async/tasks.ts';
import { DbError, errorText, isDbError, type DbErrorCode } from '../base/errors.ts';
import { formatLogTime } from '../base/rfc3339.ts';
import { minuteMs } from '../base/units.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { SelectStatement } from '../influxql/ast.ts';
import type { CatalogWatch, LeaseGrant, MetaAccess } from '../meta/client/meta-access.ts';
import { findDatabase, type Catalog, type ContinuousQuery } from '../meta/model/catalog.ts';
import { Counters } from '../telemetry/counters.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import { Attempts } from './attempts.ts';
import { parseContinuousQuery, withTimeRange, type ContinuousSelect } from './continuous-query.ts';
import { LeaseKeeper, type HeldLease } from './lease-keeper.ts';
import { RunLog } from './run-log.ts';
import { RunMarks } from './run-marks.ts';
import { dueRun, type RunPlan, type TimeRange } from './schedule.ts';

/** As the reference calls it; whoever asks `/lease` sees it. */
export const leaseName = 'continuous_querier';

export interface ContinuousRun {
  readonly select: SelectStatement;
  readonly database: string;
  readonly signal: AbortSignal;
  readonly token: number;
  /** Throws `lease_lost`; asked before each batch of points leaves. */
  readonly checkLease: () => void;
}

/** What `query-stats-enabled` keeps of a run. */
export interface RunRecord {
  readonly database: string;
  readonly name: string;
  readonly durationNs: bigint;
  readonly writtenCount: bigint;
  readonly startNs: bigint;
  readonly endNs: bigint;
}

export interface ContinuousQuerierPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'execute'> &
    CatalogWatch & {
      acquireLease(name: string): Promise<LeaseGrant | undefined>;
    };
  /** Runs it as any query runs; resolves with the number of points written. */
  readonly run: (run: ContinuousRun) => Promise<bigint>;
  /** Left out without `query-stats-enabled`. */
  readonly record?: ((run: RunRecord) => void) | undefined;
}

/** Of `[continuous_queries]`. */
export interface ContinuousQuerierOptions {
  readonly runIntervalMs: number;
  readonly isLogging: boolean;
  readonly parallelism: number;
  readonly lateNs: bigint;
}

/** A node whose clock is ahead leaves the lease, which ends meanwhile, to others. */
const asideMs = 5 * minuteMs;
/** Windows whose run failed so are run again; for all else the run counts, as in the reference. */
const passingCodes: readonly DbErrorCode[] = ['unavailable', 'no_leader', 'not_leader', 'shutdown', 'timeout', 'cancelled', 'write_failed', 'outcome_unknown', 'queue_full', 'cache_full', 'disk_full', 'limit_exceeded', 'io_error', 'lease_lost', 'corrupt', 'internal']; // prettier-ignore

/** A query of the catalog at its place. */
interface Placed extends ContinuousQuery {
  readonly database: string;
}

export class ContinuousQuerier {
  readonly #ports: ContinuousQuerierPorts;
  readonly #options: ContinuousQuerierOptions;
  readonly #keeper: LeaseKeeper;
  readonly #marks: RunMarks;
  readonly #counters = new Counters(['queryFail', 'queryOk']);
  /** Of queries that are there: as long as the catalog. */
  readonly #known = new Map<string, ContinuousSelect>();
  readonly #attempts: Attempts;
  readonly #running = new Map<Placed, AbortController>();
  readonly #closing = new AbortController();
  readonly #tasks: Tasks;
  readonly #timer: Timer;
  readonly #unwatch: () => void;
  readonly #runLog: RunLog | undefined;
  #isLooking = false;
  #asideUntilMs = 0;

  constructor(ports: ContinuousQuerierPorts, options: ContinuousQuerierOptions) {
    const { clock, log, meta } = ports;
    this.#ports = ports;
    this.#options = options;
    this.#attempts = new Attempts(clock);
    this.#keeper = new LeaseKeeper({ clock, log, acquire: () => meta.acquireLease(leaseName) });
    this.#runLog = options.isLogging ? new RunLog(clock, log) : undefined;
    const execute = meta.execute.bind(meta);
    this.#marks = new RunMarks({ clock, execute }, { lease: leaseName });
    this.#tasks = new Tasks((name, error) => {
      log.error('A task of the continuous query service failed', { name, error: errorText(error) });
    });
    this.#unwatch = meta.watch(({ before, after }) => {
      // Under a token of another cluster owners would take what is not this node's to write, and nothing of the holder's from then on.
      if (before.clusterId !== after.clusterId) this.#keeper.drop();
      this.#endDropped(after);
    });
    log.info('Starting continuous query service');
    this.#timer = clock.every(options.runIntervalMs, () => {
      this.#tasks.spawn('continuous queries', this.look());
    });
  }

  /** Runs what is due, if this node holds the lease by then. */
  async look(): Promise<void> {
    if (this.#isLooking || this.#isAside || this.#placed().length === 0) return;
    this.#isLooking = true;
    try {
      await this.#keeper.run(async (lease) => {
        while ((await this.#runDue(lease)) && !this.#mustEnd(lease));
      });
    } finally {
      this.#isLooking = false;
    }
  }

  statistics(): readonly Statistic[] {
    return [{ name: 'cq', tags: {}, values: this.#counters.values() }];
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#unwatch();
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    for (const run of this.#running.values()) run.abort(this.#closing.signal.reason);
    await this.#tasks.settled();
    this.#keeper.close();
    this.#ports.log.info('Terminating continuous query service');
  }

  #placed(): readonly Placed[] {
    return this.#ports.meta.catalog.databases.flatMap(
      ({ name: database, continuousQueries = [] }) =>
        continuousQueries.map((query) => ({ ...query, database })),
    );
  }

  /** Once through all of them; true when more is due at once. */
  async #runDue(lease: HeldLease): Promise<boolean> {
    this.#marks.use(lease.token);
    const queries = this.#placed();
    this.#forgetGone(queries);
    const more = { isDue: false };
    const turns = queries.values();
    const work = async (): Promise<void> => {
      for (const query of turns) {
        if (this.#mustEnd(lease)) return;
        if (await this.#runOne(query, lease)) more.isDue = true;
        if (this.#marks.isDue) await this.#tell();
      }
    };
    await Promise.all(Array.from({ length: this.#options.parallelism }, work));
    await this.#tell();
    return more.isDue;
  }

  async #tell(): Promise<void> {
    try {
      await this.#marks.flush();
    } catch (error) {
      const fields = { error: errorText(error) };
      if (isDbError(error, 'conflict')) {
        this.#asideUntilMs = this.#ports.clock.monotonicMs() + asideMs;
        this.#ports.log.warn('Continuous queries are left to other nodes for a while', fields);
      } else this.#ports.log.debug('How far continuous queries have run could not be told', fields);
    }
  }

  get #isAside(): boolean {
    return this.#ports.clock.monotonicMs() < this.#asideUntilMs;
  }

  #mustEnd({ signal }: HeldLease): boolean {
    return signal.aborted || this.#closing.signal.aborted || this.#isAside;
  }

  /** True when the query has missed more than one run makes up for. */
  async #runOne(query: Placed, lease: HeldLease): Promise<boolean> {
    const { clock, meta } = this.#ports;
    if (!isThere(meta.catalog, query)) return false;
    const key = keyOf(query);
    const windowsMax = this.#attempts.next(key);
    if (windowsMax === undefined) return false;
    let plan: RunPlan | undefined;
    try {
      const { select, resampling } = this.#parsed(key, query.text);
      const nowNs = clock.wallNs();
      const { lateNs } = this.#options;
      plan = dueRun(nowNs, resampling(nowNs), this.#marks.of(query), { lateNs, windowsMax });
      if (plan?.range !== undefined) await this.#runRange({ query, select, lease }, plan.range);
      this.#attempts.ran(key);
    } catch (error) {
      if (!this.#isGivenUp(query, error, plan)) return false;
    }
    if (plan?.isBehind !== true) this.#attempts.caughtUp(key);
    if (plan === undefined) return false;
    this.#marks.set(query, plan.ranUntilNs);
    return plan.isBehind;
  }

  #parsed(key: string, text: string): ContinuousSelect {
    const known = this.#known.get(key) ?? parseContinuousQuery(text);
    this.#known.set(key, known);
    return known;
  }

  /** Throws what may pass: then the range has to run again. */
  async #runRange(
    { query, select, lease }: { readonly query: Placed; readonly select: SelectStatement; readonly lease: HeldLease }, // prettier-ignore
    range: TimeRange,
  ): Promise<void> {
    const { clock, run, record } = this.#ports;
    const { database, name } = query;
    const startedMs = clock.monotonicMs();
    const noteEnd = this.#runLog?.start(query, range);
    const ending = new AbortController();
    const onLost = (): void => {
      ending.abort(lease.signal.reason);
    };
    lease.signal.addEventListener('abort', onLost, { once: true });
    this.#running.set(query, ending);
    try {
      const writtenCount = await run({
        select: withTimeRange(select, range),
        database,
        signal: ending.signal,
        token: lease.token,
        checkLease: () => {
          lease.check();
        },
      });
      lease.check();
      this.#counters.add('queryOk');
      const durationNs = BigInt(Math.round((clock.monotonicMs() - startedMs) * 1e3)) * 1_000n;
      noteEnd?.({ writtenCount, durationNs });
      record?.({ database, name, durationNs, writtenCount, ...range });
    } catch (error) {
      noteEnd?.(undefined);
      // What ended it says more than what the query made of that.
      const cause: unknown = ending.signal.aborted ? ending.signal.reason : error;
      if (!isDbError(cause) || passingCodes.includes(cause.code)) throw cause;
      this.#counters.add('queryFail');
      this.#logError(query, cause);
    } finally {
      this.#running.delete(query);
      lease.signal.removeEventListener('abort', onLost);
    }
  }

  /** Whether the query is to go on behind what failed; otherwise that is tried again. */
  #isGivenUp(query: Placed, error: unknown, plan: RunPlan | undefined): boolean {
    if (isDbError(error, 'lease_lost') || isDbError(error, 'shutdown')) return false;
    const isGivenUp = this.#attempts.failed(keyOf(query), error) && plan?.range !== undefined;
    this.#counters.add('queryFail');
    this.#logError(query, error);
    if (isGivenUp) this.#tellGivenUp(query, plan.range);
    return isGivenUp;
  }

  #tellGivenUp({ database: db_instance, name }: Placed, { startNs, endNs }: TimeRange): void {
    const range = { start: formatLogTime(startNs), end: formatLogTime(endNs) };
    const text = 'A continuous query leaves out what it could not compute, EXECUTE CONTINUOUS QUERY does it again'; // prettier-ignore
    this.#ports.log.warn(text, { name, db_instance, ...range });
  }

  #logError({ text }: Placed, error: unknown): void {
    this.#ports.log.info('Error executing query', { query: text, error: errorText(error) });
  }

  #endDropped(catalog: Catalog): void {
    for (const [query, run] of this.#running)
      if (!isThere(catalog, query)) run.abort(new DbError('cancelled', 'continuous query dropped'));
  }

  #forgetGone(queries: readonly Placed[]): void {
    if (this.#known.size + this.#attempts.size === 0) return;
    const keys = new Set(queries.map(keyOf));
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key);
    this.#attempts.keep(keys);
  }
}

function isThere(catalog: Catalog, { database, name, createdNs, text }: Placed): boolean {
  const queries = findDatabase(catalog, database)?.continuousQueries ?? [];
  return queries.some(
    (one) => one.name === name && one.createdNs === createdNs && one.text === text,
  );
}

/** One that was made anew under its name is another. */
function keyOf({ database, name, createdNs, text }: Placed): string {
  return JSON.stringify([database, name, String(createdNs), text]);
}
