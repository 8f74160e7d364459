/** The chains of rows of a table, by series: a table of slots in the store's memory (kernels/assembly/chunks.ts). */
import type { StoreKernel } from '../../../kernels/store-kernel.ts';

const slotBytes = 16;
const slotsFirst = 16;

export class SeriesHeads {
  readonly #kernel: StoreKernel;
  #at: number;
  #slotCount = slotsFirst;
  #count = 0;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
    this.#at = kernel.heap.allocateZeroed(slotsFirst * slotBytes);
  }

  get at(): number {
    return this.#at;
  }

  get mask(): number {
    return this.#slotCount - 1;
  }

  /** How many series have rows. */
  get count(): number {
    return this.#count;
  }

  /** Makes room for so many series more. */
  reserve(more: number): void {
    let slotCount = this.#slotCount;
    while ((this.#count + more) * 2 > slotCount) slotCount *= 2;
    if (slotCount === this.#slotCount) return;
    const { heap, exports } = this.#kernel;
    const at = heap.allocateZeroed(slotCount * slotBytes);
    exports.moveHeads(this.#at, this.mask, at, slotCount - 1);
    heap.free(this.#at, this.#slotCount * slotBytes);
    [this.#at, this.#slotCount] = [at, slotCount];
  }

  added(count: number): void {
    this.#count += count;
  }

  /** Writes the series to `out`, in no order. */
  list(out: number): void {
    this.#kernel.exports.listHeads(this.#at, this.mask, out);
  }

  /** The same as a copy. */
  ids(): Uint32Array {
    const lengthBytes = Math.max(1, this.#count) * 4;
    const out = this.#kernel.heap.allocate(lengthBytes);
    this.list(out);
    const ids = this.#kernel.words(out, this.#count).slice();
    this.#kernel.heap.free(out, lengthBytes);
    return ids;
  }

  release(): void {
    this.#kernel.heap.free(this.#at, this.#slotCount * slotBytes);
  }
}
