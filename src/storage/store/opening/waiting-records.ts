/**
 * Records of the log whose shards are not open yet: each shard takes its own when it opens. So the log is read once, front to
 * back, and nobody who asks for one shard waits for the records of the others.
 *
 * Layout: the first records of a shard lie in slabs, beside others that were read with them; each says where the next of its
 * shard is. What a shard has beyond `slabBytesMax` lies in bytes of its own. A record is as in the log, but that it says where
 * the next one is in the place of its checksums, and that bitmap and payload are padded to 8 bytes: a batch is read where its
 * numbers are aligned.
 *
 * Invariants:
 * - A shard's records are given in the order of the log, again and again until they are dropped.
 * - All together take `bytesMax` at most, those of one shard `shardBytesMax`, but for those that came last: past it the shard is
 *   named that is to be opened. It is what memtables would take of them otherwise.
 * - A slab is the collector's once no record in it waits.
 */
import { must } from '../../../base/assert.ts';
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { KiB, MiB } from '../../../base/units.ts';
import type { RecordScan, ScannedRecords } from '../../../kernels/record-scan.ts';
import { paddedTo8 } from '../../../models/batch-reader.ts';
import { LatestStamp, type Stamp } from '../../../models/stamp.ts';
import { scannedRecord } from '../../wal/read-segment.ts';
import { headerFields, putHeaderFields, recordHeaderBytes, WalRecordKind, type WalRecord } from '../../wal/wal-record.ts'; // prettier-ignore

/** A shard with more of the log is hot: it is opened while the log is read. */
export const shardBytesMax = MiB;
/** Of a shard in slabs: records of others may hold what it has dropped. */
export const slabBytesMax = 16 * KiB;

/** In the place of checksums: u32 number of the slab that the next record is in, u32 where it is there. */
const nextSlabAt = 32;
const nextPlaceAt = 36;
const noSlab = 0xffffffff;
const ownHeader = new DataView(new ArrayBuffer(recordHeaderBytes));
const ownHeaderBytes = new Uint8Array(ownHeader.buffer);
const zeros = new Uint8Array(8);

interface Slab {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  /** How many of its records wait still. */
  recordCount: number;
}

interface Waiting {
  readonly shardId: number;
  /** Where its first and last record in slabs are; `noSlab` without one. */
  firstSlab: number;
  firstAt: number;
  lastSlab: number;
  lastAt: number;
  slabBytes: number;
  /** Behind those in slabs. */
  own: GrowingBytes | undefined;
  lastSequence: number;
}

export class WaitingRecords {
  readonly #bytesMax: number;
  readonly #shards = new Map<number, Waiting>();
  readonly #slabs: (Slab | undefined)[] = [];
  #usedBytes = 0;
  readonly #latest = new LatestStamp();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Of all that has waited. */
  get latestStamp(): Stamp {
    return this.#latest.stamp;
  }

  /** Shards that have records here. */
  get shardIds(): Iterable<number> {
    return this.#shards.keys();
  }

  bytesOf(shardId: number): number {
    return sizeOf(this.#shards.get(shardId));
  }

  /** 0 when nothing of the shard waits. */
  lastSequenceOf(shardId: number): number {
    return this.#shards.get(shardId)?.lastSequence ?? 0;
  }

  /** Keeps a copy. Answers the shard that is to be opened now, so that what waits stays below its limits. */
  add(record: WalRecord): number | undefined {
    const { shardId, sequence, kind, payload } = record;
    const lengthBytes = keptBytes(record.rejectBitmap.length, payload.length);
    const waiting = this.#of(shardId);
    this.#note(waiting, sequence, lengthBytes);
    if (isFull(waiting, lengthBytes)) pushRecord(ownOf(waiting), record);
    else {
      const bytes = new GrowingBytes(lengthBytes);
      pushRecord(bytes, record);
      waiting.slabBytes += lengthBytes;
      this.#link(waiting, this.#addSlab(bytes.view(), 1), 0);
    }
    if (kind === WalRecordKind.points) this.#latest.note(payload);
    return sizeOf(waiting) > shardBytesMax ? shardId : this.#largestOfTooMuch();
  }

  /** The same of many records of the list that `scan` has made last, those of these numbers. */
  addAll(
    records: ScannedRecords,
    numbers: readonly number[],
    scan: RecordScan,
  ): ReadonlySet<number> {
    const offsets: number[] = [];
    const inSlab: Waiting[] = [];
    const hot = new Set<number>();
    for (const number of numbers) {
      const waiting = this.#of(records.shardId(number));
      const lengthBytes = keptBytes(records.bitmapBytes(number), records.payloadBytes(number));
      this.#note(waiting, records.sequence(number), lengthBytes);
      if (isFull(waiting, lengthBytes)) this.#addOwn(waiting, scannedRecord(records, number));
      else {
        waiting.slabBytes += lengthBytes;
        offsets.push(records.offset(number));
        inSlab.push(waiting);
      }
      if (sizeOf(waiting) > shardBytesMax) hot.add(waiting.shardId);
    }
    if (offsets.length > 0) this.#linkAll(inSlab, this.#addSlab(scan.gather(offsets), offsets.length)); // prettier-ignore
    const largest = this.#largestOfTooMuch();
    if (largest !== undefined) hot.add(largest);
    return hot;
  }

  /** In the order of the log; they are views of bytes that stay until the shard has no holder of one. */
  *of(shardId: number): Generator<WalRecord> {
    const waiting = this.#shards.get(shardId);
    if (waiting === undefined) return;
    let { firstSlab: number, firstAt: at } = waiting;
    while (number !== noSlab) {
      const { bytes, view } = this.#slab(number);
      yield decode(bytes, view, at).record;
      [number, at] = [view.getUint32(at + nextSlabAt, true), view.getUint32(at + nextPlaceAt, true)]; // prettier-ignore
    }
    if (waiting.own === undefined) return;
    const bytes = waiting.own.view();
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let from = 0; from < bytes.length;) {
      const { record, end } = decode(bytes, view, from);
      yield record;
      from = end;
    }
  }

  drop(shardId: number): void {
    const waiting = this.#shards.get(shardId);
    if (waiting === undefined) return;
    this.#usedBytes -= sizeOf(waiting);
    this.#shards.delete(shardId);
    let { firstSlab: number, firstAt: at } = waiting;
    while (number !== noSlab) {
      const slab = this.#slab(number);
      if (--slab.recordCount === 0) this.#slabs[number] = undefined;
      [number, at] = [slab.view.getUint32(at + nextSlabAt, true), slab.view.getUint32(at + nextPlaceAt, true)]; // prettier-ignore
    }
  }

  #of(shardId: number): Waiting {
    const known = this.#shards.get(shardId);
    if (known !== undefined) return known;
    const waiting = {
      shardId,
      firstSlab: noSlab,
      firstAt: 0,
      lastSlab: noSlab,
      lastAt: 0,
      slabBytes: 0,
      own: undefined,
      lastSequence: 0,
    };
    this.#shards.set(shardId, waiting);
    return waiting;
  }

  #slab(number: number): Slab {
    return must(this.#slabs[number], 'a slab stays while a record in it waits');
  }

  #note(waiting: Waiting, sequence: number, lengthBytes: number): void {
    if (sequence > waiting.lastSequence) waiting.lastSequence = sequence;
    this.#usedBytes += lengthBytes;
  }

  #addOwn(waiting: Waiting, record: WalRecord): void {
    pushRecord(ownOf(waiting), record);
    if (record.kind === WalRecordKind.points) this.#latest.note(record.payload);
  }

  #addSlab(bytes: Uint8Array, recordCount: number): number {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    return this.#slabs.push({ bytes, view, recordCount }) - 1;
  }

  /** The records of a slab as they lie in it, each of one of these. */
  #linkAll(ofShards: readonly Waiting[], number: number): void {
    const { view } = this.#slab(number);
    let at = 0;
    for (const waiting of ofShards) {
      this.#link(waiting, number, at);
      const { kind, bitmapBytes, payloadBytes } = headerFields(view, at);
      const payloadAt = at + recordHeaderBytes + paddedTo8(bitmapBytes);
      if (kind === WalRecordKind.points) this.#latest.noteWithin(view, payloadAt, payloadBytes);
      at = payloadAt + paddedTo8(payloadBytes);
    }
  }

  /** Puts a record in a slab behind the others of its shard. */
  #link(waiting: Waiting, number: number, at: number): void {
    this.#slab(number).view.setUint32(at + nextSlabAt, noSlab, true);
    if (waiting.lastSlab === noSlab) {
      waiting.firstSlab = number;
      waiting.firstAt = at;
    } else {
      const { view } = this.#slab(waiting.lastSlab);
      view.setUint32(waiting.lastAt + nextSlabAt, number, true);
      view.setUint32(waiting.lastAt + nextPlaceAt, at, true);
    }
    waiting.lastSlab = number;
    waiting.lastAt = at;
  }

  #largestOfTooMuch(): number | undefined {
    if (this.#usedBytes <= this.#bytesMax) return undefined;
    let largest: Waiting | undefined;
    for (const waiting of this.#shards.values())
      if (sizeOf(waiting) > sizeOf(largest)) largest = waiting;
    return largest?.shardId;
  }
}

function sizeOf(waiting: Waiting | undefined): number {
  return waiting === undefined ? 0 : waiting.slabBytes + (waiting.own?.lengthBytes ?? 0);
}

/** Whether a record of so many bytes is to be in bytes of its shard's own. */
function isFull({ own, slabBytes }: Waiting, lengthBytes: number): boolean {
  return own !== undefined || slabBytes + lengthBytes > slabBytesMax;
}

function ownOf(waiting: Waiting): GrowingBytes {
  return (waiting.own ??= new GrowingBytes(slabBytesMax));
}

function keptBytes(bitmapBytes: number, payloadBytes: number): number {
  return recordHeaderBytes + paddedTo8(bitmapBytes) + paddedTo8(payloadBytes);
}

function pushRecord(into: GrowingBytes, record: WalRecord): void {
  putHeaderFields(ownHeader, record);
  into.push(ownHeaderBytes);
  pushPadded(into, record.rejectBitmap);
  pushPadded(into, record.payload);
}

function pushPadded(into: GrowingBytes, part: Uint8Array): void {
  into.push(part);
  const lackBytes = paddedTo8(part.length) - part.length;
  if (lackBytes > 0) into.push(zeros.subarray(0, lackBytes));
}

function decode(
  bytes: Uint8Array,
  view: DataView,
  at: number,
): { readonly record: WalRecord; readonly end: number } {
  const { kind, codec, shardId, sequence, bitmapBytes, payloadBytes } = headerFields(view, at);
  const bitmapAt = at + recordHeaderBytes;
  const payloadAt = bitmapAt + paddedTo8(bitmapBytes);
  const record = {
    kind: kind as WalRecordKind,
    codec,
    shardId,
    sequence,
    rejectBitmap: bytes.subarray(bitmapAt, bitmapAt + bitmapBytes),
    payload: bytes.subarray(payloadAt, payloadAt + payloadBytes),
  };
  return { record, end: payloadAt + paddedTo8(payloadBytes) };
}
