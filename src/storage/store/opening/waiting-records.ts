/**
 * Records of the log whose shards are not open yet: each shard takes its own when it opens. So the log is read once, front to
 * back, and nobody who asks for one shard waits for the records of the others.
 *
 * Layout: the first records of a shard lie in slabs, beside others that were read with them; which they are the index of the log says.
 * What a shard has beyond `slabBytesMax` lies in bytes of its own. A record is as in the log, but that bitmap and payload are
 * padded to 8 bytes: a batch is read where its numbers are aligned.
 *
 * Invariants:
 * - A shard's records are given in the order of the log, again and again until they are dropped.
 * - All together take `bytesMax` at most, those of one shard `shardBytesMax`, but for those that came last: past it the shards are
 *   named that are to be opened, as many as it takes. It is what memtables would take of them otherwise.
 * - A slab is the collector's once no record in it waits, and counts until then: past the limit all shards of one go, and then
 *   of the next. The index is given back once none waits and the log has been read.
 */
import { must } from '../../../base/assert.ts';
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { KiB, MiB } from '../../../base/units.ts';
import type { KeptRecords, RecordIndex } from '../../../kernels/record-index.ts';
import { paddedTo8 } from '../../../models/batch-reader.ts';
import { latestOf, noStamp, stampOfBatch, stampWithin, type Stamp } from '../../../models/stamp.ts';
import { headerFields, putHeaderFields, recordHeaderBytes, WalRecordKind, type WalRecord } from '../../wal/wal-record.ts'; // prettier-ignore

/** A shard with more of the log is hot: it is opened while the log is read. */
export const shardBytesMax = MiB;
/** Of a shard in slabs: records of others may hold what it has dropped. */
export const slabBytesMax = 16 * KiB;

const ownHeader = new DataView(new ArrayBuffer(recordHeaderBytes));
const ownHeaderBytes = new Uint8Array(ownHeader.buffer);
const zeros = new Uint8Array(8);

interface Slab {
  readonly bytes: Uint8Array;
  /** The number of its first record. */
  readonly first: number;
  /** How many of its records wait still. */
  recordCount: number;
}

export class WaitingRecords {
  readonly #bytesMax: number;
  #index: RecordIndex | undefined;
  /** Ascending by their first record. */
  #slabs: Slab[] = [];
  /** What shards have beyond the slabs. */
  readonly #own = new Map<number, GrowingBytes>();
  #usedBytes = 0;
  #isRead = false;
  #latestStamp = noStamp;

  /** The index is this one's to give back. */
  constructor(bytesMax: number, index: RecordIndex) {
    this.#bytesMax = bytesMax;
    this.#index = index;
  }

  /** Of all that has waited. */
  get latestStamp(): Stamp {
    const inSlabs = this.#index === undefined ? noStamp : stampWithin(this.#index.latestStamp);
    return latestOf([this.#latestStamp, inSlabs]);
  }

  bytesOf(shardId: number): number {
    return (this.#index?.bytesOf(shardId) ?? 0) + (this.#own.get(shardId)?.lengthBytes ?? 0);
  }

  /** 0 when nothing of the shard waits. */
  lastSequenceOf(shardId: number): number {
    return this.#index?.of(shardId)?.greatest ?? 0;
  }

  /** Keeps records that the index has. Answers the shards that are to be opened now, so that what waits stays below its limit. */
  keep({ bytes, first, count }: KeptRecords): readonly number[] {
    if (count === 0) return [];
    this.#slabs.push({ bytes, first, recordCount: count });
    this.#usedBytes += bytes.length;
    return this.#shardsOfTooMuch();
  }

  /** Keeps a copy of a record that the index hands out. Answers the shards that are to be opened now. */
  add(record: WalRecord): readonly number[] {
    const { shardId, kind, payload } = record;
    const own = this.#own.get(shardId) ?? new GrowingBytes(slabBytesMax);
    this.#own.set(shardId, own);
    const before = own.lengthBytes;
    putHeaderFields(ownHeader, record);
    own.push(ownHeaderBytes);
    pushPadded(own, record.rejectBitmap);
    pushPadded(own, payload);
    this.#usedBytes += own.lengthBytes - before;
    if (kind === WalRecordKind.points) this.#latestStamp = latestOf([this.#latestStamp, stampOfBatch(payload)]); // prettier-ignore
    return this.bytesOf(shardId) > shardBytesMax ? [shardId] : this.#shardsOfTooMuch();
  }

  /** All of the log has been read. */
  wereRead(): void {
    this.#isRead = true;
    this.#giveBack();
  }

  /** In the order of the log; they are views of bytes that stay until the shard has no holder of one. */
  *of(shardId: number): Generator<WalRecord> {
    for (const [record, at] of this.#index?.chain(shardId) ?? [])
      yield decode(this.#slabOf(record).bytes, at).record;
    const bytes = this.#own.get(shardId)?.view() ?? new Uint8Array();
    for (let at = 0; at < bytes.length;) {
      const { record, end } = decode(bytes, at);
      yield record;
      at = end;
    }
  }

  drop(shardId: number): void {
    if (this.#index === undefined) return;
    this.#usedBytes -= this.#own.get(shardId)?.lengthBytes ?? 0;
    let isEmptied = false;
    for (const [record] of this.#index.chain(shardId)) {
      const slab = this.#slabOf(record);
      if (--slab.recordCount > 0) continue;
      isEmptied = true;
      this.#usedBytes -= slab.bytes.length;
    }
    if (isEmptied) this.#slabs = this.#slabs.filter(({ recordCount }) => recordCount > 0);
    this.#index.hand(shardId);
    this.#own.delete(shardId);
    this.#giveBack();
  }

  #giveBack(): void {
    if (!this.#isRead || this.#usedBytes > 0 || this.#index === undefined) return;
    this.#latestStamp = this.latestStamp;
    this.#index.free();
    this.#index = undefined;
  }

  #slabOf(record: number): Slab {
    let [low, high] = [0, this.#slabs.length];
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if ((this.#slabs[middle]?.first ?? 0) <= record) low = middle;
      else high = middle;
    }
    return must(this.#slabs[low], 'a slab stays while a record in it waits');
  }

  /** What a shard has of its own is free at once: the largest go first. */
  #shardsOfTooMuch(): readonly number[] {
    let excessBytes = this.#usedBytes - this.#bytesMax;
    if (excessBytes <= 0) return [];
    const shardIds = new Set<number>();
    const own = [...this.#own].sort(([, a], [, b]) => b.lengthBytes - a.lengthBytes);
    for (const [shardId, { lengthBytes }] of own) {
      if (excessBytes <= 0) return [...shardIds];
      shardIds.add(shardId);
      excessBytes -= lengthBytes;
    }
    const slabs = this.#slabs.toSorted((a, b) => bytesEachOf(b) - bytesEachOf(a));
    for (const { bytes } of slabs) {
      if (excessBytes <= 0) break;
      for (const shardId of this.#waitingIn(bytes)) shardIds.add(shardId);
      excessBytes -= bytes.length;
    }
    return [...shardIds];
  }

  *#waitingIn(slab: Uint8Array): Generator<number> {
    for (let at = 0; at < slab.length;) {
      const { record, end } = decode(slab, at);
      if (this.#index?.bytesOf(record.shardId)) yield record.shardId;
      at = end;
    }
  }
}

/** How much the shards of a slab give back by each record. */
function bytesEachOf({ bytes, recordCount }: Slab): number {
  return bytes.length / recordCount;
}

function pushPadded(into: GrowingBytes, part: Uint8Array): void {
  into.push(part);
  const lackBytes = paddedTo8(part.length) - part.length;
  if (lackBytes > 0) into.push(zeros.subarray(0, lackBytes));
}

function decode(
  bytes: Uint8Array,
  at: number,
): { readonly record: WalRecord; readonly end: number } {
  const { kind, codec, shardId, sequence, bitmapBytes, payloadBytes } = headerFields(bytes, at);
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
