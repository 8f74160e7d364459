/**
 * Short bodies that are written as one: what a write costs besides its lines (a message to a worker and back, a batch, a record of the
 * log, an append) they share (docs/internals/joined-writes.md).
 *
 * Invariants:
 * - All of them are taken whole, or nothing of any: whatever is odd about one (a line that is none, a point that is dropped or goes to
 *   another shard, a full disk) has each written by itself, so that each is told of its own.
 * - Of two bodies the one that was added later is the later write.
 * - Lines without a time have that of their own body.
 */
import { copyBytes } from '../../../base/copy-bytes.ts';
import type { SharedBuffers } from '../../../base/shared-buffers.ts';
import { joinedEntryWords } from '../../../kernels/line-kernel.ts';
import type { LinesTask, RoutedBatch } from './route-lines.ts';

/** Of the bodies of one policy and step. Plain data, as it crosses threads; the text and the table are shared memory. */
export interface JoinedTask extends Omit<LinesTask, 'body' | 'own' | 'room'> {
  readonly text: Uint8Array;
  /** See JoinedText of kernels/line-kernel.ts; counts are there once the task is done. */
  readonly table: Uint32Array;
}

export interface RoutedJoined {
  /** Undefined where there is nothing but comments. */
  readonly batch: RoutedBatch | undefined;
}

interface Place {
  readonly bytes: Uint8Array;
  readonly table: Uint32Array;
}

const newline = 10;
const wordBytes = 4;

/** Gathers bodies in memory that is lent for them. */
export class JoinedBodies {
  readonly #buffers: SharedBuffers;
  readonly #firstNs: bigint;
  #room: Uint8Array<SharedArrayBuffer>;
  #lengthBytes = 0;
  /** Of each body where it ends and its nanoseconds behind the first. */
  readonly #ends: number[] = [];
  readonly #behindNs: number[] = [];

  /** `roomBytes`: what they are likely to take. */
  constructor(buffers: SharedBuffers, firstNs: bigint, roomBytes: number) {
    this.#buffers = buffers;
    this.#firstNs = firstNs;
    this.#room = buffers.lend(roomBytes);
  }

  get count(): number {
    return this.#ends.length;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** The time of the first, from which those of the others are counted. */
  get firstNs(): bigint {
    return this.#firstNs;
  }

  add(body: Uint8Array, timeNs: bigint): void {
    this.#reserve(this.#lengthBytes + body.length + 1);
    copyBytes(this.#room, body, this.#lengthBytes);
    this.#lengthBytes += body.length + 1;
    this.#room[this.#lengthBytes - 1] = newline;
    this.#ends.push(this.#lengthBytes);
    this.#behindNs.push(Number(timeNs - this.#firstNs));
  }

  /** For a worker; no more can be added. */
  finish(): Place {
    const at = Math.ceil(this.#lengthBytes / wordBytes) * wordBytes;
    const wordCount = this.count * joinedEntryWords;
    this.#reserve(at + wordCount * wordBytes);
    const table = new Uint32Array(this.#room.buffer, at, wordCount);
    for (let i = 0; i < this.count; i++) {
      const behindNs = this.#behindNs[i] ?? 0;
      const entry = i * joinedEntryWords;
      table[entry] = this.#ends[i] ?? 0;
      table.fill(0, entry + 1, entry + 4);
      table[entry + 4] = behindNs % 2 ** 32;
      table[entry + 5] = Math.floor(behindNs / 2 ** 32);
    }
    return { bytes: this.#room.subarray(0, this.#lengthBytes), table };
  }

  /** Of a copy of each, in memory of its own. */
  map<T>(of: (body: Uint8Array) => T): T[] {
    return this.#ends.map((end, i) => {
      const from = i === 0 ? 0 : (this.#ends[i - 1] ?? 0);
      return of(new Uint8Array(this.#room.subarray(from, end - 1)));
    });
  }

  /** To be called once nobody looks at them any more. */
  release(): void {
    this.#buffers.giveBack(this.#room);
  }

  #reserve(neededBytes: number): void {
    if (neededBytes <= this.#room.length) return;
    const larger = this.#buffers.lend(neededBytes);
    copyBytes(larger, this.#room.subarray(0, this.#lengthBytes));
    this.#buffers.giveBack(this.#room);
    this.#room = larger;
  }
}
