import type { Column, ColumnType } from '../../column.ts';
import { ColumnBuilder } from './column-builder.ts';
import { wordsOf, type WordValues } from './pick-rows.ts';

/** Rows of several streams in the order in which they were merged. */
export class MergedRows {
  /** Of the row at `i`: which of `columns` it is in, and where. */
  readonly #streams: Uint32Array;
  readonly #rows: Uint32Array;
  #count = 0;

  constructor(capacity: number) {
    this.#streams = new Uint32Array(capacity);
    this.#rows = new Uint32Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  clear(): void {
    this.#count = 0;
  }

  push(stream: number, row: number): void {
    this.#streams[this.#count] = stream;
    this.#rows[this.#count++] = row;
  }

  times(columns: readonly BigInt64Array[]): BigInt64Array {
    return this.#words(columns, new BigInt64Array(this.#count));
  }

  /** One column of all streams: `columns[s]` is that of stream s, undefined where it has none. */
  pick(type: ColumnType, columns: readonly (Column | undefined)[]): Column {
    const parts = columns.filter((column) => column !== undefined);
    const isUniform = parts.length === columns.length && parts.every((one) => one.type === type && one.valid === undefined); // prettier-ignore
    if (!isUniform) return this.#pickAny(type, columns);
    const count = this.#count;
    switch (type) {
      case 'float':
        return { type, values: this.#words(valuesOf(parts), new Float64Array(count)) };
      case 'integer':
        return { type, values: this.#words(valuesOf(parts), new BigInt64Array(count)) };
      case 'unsigned':
        return { type, values: this.#words(valuesOf(parts), new BigUint64Array(count)) };
      case 'boolean':
        return { type, values: this.#bytes(parts) };
      case 'string':
        return this.#texts(parts);
    }
  }

  /** Bits as they are: a bigint for each cell would cost more than all else. */
  #words<T extends WordValues>(sources: readonly WordValues[], into: T): T {
    const words = sources.map(wordsOf);
    const to = wordsOf(into);
    for (let i = 0; i < this.#count; i++) {
      const from = words[this.#streams[i] ?? 0];
      const row = this.#rows[i] ?? 0;
      if (from === undefined) continue;
      to[i * 2] = from[row * 2] ?? 0;
      to[i * 2 + 1] = from[row * 2 + 1] ?? 0;
    }
    return into;
  }

  #bytes(columns: readonly Column[]): Uint8Array {
    const into = new Uint8Array(this.#count);
    for (let i = 0; i < into.length; i++) {
      const column = columns[this.#streams[i] ?? 0];
      if (column?.type === 'boolean') into[i] = column.values[this.#rows[i] ?? 0] ?? 0;
    }
    return into;
  }

  #texts(columns: readonly Column[]): Column {
    const texts = columns.map(({ values }) => values as Extract<Column, { type: 'string' }>['values']); // prettier-ignore
    const offsets = new Uint32Array(this.#count + 1);
    let total = 0;
    for (let i = 0; i < this.#count; i++) {
      const row = this.#rows[i] ?? 0;
      const from = texts[this.#streams[i] ?? 0]?.offsets;
      total += (from?.[row + 1] ?? 0) - (from?.[row] ?? 0);
      offsets[i + 1] = total;
    }
    const bytes = new Uint8Array(total);
    for (let i = 0; i < this.#count; i++) {
      const text = texts[this.#streams[i] ?? 0];
      if (text === undefined) continue;
      let from = text.offsets[this.#rows[i] ?? 0] ?? 0;
      const end = offsets[i + 1] ?? 0;
      // Most texts are shorter than what a call costs.
      for (let to = offsets[i] ?? 0; to < end; to++, from++) bytes[to] = text.bytes[from] ?? 0;
    }
    return { type: 'string', values: { offsets, bytes } };
  }

  /** With nulls, or of several types: cell by cell. */
  #pickAny(type: ColumnType, columns: readonly (Column | undefined)[]): Column {
    const builder = new ColumnBuilder(type, this.#count);
    for (let i = 0; i < this.#count; i++) {
      const column = columns[this.#streams[i] ?? 0];
      if (column === undefined) builder.pushNull();
      else builder.pushFrom(column, this.#rows[i] ?? 0);
    }
    return builder.finish();
  }
}

function valuesOf(columns: readonly Column[]): readonly WordValues[] {
  return columns.map(({ values }) => values as WordValues);
}
