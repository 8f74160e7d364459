/** A promise that is settled from outside, once; later calls change nothing. */
export class Latch<T> {
  readonly promise: Promise<T>;
  #resolve: (value: T) => void = () => undefined;
  #reject: (reason: unknown) => void = () => undefined;

  constructor() {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  open(value: T): void {
    this.#resolve(value);
  }

  /** Marks the rejection as seen, so that a latch nobody waits for yet does not end the process. */
  fail(reason: unknown): void {
    this.promise.catch(() => undefined);
    this.#reject(reason);
  }
}
