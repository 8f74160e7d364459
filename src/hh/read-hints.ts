/**
 * Reads the records of a segment, some at a time.
 *
 * Invariants:
 * - What is handed out is what was queued: its checksum holds.
 * - Damaged bytes cost the record they are in, not those behind it: the next whole record is looked for.
 * - Every byte from `offset` to `nextOffset` is in a record or in a damage.
 * - Payloads lie in memory of the caller's that is used again (block-memory.ts): a megabyte that is allocated for each block has
 *   the whole heap collected again and again, beside which fresh writes wait.
 */
import { crc32 } from 'node:zlib';
import { KiB } from '../base/units.ts';
import type { BlockMemory } from './block-memory.ts';
import type { ReadableFile } from './failing-segment.ts';
import { decodeHintHeader, hintHeaderBytes } from './hint-record.ts';

export interface HintRead {
  /** Begins at a multiple of 8 bytes; nobody's once the memory it lies in is given back. */
  readonly payload: Uint8Array;
  readonly queuedAtNs: bigint;
  /** Where the next record begins. */
  readonly endOffset: number;
}

export interface HintDamage {
  readonly offset: number;
  readonly lengthBytes: number;
  /** Nothing whole comes after it: what a crash or a failed write leaves at the end. */
  readonly isTail: boolean;
  /** The disk does not read it: zeros stand for it. */
  readonly isUnreadable?: boolean;
}

export interface HintsRead {
  readonly records: readonly HintRead[];
  readonly damages: readonly HintDamage[];
  readonly nextOffset: number;
}

export interface ReadBounds {
  /** Of a record, or of damaged bytes. */
  readonly offset: number;
  /** Bytes of the file that count. */
  readonly endOffset: number;
  /** Of payloads; one record is read at least, however large. */
  readonly bytesMax: number;
  readonly memory: BlockMemory;
}

/**
 * A record that is small costs its owner as much as 2 KB of a large one, 10 us of its main thread and 12 of a worker: half a megabyte of single
 * lines held each of them for 20 ms, and whoever wrote meanwhile.
 */
export const blockRecordsMax = 128;
/** What is read at a time, at the least: many records are small. */
const windowBytesMin = 64 * KiB;

export async function readHints(file: ReadableFile, bounds: ReadBounds): Promise<HintsRead> {
  const { endOffset, bytesMax, memory } = bounds;
  const window = new Window(file, endOffset, memory.lend(Math.max(windowBytesMin, bytesMax)));
  try {
    return await readWithin(window, bounds);
  } finally {
    memory.giveBack(window.memory);
  }
}

async function readWithin(
  window: Window,
  { offset, endOffset, bytesMax, memory }: ReadBounds,
): Promise<HintsRead> {
  const records: HintRead[] = [];
  const damages: HintDamage[] = [];
  let at = offset;
  let bytes = 0;
  // Whatever `bytesMax` is, something is read.
  while (
    at < endOffset &&
    (at === offset || bytes < bytesMax) &&
    records.length < blockRecordsMax
  ) {
    const record = await window.record(at, memory);
    if (record === undefined) {
      const next = await window.nextHeader(at + 1);
      const isTail = next === undefined;
      damages.push({ offset: at, lengthBytes: (next ?? endOffset) - at, isTail });
      at = next ?? endOffset;
      continue;
    }
    if (records.length > 0 && bytes + record.payloadBytes > bytesMax) break;
    const { payload, queuedAtNs } = record;
    const recordEnd = at + hintHeaderBytes + record.payloadBytes;
    if (payload === undefined)
      damages.push({ offset: at, lengthBytes: recordEnd - at, isTail: false });
    else records.push({ payload, queuedAtNs, endOffset: recordEnd });
    bytes += record.payloadBytes;
    at = recordEnd;
  }
  return { records, damages, nextOffset: at };
}

interface Found {
  readonly payloadBytes: number;
  readonly queuedAtNs: bigint;
  /** Undefined when its checksum does not hold. */
  readonly payload: Uint8Array | undefined;
}

/** Bytes of the file around the place at hand. */
class Window {
  readonly #file: ReadableFile;
  readonly #endOffset: number;
  readonly memory: Uint8Array;
  #start = 0;
  #bytes: Uint8Array = new Uint8Array();

  constructor(file: ReadableFile, endOffset: number, memory: Uint8Array) {
    this.#file = file;
    this.#endOffset = endOffset;
    this.memory = memory;
  }

  /** The record at `offset`; undefined when there is no whole one. */
  async record(offset: number, memory: BlockMemory): Promise<Found | undefined> {
    const header = decodeHintHeader(await this.#at(offset, hintHeaderBytes), 0);
    if (header === undefined) return undefined;
    const { payloadBytes, queuedAtNs, payloadCrc } = header;
    const lengthBytes = hintHeaderBytes + payloadBytes;
    if (offset + lengthBytes > this.#endOffset) return undefined;
    const payload = memory.place(payloadBytes);
    const isRead = await this.#copy(offset + hintHeaderBytes, payload);
    const isWhole = isRead && crc32(payload) === payloadCrc;
    return { payloadBytes, queuedAtNs, payload: isWhole ? payload : undefined };
  }

  /** What the window has of it from there, the rest from the file; false where the file ends before. */
  async #copy(offset: number, into: Uint8Array): Promise<boolean> {
    const from = offset - this.#start;
    const here = this.#bytes.subarray(from, from + into.length);
    into.set(here);
    const left = into.subarray(here.length);
    if (left.length === 0) return true;
    return (await this.#file.readAt(offset + here.length, left)) === left.length;
  }

  /** Where the first whole header at or behind `offset` is whose record ends within the file. */
  async nextHeader(offset: number): Promise<number | undefined> {
    for (let at = offset; at + hintHeaderBytes <= this.#endOffset;) {
      const bytes = await this.#at(at, this.memory.length);
      const last = bytes.length - hintHeaderBytes;
      for (let i = 0; i <= last; i++) {
        // "V", the first byte of the magic.
        if (bytes[i] !== 0x56) continue;
        const header = decodeHintHeader(bytes, i);
        if (header === undefined) continue;
        if (at + i + hintHeaderBytes + header.payloadBytes <= this.#endOffset) return at + i;
      }
      if (last < 0) return undefined;
      at += last + 1;
    }
    return undefined;
  }

  /** The bytes from `offset` on: `lengthBytes` at the least, of as many as the window has, unless the file ends before. */
  async #at(offset: number, lengthBytes: number): Promise<Uint8Array> {
    const wanted = Math.min(lengthBytes, this.#endOffset - offset);
    const isHere = offset >= this.#start && offset + wanted <= this.#start + this.#bytes.length;
    if (!isHere) {
      const into = this.memory.subarray(0, this.#endOffset - offset);
      const count = await this.#file.readAt(offset, into);
      [this.#start, this.#bytes] = [offset, into.subarray(0, count)];
    }
    return this.#bytes.subarray(offset - this.#start);
  }
}
