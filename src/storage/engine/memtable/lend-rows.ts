/**
 * Rows of a memtable for another worker, which cannot read its memory: columns of some series and fields in order of time, each time
 * once, in memory that both share. Reader: lent-rows.ts.
 */
import { Buffer } from 'node:buffer';
import { KiB, MiB } from '../../../base/units.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { TextColumn } from '../../../models/point-batch.ts';
import type { SeriesList } from '../../index/listed-index.ts';
import type { MemoryPart } from '../memory-part.ts';
import type { ColumnRun } from '../columns/column-run.ts';
import { batchTypes, type ColumnPiece } from '../columns/run-cursor.ts';
import type { TimeBounds } from './shape-table.ts';

export interface LentField {
  readonly name: string;
  readonly type: FieldType;
}

/** Plain data, and shared memory. */
export interface LentRows {
  /** Of the memtable, some of whose rows they are. */
  readonly bounds: TimeBounds;
  readonly fields: readonly LentField[];
  readonly rooms: readonly SharedArrayBuffer[];
  /** `slotWords` for each series of the list and field: LentSlot. */
  readonly slots: Uint32Array;
}

/** Words of a slot: in which room its times lie and where, the same of its values, and how many there are. */
export const LentSlot = { timesRoom: 0, timesAt: 1, valuesRoom: 2, valuesAt: 3, count: 4 } as const;
export const slotWords = 5;

export interface LendRequest extends TimeBounds {
  readonly list: SeriesList;
  readonly fields: readonly LentField[];
}

export interface LendPorts {
  /** Asked before bytes are taken: false where they are too many; may throw. */
  take(bytes: number): boolean;
  /** Of those that were taken, so many are not held any more. */
  release(bytes: number): void;
}

interface Place {
  readonly room: number;
  readonly at: number;
}

interface Times extends Place {
  readonly count: number;
}

interface CopiedTo {
  readonly values: Place;
  readonly widthBytes: number;
  readonly writesTimes: boolean;
}

const roomBytesFirst = 64 * KiB;
const roomBytesMost = 4 * MiB;
/** A slot takes about as long as so many rows. */
const slotRows = 512;
const rowsPerPause = 131_072;

/**
 * Each step is short. Undefined where there are none, 'unlent' where it would take more than the ports allow, or a field has values
 * of another type: it was dropped and written again, which the memtable, as it was viewed, does not show.
 */
export function* lendRows(
  memtable: MemoryPart,
  { list, fields, ...bounds }: LendRequest,
  ports: LendPorts,
): Generator<undefined, LentRows | 'unlent' | undefined> {
  if (memtable.bounds === undefined) return undefined;
  const { measurement, keys, ends } = list;
  const slotsBytes = ends.length * fields.length * slotWords * Uint32Array.BYTES_PER_ELEMENT;
  if (!ports.take(slotsBytes)) return 'unlent';
  const slots = new Uint32Array(new SharedArrayBuffer(slotsBytes));
  const writer = new SlotWriter(slots, ports);
  for (let i = 0; i < ends.length; i++) {
    const seriesId = memtable.idOf(keys.subarray(i === 0 ? 0 : ends[i - 1], ends[i]), i);
    writer.beginSeries();
    if (writer.isTired) yield* writer.rest();
    if (seriesId === undefined) continue;
    for (const [number, { name, type }] of fields.entries()) {
      const pieces = memtable.pieces({ measurement, seriesId, field: name }, bounds);
      const isWritten = pieces.length === 0 || (yield* writer.write(i * fields.length + number, type, pieces)); // prettier-ignore
      if (!isWritten) return 'unlent';
    }
  }
  return { bounds: memtable.bounds, fields, rooms: writer.rooms, slots };
}

class SlotWriter {
  readonly rooms: SharedArrayBuffer[] = [];
  readonly #slots: Uint32Array;
  readonly #ports: LendPorts;
  #top = 0;
  #rowsLeft = rowsPerPause;
  /** Of the field before: those of a series mostly have the same. */
  #times: Times | undefined;

  constructor(slots: Uint32Array, ports: LendPorts) {
    this.#slots = slots;
    this.#ports = ports;
  }

  get isTired(): boolean {
    return this.#rowsLeft <= 0;
  }

  *rest(): Generator<undefined, void> {
    this.#rowsLeft = rowsPerPause;
    yield undefined;
  }

  beginSeries(): void {
    this.#rowsLeft -= slotRows;
    this.#times = undefined;
  }

  /** False where there is no room for it, or it has values of another type. */
  *write(
    slot: number,
    type: FieldType,
    pieces: readonly ColumnPiece[],
  ): Generator<undefined, boolean> {
    this.#rowsLeft -= slotRows;
    const isOther = pieces.some(({ rows }) => rows !== undefined && rows.type !== batchTypes[type]);
    if (isOther) return false;
    if (pieces.every(({ rows }) => rows !== undefined)) return yield* this.#writePlaced(slot, type, pieces); // prettier-ignore
    return yield* this.#writeRuns(slot, type, pieces);
  }

  *#writePlaced(
    slot: number,
    type: FieldType,
    pieces: readonly ColumnPiece[],
  ): Generator<undefined, boolean> {
    const count = pieces.reduce((sum, { rows }) => sum + (rows?.count ?? 0), 0);
    const widthBytes = type === FieldType.boolean ? 1 : 8;
    const values = this.#take(count * widthBytes);
    if (values === undefined) return false;
    const known = this.#times?.count === count ? this.#times : undefined;
    const to = { values, widthBytes };
    if (known === undefined || !(yield* this.#copy(pieces, known, { ...to, writesTimes: false }))) {
      const place = this.#take(count * 8);
      if (place === undefined) return false;
      this.#times = { ...place, count };
      yield* this.#copy(pieces, this.#times, { ...to, writesTimes: true });
    }
    this.#note(slot, values);
    return true;
  }

  /** False where times are others than those that are there, and are not to be written. */
  *#copy(
    pieces: readonly ColumnPiece[],
    times: Times,
    { values, widthBytes, writesTimes }: CopiedTo,
  ): Generator<undefined, boolean> {
    let row = 0;
    for (const { rows } of pieces) {
      if (rows === undefined) continue;
      if (this.isTired) yield* this.rest();
      this.#rowsLeft -= rows.count;
      const { buffer, byteOffset, byteLength } = rows.times(0, rows.count);
      const own = new Uint8Array(buffer, byteOffset, byteLength);
      const there = this.#bytes(times, row * 8, byteLength);
      const isCopied = writesTimes || there.equals(own);
      if (writesTimes) there.set(own);
      if (isCopied) this.#bytes(values, row * widthBytes, rows.count * widthBytes).set(rows.values(0, rows.count)); // prettier-ignore
      if (!isCopied) return false;
      row += rows.count;
    }
    return true;
  }

  /** Of texts, and of rows of several shapes. */
  *#writeRuns(
    slot: number,
    type: FieldType,
    pieces: readonly ColumnPiece[],
  ): Generator<undefined, boolean> {
    const runs: ColumnRun[] = [];
    let [count, heldBytes] = [0, 0];
    for (const piece of pieces) {
      if (this.isTired) yield* this.rest();
      const run = piece.load();
      if (run.type !== type || !this.#ports.take(runBytes(run))) return false;
      runs.push(run);
      count += run.timesNs.length;
      heldBytes += runBytes(run);
      this.#rowsLeft -= runBytes(run) >>> 3;
    }
    const valuesLength = valuesBytes(runs, count);
    const times = this.#take(count * 8);
    const values = this.#take(valuesLength);
    if (times === undefined || values === undefined) return false;
    this.#times = { ...times, count };
    const to = new RunCopy(this.#bytes(times, 0, count * 8), this.#bytes(values, 0, valuesLength));
    for (const run of runs) {
      if (this.isTired) yield* this.rest();
      this.#rowsLeft -= runBytes(run) >>> 3;
      to.add(run);
    }
    this.#note(slot, values);
    this.#ports.release(heldBytes);
    return true;
  }

  #note(slot: number, values: Place): void {
    const { room = 0, at = 0, count = 0 } = this.#times ?? {};
    this.#slots.set([room, at, values.room, values.at, count], slot * slotWords);
  }

  #bytes({ room, at }: Place, from: number, lengthBytes: number): Buffer {
    return Buffer.from(this.rooms[room] as SharedArrayBuffer, at + from, lengthBytes);
  }

  #take(lengthBytes: number): Place | undefined {
    const needed = (lengthBytes + 7) & ~7;
    const last: SharedArrayBuffer | undefined = this.rooms[this.rooms.length - 1];
    if (last !== undefined && last.byteLength - this.#top >= needed) {
      this.#top += needed;
      return { room: this.rooms.length - 1, at: this.#top - needed };
    }
    const usual = Math.min(roomBytesMost, last === undefined ? roomBytesFirst : last.byteLength * 2); // prettier-ignore
    const roomBytes = Math.max(usual, needed);
    if (!this.#ports.take(roomBytes)) return undefined;
    this.rooms.push(new SharedArrayBuffer(roomBytes));
    this.#top = needed;
    return { room: this.rooms.length - 1, at: 0 };
  }
}

function runBytes({ timesNs, values }: ColumnRun): number {
  return timesNs.byteLength + ('offsets' in values ? values.offsets.byteLength + values.bytes.length : values.byteLength); // prettier-ignore
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

/** Of the values of all runs as those of one: of texts where each ends, too. */
function valuesBytes(runs: readonly ColumnRun[], count: number): number {
  let bytes = 0;
  let isOfTexts = false;
  for (const { values } of runs) {
    if ('offsets' in values) {
      const { offsets } = values;
      bytes += (offsets[offsets.length - 1] ?? 0) - (offsets[0] ?? 0);
      isOfTexts = true;
    } else bytes += values.byteLength;
  }
  return isOfTexts ? bytes + (count + 1) * Uint32Array.BYTES_PER_ELEMENT : bytes;
}

/** Runs one behind the other; of texts where each ends, u32 from 0 on, and their bytes. What is copied to is all 0 before. */
class RunCopy {
  readonly #times: Buffer;
  readonly #values: Buffer;
  readonly #ends: Uint32Array;
  readonly #textsAt: number;
  #row = 0;
  #at = 0;

  constructor(times: Buffer, values: Buffer) {
    this.#times = times;
    this.#values = values;
    this.#ends = new Uint32Array(values.buffer, values.byteOffset, values.length >>> 2);
    this.#textsAt = (times.length / 8 + 1) * Uint32Array.BYTES_PER_ELEMENT;
  }

  add({ timesNs, values }: ColumnRun): void {
    this.#times.set(bytesOf(timesNs), this.#row * 8);
    if ('offsets' in values) this.#addTexts(values);
    else {
      this.#values.set(bytesOf(values), this.#at);
      this.#at += values.byteLength;
    }
    this.#row += timesNs.length;
  }

  #addTexts({ offsets, bytes }: TextColumn): void {
    const [start = 0, end = 0] = [offsets[0], offsets[offsets.length - 1]];
    const base = this.#at - start;
    for (let i = 1; i < offsets.length; i++) this.#ends[this.#row + i] = base + (offsets[i] ?? 0);
    this.#values.set(bytes.subarray(start, end), this.#textsAt + this.#at);
    this.#at += end - start;
  }
}
