/**
 * Turns of the event loop, one each for all who wait for one: between any two of them messages and what the disk has done are looked at. While
 * each had an immediate of its own all of them ran before the loop looked again: a write beside thirty long queries waited for
 * thirty slices at each of its steps.
 */
export class Turns {
  /** Those of this round, which go one by one, and those that have come since. */
  #round: (() => void)[] = [];
  #coming: (() => void)[] = [];
  #next = 0;
  #isRunning = false;

  readonly turn = (): Promise<void> =>
    new Promise((resolve) => {
      this.#coming.push(resolve);
      if (this.#isRunning) return;
      this.#isRunning = true;
      setImmediate(this.#run);
    });

  readonly #run = (): void => {
    if (this.#next === this.#round.length) {
      [this.#round, this.#coming] = [this.#coming, []];
      this.#next = 0;
    }
    const resolve = this.#round[this.#next++];
    this.#isRunning = this.#next < this.#round.length || this.#coming.length > 0;
    if (this.#isRunning) setImmediate(this.#run);
    resolve?.();
  };
}
