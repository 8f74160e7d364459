import type { StoreKernel } from '../../kernels/store-kernel.ts';

/** A list of uint32 in the store's memory that grows by doubling. */
export class GrowingWords {
  readonly #kernel: StoreKernel;
  #at = 0;
  #capacity = 0;
  count = 0;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
  }

  get at(): number {
    return this.#at;
  }

  /** Makes room for `count` words in all; those that were counted stay. */
  reserve(count: number): void {
    if (count <= this.#capacity) return;
    const capacity = Math.max(64, count, this.#capacity * 2);
    const at = this.#kernel.heap.allocate(capacity * 4);
    this.#kernel.words(at, this.count).set(this.#kernel.words(this.#at, this.count));
    this.release();
    [this.#at, this.#capacity] = [at, capacity];
  }

  release(): void {
    if (this.#capacity > 0) this.#kernel.heap.free(this.#at, this.#capacity * 4);
    [this.#at, this.#capacity] = [0, 0];
  }
}
