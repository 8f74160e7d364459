/**
 * Encodes the rows of a table, series by series, to TSM blocks where they lie. Twin: encodeBlock of codec/block.ts over what
 * memtable-read.ts reads, which also takes strings and series of several shapes.
 */
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import type { FieldType } from '../../../models/field-value.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';

export interface EncodedBlock {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** Holds until the next one. */
  readonly bytes: Uint8Array;
}

/** Rows of one series in time order; their times are encoded. */
interface BlockTimes {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly count: number;
  readonly at: number;
  readonly lengthBytes: number;
}

/** A value takes no more than 77 bits and a time no more than 64, and words are written whole. */
const bytesPerRowMax = 18;
const slackBytes = 64;

export class FlushEncoder {
  readonly #kernel: StoreKernel;
  readonly #rowsPerBlock: number;
  /** For one block. */
  readonly #scratch: number;
  readonly #out: number;
  /** For the values and the encoded times of one series. */
  #room = { at: 0, lengthBytes: 0 };
  #times: { readonly table: ShapeTable; readonly seriesId: number; readonly blocks: readonly BlockTimes[] } | undefined; // prettier-ignore

  constructor(kernel: StoreKernel, rowsPerBlock: number) {
    this.#kernel = kernel;
    this.#rowsPerBlock = rowsPerBlock;
    this.#scratch = kernel.heap.allocate(rowsPerBlock * 8);
    this.#out = kernel.heap.allocate(this.#outBytes);
  }

  /** The table does not change meanwhile. */
  *blocks(
    table: ShapeTable,
    { seriesId, column, type }: { readonly seriesId: number; readonly column: number; readonly type: FieldType }, // prettier-ignore
  ): Generator<EncodedBlock> {
    const listed = table.inTime(seriesId, table.rowCount);
    const valuesAt = this.#roomFor(listed.count);
    const times = this.#blockTimes(table, seriesId, valuesAt + listed.count * 8);
    table.gather(column, listed, valuesAt);
    const width = table.width(column);
    let at = valuesAt;
    for (const block of times) {
      const { minTimeNs, maxTimeNs, count } = block;
      const length = this.#kernel.exports.encodeBlock(type, block.at, block.lengthBytes, at, count, this.#scratch, this.#out); // prettier-ignore
      yield { minTimeNs, maxTimeNs, bytes: this.#kernel.bytes(this.#out, length) };
      at += count * width;
    }
  }

  release(): void {
    const { heap } = this.#kernel;
    heap.free(this.#scratch, this.#rowsPerBlock * 8);
    heap.free(this.#out, this.#outBytes);
    if (this.#room.lengthBytes > 0) heap.free(this.#room.at, this.#room.lengthBytes);
  }

  get #outBytes(): number {
    return this.#rowsPerBlock * bytesPerRowMax + slackBytes;
  }

  #roomFor(rowCount: number): number {
    const { heap } = this.#kernel;
    const blocksMax = Math.ceil(rowCount / this.#rowsPerBlock);
    const lengthBytes = rowCount * 16 + (blocksMax + 1) * slackBytes;
    if (this.#room.lengthBytes >= lengthBytes) return this.#room.at;
    if (this.#room.lengthBytes > 0) heap.free(this.#room.at, this.#room.lengthBytes);
    this.#room = { at: 0, lengthBytes: 0 };
    this.#room = { at: heap.allocate(lengthBytes), lengthBytes };
    this.#times = undefined;
    return this.#room.at;
  }

  /** Encoded once for all fields of the series. */
  #blockTimes(table: ShapeTable, seriesId: number, from: number): readonly BlockTimes[] {
    if (this.#times?.table === table && this.#times.seriesId === seriesId)
      return this.#times.blocks;
    const { times: timesAt, count: rowCount } = table.inTime(seriesId, table.rowCount);
    const times = table.timesInTime(seriesId, table.rowCount);
    const blocks: BlockTimes[] = [];
    let at = from;
    for (let start = 0; start < rowCount; start += this.#rowsPerBlock) {
      const count = Math.min(this.#rowsPerBlock, rowCount - start);
      const lengthBytes = this.#kernel.exports.encodeTimes(timesAt + start * 8, count, this.#scratch, at); // prettier-ignore
      const [minTimeNs = 0n, maxTimeNs = 0n] = [times[start], times[start + count - 1]];
      blocks.push({ minTimeNs, maxTimeNs, count, at, lengthBytes });
      at += lengthBytes;
    }
    this.#times = { table, seriesId, blocks };
    return blocks;
  }
}
