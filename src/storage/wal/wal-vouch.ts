/**
 * What a vouch record says: up to where the log before it was durable, and whose records its last part held. Each group of
 * records that is synced together begins with one about the groups before it, so that
 * - bytes that are no record are known to be damaged where a later vouch covers them, and may be torn only where none does;
 * - the shards whose records they may have been are named, as long as the damage is no longer than a vouch looks back.
 *
 * Layout, little-endian: u32 segment, u32 count, u64 from, u64 to (offsets in that segment), then per shard u64 id and u64
 * last sequence. It stands in the segment it speaks of or in the next one of the same run and worker.
 */
import { assert } from '../../base/assert.ts';

export interface WalVouch {
  /** Number of the segment that it speaks of. */
  readonly segment: number;
  /** The shards below have all of the records in [from, to); everything before `to` is durable. */
  readonly from: number;
  readonly to: number;
  /** Last sequence in that part of each shard. */
  readonly sequences: ReadonlyMap<number, number>;
}

/** What is synced together, once it is. */
export interface DurableGroup {
  readonly from: number;
  readonly to: number;
  readonly sequences: ReadonlyMap<number, number>;
}

/** A vouch looks back so far at least: some sectors of a disk. */
const lookBackBytes = 16_384;

const headBytes = 24;
const entryBytes = 16;

export function encodeVouch({ segment, from, to, sequences }: WalVouch): Uint8Array {
  const bytes = new Uint8Array(headBytes + sequences.size * entryBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, segment, true);
  view.setUint32(4, sequences.size, true);
  view.setBigUint64(8, BigInt(from), true);
  view.setBigUint64(16, BigInt(to), true);
  let at = headBytes;
  for (const [shardId, sequence] of sequences) {
    view.setBigUint64(at, BigInt(shardId), true);
    view.setBigUint64(at + 8, BigInt(sequence), true);
    at += entryBytes;
  }
  return bytes;
}

/** `bytes` are the payload of a record whose checksum holds. */
export function decodeVouch(bytes: Uint8Array): WalVouch {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(4, true);
  assert(bytes.length === headBytes + count * entryBytes, 'a vouch is as long as it says');
  const head = { segment: view.getUint32(0, true), from: u64(view, 8), to: u64(view, 16) };
  return new DecodedVouch(head, bytes.slice(headBytes));
}

/** Of thousands in a log the shards of very few are asked for. */
class DecodedVouch implements WalVouch {
  readonly segment: number;
  readonly from: number;
  readonly to: number;
  readonly #entries: Uint8Array;

  constructor({ segment, from, to }: Omit<WalVouch, 'sequences'>, entries: Uint8Array) {
    this.segment = segment;
    this.from = from;
    this.to = to;
    this.#entries = entries;
  }

  get sequences(): ReadonlyMap<number, number> {
    const { buffer, byteOffset, length } = this.#entries;
    const view = new DataView(buffer, byteOffset, length);
    const sequences = new Map<number, number>();
    for (let at = 0; at < length; at += entryBytes) sequences.set(u64(view, at), u64(view, at + 8));
    return sequences;
  }
}

/** Of which the writer has made sure that a number holds it. */
function u64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 2 ** 32;
}

/** The latest of `groups`, which lie one behind the other, that a vouch has to look back on. */
export function lookBack(groups: readonly DurableGroup[]): readonly DurableGroup[] {
  const to = groups.at(-1)?.to ?? 0;
  let first = groups.length - 1;
  while (first > 0 && to - (groups[first]?.from ?? 0) < lookBackBytes) first--;
  return groups.slice(Math.max(0, first));
}

export function vouchOf(segment: number, groups: readonly DurableGroup[]): WalVouch {
  const sequences = new Map<number, number>();
  for (const group of groups)
    for (const [shardId, sequence] of group.sequences) noteLast(sequences, shardId, sequence);
  return { segment, from: groups[0]?.from ?? 0, to: groups.at(-1)?.to ?? 0, sequences };
}

export function noteLast(sequences: Map<number, number>, shardId: number, sequence: number): void {
  sequences.set(shardId, Math.max(sequence, sequences.get(shardId) ?? 0));
}
