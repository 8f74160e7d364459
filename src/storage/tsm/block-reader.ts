/**
 * Reads the blocks of one key as a cursor asks for them, in time order or against it. Blocks that lie side by side in the
 * file are read together: few at first, since a reader may stop early, then more and more.
 */
import type { TsmEntry, TsmFile } from './tsm-file.ts';

const spanBlocksFirst = 4;
const spanGrowth = 4;
const spanBytesMax = 65_536;

export class BlockReader {
  readonly #file: TsmFile;
  readonly #entries: readonly TsmEntry[];
  #blocksNext = spanBlocksFirst;
  /** Of the entries [first, last] that were read last. */
  #first = 0;
  #last = -1;
  #bytes: Uint8Array = new Uint8Array();

  /** `entries` are some or all of one key's, ascending in time. */
  constructor(file: TsmFile, entries: readonly TsmEntry[]) {
    this.#file = file;
    this.#entries = entries;
  }

  /** The block of entry `i`, checked against its sum. Throws `corrupt` with path and offset. */
  block(i: number): Uint8Array {
    if (i < this.#first || i > this.#last) this.#read(i);
    const first = this.#entries[this.#first];
    const entry = this.#entries[i];
    if (first === undefined || entry === undefined) return new Uint8Array();
    return this.#file.checkBlock(entry, this.#bytes.subarray(entry.offset - first.offset));
  }

  /** Reads entry `i` and those beyond it, away from what was read before. */
  #read(i: number): void {
    const step = i < this.#first ? -1 : 1;
    let end = i;
    for (let blocks = 1; blocks < this.#blocksNext; blocks++) {
      if (!this.#isNext(end, end + step) || this.#spanBytes(i, end + step) > spanBytesMax) break;
      end += step;
    }
    this.#blocksNext *= spanGrowth;
    this.#first = Math.min(i, end);
    this.#last = Math.max(i, end);
    const offset = this.#entries[this.#first]?.offset ?? 0;
    this.#bytes = this.#file.readSpan(offset, this.#spanBytes(i, end));
  }

  #isNext(from: number, to: number): boolean {
    const low = this.#entries[Math.min(from, to)];
    const high = this.#entries[Math.max(from, to)];
    return low !== undefined && high !== undefined && low.offset + low.lengthBytes === high.offset;
  }

  #spanBytes(from: number, to: number): number {
    const low = this.#entries[Math.min(from, to)];
    const high = this.#entries[Math.max(from, to)];
    if (low === undefined || high === undefined) return 0;
    return high.offset + high.lengthBytes - low.offset;
  }
}
