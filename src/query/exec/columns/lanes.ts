/** The streams of a merge, the one with the next row first. */
import { Buffer } from 'node:buffer';
import type { RowChunk } from '../series/series-rows.ts';
import { nextChunk, noRows, type ChunkStream, type StreamList } from './chunk-stream.ts';
import { sliceColumn } from './column-builder.ts';
import { streamBytes } from './chunk-bytes.ts';
import { WaitingStreams } from './waiting-streams.ts';

/** In place of a chunk that was given away. */
const givenRows: RowChunk = { timesNs: new BigInt64Array(0), columns: [] };

/** A stream that is being merged, with the chunk that it has at hand. */
export class Lane {
  /** Its place among all streams. */
  readonly order: number;
  readonly #streams: StreamList;
  readonly #rankAt: number | undefined;
  #stream: ChunkStream | undefined;
  /** Before its first chunk: no row of it comes earlier, in the direction of time. */
  #boundNs = 0n;
  chunk: RowChunk = noRows;
  at = 0;
  /** Of its next row: upper and lower word of the time, and the rank. A bigint for each comparison costs too much. */
  high = 0;
  low = 0;
  rank = 0;
  #words: Uint32Array = new Uint32Array(0);
  /** Its place among those that the rows being merged are of; -1 for none. */
  number = -1;
  /** Of it and the chunk at hand, as they are charged. */
  bytes = 0;

  constructor(streams: StreamList, order: number, rankAt: number | undefined) {
    this.#streams = streams;
    this.order = order;
    this.#rankAt = rankAt;
  }

  /** Made when it is asked for rows. */
  get stream(): ChunkStream {
    return (this.#stream ??= this.#streams.at(this.order));
  }

  /** Stands where its first row may be at the earliest, until it is asked for it. */
  expect(boundNs: bigint): void {
    this.#boundNs = boundNs;
    this.low = Number(BigInt.asUintN(32, boundNs));
    this.high = Number(boundNs >> 32n);
    // Of rows of that time it may have the first.
    if (this.#rankAt !== undefined) this.rank = Number.NEGATIVE_INFINITY;
  }

  get nextNs(): bigint {
    return this.chunk.timesNs[this.at] ?? this.#boundNs;
  }

  /** Whether it has given its first rows. */
  get isAsked(): boolean {
    return this.chunk !== noRows;
  }

  get isAtEnd(): boolean {
    return this.at === this.chunk.timesNs.length;
  }

  /** Of the rows that it has at hand. */
  get left(): number {
    return this.chunk.timesNs.length - this.at;
  }

  /** Whether its next `count` rows, which it has, have the times of those of another. */
  isInStep({ chunk: { timesNs }, at }: Lane, count: number): boolean {
    const own = Buffer.from(this.#words.buffer, this.#words.byteOffset + this.at * 8, count * 8);
    return own.equals(Buffer.from(timesNs.buffer, timesNs.byteOffset + at * 8, count * 8));
  }

  take(chunk: RowChunk): void {
    const { buffer, byteOffset, length } = chunk.timesNs;
    this.#words = new Uint32Array(buffer, byteOffset, length * 2);
    this.chunk = chunk;
    this.at = -1;
    this.advance();
  }

  /**
   * The rows that it has at hand, which are whoever's asks from now on: they may have moved to another thread by the time that this lane is asked for
   * more. It is at its end then.
   */
  give(): RowChunk {
    const { chunk, at } = this;
    this.chunk = givenRows;
    this.#words = new Uint32Array(0);
    this.at = 0;
    if (at === 0) return chunk;
    const end = chunk.timesNs.length;
    const columns = chunk.columns.map((column) => sliceColumn(column, at, end));
    return { timesNs: chunk.timesNs.slice(at), columns };
  }

  /** Past some rows; at its end it stands where the last of them was. */
  skip(count: number): void {
    this.at += count - 2;
    this.advance();
    this.advance();
  }

  advance(): void {
    const at = ++this.at;
    if (this.isAtEnd) return;
    this.low = this.#words[at * 2] ?? 0;
    this.high = (this.#words[at * 2 + 1] ?? 0) | 0;
    const column = this.#rankAt === undefined ? undefined : this.chunk.columns[this.#rankAt];
    if (column?.type === 'integer') this.rank = Number(column.values[at]);
  }
}

/** What chunks at hand hold, as it was charged. */
class HeldBytes {
  readonly #charge: (bytes: number) => void;
  #bytes = 0;

  constructor(charge: (bytes: number) => void = () => undefined) {
    this.#charge = charge;
  }

  /** Undefined where the lane has nothing more. Throws what charging does. */
  replace(lane: Lane, chunk: RowChunk | undefined): void {
    const bytes = chunk === undefined ? 0 : streamBytes(chunk);
    const more = bytes - lane.bytes;
    this.#charge(more);
    this.#bytes += more;
    lane.bytes = bytes;
  }

  /** Besides chunks. */
  add(bytes: number): void {
    this.#charge(bytes);
    this.#bytes += bytes;
  }

  end(): void {
    this.#charge(-this.#bytes);
    this.#bytes = 0;
  }
}

/** To open a stream takes some ten microseconds, to ask where it begins a few, and there may be millions. */
const opensPerPause = 256;

export interface ChunkOrder {
  readonly ascending: boolean;
  /** The integer column by which rows of one time stand; without it they keep the order of the streams. */
  readonly rankAt?: number | undefined;
  /** So many rows may be all that is wanted. */
  readonly rowsFirst?: number | undefined;
  /**
   * Told how many bytes more than before are at hand, or fewer: a chunk of each stream, however many there are, and what the stream
   * takes itself. What it throws ends the merge.
   */
  readonly charge?: ((bytes: number) => void) | undefined;
}

/**
 * Lanes as a heap by the times of their next rows. Of streams of which it is known when they begin no more than one is among them before it
 * is asked: the one that may be next. The others wait without an object each, so that series which end before others begin, as they do
 * where each lives for a short while, are never open at once.
 */
export class Lanes {
  readonly #streams: StreamList;
  readonly #order: ChunkOrder;
  readonly #lanes: Lane[] = [];
  readonly #held: HeldBytes;
  #waiting: WaitingStreams | undefined;

  constructor(streams: StreamList, order: ChunkOrder) {
    this.#streams = streams;
    this.#order = order;
    this.#held = new HeldBytes(order.charge);
  }

  /** Opens the streams that may begin at any time. Chunks without rows are pauses. */
  *open(): Generator<RowChunk> {
    const { count } = this.#streams;
    for (let place = 0; place < count; place++) {
      if (place % opensPerPause === opensPerPause - 1) yield noRows;
      const boundNs = this.#streams.boundNs(place);
      if (boundNs === 'none') continue;
      if (boundNs !== undefined) {
        (this.#waiting ??= this.#waitingRoom()).add(place, boundNs);
        continue;
      }
      const lane = new Lane(this.#streams, place, this.#order.rankAt);
      const chunk = yield* nextChunk(lane.stream);
      if (chunk === undefined) continue;
      this.#held.replace(lane, chunk);
      lane.take(chunk);
      this.#lanes.push(lane);
    }
    this.sort();
    this.#expectNext();
  }

  #waitingRoom(): WaitingStreams {
    const { count } = this.#streams;
    this.#held.add(WaitingStreams.bytesOf(count));
    return new WaitingStreams(count, this.#order.ascending);
  }

  /** Lets go of all that is charged. */
  close(): void {
    this.#held.end();
  }

  get first(): Lane | undefined {
    return this.#lanes[0];
  }

  /** Those that are next to the first one: all others come behind one of them. */
  get seconds(): readonly [Lane | undefined, Lane | undefined] {
    return [this.#lanes[1], this.#lanes[2]];
  }

  get all(): readonly Lane[] {
    return this.#lanes;
  }

  /** Whether there are several streams, with those that wait. */
  areMany(): boolean {
    return this.#lanes.length + (this.#waiting?.count ?? 0) > 1;
  }

  /**
   * Asks when the first begins, before it is opened: true where that is later than was thought, or never. Then another one may be the
   * first.
   */
  delaysFirst(): boolean {
    const [first] = this.#lanes;
    const waiting = this.#waiting;
    if (first === undefined || waiting === undefined || first.isAsked) return false;
    const { order: place, nextNs } = first;
    if (waiting.isNear(place)) return false;
    waiting.cameNearer(place);
    const nearerNs = this.#streams.nearerNs?.(place);
    if (nearerNs === undefined || nearerNs === nextNs) return false;
    if (nearerNs !== 'none') waiting.add(place, nearerNs);
    this.goOn(undefined);
    return true;
  }

  /** The first has the next chunk of its stream now; undefined at its end, when it is removed. */
  goOn(chunk: RowChunk | undefined): void {
    const lanes = this.#lanes;
    const [first] = lanes;
    if (first === undefined) return;
    const wasAsked = first.isAsked;
    this.#held.replace(first, chunk);
    if (chunk !== undefined) first.take(chunk);
    else {
      const last = lanes.pop();
      if (last !== undefined && lanes.length > 0) lanes[0] = last;
    }
    this.sink(0);
    if (!wasAsked) this.#expectNext();
  }

  /** The next of those that wait stands among the others from now on. */
  #expectNext(): void {
    const next = this.#waiting?.take();
    if (next === undefined) return;
    const lane = new Lane(this.#streams, next.place, this.#order.rankAt);
    lane.expect(next.boundNs);
    const lanes = this.#lanes;
    let at = lanes.push(lane) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = lanes[parent];
      if (above === undefined || !this.#isBefore(lane, above)) break;
      lanes[at] = above;
      at = parent;
    }
    lanes[at] = lane;
  }

  /** Where all may have moved. */
  sort(): void {
    for (let i = (this.#lanes.length >> 1) - 1; i >= 0; i--) this.sink(i);
  }

  /** Puts one where it belongs, below its place if anywhere else. */
  sink(start: number): void {
    const lanes = this.#lanes;
    const moved = lanes[start];
    if (moved === undefined) return;
    let at = start;
    for (;;) {
      let next = 2 * at + 1;
      let child = lanes[next];
      const other = lanes[next + 1];
      if (child === undefined) break;
      if (other !== undefined && this.#isBefore(other, child)) {
        next++;
        child = other;
      }
      if (!this.#isBefore(child, moved)) break;
      lanes[at] = child;
      at = next;
    }
    lanes[at] = moved;
  }

  #isBefore(left: Lane, right: Lane): boolean {
    const { ascending } = this.#order;
    if (left.high !== right.high)
      return ascending ? left.high < right.high : left.high > right.high;
    if (left.low !== right.low) return ascending ? left.low < right.low : left.low > right.low;
    return left.rank === right.rank ? left.order < right.order : left.rank < right.rank;
  }
}
