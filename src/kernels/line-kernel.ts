/**
 * Line protocol through the WebAssembly kernel. Its slow twin is parseLines of models/line-protocol.ts: what the kernel
 * parses, it parses to the same points; lines that it does not take it lists for the twin. Keys, field sets and shapes are
 * known to JavaScript by numbers only; their bytes stay in the kernel's memory. A body comes in pieces of a bounded length:
 * so does the memory.
 */
import { exactTextOf } from '../base/exact-text.ts';
import { assert } from '../base/assert.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { growMemory } from './grow-memory.ts';
import { RoutedShape, type RouteExports } from './routed-shape.ts';

const pageBytes = 65_536;
const pagesMax = 65_536;
const paddingBytes = 64;
/** With more keys than these all of them are forgotten before the next body: what is kept stays a cache. */
const keysKeptMax = 262_144;
/** Of the table of joined bodies. */
export const joinedEntryWords = 6;
/** A shorter line is none, and a shorter value neither. */
const lineBytesMin = 6;
const valueBytesMin = 4;

interface LineExports extends RouteExports {
  heapBase(): number;
  dictionaryBytes(): number;
  init(base: number): void;
  reset(): void;
  keys(): number;
  keyPointer(id: number): number;
  keyRoom(lengthBytes: number): number;
  internKey(ptr: number, length: number): number;
  setKey(id: number, canonical: number, measurement: number): void;
  leftKeys(): number;
  leftKey(number: number): number;
  fieldSetTotal(): number;
  fieldSetPointer(id: number): number;
  setFieldSet(id: number, isUsual: boolean): void;
  leastTime(): bigint;
  greatestTime(): bigint;
  countMarks(ptr: number, length: number): number;
  countedEquals(): number;
  columns(keyIds: number, fieldSetIds: number, starts: number, offsets: number, times: number, values: number, odds: number): void; // prettier-ignore
  parse(body: number, length: number, whole: boolean, step: bigint, defaultTime: bigint): number;
  parseBodies(bodies: number, table: number, count: number, step: bigint, defaultTime: bigint): number; // prettier-ignore
  consumed(): number;
  oddLines(): number;
  listOdd(lines: number, least: bigint, greatest: bigint): void;

  route(keyIds: number, fieldSetIds: number, times: number, lines: number, groups: number, groupCount: number, placeRows: number, placeCount: number, work: number): number; // prettier-ignore
  workBytes(lines: number): number;

  collect(keyIds: number, times: number, first: number, count: number, heads: number): number;
  shapeTotal(): number;
  shapeMeasurement(shape: number): number;
  shapeFieldSet(shape: number): number;
}

/** Codes of FieldType. */
export interface KernelField {
  readonly name: string;
  readonly type: number;
}

/** A piece of a body to parse. */
export interface LinePiece {
  readonly bytes: Uint8Array;
  /** False when more comes behind it: it then ends with a newline, and the last line may not be whole. */
  readonly isLast: boolean;
  readonly stepNs: bigint;
  /** Of lines without a time. */
  readonly defaultTimeNs: bigint;
}

/** Short bodies side by side, each with a newline behind it. */
export interface JoinedText {
  readonly bytes: Uint8Array;
  /**
   * Of each body six words: where it ends, behind its newline; how many lines and values it has, set by the kernel; 0; and in the
   * last two the nanoseconds that its lines without a time are later than `defaultTimeNs`.
   */
  readonly table: Uint32Array;
  readonly stepNs: bigint;
  readonly defaultTimeNs: bigint;
}

/** The lines of the piece parsed last. */
export interface KernelLines {
  readonly lineCount: number;
  /** Less than the piece has when its last line is not whole. */
  readonly consumedBytes: number;
  /** The lines left to the twin: start and end of ranges of the piece, the end without the newline. */
  readonly odd: Uint32Array;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** Shards of a group that takes lines with startNs <= time < endNs; places are numbered through all groups. */
export interface KernelGroup {
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly placeCount: number;
}

/** The lines of one place. Views and the shape hold until the kernel is called for the next place or body. */
export interface RoutedPlace {
  readonly place: number;
  readonly rowCount: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly seriesCount: number;
  /** Of the canonical keys of the series. */
  readonly keyBytes: number;
  /** Of each of its shapes two words: its id, and its rows. */
  readonly heads: Uint32Array;
  /** Where they are in the kernel's memory. */
  readonly headsAt: number;
  /** All of its lines, where they have one shape. */
  readonly sole: RoutedShape | undefined;
  /** Room for what is gathered. */
  readonly out: number;
}

export class LineKernel {
  readonly #memory: WebAssembly.Memory;
  readonly #exports: LineExports;
  readonly #base: number;
  /** Of the columns of the body parsed last, and of room behind them. */
  #places = { keyIds: 0, fieldSetIds: 0, starts: 0, times: 0, values: 0, odds: 0, work: 0 };
  #generation = 0;

  private constructor(memory: WebAssembly.Memory, exports: LineExports) {
    this.#memory = memory;
    this.#exports = exports;
    const start = exports.heapBase();
    this.#base = aligned(start + exports.dictionaryBytes());
    this.#reserve(this.#base);
    exports.init(start);
  }

  /** `module` is the kernels', compiled. */
  static create(module: WebAssembly.Module): LineKernel {
    const memory = new WebAssembly.Memory({ initial: 16, maximum: pagesMax });
    const decoder = new TextDecoder();
    const slowFloat = (ptr: number, length: number): number =>
      Number(decoder.decode(new Uint8Array(memory.buffer, ptr >>> 0, length)));
    const abort = (): void => {
      throw new Error('a kernel has aborted');
    };
    const imports = { env: { memory, slowFloat, slowText: abort, abort } };
    const instance = new WebAssembly.Instance(module, imports);
    return new LineKernel(memory, instance.exports as unknown as LineExports);
  }

  /** Ids of field sets and shapes are dense and hold until this grows. */
  get generation(): number {
    return this.#generation;
  }

  /** Of all that it holds, used or not. */
  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  get fieldSetCount(): number {
    return this.#exports.fieldSetTotal();
  }

  /** How many keys the kernel has left to its twin so far. */
  get leftKeyCount(): number {
    return this.#exports.leftKeys();
  }

  /** A key that was left to the twin, as it was written. */
  leftKey(number: number): Uint8Array {
    return this.#text(this.#exports.keyPointer(this.#exports.leftKey(number)));
  }

  /** What the twin has made of it: the bytes of its canonical spelling and of its measurement's name. */
  setLeftKey(number: number, canonical: Uint8Array, measurement: Uint8Array): void {
    const ids = [canonical, measurement].map((bytes) => {
      const room = this.#exports.keyRoom(bytes.length) >>> 0;
      if (room === 0) return -1;
      new Uint8Array(this.#memory.buffer, room, bytes.length).set(bytes);
      return this.#exports.internKey(room, bytes.length);
    });
    const [key = -1, name = -1] = ids;
    // Without room the key stays one that the twin has to read, until all are forgotten.
    if (key >= 0 && name >= 0) this.#exports.setKey(this.#exports.leftKey(number), key, name);
  }

  /** Names are as written, escapes and all. */
  fieldSet(id: number): readonly KernelField[] {
    const at = this.#exports.fieldSetPointer(id) >>> 0;
    const { buffer } = this.#memory;
    const count = new Uint32Array(buffer, at, 1)[0] ?? 0;
    const words = new Uint32Array(buffer, at + 16, count * 3);
    return Array.from({ length: count }, (_, i) => {
      const [ptr = 0, length = 0, type = 0] = words.subarray(i * 3, i * 3 + 3);
      return { name: exactTextOf(new Uint8Array(buffer, ptr, length)), type };
    });
  }

  /** Lines with a field set that is not as usual are not routed. */
  setFieldSet(id: number, isUsual: boolean): void {
    this.#exports.setFieldSet(id, isUsual);
  }

  get shapeCount(): number {
    return this.#exports.shapeTotal();
  }

  /** The measurement's name, unescaped, and the field set of a shape. */
  shape(id: number): { readonly measurement: Uint8Array; readonly fieldSet: number } {
    const measurement = this.#text(this.#exports.shapeMeasurement(id));
    return { measurement, fieldSet: this.#exports.shapeFieldSet(id) };
  }

  /** Undefined when the piece has more keys or field sets than are known at once: shorter ones fit. */
  parse(piece: LinePiece): KernelLines | undefined {
    return this.#withRoom(() => this.#parse(piece));
  }

  /** The same of bodies, none of which can reach into the next. */
  parseBodies(joined: JoinedText): KernelLines | undefined {
    return this.#withRoom(() => this.#parseBodies(joined));
  }

  #withRoom(parse: () => KernelLines | undefined): KernelLines | undefined {
    if (this.#exports.keys() > keysKeptMax) this.forget();
    const lines = parse();
    if (lines !== undefined) return lines;
    this.forget();
    return parse();
  }

  /** The lines among those parsed that the twin has to look at, since their key, their fields or their time are not usual. */
  listOdd(lineCount: number, leastNs: bigint, greatestNs: bigint): Uint32Array {
    this.#exports.listOdd(lineCount, clamped(leastNs), clamped(greatestNs));
    return this.#odd();
  }

  /** Forgets all keys, field sets and shapes: it is as one that is new. */
  forget(): void {
    this.#exports.reset();
    this.#generation++;
  }

  #parse({ bytes: body, isLast, stepNs, defaultTimeNs }: LinePiece): KernelLines | undefined {
    const length = isLast ? body.length + 1 : body.length;
    const bytes = this.#place(body, length);
    if (isLast) bytes[body.length] = 10;
    this.#setColumns(length);
    const lineCount = this.#exports.parse(this.#base, length, isLast, stepNs, defaultTimeNs);
    if (lineCount < 0) return undefined;
    const consumedBytes = Math.min(body.length, this.#exports.consumed() >>> 0);
    return this.#linesOf(lineCount, consumedBytes);
  }

  #parseBodies({ bytes, table, stepNs, defaultTimeNs }: JoinedText): KernelLines | undefined {
    this.#place(bytes, bytes.length);
    const tableAt = this.#setColumns(bytes.length);
    this.#reserve(tableAt + table.byteLength + paddingBytes);
    new Uint32Array(this.#memory.buffer, tableAt, table.length).set(table);
    const count = table.length / joinedEntryWords;
    const lineCount = this.#exports.parseBodies(this.#base, tableAt, count, stepNs, defaultTimeNs);
    if (lineCount < 0) return undefined;
    table.set(new Uint32Array(this.#memory.buffer, tableAt, table.length));
    return this.#linesOf(lineCount, bytes.length);
  }

  /** Answers where they are, with so many bytes that are the caller's and zeros behind them. */
  #place(body: Uint8Array, lengthBytes: number): Uint8Array {
    this.#reserve(this.#base + lengthBytes + paddingBytes);
    const bytes = new Uint8Array(this.#memory.buffer, this.#base, lengthBytes + paddingBytes);
    copyBytes(bytes, body);
    bytes.fill(0, body.length);
    return bytes;
  }

  /** Of the lines in the text that was placed; answers where there is room behind them. */
  #setColumns(length: number): number {
    const bodyAt = this.#base;
    const newlines = this.#exports.countMarks(bodyAt, length);
    const equals = this.#exports.countedEquals();
    const lineMax = Math.min(newlines, Math.floor(length / lineBytesMin) + 1);
    const valueMax = Math.min(equals, Math.floor(length / valueBytesMin) + 1);
    const keyIds = aligned(bodyAt + length + paddingBytes);
    const fieldSetIds = aligned(keyIds + lineMax * 4);
    const starts = aligned(fieldSetIds + lineMax * 4);
    const offsets = aligned(starts + lineMax * 4);
    const times = aligned(offsets + lineMax * 4);
    const values = aligned(times + lineMax * 8);
    const odds = aligned(values + valueMax * 8);
    const work = aligned(odds + newlines * 8);
    this.#places = { keyIds, fieldSetIds, starts, times, values, odds, work };
    this.#reserve(work + paddingBytes);
    this.#exports.columns(keyIds, fieldSetIds, starts, offsets, times, values, odds);
    return work;
  }

  #linesOf(lineCount: number, consumedBytes: number): KernelLines {
    const minTimeNs = this.#exports.leastTime();
    const maxTimeNs = this.#exports.greatestTime();
    return { lineCount, consumedBytes, odd: this.#odd(), minTimeNs, maxTimeNs };
  }

  #odd(): Uint32Array {
    const { odds } = this.#places;
    return new Uint32Array(this.#memory.buffer, odds, this.#exports.oddLines() * 2).slice();
  }

  /** The times of the lines parsed last. A view: it holds until the next call. */
  times(lineCount: number): BigInt64Array {
    return new BigInt64Array(this.#memory.buffer, this.#places.times, lineCount);
  }

  /**
   * Parts the lines of the body parsed last by place, and gives them place by place. Or says why it cannot: a line is not
   * as usual, or lies in none of the groups, or there are more shapes than are known at once.
   */
  route(
    lineCount: number,
    groups: readonly KernelGroup[],
  ): Iterable<RoutedPlace> | 'odd' | 'outside' | 'full' {
    const { keyIds, fieldSetIds, times } = this.#places;
    const placeCount = groups.reduce((sum, group) => sum + group.placeCount, 0);
    const groupsAt = this.#places.work;
    const rowsAt = aligned(groupsAt + groups.length * 24);
    const listsAt = aligned(rowsAt + placeCount * 4);
    const headsAt = aligned(listsAt + this.#exports.workBytes(lineCount));
    this.#reserve(headsAt + paddingBytes);
    this.#placeGroups(groupsAt, groups);
    const routed = this.#exports.route(keyIds, fieldSetIds, times, lineCount, groupsAt, groups.length, rowsAt, placeCount, listsAt); // prettier-ignore
    if (routed === -1) return 'odd';
    if (routed === -2) return 'outside';
    if (routed < 0) {
      // With none known the next body has room.
      this.forget();
      return 'full';
    }
    const ends = new Uint32Array(this.#memory.buffer, rowsAt, placeCount).slice();
    return this.#routedPlaces(ends, headsAt);
  }

  *#routedPlaces(ends: Uint32Array, headsAt: number): Generator<RoutedPlace> {
    let first = 0;
    for (const [place, end] of ends.entries()) {
      if (end > first) yield this.#collect(place, { first, end }, headsAt);
      first = end;
    }
  }

  #collect(
    place: number,
    { first, end }: { readonly first: number; readonly end: number },
    headsAt: number,
  ): RoutedPlace {
    const exports = this.#exports;
    const rowCount = end - first;
    const { keyIds, starts, times, values } = this.#places;
    const headBytes = Math.min(rowCount, exports.shapeTotal()) * 8;
    const out = aligned(headsAt + headBytes);
    this.#reserve(out + paddingBytes);
    const shapeCount = exports.collect(keyIds, times, first, rowCount, headsAt);
    const seriesCount = exports.collectedSeries();
    const keyBytes = exports.collectedSeriesBytes() >>> 0;
    // The largest that is written at once; texts reserve their own.
    this.#reserve(out + Math.max(rowCount * 8, (seriesCount + 1) * 4, keyBytes) + paddingBytes);
    const heads = new Uint32Array(this.#memory.buffer, headsAt, shapeCount * 2).slice();
    const memory = { reserve: (top: number) => this.#reserve(top), of: this.#memory };
    const sole = shapeCount > 1 ? undefined : new RoutedShape(exports, memory, { count: rowCount, starts, times, values, out }); // prettier-ignore
    const [minTimeNs, maxTimeNs] = [exports.collectedMin(), exports.collectedMax()];
    return { place, rowCount, minTimeNs, maxTimeNs, seriesCount, keyBytes, heads, headsAt, sole, out }; // prettier-ignore
  }

  /**
   * Bytes of all shapes of the place at hand as a batch has them, and how many values are in them. `named` is what a batch says of each behind its count of rows: measurement,
   * count of fields, and the fields.
   */
  measureShapes(
    place: RoutedPlace,
    named: Uint32Array,
  ): { readonly lengthBytes: number; readonly valueCount: number } {
    const { values, starts } = this.#places;
    this.#placeNamed(place, named);
    const { headsAt, heads, out } = place;
    const lengthBytes = this.#exports.shapesBytes(values, starts, headsAt, heads.length / 2, out) >>> 0; // prettier-ignore
    return { lengthBytes, valueCount: this.#exports.shapesValues() >>> 0 };
  }

  /** The bytes themselves, of which there are so many. A view: until the next call. */
  shapes(place: RoutedPlace, named: Uint32Array, lengthBytes: number): Uint8Array {
    const { values, starts, times } = this.#places;
    const at = aligned(place.out + named.byteLength);
    this.#reserve(at + lengthBytes + paddingBytes);
    this.#placeNamed(place, named);
    const { headsAt, heads, out } = place;
    this.#exports.writeShapes(values, starts, times, headsAt, heads.length / 2, out, at);
    return new Uint8Array(this.#memory.buffer, at, lengthBytes);
  }

  #placeNamed({ out }: RoutedPlace, named: Uint32Array): void {
    this.#reserve(out + named.byteLength + paddingBytes);
    new Uint32Array(this.#memory.buffer, out, named.length).set(named);
  }

  /** Offsets of the canonical keys of the place at hand, one more than it has series. A view: until the next call. */
  seriesOffsets({ seriesCount, out }: RoutedPlace): Uint8Array {
    this.#exports.writeSeriesOffsets(out);
    return new Uint8Array(this.#memory.buffer, out, (seriesCount + 1) * 4);
  }

  seriesBytes({ keyBytes, out }: RoutedPlace): Uint8Array {
    this.#exports.writeSeriesBytes(out);
    return new Uint8Array(this.#memory.buffer, out, keyBytes);
  }

  #placeGroups(at: number, groups: readonly KernelGroup[]): void {
    const view = new DataView(this.#memory.buffer, at, groups.length * 24);
    let place = 0;
    groups.forEach(({ startNs, endNs, placeCount }, i) => {
      view.setBigInt64(i * 24, clamped(startNs), true);
      view.setBigInt64(i * 24 + 8, clamped(endNs), true);
      view.setUint32(i * 24 + 16, place, true);
      view.setUint32(i * 24 + 20, placeCount, true);
      place += placeCount;
    });
  }

  /** The bytes of a key. A view: it holds until the memory grows. */
  #text(ptr: number): Uint8Array {
    const at = ptr >>> 0;
    const { buffer } = this.#memory;
    return new Uint8Array(buffer, at + 4, new Uint32Array(buffer, at, 1)[0] ?? 0);
  }

  #reserve(end: number): void {
    assert(end <= pagesMax * pageBytes, 'a body fits the kernel');
    growMemory(this.#memory, end);
  }
}

/** Groups at the ends of time may say more than an int64 holds. */
function clamped(timeNs: bigint): bigint {
  if (timeNs < -(2n ** 63n)) return -(2n ** 63n);
  return timeNs > 2n ** 63n - 1n ? 2n ** 63n - 1n : timeNs;
}

function aligned(at: number): number {
  return Math.ceil(at / 16) * 16;
}
