/**
 * Rows of one shape in arrival order, in chunks of columns. The first chunk grows by doubling, so that a rare shape stays
 * small; full chunks are never copied again.
 */
import { must } from '../../base/assert.ts';
import { deltaAt, exactMax, wordsOf } from '../../codec/words.ts';
import type { FlushTable, WordsOrBytes } from '../../kernels/flush-kernel.ts';
import { FieldType } from '../../models/field-value.ts';
import type { BatchField, BatchShape } from '../../models/point-batch.ts';
import { emptyColumn } from './column-run.ts';
import { withoutRefused } from './refused-rows.ts';
import {
  chunkRowsMax,
  copyRows,
  growChunk,
  newChunk,
  type Chunk,
  type Values,
} from './shape-chunk.ts';

const chunkRowsFirst = 32;
/** Series whose rows in order of time are remembered. */
const foundMax = 256;

export interface AppendContext {
  /** Id in the shard of each of the batch's series. */
  readonly seriesIds: Uint32Array;
  readonly rejects: Uint8Array;
  /** Of the batch's first row. */
  readonly sequence: number;
  /** Of the batch's times. */
  readonly bounds: TimeBounds;
}

/** Inclusive. */
export interface TimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

export interface RowsInTime {
  readonly rows: readonly number[];
  /** Ascending, each once. */
  readonly timesNs: BigInt64Array;
}

export class ShapeTable {
  readonly fields: readonly BatchField[];
  readonly #chunks: Chunk[] = [];
  readonly #heads = new Map<number, number>();
  #rowCount = 0;
  #found = new Map<number, { readonly rowsMax: number; readonly rows: RowsInTime }>();
  /** Bounds of all rows. */
  #minTimeNs = 0n;
  #maxTimeNs = 0n;

  constructor(fields: readonly BatchField[]) {
    this.fields = fields;
  }

  get rowCount(): number {
    return this.#rowCount;
  }

  seriesIds(): Iterable<number> {
    return this.#heads.keys();
  }

  hasShape(fields: readonly BatchField[]): boolean {
    const own = this.fields;
    if (fields === own) return true;
    return (
      fields.length === own.length &&
      fields.every(({ name, type }, i) => name === own[i]?.name && type === own[i].type)
    );
  }

  /** Returns about how many bytes were added. */
  append(shape: BatchShape, context: AppendContext): number {
    const taken = withoutRefused(shape, context.rejects);
    if (taken.rowCount === 0) return 0;
    this.#widen(context.bounds);
    const rowBefore = this.#rowCount;
    let textBytes = 0;
    for (let from = 0; from < taken.rowCount;) {
      const chunk = this.#chunkFor(this.#rowCount, taken.rowCount - from);
      const at = this.#rowCount % chunkRowsMax;
      const end = Math.min(taken.rowCount, from + chunk.capacity - at);
      chunk.timesNs.set(taken.timesNs.subarray(from, end), at);
      for (let i = from; i < end; i++)
        chunk.sequences[at + i - from] = context.sequence + (taken.ordinals[i] ?? 0);
      for (let c = 0; c < chunk.columns.length; c++)
        textBytes += copyRows(must(chunk.columns[c], 'a column per field'), at, must(taken.columns[c], 'a column per field'), [from, end]); // prettier-ignore
      this.#rowCount += end - from;
      from = end;
    }
    this.#chain(taken, context.seriesIds, rowBefore);
    return taken.rowCount * (20 + 8 * this.fields.length) + textBytes;
  }

  /** Links the rows from `rowBefore` on to those of their series before them. */
  #chain({ series, rowCount }: BatchShape, seriesIds: Uint32Array, rowBefore: number): void {
    // Of the batch's own series: its rows are many, its series few.
    const lasts = new Uint32Array(seriesIds.length);
    for (let i = 0; i < rowCount; i++) {
      const one = series[i] ?? 0;
      const row = rowBefore + i;
      let before = lasts[one] ?? 0;
      if (before === 0) before = this.#heads.get(seriesIds[one] ?? 0) ?? 0;
      this.#chunkOf(row).previous[row % chunkRowsMax] = before;
      lasts[one] = row + 1;
    }
    for (let one = 0; one < lasts.length; one++) {
      const last = lasts[one] ?? 0;
      if (last !== 0) this.#heads.set(seriesIds[one] ?? 0, last);
    }
  }

  /** The last row of a series, + 1; 0 when it has none. */
  lastRow(seriesId: number): number {
    return this.#heads.get(seriesId) ?? 0;
  }

  /** All rows as the kernel that flushes them takes them. */
  whole(): FlushTable {
    const cut = <T extends WordsOrBytes | Uint32Array>(array: T, number: number): T =>
      array.subarray(0, Math.min(chunkRowsMax, this.#rowCount - number * chunkRowsMax)) as T;
    return {
      rowCount: this.#rowCount,
      timesNs: this.#chunks.map(({ timesNs }, i) => cut(timesNs, i)),
      previous: this.#chunks.map(({ previous }, i) => cut(previous, i)),
      columns: this.fields.map(({ type }, c) => {
        if (type === FieldType.string) return undefined;
        return this.#chunks.map(({ columns }, i) => cut((columns[c] as { values: Values }).values, i)); // prettier-ignore
      }),
    };
  }

  /** Whether a series has a row below `rowsMax`. */
  hasRows(seriesId: number, rowsMax: number): boolean {
    let next = this.#heads.get(seriesId) ?? 0;
    while (next > rowsMax) next = this.#chunkOf(next - 1).previous[(next - 1) % chunkRowsMax] ?? 0;
    return next !== 0;
  }

  /** Rows of a series below `rowsMax`, in order of arrival. */
  rowsOf(seriesId: number, rowsMax: number): readonly number[] {
    return this.#findRows(seriesId, rowsMax);
  }

  /**
   * The same in order of time, of equal times the last arrival only: each row has all of the shape's fields, so that is
   * what counts for each of them. Asked for again, as for the next field, they are found already.
   */
  inTime(seriesId: number, rowsMax: number): RowsInTime {
    const found = this.#found.get(seriesId);
    if (found?.rowsMax === rowsMax) return found.rows;
    const arrived = this.#findRows(seriesId, rowsMax);
    const timesNs = this.#copyTimes(arrived);
    const order = orderOfTimes(timesNs);
    const rows =
      order === undefined
        ? { rows: arrived, timesNs }
        : {
            rows: order.map((i) => arrived[i] ?? 0),
            timesNs: BigInt64Array.from(order, (i) => timesNs[i] ?? 0n),
          };
    if (this.#found.size >= foundMax) this.#found.clear();
    this.#found.set(seriesId, { rowsMax, rows });
    return rows;
  }

  /**
   * The row of a series below `rowsMax` at one end of the bounds: the earliest or the latest, of one time the last to
   * arrive. Rows are walked from the last one back, so that of equal ones the first met counts.
   */
  endRow(
    seriesId: number,
    rowsMax: number,
    { minTimeNs, maxTimeNs, ascending }: TimeBounds & { readonly ascending: boolean },
  ): number | undefined {
    const isCut = minTimeNs > this.#minTimeNs || maxTimeNs < this.#maxTimeNs;
    let best: number | undefined;
    let bestHigh = 0;
    let bestLow = 0;
    for (let next = this.#heads.get(seriesId) ?? 0; next !== 0;) {
      const row = next - 1;
      const chunk = this.#chunkOf(row);
      const at = row % chunkRowsMax;
      next = chunk.previous[at] ?? 0;
      if (row >= rowsMax) continue;
      const timeNs = isCut ? (chunk.timesNs[at] ?? 0n) : minTimeNs;
      if (timeNs < minTimeNs || timeNs > maxTimeNs) continue;
      const high = chunk.timeWords[at * 2 + 1] ?? 0;
      const low = chunk.timeWords[at * 2] ?? 0;
      const order = high === bestHigh ? low - bestLow : (high | 0) - (bestHigh | 0);
      if (best !== undefined && (ascending ? order >= 0 : order <= 0)) continue;
      best = row;
      bestHigh = high;
      bestLow = low;
    }
    return best;
  }

  /** Whether any row may lie within the bounds. */
  overlaps({ minTimeNs, maxTimeNs }: TimeBounds): boolean {
    return this.#rowCount > 0 && this.#minTimeNs <= maxTimeNs && this.#maxTimeNs >= minTimeNs;
  }

  #widen({ minTimeNs, maxTimeNs }: TimeBounds): void {
    if (this.#rowCount === 0 || minTimeNs < this.#minTimeNs) this.#minTimeNs = minTimeNs;
    if (this.#rowCount === 0 || maxTimeNs > this.#maxTimeNs) this.#maxTimeNs = maxTimeNs;
  }

  #findRows(seriesId: number, rowsMax: number): readonly number[] {
    const rows: number[] = [];
    let next = this.#heads.get(seriesId) ?? 0;
    while (next !== 0) {
      const row = next - 1;
      if (row < rowsMax) rows.push(row);
      next = this.#chunkOf(row).previous[row % chunkRowsMax] ?? 0;
    }
    return rows.reverse();
  }

  #copyTimes(rows: readonly number[]): BigInt64Array {
    const timesNs = new BigInt64Array(rows.length);
    const to = wordsOf(timesNs);
    this.#copyWords(rows, to, (chunk) => wordsOf(chunk.timesNs));
    return timesNs;
  }

  /** Of a column that holds no texts. */
  copyValues(column: number, rows: readonly number[]): Values {
    const { type } = must(this.fields[column], 'the column is there');
    const values = emptyColumn(type, rows.length);
    if (values instanceof Uint8Array) {
      rows.forEach((row, i) => (values[i] = Number(this.value(column, row))));
      return values;
    }
    this.#copyWords(rows, wordsOf(values), (chunk) => {
      const { values: own } = chunk.columns[column] as { values: Exclude<Values, Uint8Array> };
      return wordsOf(own);
    });
    return values;
  }

  /** Eight bytes a row; the words of a chunk are looked up once for the rows of it that follow each other. */
  #copyWords(
    rows: readonly number[],
    to: Uint32Array,
    wordsOfChunk: (chunk: Chunk) => Uint32Array,
  ): void {
    let number = -1;
    let from = new Uint32Array();
    for (let i = 0; i < rows.length; i++) {
      const row = rows[i] ?? 0;
      const at = (row % chunkRowsMax) * 2;
      if (Math.floor(row / chunkRowsMax) !== number) {
        number = Math.floor(row / chunkRowsMax);
        from = wordsOfChunk(this.#chunkOf(row)) as Uint32Array<ArrayBuffer>;
      }
      to[i * 2] = from[at] ?? 0;
      to[i * 2 + 1] = from[at + 1] ?? 0;
    }
  }

  timeNs(row: number): bigint {
    return this.#chunkOf(row).timesNs[row % chunkRowsMax] ?? 0n;
  }

  sequence(row: number): number {
    return this.#chunkOf(row).sequences[row % chunkRowsMax] ?? 0;
  }

  value(column: number, row: number): number | bigint {
    const { values } = this.#chunkOf(row).columns[column] as { values: Values };
    return values[row % chunkRowsMax] ?? 0;
  }

  text(column: number, row: number): Uint8Array {
    const { texts } = this.#chunkOf(row).columns[column] as { texts: Uint8Array[] };
    return must(texts[row % chunkRowsMax], 'a row has its text');
  }

  #chunkOf(row: number): Chunk {
    return must(this.#chunks[Math.floor(row / chunkRowsMax)], 'a row has its chunk');
  }

  /** The chunk that takes `row`, with room for `count` rows from there on as far as a chunk can have it. */
  #chunkFor(row: number, count: number): Chunk {
    const number = Math.floor(row / chunkRowsMax);
    const wanted = Math.min((row % chunkRowsMax) + count, chunkRowsMax);
    const known = this.#chunks[number];
    if (known === undefined) {
      const least = number === 0 ? chunkRowsFirst : chunkRowsMax;
      const chunk = newChunk(this.fields, Math.max(least, wanted));
      this.#chunks.push(chunk);
      return chunk;
    }
    if (wanted > known.capacity) growChunk(known, wanted);
    return known;
  }
}

/** Indexes in order of time without those that a later one of the same time replaces; undefined when all are in order. */
function orderOfTimes(timesNs: BigInt64Array): readonly number[] | undefined {
  const words = wordsOf(timesNs);
  const count = timesNs.length;
  const since = new Float64Array(count);
  let isAscending = true;
  let isExact = true;
  for (let i = 1; i < count; i++) {
    const step = deltaAt(words, i);
    since[i] = (since[i - 1] ?? 0) + step;
    if (step <= 0) isAscending = false;
    if (Math.abs(step) >= exactMax || Math.abs(since[i] ?? 0) >= exactMax) isExact = false;
  }
  if (isAscending) return undefined;
  const order = Array.from({ length: count }, (_, i) => i);
  // Times of one shard lie within days of each other, so that doubles tell them apart.
  if (isExact) order.sort((a, b) => (since[a] ?? 0) - (since[b] ?? 0) || a - b);
  else order.sort((a, b) => compareBig(timesNs[a] ?? 0n, timesNs[b] ?? 0n) || a - b);
  return order.filter((i, k) => {
    const next = order[k + 1];
    return next === undefined || timesNs[i] !== timesNs[next];
  });
}

function compareBig(left: bigint, right: bigint): number {
  return left < right ? -1 : Number(left > right);
}
