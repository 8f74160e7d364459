/**
 * Points that came in any order, key by key, turned into a TSM file: what a log has and no file does.
 *
 * Invariants:
 * - Of values of one key and time the one that was added last counts; a delete takes what was added before it.
 * - Memory is bounded by the caller: it writes a file whenever isFull says so.
 * - Keys are the bytes they are, as texts of one character a byte: their order is that of the bytes.
 */
import { crc32 } from 'node:zlib';
import { encodeBlock } from '../../codec/block.ts';
import type { DiskFile } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import type { BatchColumn } from '../../models/point-batch.ts';
import { emptyColumn, gatherTexts } from '../engine/columns/column-run.ts';
import { blockRowsMax } from '../tsm/tsm-format.ts';
import type { TsmEntry } from '../tsm/tsm-column.ts';
import type { TimeRange } from '../tsm/tombstones.ts';
import { encodeIndexKey, summedBlock, TsmWriter } from '../tsm/tsm-writer.ts';

/** Some hundred megabytes of objects. */
const valuesMax = 1_000_000;
const textBytesMax = 128 << 20;
const nothing = new Uint8Array();

type Value = number | bigint | Uint8Array;

interface Gathered {
  readonly type: FieldType;
  readonly timesNs: bigint[];
  readonly values: Value[];
}

export interface KeyedValues {
  readonly key: string;
  readonly type: FieldType;
  readonly timesNs: BigInt64Array;
  readonly values: BatchColumn;
}

export class GatheredPoints {
  #byKey = new Map<string, Gathered>();
  #valueCount = 0;
  #textBytes = 0;
  readonly #valuesMax: number;

  constructor(options: { readonly valuesMax?: number | undefined } = {}) {
    this.#valuesMax = options.valuesMax ?? valuesMax;
  }

  get isEmpty(): boolean {
    return this.#valueCount === 0;
  }

  get isFull(): boolean {
    return this.#valueCount >= this.#valuesMax || this.#textBytes >= textBytesMax;
  }

  add({ key, type, timesNs, values }: KeyedValues): void {
    for (const [row, timeNs] of timesNs.entries()) this.addRow(key, type, { timeNs, values, row });
  }

  /** One row of a column. */
  addRow(
    key: string,
    type: FieldType,
    {
      timeNs,
      values,
      row,
    }: { readonly timeNs: bigint; readonly values: BatchColumn; readonly row: number },
  ): void {
    const gathered = this.#of(key, type);
    gathered.timesNs.push(timeNs);
    const value = valueAt(values, row);
    if (value instanceof Uint8Array) this.#textBytes += value.length;
    gathered.values.push(value);
    this.#valueCount++;
  }

  delete(keys: readonly string[], { minTimeNs, maxTimeNs }: TimeRange): void {
    for (const key of keys) {
      const known = this.#byKey.get(key);
      if (known === undefined) continue;
      const left: Gathered = { type: known.type, timesNs: [], values: [] };
      for (const [row, timeNs] of known.timesNs.entries()) {
        if (timeNs >= minTimeNs && timeNs <= maxTimeNs) continue;
        left.timesNs.push(timeNs);
        left.values.push(known.values[row] ?? 0);
      }
      this.#valueCount -= known.timesNs.length - left.timesNs.length;
      if (left.timesNs.length === 0) this.#byKey.delete(key);
      else this.#byKey.set(key, left);
    }
  }

  /** A key that comes with another type begins anew: a file has one type for a key, and the later values count. */
  #of(key: string, type: FieldType): Gathered {
    const known = this.#byKey.get(key);
    if (known?.type === type) return known;
    this.#valueCount -= known?.timesNs.length ?? 0;
    const made = { type, timesNs: [], values: [] };
    this.#byKey.set(key, made);
    return made;
  }

  /** Writes all of it to a new and empty file, durably, and forgets it. The caller names the file. */
  async write(file: DiskFile): Promise<void> {
    const writer = new TsmWriter(file);
    for (const key of [...this.#byKey.keys()].sort()) {
      const gathered = this.#byKey.get(key);
      if (gathered !== undefined) await writeKey(writer, key, gathered);
    }
    await writer.finish();
    this.#byKey = new Map();
    this.#valueCount = 0;
    this.#textBytes = 0;
  }
}

async function writeKey(
  writer: TsmWriter,
  key: string,
  { type, timesNs, values }: Gathered,
): Promise<void> {
  const rows = orderedRows(timesNs);
  const entries: TsmEntry[] = [];
  for (let start = 0; start < rows.length; start += blockRowsMax) {
    const part = rows.subarray(start, start + blockRowsMax);
    const times = BigInt64Array.from(part, (row) => timesNs[row]!);
    const column = columnOf(
      type,
      Array.from(part, (row) => values[row]!),
    );
    const bytes = encodeBlock({ type, timesNs: times, values: column });
    const block = summedBlock(crc32(bytes), bytes);
    const bounds = { minTimeNs: times[0]!, maxTimeNs: times.at(-1)! };
    entries.push({ ...bounds, offset: writer.offset, lengthBytes: block.length });
    writer.addEncoded(block, nothing);
    if (writer.isFull) await writer.drain();
  }
  if (entries.length > 0)
    writer.addEncoded(nothing, encodeIndexKey(Buffer.from(key, 'latin1'), type, entries));
}

/** Numbers of rows in the order of their times, of equal times the last one. */
function orderedRows(timesNs: readonly bigint[]): Uint32Array {
  const rows = Uint32Array.from(timesNs.keys());
  rows.sort((a, b) => (timesNs[a]! < timesNs[b]! ? -1 : timesNs[a]! > timesNs[b]! ? 1 : a - b));
  return rows.filter((row, i) => timesNs[row] !== timesNs[rows[i + 1] ?? -1]);
}

function valueAt(values: BatchColumn, row: number): Value {
  if ('offsets' in values) return values.bytes.slice(values.offsets[row], values.offsets[row + 1]);
  return values[row] ?? 0;
}

function columnOf(type: FieldType, values: readonly Value[]): BatchColumn {
  if (type === FieldType.string)
    return gatherTexts(values.length, (row) => values[row] as Uint8Array);
  const column = emptyColumn(type, values.length);
  for (const [row, value] of values.entries()) column[row] = value as never;
  return column;
}
