/**
 * Rows of a memtable for another worker, which cannot read its memory: columns of some series and fields in order of time, each time
 * once, in memory that both share. Reader: lent-rows.ts.
 */
import { Buffer } from 'node:buffer';
import { KiB, MiB } from '../../../base/units.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { SeriesList } from '../../index/listed-index.ts';
import type { MemoryPart } from '../memory-part.ts';
import type { ColumnRun } from '../columns/column-run.ts';
import type { ColumnPiece } from '../columns/run-cursor.ts';
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
  /** Told of bytes before they are taken; may throw. */
  readonly charge: (bytes: number) => void;
  readonly bytesMax: number;
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

/** Each step is short. Undefined where there are none, 'many' where it would take more than the ports allow. */
export function* lendRows(
  memtable: MemoryPart,
  { list, fields, ...bounds }: LendRequest,
  ports: LendPorts,
): Generator<undefined, LentRows | 'many' | undefined> {
  if (memtable.bounds === undefined) return undefined;
  const { measurement, keys, ends } = list;
  const slotsBytes = ends.length * fields.length * slotWords * Uint32Array.BYTES_PER_ELEMENT;
  if (slotsBytes > ports.bytesMax) return 'many';
  ports.charge(slotsBytes);
  const slots = new Uint32Array(new SharedArrayBuffer(slotsBytes));
  const writer = new SlotWriter(slots, ports);
  for (let i = 0; i < ends.length; i++) {
    const seriesId = memtable.idOf(keys.subarray(i === 0 ? 0 : ends[i - 1], ends[i]), i);
    if (writer.isTired) yield* writer.rest();
    if (seriesId === undefined) continue;
    writer.beginSeries();
    for (const [number, { name, type }] of fields.entries()) {
      const pieces = memtable.pieces({ measurement, seriesId, field: name }, bounds);
      const isWritten = pieces.length === 0 || (yield* writer.write(i * fields.length + number, type, pieces)); // prettier-ignore
      if (!isWritten) return 'many';
    }
  }
  return { bounds: memtable.bounds, fields, rooms: writer.rooms, slots };
}

class SlotWriter {
  readonly rooms: SharedArrayBuffer[] = [];
  readonly #slots: Uint32Array;
  readonly #ports: LendPorts;
  #top = 0;
  #takenBytes: number;
  #rowsLeft = rowsPerPause;
  /** Of the field before: those of a series mostly have the same. */
  #times: Times | undefined;

  constructor(slots: Uint32Array, ports: LendPorts) {
    this.#slots = slots;
    this.#ports = ports;
    this.#takenBytes = slots.byteLength;
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

  /** False where there is no room for it. */
  *write(
    slot: number,
    type: FieldType,
    pieces: readonly ColumnPiece[],
  ): Generator<undefined, boolean> {
    this.#rowsLeft -= slotRows;
    if (pieces.every(({ rows }) => rows !== undefined)) return yield* this.#writePlaced(slot, type, pieces); // prettier-ignore
    return yield* this.#writeRuns(slot, pieces);
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
  *#writeRuns(slot: number, pieces: readonly ColumnPiece[]): Generator<undefined, boolean> {
    const runs: ColumnRun[] = [];
    let [count, heldBytes] = [0, 0];
    for (const piece of pieces) {
      if (this.isTired) yield* this.rest();
      const run = piece.load();
      runs.push(run);
      count += run.timesNs.length;
      heldBytes += runBytes(run);
      this.#rowsLeft -= run.timesNs.length;
      if (this.#takenBytes + heldBytes > this.#ports.bytesMax) return false;
    }
    const bytes = valuesOf(runs, count);
    const times = this.#take(count * 8);
    const values = this.#take(bytes.length);
    if (times === undefined || values === undefined) return false;
    this.#times = { ...times, count };
    let row = 0;
    for (const { timesNs } of runs) {
      const { buffer, byteOffset, byteLength } = timesNs;
      this.#bytes(times, row * 8, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength)); // prettier-ignore
      row += timesNs.length;
    }
    this.#bytes(values, 0, bytes.length).set(bytes);
    this.#note(slot, values);
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
    if (this.#takenBytes + roomBytes > this.#ports.bytesMax) return undefined;
    this.#ports.charge(roomBytes);
    this.#takenBytes += roomBytes;
    this.rooms.push(new SharedArrayBuffer(roomBytes));
    this.#top = needed;
    return { room: this.rooms.length - 1, at: 0 };
  }
}

function runBytes({ timesNs, values }: ColumnRun): number {
  return timesNs.byteLength + ('offsets' in values ? values.offsets.byteLength + values.bytes.length : values.byteLength); // prettier-ignore
}

/** Of all runs as of one; of texts where each ends, u32 from 0 on, and their bytes. */
function valuesOf(runs: readonly ColumnRun[], count: number): Uint8Array {
  const texts = runs.flatMap(({ values }) => ('offsets' in values ? [values] : []));
  if (texts.length === 0) {
    const parts = runs.flatMap(({ values }) => ('offsets' in values ? [] : [new Uint8Array(values.buffer, values.byteOffset, values.byteLength)])); // prettier-ignore
    return Buffer.concat(parts);
  }
  const spans = texts.map(({ offsets }) => [offsets[0] ?? 0, offsets[offsets.length - 1] ?? 0] as const); // prettier-ignore
  const bytesCount = spans.reduce((sum, [start, end]) => sum + end - start, 0);
  const ends = new Uint32Array(count + 1);
  const out = new Uint8Array(ends.byteLength + bytesCount);
  let [row, at] = [0, 0];
  for (const [i, { offsets, bytes }] of texts.entries()) {
    const [start, end] = spans[i] ?? [0, 0];
    for (let one = 1; one < offsets.length; one++) ends[++row] = at + (offsets[one] ?? 0) - start;
    out.set(bytes.subarray(start, end), ends.byteLength + at);
    at += end - start;
  }
  out.set(new Uint8Array(ends.buffer));
  return out;
}
