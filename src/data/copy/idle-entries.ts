import type { Clock, Timer } from '../../env/clock.ts';
import { DbError } from '../../base/errors.ts';

interface Kept<T> {
  readonly value: T;
  usedMs: number;
  /** Calls that use it now: it is not given up under them. */
  useCount: number;
}

export interface IdleEntriesOptions<T> {
  /** 'snapshot' and the like, for texts. */
  readonly name: string;
  readonly countMax: number;
  readonly idleMsMax: number;
  /** Left out when all stay as long: how long this one may be idle, as things are now. */
  readonly idleMsMaxOf?: (value: T) => number;
  /** Gives back what an entry takes. Never rejects. */
  readonly end: (value: T) => Promise<void>;
}

const checkMs = 30_000;

/** Things by number that a caller holds over several calls, and that end when nobody has asked for them for some time. */
export class IdleEntries<T> {
  readonly #clock: Clock;
  readonly #options: IdleEntriesOptions<T>;
  readonly #entries = new Map<number, Kept<T>>();
  readonly #timer: Timer;
  #makingCount = 0;
  #lastId = 0;

  constructor(clock: Clock, options: IdleEntriesOptions<T>) {
    this.#clock = clock;
    this.#options = options;
    this.#timer = clock.every(checkMs, () => {
      const nowMs = clock.monotonicMs();
      for (const [id, { value, usedMs, useCount }] of this.#entries) {
        const idleMsMax = options.idleMsMaxOf?.(value) ?? options.idleMsMax;
        if (useCount === 0 && usedMs < nowMs - idleMsMax) void this.end(id);
      }
    });
  }

  /** Throws `limit_exceeded` when there are as many as may be. `make` is told the number, which no other ever had. */
  async add(make: (id: number) => Promise<T>): Promise<{ readonly id: number; readonly value: T }> {
    const { name, countMax } = this.#options;
    if (this.#entries.size + this.#makingCount >= countMax)
      throw new DbError('limit_exceeded', `too many ${name}s: there are ${countMax} already`);
    const id = ++this.#lastId;
    this.#makingCount++;
    try {
      const value = await make(id);
      this.#entries.set(id, { value, usedMs: this.#clock.monotonicMs(), useCount: 0 });
      return { id, value };
    } finally {
      this.#makingCount--;
    }
  }

  /** Keeps an entry while it is used. Throws `not_found` for one that has ended. */
  async use<R>(id: number, work: (value: T) => Promise<R>): Promise<R> {
    const release = this.hold(id);
    try {
      return await work(release.value);
    } finally {
      release.done();
    }
  }

  /** The same for what goes on over several turns; `done` is called once. */
  hold(id: number): { readonly value: T; done(): void } {
    const entry = this.#entries.get(id);
    if (entry === undefined) throw new DbError('not_found', `${this.#options.name} ${id} is gone`);
    entry.useCount++;
    const done = (): void => {
      entry.useCount--;
      entry.usedMs = this.#clock.monotonicMs();
    };
    return { value: entry.value, done };
  }

  /** One that has ended already is no error. */
  async end(id: number): Promise<void> {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    if (entry !== undefined) await this.#options.end(entry.value);
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    for (const id of [...this.#entries.keys()]) await this.end(id);
  }
}
