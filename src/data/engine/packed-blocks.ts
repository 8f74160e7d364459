/**
 * Blocks of a fragment on their way to the other thread: their columns side by side in a few buffers that move, and a list of
 * numbers that says where they are. As plain data a block costs a microsecond for each object and column of it, on both sides.
 *
 * Per block: kind, number of its group, then for rows a place of times, the count of columns, each column, and the number of the list of
 * its series with the place of each row in it (0 without); for windows the
 * count of fields and each summary: bits of what it has, places of starts and counts, then columns, but for sums with their
 * times before them. A place is number of buffer, offset in bytes, count. A column is its type, 8 more when it has nulls, the
 * place of its values (of texts: offsets, then bytes) and that of the nulls.
 */
import { must } from '../../base/assert.ts';
import type { Column } from '../../query/column.ts';
import type {
  GroupKey,
  RowsBlock,
  RowSeries,
  WindowsBlock,
  WindowSummary,
} from '../../query/fragment.ts';
import type { FragmentBlock } from './shard-access.ts';

export interface PackedBlocks {
  readonly numbers: Int32Array;
  readonly groups: readonly GroupKey[];
  /** Lists of canonical keys, for blocks that say which series their rows are of. */
  readonly seriesKeys: readonly (readonly string[])[];
  readonly buffers: readonly ArrayBuffer[];
}

type Words = Uint8Array | Uint32Array | Float64Array | BigInt64Array | BigUint64Array;

/** The first of a batch is small, as most answers are. */
const slabBytesFirst = 4_096;
const slabBytesMax = 65_536;
/** Larger columns move as they are. */
const smallBytesMax = 8_192;

const rowsKind = 0;
const windowsKind = 1;
const types = ['float', 'integer', 'unsigned', 'boolean', 'string'] as const;
const nullsBit = 8;
/** Bit 0 of a summary's bits is that of its sums, the others are those of these parts in their order. */
const selectedParts = ['mins', 'maxs', 'firsts', 'lasts'] as const;

export class BlockPacker {
  readonly #numbers: number[] = [];
  readonly #groups: GroupKey[] = [];
  readonly #seriesKeys: (readonly string[])[] = [];
  readonly #buffers: ArrayBuffer[] = [];
  #slab = new ArrayBuffer(0);
  #slabNumber = -1;
  #slabTop = 0;
  #blockCount = 0;
  #sizeBytes = 0;

  get blockCount(): number {
    return this.#blockCount;
  }

  /** Of all columns. */
  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Large columns are taken over; the block must not be used any more. */
  add(block: FragmentBlock): void {
    this.#blockCount++;
    if (this.#groups[this.#groups.length - 1] !== block.group) this.#groups.push(block.group);
    const group = this.#groups.length - 1;
    if (block.kind === 'rows') {
      this.#numbers.push(rowsKind, group);
      this.#place(block.timesNs);
      this.#numbers.push(block.columns.length);
      for (const column of block.columns) this.#column(column);
      this.#series(block.series);
      return;
    }
    this.#numbers.push(windowsKind, group, block.fields.length);
    for (const summary of block.fields) this.#summary(summary);
  }

  take(): PackedBlocks {
    return {
      numbers: Int32Array.from(this.#numbers),
      groups: this.#groups,
      seriesKeys: this.#seriesKeys,
      buffers: this.#buffers,
    };
  }

  #series(series: RowSeries | undefined): void {
    if (series === undefined) {
      this.#numbers.push(0);
      return;
    }
    this.#numbers.push(this.#seriesKeys.push(series.keys));
    this.#place(series.at);
  }

  #summary(summary: WindowSummary): void {
    const { sums } = summary;
    let bits = sums === undefined ? 0 : 1;
    selectedParts.forEach((part, i) => {
      if (summary[part] !== undefined) bits |= 2 << i;
    });
    this.#numbers.push(bits);
    this.#place(summary.startsNs);
    this.#place(summary.counts);
    if (sums !== undefined) this.#column(sums);
    for (const part of selectedParts) {
      const selected = summary[part];
      if (selected === undefined) continue;
      this.#place(selected.timesNs);
      this.#column(selected.values);
    }
  }

  #column({ type, values, valid }: Column): void {
    this.#numbers.push(types.indexOf(type) | (valid === undefined ? 0 : nullsBit));
    if ('offsets' in values) {
      this.#place(values.offsets);
      this.#place(values.bytes);
    } else this.#place(values);
    if (valid !== undefined) this.#place(valid);
  }

  #place(words: Words): void {
    const { byteLength, byteOffset, buffer, length } = words;
    this.#sizeBytes += byteLength;
    if (byteLength > smallBytesMax) {
      this.#numbers.push(this.#numberOf(buffer as ArrayBuffer), byteOffset, length);
      return;
    }
    const isFull = this.#slabTop + byteLength > this.#slab.byteLength;
    if (isFull || this.#slabNumber < 0) this.#newSlab(byteLength);
    const at = this.#slabTop;
    new Uint8Array(this.#slab, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    this.#slabTop = (at + byteLength + 7) & ~7;
    this.#numbers.push(this.#slabNumber, at, length);
  }

  #newSlab(bytesLeast: number): void {
    const lengthBytes = this.#slab.byteLength === 0 ? slabBytesFirst : slabBytesMax;
    this.#slab = new ArrayBuffer(Math.max(lengthBytes, bytesLeast));
    this.#slabNumber = this.#buffers.push(this.#slab) - 1;
    this.#slabTop = 0;
  }

  /** Columns may share a buffer, which moves once. */
  #numberOf(buffer: ArrayBuffer): number {
    const known = this.#buffers.lastIndexOf(buffer);
    return known < 0 ? this.#buffers.push(buffer) - 1 : known;
  }
}

/** The blocks as they were; columns are views of the buffers. */
export function unpackBlocks(packed: PackedBlocks): readonly FragmentBlock[] {
  const reader = new PackedReader(packed);
  const blocks: FragmentBlock[] = [];
  while (!reader.isAtEnd) blocks.push(reader.block());
  return blocks;
}

class PackedReader {
  readonly #numbers: Int32Array;
  readonly #groups: readonly GroupKey[];
  readonly #seriesKeys: readonly (readonly string[])[];
  readonly #buffers: readonly ArrayBuffer[];
  #at = 0;

  constructor({ numbers, groups, seriesKeys, buffers }: PackedBlocks) {
    this.#seriesKeys = seriesKeys;
    this.#numbers = numbers;
    this.#groups = groups;
    this.#buffers = buffers;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#numbers.length;
  }

  block(): FragmentBlock {
    const kind = this.#next();
    const group = must(this.#groups[this.#next()], 'a block has a group');
    return kind === rowsKind ? this.#rows(group) : this.#windows(group);
  }

  #rows(group: GroupKey): RowsBlock {
    const timesNs = this.#words(BigInt64Array);
    const columns: Column[] = [];
    for (let left = this.#next(); left > 0; left--) columns.push(this.#column());
    const keys = this.#seriesKeys[this.#next() - 1];
    const series = keys && { keys, at: this.#words(Uint32Array) };
    return { kind: 'rows', group, timesNs, columns, series };
  }

  #windows(group: GroupKey): WindowsBlock {
    const fields: WindowSummary[] = [];
    for (let left = this.#next(); left > 0; left--) fields.push(this.#summary());
    return { kind: 'windows', group, fields };
  }

  #summary(): WindowSummary {
    const bits = this.#next();
    const startsNs = this.#words(BigInt64Array);
    const counts = this.#words(BigInt64Array);
    const sums = (bits & 1) === 0 ? undefined : this.#column();
    const [mins, maxs, firsts, lasts] = selectedParts.map((_, i) =>
      (bits & (2 << i)) === 0
        ? undefined
        : { timesNs: this.#words(BigInt64Array), values: this.#column() },
    );
    return { startsNs, counts, sums, mins, maxs, firsts, lasts };
  }

  #column(): Column {
    const code = this.#next();
    const type = must(types[code & ~nullsBit], 'a column has a type');
    const hasNulls = (code & nullsBit) !== 0;
    const nulls = () => (hasNulls ? this.#words(Uint8Array) : undefined);
    switch (type) {
      case 'float':
        return { type, values: this.#words(Float64Array), valid: nulls() };
      case 'integer':
        return { type, values: this.#words(BigInt64Array), valid: nulls() };
      case 'unsigned':
        return { type, values: this.#words(BigUint64Array), valid: nulls() };
      case 'boolean':
        return { type, values: this.#words(Uint8Array), valid: nulls() };
      case 'string': {
        const offsets = this.#words(Uint32Array);
        return { type, values: { offsets, bytes: this.#words(Uint8Array) }, valid: nulls() };
      }
    }
  }

  #words<T>(Kind: new (buffer: ArrayBuffer, offset: number, count: number) => T): T {
    const buffer = must(this.#buffers[this.#next()], 'a place is in a buffer');
    const offset = this.#next();
    return new Kind(buffer, offset, this.#next());
  }

  #next(): number {
    return this.#numbers[this.#at++] ?? 0;
  }
}
