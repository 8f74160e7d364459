/**
 * Rows that another worker has lent of a memtable of its own (lend-rows.ts), as a view reads them. Twin: MemtableView, which
 * reads the same where they were written.
 *
 * Invariant: ids are the reader's own, places in the list of series that the rows were lent with.
 */
import { lowerBound } from '../../../base/lower-bound.ts';
import type { Arena } from '../../../kernels/arena.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { BatchColumn } from '../../../models/point-batch.ts';
import type { ColumnEndRequest, ColumnName, MemoryEnd, MemoryPart, MemoryRuns, SeriesBounds } from '../memory-part.ts'; // prettier-ignore
import { sliceRun, type ColumnRun } from '../columns/column-run.ts';
import { batchRowsMax, batchTypes, type ColumnPiece, type PieceRows } from '../columns/run-cursor.ts'; // prettier-ignore
import { LentSlot, slotWords, type LentRows } from './lend-rows.ts';
import { rowsInRunMax, type RunRows } from './run-rows.ts';
import type { TimeBounds } from './shape-table.ts';

/** Rows [from, end) of a series, which has fields of the same times there. */
interface SeriesRun {
  readonly timesNs: BigInt64Array;
  readonly from: number;
  readonly end: number;
}

export class LentMemtable implements MemoryPart {
  readonly bounds: TimeBounds;
  readonly #rows: LentRows;
  readonly #numbers: ReadonlyMap<string, number>;

  constructor(rows: LentRows) {
    this.bounds = rows.bounds;
    this.#rows = rows;
    this.#numbers = new Map(rows.fields.map(({ name }, number) => [name, number]));
  }

  get sizeBytes(): number {
    return this.#rows.rooms.reduce((sum, { byteLength }) => sum + byteLength, 0);
  }

  release(): void {
    // It holds nothing that is not the collector's.
  }

  idOf(_key: Uint8Array, readerId: number): number {
    return readerId;
  }

  idsOf(readerIds: Uint32Array): Int32Array {
    return Int32Array.from(readerIds);
  }

  end({
    seriesId,
    field,
    ascending,
    minTimeNs,
    maxTimeNs,
  }: ColumnEndRequest): MemoryEnd | undefined {
    const run = this.#run(seriesId, field);
    if (run === undefined) return undefined;
    const { timesNs } = run;
    const row = ascending
      ? lowerBound(timesNs, minTimeNs)
      : lowerBound(timesNs, maxTimeNs + 1n) - 1;
    const timeNs = timesNs[row];
    if (timeNs === undefined || timeNs < minTimeNs || timeNs > maxTimeNs) return undefined;
    const { type, values } = run;
    const value = (): number | bigint | boolean | Uint8Array => {
      if ('offsets' in values)
        return values.bytes.slice(values.offsets[row], values.offsets[row + 1]);
      const found = values[row] ?? 0;
      return type === FieldType.boolean ? found === 1 : found;
    };
    return { timeNs, value };
  }

  /** The ends of the fields tell. */
  endRow(): undefined {
    return undefined;
  }

  timesOf({ seriesId, minTimeNs, maxTimeNs }: SeriesBounds): TimeBounds | undefined {
    let times: { minTimeNs: bigint; maxTimeNs: bigint } | undefined;
    for (const { name } of this.#rows.fields) {
      const { timesNs } = this.#run(seriesId, name) ?? {};
      const first = timesNs?.[lowerBound(timesNs, minTimeNs)];
      const last = timesNs?.[lowerBound(timesNs, maxTimeNs + 1n) - 1];
      if (first === undefined || last === undefined || first > last) continue;
      if (times === undefined) times = { minTimeNs: first, maxTimeNs: last };
      if (first < times.minTimeNs) times.minTimeNs = first;
      if (last > times.maxTimeNs) times.maxTimeNs = last;
    }
    return times;
  }

  valueCount({ seriesId, field }: ColumnName): number {
    return this.#run(seriesId, field)?.timesNs.length ?? 0;
  }

  /** They are not where kernels work: cursors copy them there. */
  fold(): undefined {
    return undefined;
  }

  *runs(request: MemoryRuns, arena: Arena): Generator<RunRows, undefined> {
    const { ids, fields, minTimeNs, maxTimeNs, seriesRowsMax } = request;
    const found: (SeriesRun | undefined)[] = [];
    let rowCount = 0;
    for (const id of ids) {
      if (rowCount > rowsInRunMax) break;
      const timesNs = this.#timesOfAll(id, fields);
      if (timesNs === 'others') break;
      const from = timesNs === undefined ? 0 : lowerBound(timesNs, minTimeNs);
      const end = timesNs === undefined ? 0 : Math.max(from, lowerBound(timesNs, maxTimeNs + 1n));
      if (end - from > seriesRowsMax) break;
      found.push(timesNs && { timesNs, from, end });
      rowCount += end - from;
    }
    yield this.#copyRuns(found, { ids, fields, rowCount }, arena);
  }

  pieces({ seriesId, field }: ColumnName, bounds: TimeBounds): readonly ColumnPiece[] {
    const run = this.#run(seriesId, field);
    if (run === undefined) return [];
    const { timesNs } = run;
    const [start, end] = [lowerBound(timesNs, bounds.minTimeNs), lowerBound(timesNs, bounds.maxTimeNs + 1n)]; // prettier-ignore
    const pieces: ColumnPiece[] = [];
    for (let from = start; from < end; from += batchRowsMax) {
      const to = Math.min(end, from + batchRowsMax);
      const [minTimeNs = 0n, maxTimeNs = 0n] = [timesNs[from], timesNs[to - 1]];
      const load = (): ColumnRun => sliceRun(run, from, to);
      pieces.push({ minTimeNs, maxTimeNs, load, rows: rowsOf(run, from, to) });
    }
    return pieces;
  }

  #copyRuns(
    found: readonly (SeriesRun | undefined)[],
    { ids, fields, rowCount }: { readonly ids: Int32Array; readonly fields: readonly string[]; readonly rowCount: number }, // prettier-ignore
    arena: Arena,
  ): RunRows {
    const timesPtr = arena.allocate(rowCount * 8 + 8);
    const valuesPtrs = fields.map((field) => (this.#numbers.has(field) ? arena.allocate(rowCount * 8 + 8) : 0)); // prettier-ignore
    const { buffer } = arena.memory;
    const times = new BigInt64Array(buffer, timesPtr, rowCount);
    let at = 0;
    for (const [i, run] of found.entries()) {
      if (run === undefined) continue;
      const { timesNs, from, end } = run;
      times.set(timesNs.subarray(from, end), at);
      for (const [field, ptr] of valuesPtrs.entries()) {
        const bytes = ptr === 0 ? undefined : this.#valueBytes(ids[i] ?? 0, fields[field] ?? '');
        if (bytes !== undefined) new Uint8Array(buffer, ptr + at * 8, (end - from) * 8).set(bytes.subarray(from * 8, end * 8)); // prettier-ignore
      }
      at += end - from;
    }
    const counts = Uint32Array.from(found, (run) => (run === undefined ? 0 : run.end - run.from));
    return { seriesCount: found.length, counts, timesPtr, valuesPtrs };
  }

  /** Undefined where no field of a series has rows; 'others' where not all have the same, or some are no numbers of a word each. */
  #timesOfAll(seriesId: number, fields: readonly string[]): BigInt64Array | 'others' | undefined {
    const { slots } = this.#rows;
    let first: number | undefined;
    let hasNone = false;
    for (const field of fields) {
      const number = this.#numbers.get(field);
      // No series has it.
      if (number === undefined) continue;
      const slot = this.#slotAt(seriesId, number);
      hasNone ||= slots[slot + LentSlot.count] === 0;
      first ??= slot;
      const isSame = [LentSlot.timesRoom, LentSlot.timesAt, LentSlot.count].every((word) => slots[slot + word] === slots[(first ?? 0) + word]); // prettier-ignore
      if (!isSame || !isWord(this.#rows.fields[number]?.type)) return 'others';
    }
    return first === undefined || hasNone ? undefined : this.#timesAt(first);
  }

  #slotAt(seriesId: number, number: number): number {
    return (seriesId * this.#rows.fields.length + number) * slotWords;
  }

  #timesAt(slot: number): BigInt64Array {
    const { slots, rooms } = this.#rows;
    const room = rooms[slots[slot + LentSlot.timesRoom] ?? 0] as SharedArrayBuffer;
    return new BigInt64Array(room, slots[slot + LentSlot.timesAt], slots[slot + LentSlot.count]);
  }

  #valueBytes(seriesId: number, field: string): Uint8Array {
    const { slots, rooms } = this.#rows;
    const slot = this.#slotAt(seriesId, this.#numbers.get(field) ?? 0);
    const room = rooms[slots[slot + LentSlot.valuesRoom] ?? 0] as SharedArrayBuffer;
    return new Uint8Array(room, slots[slot + LentSlot.valuesAt]);
  }

  /** All that there is of a series and field. */
  #run(seriesId: number, field: string): ColumnRun | undefined {
    const { slots, rooms, fields } = this.#rows;
    const number = this.#numbers.get(field);
    if (number === undefined) return undefined;
    const slot = this.#slotAt(seriesId, number);
    const count = slots[slot + LentSlot.count] ?? 0;
    const type = fields[number]?.type;
    if (count === 0 || type === undefined) return undefined;
    const room = rooms[slots[slot + LentSlot.valuesRoom] ?? 0] as SharedArrayBuffer;
    const at = slots[slot + LentSlot.valuesAt] ?? 0;
    return { type, timesNs: this.#timesAt(slot), values: columnAt(type, room, { at, count }) };
  }
}

function columnAt(
  type: FieldType,
  room: SharedArrayBuffer,
  { at, count }: { readonly at: number; readonly count: number },
): BatchColumn {
  switch (type) {
    case FieldType.float:
      return new Float64Array(room, at, count);
    case FieldType.integer:
      return new BigInt64Array(room, at, count);
    case FieldType.unsigned:
      return new BigUint64Array(room, at, count);
    case FieldType.boolean:
      return new Uint8Array(room, at, count);
    case FieldType.string: {
      const offsets = new Uint32Array(room, at, count + 1);
      return { offsets, bytes: new Uint8Array(room, at + offsets.byteLength) };
    }
  }
}

function isWord(type: FieldType | undefined): boolean {
  return type === FieldType.float || type === FieldType.integer || type === FieldType.unsigned;
}

/** Undefined for texts, which are not placed row by row. */
function rowsOf(
  { type, timesNs, values }: ColumnRun,
  start: number,
  end: number,
): PieceRows | undefined {
  // prettier-ignore
  if ('offsets' in values) return undefined;
  const widthBytes = values.BYTES_PER_ELEMENT;
  const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  return {
    type: batchTypes[type],
    count: end - start,
    times: (from, count) => timesNs.subarray(start + from, start + from + count),
    values: (from, count) => bytes.subarray((start + from) * widthBytes, (start + from + count) * widthBytes), // prettier-ignore
  };
}
