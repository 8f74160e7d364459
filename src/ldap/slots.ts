import { DbError } from '../base/errors.ts';

/** So much work at once; more waits for its turn, and beyond that is refused. */
export class Slots {
  readonly #max: number;
  readonly #waitingMax: number;
  readonly #waiting: (() => void)[] = [];
  #busyCount = 0;

  constructor({ max, waitingMax }: { readonly max: number; readonly waitingMax: number }) {
    this.#max = max;
    this.#waitingMax = waitingMax;
  }

  /** Throws `queue_full` when too much waits. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#busyCount--;
      else next();
    }
  }

  #enter(): Promise<void> {
    if (this.#busyCount < this.#max) {
      this.#busyCount++;
      return Promise.resolve();
    }
    if (this.#waiting.length >= this.#waitingMax)
      throw new DbError('queue_full', 'too many logins wait for LDAP servers');
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }
}
