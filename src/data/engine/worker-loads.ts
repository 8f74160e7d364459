/** Bytes of bodies and batches that are under way at each worker of a node. */
export class WorkerLoads {
  readonly #bytes: number[];

  constructor(workerCount: number) {
    this.#bytes = Array.from({ length: workerCount }, () => 0);
  }

  bytesOf(worker: number): number {
    return this.#bytes[worker] ?? 0;
  }

  /** Number of the worker with the fewest; the first of several. */
  least(): number {
    let least = 0;
    for (let i = 1; i < this.#bytes.length; i++)
      if (this.bytesOf(i) < this.bytesOf(least)) least = i;
    return least;
  }

  /** Counts `lengthBytes` for a worker until `work` has ended, well or not. */
  async during<T>(worker: number, lengthBytes: number, work: () => Promise<T>): Promise<T> {
    this.#bytes[worker] = this.bytesOf(worker) + lengthBytes;
    try {
      return await work();
    } finally {
      this.#bytes[worker] = this.bytesOf(worker) - lengthBytes;
    }
  }
}
