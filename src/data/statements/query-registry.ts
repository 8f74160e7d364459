import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Statistic } from '../../telemetry/statistics.ts';

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
  /** Aborts with `query interrupted` when the query is killed, with what the outer signal or abort() gives otherwise. */
  readonly signal: AbortSignal;
  abort(reason: Error): void;
  done(): void;
}

interface Entry {
  readonly text: () => string;
  readonly database: string;
  readonly user: string;
  readonly startedMs: number;
  readonly controller: AbortController;
}

/** The queries that this node runs for its clients (spec F59 to F61). */
export class QueryRegistry {
  readonly #clock: Clock;
  readonly #concurrentMax: number;
  readonly #entries = new Map<number, Entry>();
  #lastId = 0;
  #finishedCount = 0;
  #finishedMs = 0;

  /** `concurrentMax` 0 is no limit. */
  constructor(clock: Clock, options: { readonly concurrentMax: number }) {
    this.#clock = clock;
    this.#concurrentMax = options.concurrentMax;
  }

  /** `text` is asked for when someone lists the queries: statements may be as large as a body. */
  start(query: {
    readonly text: () => string;
    readonly database: string;
    readonly user: string;
    readonly signal: AbortSignal;
  }): QueryTicket {
    const count = this.#entries.size + 1;
    if (this.#concurrentMax > 0 && count > this.#concurrentMax) {
      const text = `max-concurrent-queries limit exceeded(${count}, ${this.#concurrentMax})`;
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
    if (query.signal.aborted) onAbort();
    else query.signal.addEventListener('abort', onAbort, { once: true });
    return {
      id,
      signal: controller.signal,
      abort: (reason) => {
        controller.abort(reason);
      },
      done: () => {
        query.signal.removeEventListener('abort', onAbort);
        if (!this.#entries.delete(id)) return;
        this.#finishedCount++;
        this.#finishedMs += this.#clock.monotonicMs() - startedMs;
      },
    };
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
