/**
 * Promises that nobody awaits on the spot. Each has a name; a failure is reported with it, never lost.
 * - settled() resolves when all of them have ended, those spawned meanwhile too.
 */
export class Tasks {
  readonly #running = new Map<Promise<void>, string>();
  readonly #onFailure: (name: string, error: unknown) => void;

  constructor(onFailure: (name: string, error: unknown) => void) {
    this.#onFailure = onFailure;
  }

  get size(): number {
    return this.#running.size;
  }

  /** Names of what is still running, for the text of a slow shutdown. */
  names(): readonly string[] {
    return [...this.#running.values()];
  }

  spawn(name: string, work: Promise<unknown>): void {
    const task: Promise<void> = work.then(
      () => {
        this.#running.delete(task);
      },
      (error: unknown) => {
        this.#running.delete(task);
        this.#onFailure(name, error);
      },
    );
    this.#running.set(task, name);
  }

  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all([...this.#running.keys()]);
  }
}
