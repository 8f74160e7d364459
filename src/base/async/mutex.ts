/** Runs sections one after another, in the order they asked. A section that throws lets the next one run. */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  /** Sections running or waiting. */
  get waiting(): number {
    return this.#waiting;
  }

  run<T>(section: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const done = this.#tail.then(section).finally(() => {
      this.#waiting--;
    });
    this.#tail = done.catch(() => undefined);
    return done;
  }
}
