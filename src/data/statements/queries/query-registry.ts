import { DbError } from '../../../base/errors.ts';
import type { Clock, Timer } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import { formatGoDuration } from '../../../influxql/duration.ts';
import type { Statistic } from '../../../telemetry/statistics.ts';

export interface RunningQuery {
  readonly id: number;
  readonly text: string;
  readonly database: string;
  readonly user: string;
  readonly durationNs: bigint;
  readonly status: 'running' | 'killed';
}

export interface QueryTicket {
  readonly id: number;
  /** Aborts with `query interrupted` when the query is killed, with what the outer signal gives, or once its time is up. */
  readonly signal: AbortSignal;
  /**
   * True while its client has yet to take what it made, and nothing of it runs. One that is ended then gives back its place
   * at once: a client may take as long as it likes.
   */
  readonly idle: (isIdle: boolean) => void;
  done(): void;
  /** Ends as if it had never begun: what it was to answer is asked for another way. */
  leave(): unknown;
}

/** What is watched over queries; 0 is never. */
export interface QueryLimits {
  /** `max-concurrent-queries`. */
  readonly concurrentMax: number;
  /** `log-queries-after`: a query that takes longer is logged while it runs. */
  readonly slowAfterMs: number;
  /** `log-timedout-queries`. */
  readonly logsTimedOut: boolean;
}

export const noQueryLimits: QueryLimits = { concurrentMax: 0, slowAfterMs: 0, logsTimedOut: false };

export interface QueryStart {
  /** Asked for when someone lists the queries: statements may be as large as a body. */
  readonly text: () => string;
  readonly database: string;
  readonly user: string;
  /** `query-timeout`, milliseconds; 0 is none. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

interface Entry {
  readonly text: () => string;
  readonly database: string;
  readonly user: string;
  readonly startedMs: number;
  readonly controller: AbortController;
}

const noTimers: readonly Timer[] = [];

/** The queries that this node runs for its clients (spec F59 to F61). */
export class QueryRegistry {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #limits: QueryLimits;
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;
  #finishedCount = 0;
  #finishedMs = 0;

  constructor(
    { clock, log }: { readonly clock: Clock; readonly log: Log },
    limits: QueryLimits = noQueryLimits,
  ) {
    this.#clock = clock;
    this.#log = log;
    this.#limits = limits;
  }

  /** Throws `limit_exceeded`. */
  start(query: QueryStart): QueryTicket {
    const { concurrentMax } = this.#limits;
    const running = this.#entries.size;
    if (concurrentMax > 0 && running >= concurrentMax) {
      const text = `max-concurrent-queries limit exceeded(${running}, ${concurrentMax})`;
      throw new DbError('limit_exceeded', text);
    }
    const id = ++this.#lastId;
    const controller = new AbortController();
    const { text, database, user } = query;
    const startedMs = this.#clock.monotonicMs();
    this.#entries.set(id, { text, database, user, startedMs, controller });
    // One signal for all that may end a query: AbortSignal.any costs the collector of garbage much.
    const onAbort = () => {
      controller.abort(query.signal.reason);
    };
    const timers = this.#watch(id, query, controller);
    if (query.signal.aborted) onAbort();
    else query.signal.addEventListener('abort', onAbort, { once: true });
    const leave = (): boolean => {
      query.signal.removeEventListener('abort', onAbort);
      for (const timer of timers) timer.cancel();
      return this.#entries.delete(id);
    };
    const done = (): void => {
      if (!leave()) return;
      this.#finishedCount++;
      this.#finishedMs += this.#clock.monotonicMs() - startedMs;
    };
    let isIdle = false;
    const doneIfIdle = (): void => {
      if (isIdle && controller.signal.aborted) done();
    };
    // Of an answer that is there whole nobody ever waits.
    let isHeard = false;
    const idle = (is: boolean): void => {
      isIdle = is;
      if (!isHeard) controller.signal.addEventListener('abort', doneIfIdle, { once: true });
      isHeard = true;
      doneIfIdle();
    };
    return { id, signal: controller.signal, leave, done, idle };
  }

  /** Logs a query that takes long, and ends one that takes too long (spec F61, F62). */
  #watch(
    id: number,
    { text, database, user, timeoutMs }: QueryStart,
    controller: AbortController,
  ): readonly Timer[] {
    const { slowAfterMs, logsTimedOut } = this.#limits;
    if (slowAfterMs === 0 && timeoutMs === 0) return noTimers;
    const timers: Timer[] = [];
    if (slowAfterMs > 0) {
      const warn = (): void => {
        this.#log.warn(`Detected slow query: ${text()} (qid: ${id}, database: ${database}, user: ${user}, threshold: ${durationText(slowAfterMs)})`); // prettier-ignore
      };
      timers.push(this.#clock.after(slowAfterMs, warn));
    }
    if (timeoutMs > 0) {
      const end = (): void => {
        const fields = { query: text(), database, user, timeout: durationText(timeoutMs) };
        if (logsTimedOut) this.#log.warn('query killed for exceeding timeout limit', fields);
        controller.abort(new DbError('timeout', 'query-timeout limit exceeded'));
      };
      timers.push(this.#clock.after(timeoutMs, end));
    }
    return timers;
  }

  /** A line for each query that still runs: `termination-query-log`, when the node is told to stop. */
  logRunning(): void {
    for (const { id, text, database, durationNs, status, user } of this.list()) {
      const duration = formatGoDuration(wholeUnits(durationNs));
      this.#log.info('Current Queries', { qid: id, query: text, database, duration, status, user });
    }
  }

  /** As the reference counts them (spec 1.11). */
  statistics(): readonly Statistic[] {
    const values = {
      queriesActive: this.#entries.size,
      queriesExecuted: this.#lastId,
      queriesFinished: this.#finishedCount,
      queryDurationNs: Math.round(this.#finishedMs * 1_000) * 1_000,
      recoveredPanics: 0,
    };
    return [{ name: 'queryExecutor', tags: {}, values }];
  }

  list(): readonly RunningQuery[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#entries].map(([id, { text, database, user, startedMs, controller }]) => ({
      id,
      text: text(),
      database,
      user,
      durationNs: BigInt(Math.round((nowMs - startedMs) * 1_000)) * 1_000n,
      status: controller.signal.aborted ? 'killed' : 'running',
    }));
  }

  kill(id: number): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new DbError('not_found', `no such query id: ${id}`);
    if (entry.controller.signal.aborted) throw new DbError('conflict', 'already killed');
    entry.controller.abort(new DbError('cancelled', 'query interrupted'));
  }
}

function durationText(durationMs: number): string {
  return formatGoDuration(BigInt(Math.round(durationMs * 1e6)));
}

/** Cut to the largest unit of which there is one. */
function wholeUnits(durationNs: bigint): bigint {
  const unitNs = [1_000_000_000n, 1_000_000n, 1_000n].find((unit) => durationNs >= unit) ?? 1n;
  return durationNs - (durationNs % unitNs);
}
