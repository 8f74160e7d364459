/**
 * How far each query has run: what the catalog says, and what this holder has run since and will tell it.
 *
 * Invariant: a mark gets into the catalog after its windows were written, and only by the holder of the lease; a holder that
 * lost it forgets what it had not told, and the next one runs those windows again.
 */
import { isDbError } from '../base/errors.ts';
import type { Clock } from '../env/clock.ts';
import type { Command, ContinuousQueryMark } from '../meta/command/command.ts';
import { marksMax } from '../meta/command/command-shape.ts';
import type { LastRun } from './schedule.ts';

export interface MarkedQuery {
  readonly database: string;
  readonly name: string;
  readonly createdNs?: bigint | undefined;
  /** As the catalog has it. */
  readonly ranUntilNs?: bigint | undefined;
}

/** Marks are told together, so that thousands of queries do not each make an entry of the log. */
const heldMsMax = 1_000;

export class RunMarks {
  readonly #clock: Clock;
  readonly #execute: (command: Command) => Promise<unknown>;
  readonly #lease: string;
  #pending = new Map<string, ContinuousQueryMark>();
  #pendingSinceMs = 0;
  #token = 0;

  constructor(
    ports: { readonly clock: Clock; readonly execute: (command: Command) => Promise<unknown> },
    { lease }: { readonly lease: string },
  ) {
    this.#clock = ports.clock;
    this.#execute = ports.execute;
    this.#lease = lease;
  }

  /** What was run under another token is for the catalog to say: another node may have gone on from there. */
  use(token: number): void {
    if (this.#token !== token) this.#pending.clear();
    this.#token = token;
  }

  of(query: MarkedQuery): LastRun {
    const pending = this.#pending.get(keyOf(query));
    const isSame = pending !== undefined && pending.createdNs === query.createdNs;
    return {
      createdNs: query.createdNs,
      ranUntilNs: isSame ? pending.ranUntilNs : query.ranUntilNs,
    };
  }

  set({ database, name, createdNs }: MarkedQuery, ranUntilNs: bigint): void {
    if (this.#pending.size === 0) this.#pendingSinceMs = this.#clock.monotonicMs();
    const mark = { database, name, ranUntilNs, ...(createdNs !== undefined && { createdNs }) };
    this.#pending.set(keyOf(mark), mark);
  }

  get isDue(): boolean {
    const { size } = this.#pending;
    if (size === 0) return false;
    return size >= marksMax || this.#clock.monotonicMs() - this.#pendingSinceMs >= heldMsMax;
  }

  /**
   * Tells them all. Throws `lease_lost`, and `conflict` for windows that are not over by the clock of the metas, and then they are
   * forgotten; what else fails is told again the next time.
   */
  async flush(): Promise<void> {
    while (this.#pending.size > 0) {
      const marks = [...this.#pending.values()].slice(0, marksMax);
      try {
        await this.#execute({ kind: 'mark-continuous-queries', lease: this.#lease, token: this.#token, marks }); // prettier-ignore
      } catch (error) {
        if (isDbError(error, 'lease_lost') || isDbError(error, 'conflict')) this.#pending.clear();
        throw error;
      }
      for (const mark of marks)
        if (this.#pending.get(keyOf(mark)) === mark) this.#pending.delete(keyOf(mark));
    }
  }
}

function keyOf({ database, name }: { readonly database: string; readonly name: string }): string {
  return JSON.stringify([database, name]);
}
