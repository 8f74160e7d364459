import { assert } from '../../../src/base/assert.ts';
import { Heap } from '../../../src/base/collections/heap.ts';
import { Prng } from '../../../src/base/prng.ts';
import type { Timer } from '../../../src/env/clock.ts';
import { createFaultCounts, type FaultKind } from './faults.ts';
import { Trace } from './trace.ts';

/** One incarnation of a node's process. Ports resolve nothing once it is dead, so no `finally` runs after a crash. */
export interface Life {
  readonly node: string;
  readonly generation: number;
  alive: boolean;
}

interface Event {
  readonly atMs: number;
  readonly sequence: number;
  readonly run: () => void;
  cancelled: boolean;
}

const realSetImmediate = globalThis.setImmediate;
const turnsPerRound = 16;

/**
 * Events in (time, sequence) order on one thread; between two events every promise callback runs.
 * What happens depends on the seed alone.
 */
export class Loop {
  readonly seed: number;
  readonly random: Prng;
  readonly trace: Trace;
  readonly faultCounts = createFaultCounts();
  readonly #heap = new Heap<Event>(
    (a, b) => a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence),
  );
  nowMs = 0;
  eventCount = 0;
  #sequence = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(seed: number, sink?: (line: string) => void) {
    this.seed = seed;
    this.random = Prng.fromSeed(seed);
    this.trace = new Trace(sink);
  }

  schedule(delayMs: number, run: () => void): Timer {
    const event: Event = {
      atMs: this.nowMs + Math.max(0, delayMs),
      sequence: this.#sequence++,
      run,
      cancelled: false,
    };
    this.#heap.push(event);
    return {
      cancel: (): void => {
        event.cancelled = true;
      },
    };
  }

  /** Every port resolves through this. */
  later<T>(life: Life, delayMs: number, make: () => T): Promise<T> {
    return new Promise((resolve, reject) => {
      this.schedule(delayMs, () => {
        if (!life.alive) return;
        try {
          const made = make();
          // It may have been the last deed of the process.
          if (isAlive(life)) resolve(made);
        } catch (error) {
          reject(error); // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors -- as it was thrown
        }
      });
    });
  }

  note(line: string): void {
    this.trace.add(`${this.nowMs.toFixed(3)} ${line}`);
  }

  strike(kind: FaultKind, line: string): void {
    this.faultCounts[kind]++;
    this.note(`fault ${kind} ${line}`);
  }

  /** Ends the run with `error`; the first one wins. */
  fail(error: unknown): void {
    this.#failure ??= { error };
  }

  /** Runs the events up to `untilMs` of world time, then stands there. Throws the first failure. */
  async run(untilMs: number): Promise<void> {
    await this.#guarded(() => inTurns(() => this.#step(untilMs)));
    this.nowMs = Math.max(this.nowMs, untilMs);
  }

  /** Runs events until `work` settles, and gives its outcome; throws when it has not after `limitMs` of world time. */
  async complete<T>(work: Promise<T>, limitMs: number): Promise<T> {
    let settled = false;
    const mark = (): void => {
      settled = true;
    };
    work.then(mark, mark);
    const isSettled = (): boolean => settled;
    const untilMs = this.nowMs + limitMs;
    await this.#guarded(() => inTurns(() => !settled && this.#step(untilMs)));
    if (!isSettled())
      throw new Error(`not settled after ${limitMs} ms of world time (seed ${this.seed})`);
    return work;
  }

  /** One event; false when there is none up to `untilMs`. */
  #step(untilMs: number): boolean {
    this.#throwFailure();
    let event = this.#heap.peek();
    while (event?.cancelled === true) {
      this.#heap.pop();
      event = this.#heap.peek();
    }
    if (event === undefined || event.atMs > untilMs) return false;
    this.#heap.pop();
    assert(event.atMs >= this.nowMs, 'time does not go back');
    this.nowMs = event.atMs;
    this.eventCount++;
    event.run();
    this.#throwFailure();
    return true;
  }

  /** A promise that nobody handles is a bug of the code under test. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    const onUnhandled = (error: unknown): void => {
      this.fail(error);
    };
    process.on('unhandledRejection', onUnhandled);
    try {
      await run();
      this.#throwFailure();
    } finally {
      process.off('unhandledRejection', onUnhandled);
    }
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error as Error;
  }
}

function isAlive(life: Life): boolean {
  return life.alive;
}

/**
 * Calls `turn` until it gives false, with every promise callback run in between: that is what Node does between two
 * callbacks of setImmediate. Many of these at once, as each round through Node's loop costs calls of the system.
 */
function inTurns(turn: () => boolean): Promise<void> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const once = (): void => {
      if (isOver) return;
      try {
        isOver = !turn();
        if (isOver) resolve();
      } catch (error) {
        isOver = true;
        reject(error); // eslint-disable-line @typescript-eslint/prefer-promise-reject-errors -- as it was thrown
      }
    };
    const round = (): void => {
      if (isOver) return;
      for (let i = 0; i < turnsPerRound; i++) realSetImmediate(once);
      realSetImmediate(round);
    };
    round();
  });
}
