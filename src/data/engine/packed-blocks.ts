/**
 * Blocks of a fragment on their way to the other thread: their columns side by side in a few buffers that move, and a list of
 * numbers that says where they are. As plain data a block costs a microsecond for each object and column of it, on both sides.
 *
 * Per block: kind, number of its group, then for rows a place of times, the count of columns, each column, and the number of the list of
 * its series with the place of each row in it (0 without); for windows the
 * count of fields and each summary: bits of what it has, places of starts and counts, then columns, but for sums with their
 * times before them. A place is number of buffer, offset in bytes, count. A column is its type, 8 more when it has nulls, the
 * place of its values (of texts: offsets, then bytes) and that of the nulls.
 *
 * The same goes to other nodes, in one piece (sent-blocks.ts); what does not read is `corrupt`, wherever it comes from.
 */
import { DbError } from '../../base/errors.ts';
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

/** The same with the parts of buffers that columns lie in. */
export interface BlockParts extends Omit<PackedBlocks, 'numbers' | 'buffers'> {
  readonly numbers: Int32Array | Uint32Array;
  readonly parts: readonly Uint8Array[];
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
  readonly #isCopied: boolean;
  /** Of buffers of which only a part is meant. */
  readonly #views = new Map<number, Uint8Array>();

  /** Of blocks that are copied once they are packed, not moved, large columns are parts of their own. */
  constructor({ isCopied = false }: { readonly isCopied?: boolean } = {}) {
    this.#isCopied = isCopied;
  }

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

  /** Views of what was added. */
  parts(): BlockParts {
    const { numbers, groups, seriesKeys, buffers } = this.take();
    this.#views.set(this.#slabNumber, new Uint8Array(this.#slab, 0, this.#slabTop));
    const parts = buffers.map((buffer, i) => this.#views.get(i) ?? new Uint8Array(buffer));
    return { numbers, groups, seriesKeys, parts };
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
    if (byteLength > smallBytesMax && this.#isCopied) {
      const number = this.#buffers.push(buffer as ArrayBuffer) - 1;
      this.#views.set(number, new Uint8Array(buffer, byteOffset, byteLength));
      this.#numbers.push(number, 0, length);
      return;
    }
    if (byteLength > smallBytesMax) {
      this.#numbers.push(this.#numberOf(buffer as ArrayBuffer), byteOffset, length);
      return;
    }
    const isFull = this.#slabTop + byteLength > this.#slab.byteLength;
    if (isFull || this.#slabNumber < 0) this.#newSlab(byteLength);
    const at = this.#slabTop;
    new Uint8Array(this.#slab, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    this.#slabTop = alignedBytes(at + byteLength);
    this.#numbers.push(this.#slabNumber, at, length);
  }

  #newSlab(bytesLeast: number): void {
    const lengthBytes = this.#slab.byteLength === 0 ? slabBytesFirst : slabBytesMax;
    // Up to where the next place would begin.
    this.#slab = new ArrayBuffer(Math.max(lengthBytes, alignedBytes(bytesLeast)));
    this.#slabNumber = this.#buffers.push(this.#slab) - 1;
    this.#slabTop = 0;
  }

  /** Columns may share a buffer, which moves once. */
  #numberOf(buffer: ArrayBuffer): number {
    const known = this.#buffers.lastIndexOf(buffer);
    return known < 0 ? this.#buffers.push(buffer) - 1 : known;
  }
}

function alignedBytes(bytes: number): number {
  return (bytes + 7) & ~7;
}

/** The blocks as they were; columns are views of the buffers. */
export function unpackBlocks({ buffers, ...packed }: PackedBlocks): readonly FragmentBlock[] {
  return unpackParts({ ...packed, parts: buffers.map((buffer) => new Uint8Array(buffer)) });
}

/** Throws `corrupt` for places that are none; what is in the columns is not looked at. */
export function unpackParts(packed: BlockParts): readonly FragmentBlock[] {
  const reader = new PackedReader(packed);
  const blocks: FragmentBlock[] = [];
  while (!reader.isAtEnd) blocks.push(reader.block());
  return blocks;
}

class PackedReader {
  readonly #numbers: Int32Array | Uint32Array;
  readonly #groups: readonly GroupKey[];
  readonly #seriesKeys: readonly (readonly string[])[];
  readonly #parts: readonly Uint8Array[];
  #at = 0;

  constructor({ numbers, groups, seriesKeys, parts }: BlockParts) {
    this.#seriesKeys = seriesKeys;
    this.#numbers = numbers;
    this.#groups = groups;
    this.#parts = parts;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#numbers.length;
  }

  block(): FragmentBlock {
    const kind = this.#next();
    const group = this.#groups[this.#next()];
    if (group === undefined) throw corrupt('a block without a group');
    if (kind === rowsKind) return this.#rows(group);
    if (kind === windowsKind) return this.#windows(group);
    throw corrupt('a block of no kind');
  }

  #rows(group: GroupKey): RowsBlock {
    const timesNs = this.#words(BigInt64Array);
    const columns: Column[] = [];
    for (let left = this.#next(); left > 0; left--) columns.push(this.#column());
    const list = this.#next();
    const keys = this.#seriesKeys[list - 1];
    if (list !== 0 && keys === undefined)
      throw corrupt('rows of a list of series that is not there');
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
    const type = types[code & ~nullsBit];
    if (type === undefined) throw corrupt('a column of no type');
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

  #words<T>(Kind: WordsOf<T>): T {
    const part = this.#parts[this.#next()];
    const offset = this.#next();
    const count = this.#next();
    const size = Kind.BYTES_PER_ELEMENT;
    if (part === undefined || offset + count * size > part.length) throw corrupt('a place beyond its buffer'); // prettier-ignore
    const at = part.byteOffset + offset;
    if (at % size !== 0) throw corrupt('a place between two words');
    return new Kind(part.buffer as ArrayBuffer, at, count);
  }

  #next(): number {
    const next = this.#numbers[this.#at++];
    if (next === undefined || next < 0) throw corrupt('a block that is cut short');
    return next;
  }
}

interface WordsOf<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBuffer, offset: number, count: number): T;
}

function corrupt(what: string): DbError {
  return new DbError('corrupt', `packed blocks: ${what}`);
}
