import type { Column } from '../../column.ts';
import { evaluate, looksWithin, type Predicate, type Value } from '../../predicate.ts';
import type { FragmentContext } from '../context.ts';
import { cellValue } from '../columns/column-builder.ts';
import { maskedRows } from './masked-rows.ts';
import { pickRows } from '../columns/pick-rows.ts';
import type { RowChunk } from './series-rows.ts';

/** For fewer rows the kernel takes longer than a look at each. */
const maskedRowsMin = 8;
/** Terms that are looked at before others may run. */
const termsPerPause = 1 << 18;

type SelectContext = Pick<FragmentContext, 'kernel' | 'matcher'>;

/** Picks the rows of a chunk that pass a predicate, which may have very many terms; `names[i]` is the field of column i. */
export class RowSelection {
  readonly #chunk: RowChunk;
  readonly #predicate: Predicate;
  readonly #names: readonly string[];
  readonly #context: SelectContext;
  readonly #passing: number[] = [];
  #rowsPerPause = 0;
  #row = 0;

  constructor(
    chunk: RowChunk,
    predicate: Predicate,
    names: readonly string[],
    context: SelectContext,
  ) {
    this.#chunk = chunk;
    this.#predicate = predicate;
    this.#names = names;
    this.#context = context;
  }

  /** 'pause' where there is more to look at. */
  next(): RowChunk | 'pause' {
    const { kernel } = this.#context;
    const { length } = this.#chunk.timesNs;
    const isMaskable = kernel !== undefined && length >= maskedRowsMin && this.#row === 0;
    const fast = isMaskable ? maskedRows(this.#chunk, this.#predicate, this.#names, kernel) : undefined; // prettier-ignore
    if (fast !== undefined) return picked(this.#chunk, fast);
    if (this.#rowsPerPause === 0)
      this.#rowsPerPause = looksWithin(termsPerPause, this.#predicate, length);
    this.#evaluate(Math.min(length, this.#row + this.#rowsPerPause));
    return this.#row < length ? 'pause' : picked(this.#chunk, this.#passing);
  }

  #evaluate(end: number): void {
    const cells = new Map(this.#names.map((name, i) => [name, new Cell(this.#chunk.columns[i])]));
    const read = (name: string) => cells.get(name)?.at(this.#row) ?? null;
    const { matcher } = this.#context;
    for (; this.#row < end; this.#row++)
      if (evaluate(this.#predicate, read, matcher)) this.#passing.push(this.#row);
  }
}

/** A value is read once, however many terms ask for it. */
class Cell {
  readonly #column: Column | undefined;
  #row = -1;
  #value: Value | null = null;

  constructor(column: Column | undefined) {
    this.#column = column;
  }

  at(row: number): Value | null {
    if (row !== this.#row && this.#column !== undefined) {
      this.#value = cellValue(this.#column, row);
      this.#row = row;
    }
    return this.#value;
  }
}

function picked(chunk: RowChunk, passing: ArrayLike<number>): RowChunk {
  if (passing.length === chunk.timesNs.length) return chunk;
  const rows = Int32Array.from(passing);
  const timesNs = new BigInt64Array(rows.length);
  rows.forEach((row, i) => (timesNs[i] = chunk.timesNs[row] ?? 0n));
  return { timesNs, columns: chunk.columns.map((column) => pickRows(column, rows)) };
}
