import type { Column, ColumnType } from '../../column.ts';
import { ColumnBuilder } from './column-builder.ts';
import type { RowChunk } from '../series/series-rows.ts';
import { wordsOf, type WordValues } from './pick-rows.ts';

/** Rows of several chunks in the order in which they were merged. */
export interface PickedRows {
  readonly chunks: readonly RowChunk[];
  /** Of each row: which of the chunks it is in, and where. */
  readonly chunkAt: Uint32Array;
  readonly rowAt: Uint32Array;
}

/** Fewer rows are picked at once. */
const laterRowsMin = 32;

/** Collects rows as they are merged. */
export class MergedRows {
  readonly #chunkAt: Uint32Array;
  readonly #rowAt: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#chunkAt = new Uint32Array(capacity);
    this.#rowAt = new Uint32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  push(chunk: number, row: number): void {
    this.#chunkAt[this.#count] = chunk;
    this.#rowAt[this.#count++] = row;
  }

  of(chunks: readonly RowChunk[]): PickedRows {
    const chunkAt = this.#chunkAt.slice(0, this.#count);
    return { chunks, chunkAt, rowAt: this.#rowAt.slice(0, this.#count) };
  }
}

export function pickedTimes(rows: PickedRows): BigInt64Array {
  const times = rows.chunks.map(({ timesNs }) => timesNs);
  return pickWords(rows, times, new BigInt64Array(rows.chunkAt.length));
}

/** A column of merged rows whose cells are picked for whoever asks for them: who writes rows takes them where they are. */
export class PickedColumn {
  readonly type: ColumnType;
  readonly rows: PickedRows;
  /** Which column of the chunks it is. */
  readonly at: number;
  #made: Column | undefined;

  constructor(type: ColumnType, rows: PickedRows, at: number) {
    this.type = type;
    this.rows = rows;
    this.at = at;
  }

  get values(): Column['values'] {
    return this.#cells.values;
  }

  get valid(): Uint8Array | undefined {
    return this.#cells.valid;
  }

  get #cells(): Column {
    return (this.#made ??= pick(this.type, this.rows, this.at));
  }
}

/** Columns of merged rows, null where a chunk has none. */
export function pickedColumns(types: readonly ColumnType[], rows: PickedRows): readonly Column[] {
  const isLater = rows.chunkAt.length >= laterRowsMin && rows.chunks.every(({ columns }) => areOf(types, columns)); // prettier-ignore
  if (!isLater) return types.map((type, at) => pick(type, rows, at));
  return types.map((type, at) => new PickedColumn(type, rows, at) as Column);
}

function areOf(types: readonly ColumnType[], columns: readonly Column[]): boolean {
  for (let i = 0; i < columns.length; i++) if (columns[i]?.type !== types[i]) return false;
  return true;
}

/** Undefined for any other column. */
export function pickedOf(column: Column): PickedColumn | undefined {
  // What has a type and values is a column, whatever else it is.
  return (column as unknown) instanceof PickedColumn ? (column as unknown as PickedColumn) : undefined; // prettier-ignore
}

function pick(type: ColumnType, rows: PickedRows, at: number): Column {
  const columns = rows.chunks.map((chunk) => chunk.columns[at]);
  const parts = columns.filter((column) => column !== undefined);
  const isUniform = parts.length === columns.length && parts.every((one) => one.type === type && one.valid === undefined); // prettier-ignore
  if (!isUniform) return pickAny(type, rows, columns);
  const count = rows.chunkAt.length;
  switch (type) {
    case 'float':
      return { type, values: pickWords(rows, valuesOf(parts), new Float64Array(count)) };
    case 'integer':
      return { type, values: pickWords(rows, valuesOf(parts), new BigInt64Array(count)) };
    case 'unsigned':
      return { type, values: pickWords(rows, valuesOf(parts), new BigUint64Array(count)) };
    case 'boolean':
      return { type, values: pickBytes(rows, parts) };
    case 'string':
      return pickTexts(rows, parts);
  }
}

/** Bits as they are: a bigint for each cell would cost more than all else. */
function pickWords<T extends WordValues>(
  { chunkAt, rowAt }: PickedRows,
  sources: readonly WordValues[],
  into: T,
): T {
  const words = sources.map(wordsOf);
  const to = wordsOf(into);
  for (let i = 0; i < rowAt.length; i++) {
    const from = words[chunkAt[i] ?? 0];
    const row = rowAt[i] ?? 0;
    if (from === undefined) continue;
    to[i * 2] = from[row * 2] ?? 0;
    to[i * 2 + 1] = from[row * 2 + 1] ?? 0;
  }
  return into;
}

function pickBytes({ chunkAt, rowAt }: PickedRows, columns: readonly Column[]): Uint8Array {
  const into = new Uint8Array(rowAt.length);
  for (let i = 0; i < into.length; i++) {
    const column = columns[chunkAt[i] ?? 0];
    if (column?.type === 'boolean') into[i] = column.values[rowAt[i] ?? 0] ?? 0;
  }
  return into;
}

function pickTexts({ chunkAt, rowAt }: PickedRows, columns: readonly Column[]): Column {
  const texts = columns.map(({ values }) => values as Extract<Column, { type: 'string' }>['values']); // prettier-ignore
  const offsets = new Uint32Array(rowAt.length + 1);
  let total = 0;
  for (let i = 0; i < rowAt.length; i++) {
    const row = rowAt[i] ?? 0;
    const from = texts[chunkAt[i] ?? 0]?.offsets;
    total += (from?.[row + 1] ?? 0) - (from?.[row] ?? 0);
    offsets[i + 1] = total;
  }
  const bytes = new Uint8Array(total);
  for (let i = 0; i < rowAt.length; i++) {
    const text = texts[chunkAt[i] ?? 0];
    if (text === undefined) continue;
    let from = text.offsets[rowAt[i] ?? 0] ?? 0;
    const end = offsets[i + 1] ?? 0;
    // Most texts are shorter than what a call costs.
    for (let to = offsets[i] ?? 0; to < end; to++, from++) bytes[to] = text.bytes[from] ?? 0;
  }
  return { type: 'string', values: { offsets, bytes } };
}

/** With nulls, or of several types: cell by cell. */
function pickAny(
  type: ColumnType,
  { chunkAt, rowAt }: PickedRows,
  columns: readonly (Column | undefined)[],
): Column {
  const builder = new ColumnBuilder(type, rowAt.length);
  for (let i = 0; i < rowAt.length; i++) {
    const column = columns[chunkAt[i] ?? 0];
    if (column === undefined) builder.pushNull();
    else builder.pushFrom(column, rowAt[i] ?? 0);
  }
  return builder.finish();
}

function valuesOf(columns: readonly Column[]): readonly WordValues[] {
  return columns.map(({ values }) => values as WordValues);
}
