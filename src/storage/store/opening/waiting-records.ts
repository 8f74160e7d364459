/**
 * Records of the log whose shards are not open yet: each shard takes its own when it opens. So the log is read once, front to
 * back, and nobody who asks for one shard waits for the records of the others.
 *
 * Invariants:
 * - A shard's records are given in the order of the log, again and again until they are dropped.
 * - All together take `bytesMax` at most, those of one shard `shardBytesMax`, but for the last record of each: past it add()
 *   names the shard to open. It is what memtables would take of them otherwise.
 */
import { GrowingBytes, type ByteLender } from '../../../base/growing-bytes.ts';
import { KiB, MiB } from '../../../base/units.ts';
import { paddedTo8 } from '../../../models/batch-reader.ts';
import { latestOf, noStamp, stampOfBatch, type Stamp } from '../../../models/stamp.ts';
import { WalRecordKind, type WalRecord } from '../../wal/wal-record.ts';

/** A shard with more of the log is hot: it is opened while the log is read. */
export const shardBytesMax = MiB;
/** Of a shard that the log has one small record of. */
const firstBytes = 512;
/** u32 each: kind, length of bitmap and payload, codec, sequence in two halves. */
const headBytes = 24;
const halfSequence = 2 ** 32;
const head = new Uint8Array(headBytes);
const headView = new DataView(head.buffer);
const zeros = new Uint8Array(8);

/** Larger ones have a buffer of their own. */
const partBytesMax = 16 * KiB;
const slabBytes = 256 * KiB;

/**
 * Gives parts of large buffers: one of its own for each of thousands of shards, and another whenever it doubles, costs more than to
 * copy the records into it. What is given back stays as it was, as somebody may look at it still.
 */
class SlabParts implements ByteLender {
  #slab = new Uint8Array();
  #top = 0;

  lend(lengthBytes: number): Uint8Array {
    if (lengthBytes > partBytesMax) return new Uint8Array(lengthBytes);
    if (this.#top + lengthBytes > this.#slab.length) {
      this.#slab = new Uint8Array(slabBytes);
      this.#top = 0;
    }
    const part = this.#slab.subarray(this.#top, this.#top + lengthBytes);
    this.#top = paddedTo8(this.#top + lengthBytes);
    return part;
  }

  giveBack(): void {
    // A slab is the collector's once no part of it is held.
  }
}

interface Waiting {
  readonly bytes: GrowingBytes;
  lastSequence: number;
}

export class WaitingRecords {
  readonly #bytesMax: number;
  readonly #shards = new Map<number, Waiting>();
  readonly #parts = new SlabParts();
  #usedBytes = 0;
  #latestStamp = noStamp;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Of all that has waited. */
  get latestStamp(): Stamp {
    return this.#latestStamp;
  }

  /** Shards that have records here. */
  get shardIds(): Iterable<number> {
    return this.#shards.keys();
  }

  bytesOf(shardId: number): number {
    return this.#shards.get(shardId)?.bytes.lengthBytes ?? 0;
  }

  /** 0 when nothing of the shard waits. */
  lastSequenceOf(shardId: number): number {
    return this.#shards.get(shardId)?.lastSequence ?? 0;
  }

  /** Keeps a copy. Answers the shard that is to be opened now, so that what waits stays below its limits. */
  add(record: WalRecord): number | undefined {
    const { shardId, sequence, kind, payload } = record;
    let waiting = this.#shards.get(shardId);
    if (waiting === undefined) {
      waiting = { bytes: new GrowingBytes(firstBytes, this.#parts), lastSequence: 0 };
      this.#shards.set(shardId, waiting);
    }
    const before = waiting.bytes.lengthBytes;
    encode(waiting.bytes, record);
    waiting.lastSequence = Math.max(waiting.lastSequence, sequence);
    this.#usedBytes += waiting.bytes.lengthBytes - before;
    if (kind === WalRecordKind.points) this.#latestStamp = latestOf([this.#latestStamp, stampOfBatch(payload)]); // prettier-ignore
    if (waiting.bytes.lengthBytes > shardBytesMax) return shardId;
    return this.#usedBytes > this.#bytesMax ? this.#largest() : undefined;
  }

  /** In the order of the log; they are views of bytes that stay until the shard has no holder of one. */
  *of(shardId: number): Generator<WalRecord> {
    const bytes = this.#shards.get(shardId)?.bytes.view() ?? new Uint8Array();
    for (let at = 0; at < bytes.length;) {
      const { record, end } = decode(bytes, at, shardId);
      yield record;
      at = end;
    }
  }

  drop(shardId: number): void {
    this.#usedBytes -= this.bytesOf(shardId);
    this.#shards.delete(shardId);
  }

  #largest(): number | undefined {
    let largest: number | undefined;
    let largestBytes = 0;
    for (const [shardId, { bytes }] of this.#shards) {
      if (bytes.lengthBytes <= largestBytes) continue;
      largest = shardId;
      largestBytes = bytes.lengthBytes;
    }
    return largest;
  }
}

function encode(
  into: GrowingBytes,
  { kind, codec, sequence, rejectBitmap, payload }: WalRecord,
): void {
  headView.setUint32(0, kind, true);
  headView.setUint32(4, rejectBitmap.length, true);
  headView.setUint32(8, payload.length, true);
  headView.setUint32(12, codec, true);
  headView.setUint32(16, sequence % halfSequence, true);
  headView.setUint32(20, Math.floor(sequence / halfSequence), true);
  into.push(head);
  pushPadded(into, rejectBitmap);
  pushPadded(into, payload);
}

/** A batch is read where its numbers are aligned. */
function pushPadded(into: GrowingBytes, part: Uint8Array): void {
  into.push(part);
  const lackBytes = paddedTo8(part.length) - part.length;
  if (lackBytes > 0) into.push(zeros.subarray(0, lackBytes));
}

function decode(
  bytes: Uint8Array,
  at: number,
  shardId: number,
): { readonly record: WalRecord; readonly end: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, headBytes);
  const word = (index: number): number => view.getUint32(index * 4, true);
  const [bitmapBytes, payloadBytes] = [word(1), word(2)];
  const bitmapAt = at + headBytes;
  const payloadAt = bitmapAt + paddedTo8(bitmapBytes);
  const record = {
    kind: word(0) as WalRecordKind,
    codec: word(3),
    shardId,
    sequence: word(4) + word(5) * halfSequence,
    rejectBitmap: bytes.subarray(bitmapAt, bitmapAt + bitmapBytes),
    payload: bytes.subarray(payloadAt, payloadAt + payloadBytes),
  };
  return { record, end: payloadAt + paddedTo8(payloadBytes) };
}
