/** Orders series by the bytes of their keys, in the store's memory. */
import type { KeyTable } from '../../kernels/key-table.ts';
import type { StoreKernel } from '../../kernels/store-kernel.ts';

export interface SortOptions {
  /** What keys go on with at their end: up to 8 bytes of ASCII. */
  readonly tail?: string;
}

const pairBytes = 16;
/** Of what tells most keys apart: the bytes behind those that all begin with. */
const wordBytes = 8;
/** Fewer are merged as soon as they are parted by the bytes of their words. */
const byWordsCountMin = 512;

/** Sorts `count` ids at `ids`, step by step: between two steps other work may be done. The memory may grow meanwhile. */
export function* sortSeries(
  kernel: StoreKernel,
  series: KeyTable,
  { ids, count }: { readonly ids: number; readonly count: number },
  { tail = '' }: SortOptions = {},
): Generator<undefined, void> {
  if (count < 2) return;
  const { heap, exports } = kernel;
  const lengthBytes = count * pairBytes;
  const roomBytes = lengthBytes * 2 + exports.byteCountsBytes();
  const pairs = heap.allocate(roomBytes);
  try {
    const tailWord = wordOf(tail);
    const common = exports.sortStart(series.at, ids, count, tailWord, pairs);
    let [from, to] = [pairs, pairs + lengthBytes];
    const counts = to + lengthBytes;
    // Where keys hardly differ there, nothing is won.
    if (count >= byWordsCountMin && exports.countBytes(from, count, counts) >>> 0 >= count) {
      for (let number = 0; number < wordBytes; number++) {
        yield;
        if (exports.moveByByte(from, to, count, number, counts) !== 0) [from, to] = [to, from];
      }
      yield;
    }
    const isSorted = exports.areSorted(series.at, from, count, common, tailWord) !== 0;
    for (let width = 1; width < count && !isSorted; width *= 2) {
      yield;
      exports.sortPass(series.at, from, to, count, width, common, tailWord);
      [from, to] = [to, from];
    }
    exports.sortEnd(from, count, ids);
  } finally {
    heap.free(pairs, roomBytes);
  }
}

function wordOf(tail: string): bigint {
  return Buffer.alloc(8).fill(tail, 0, tail.length, 'latin1').readBigUInt64BE();
}
