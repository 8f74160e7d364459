/**
 * The batches of a memtable in order of arrival, with their stamps: what tells which of two rows of one series and time
 * counts. It lies in the store's memory, where kernels look at it (isLaterRow of kernels/assembly/chunks.ts).
 *
 * Layout, 24 bytes each: u32 how many; then of each batch i64 and u64 of its stamp, u32 the sequence of its first row.
 *
 * Invariants:
 * - Of two rows the one with the later stamp counts; of one stamp the one that arrived later.
 * - While batches arrive in order of their stamps, arrival says the same, and nobody looks here.
 */
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { noStamp, stampNs, stampOf, stampOrigin, type Stamp, type StampRange } from '../../../models/stamp.ts'; // prettier-ignore

const entryBytes = 24;
const batchesFirst = 20;

export class BatchOrder {
  readonly #kernel: StoreKernel;
  #at = 0;
  #capacity = 0;
  #count = 0;
  #range: StampRange | undefined;
  #isByArrival = true;

  constructor(kernel: StoreKernel) {
    this.#kernel = kernel;
  }

  /** Of all batches; undefined when there are none. */
  get range(): StampRange | undefined {
    return this.#range;
  }

  /** For kernels; 0 while arrival says it all. */
  get place(): number {
    return this.#isByArrival ? 0 : this.#at;
  }

  /** A batch whose first row arrives at `sequence`. */
  add(stamp: Stamp, sequence: number): void {
    if (this.#count === this.#capacity) this.#grow();
    const at = this.#at + entryBytes * (1 + this.#count);
    const view = new DataView(this.#kernel.buffer, at, entryBytes);
    view.setBigInt64(0, stampNs(stamp), true);
    view.setBigUint64(8, stampOrigin(stamp), true);
    view.setUint32(16, sequence, true);
    this.#count++;
    this.#kernel.words(this.#at, 1)[0] = this.#count;
    const { least, greatest } = this.#range ?? { least: stamp, greatest: stamp };
    if (stamp < greatest) this.#isByArrival = false;
    this.#range = {
      least: stamp < least ? stamp : least,
      greatest: stamp > greatest ? stamp : greatest,
    };
  }

  /** Negative when the row at sequence `left` counts less than the one at `right`. */
  compare(left: number, right: number): number {
    if (!this.#isByArrival) {
      const [one, other] = [this.#stampAt(left), this.#stampAt(right)];
      if (one !== other) return one < other ? -1 : 1;
    }
    return left - right;
  }

  release(): void {
    if (this.#capacity > 0) this.#kernel.heap.free(this.#at, this.#bytes(this.#capacity));
    this.#capacity = 0;
  }

  #stampAt(sequence: number): Stamp {
    if (this.#count === 0) return noStamp;
    const { buffer } = this.#kernel;
    const view = new DataView(buffer, this.#at + entryBytes, this.#count * entryBytes);
    let [low, high] = [0, this.#count];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (view.getUint32(middle * entryBytes + 16, true) <= sequence) low = middle;
      else high = middle;
    }
    const at = low * entryBytes;
    return stampOf(view.getBigInt64(at, true), view.getBigUint64(at + 8, true));
  }

  #grow(): void {
    const capacity = Math.max(batchesFirst, this.#capacity * 2);
    const { heap } = this.#kernel;
    const at = heap.allocate(this.#bytes(capacity));
    if (this.#capacity > 0) {
      const held = this.#bytes(this.#count);
      this.#kernel.bytes(at, held).set(this.#kernel.bytes(this.#at, held));
    }
    this.release();
    [this.#at, this.#capacity] = [at, capacity];
  }

  #bytes(batchCount: number): number {
    return entryBytes * (1 + batchCount);
  }
}
