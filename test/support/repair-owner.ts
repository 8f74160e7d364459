/** An owner of a shard in memory, as whoever compares and repairs it asks it: what it is given is put over what it has. */
import { measurementsOf } from '../../src/data/engine/delete-filters.ts';
import {
  digestSeries,
  type SeriesDigest,
  type SeriesDigestTask,
} from '../../src/data/engine/digests/series-digests.ts';
import {
  digestShard,
  digestWords,
  type DigestTask,
} from '../../src/data/engine/digests/shard-digest.ts';
import {
  readRangePoints,
  type RangePointsTask,
} from '../../src/data/engine/digests/range-points.ts';
import { valuesOf } from '../../src/data/engine/digests/batch-values.ts';
import { HashFilter } from '../../src/data/engine/digests/hash-filter.ts';
import { packPoints, unpackPoints } from '../../src/data/engine/digests/packed-points.ts';
import {
  pickedMax,
  pickPoints,
  sketchParts,
  type PickedPointsTask,
  type SketchTask,
} from '../../src/data/engine/digests/sketch-parts.ts';
import type { BatchOutcome } from '../../src/data/engine/shard-access.ts';
import type {
  DigestAnswer,
  MovedPoints,
  PackedBatch,
  RepairPeer,
} from '../../src/data/repair/peer.ts';
import { stampBatch, stampOfBatch, type StampRange } from '../../src/models/stamp.ts';
import type { StoredDelete } from '../../src/storage/store/deletes/stored-deletes.ts';
import { MemorySource, type MemoryPoint } from './memory-source.ts';

/** Of the shard that it owns. */
export const ownedRange = { startNs: 0n, endNs: 1_000_000n };

function arenaOf() {
  const memory = new WebAssembly.Memory({ initial: 16 });
  let end = 8;
  const allocate = (lengthBytes: number): number => {
    const at = end;
    end = Math.ceil((end + lengthBytes) / 8) * 8;
    return at;
  };
  return { memory, allocate, mark: () => end, release: (mark: number) => (end = mark) };
}

export type OwnerValue = number | bigint | string | boolean;
export type OwnerPoints = readonly (readonly [
  key: string,
  field: string,
  timeNs: bigint,
  value: OwnerValue,
])[];

export class RepairOwner implements RepairPeer {
  readonly nodeId: number;
  readonly stamps: StampRange | undefined;
  readonly #points = new Map<string, MemoryPoint>();
  readonly seenStamps: bigint[] = [];
  sentBytes = 0;
  /** What it fails with when its shard is read. */
  damage: Error | undefined;
  digestCount = 0;

  constructor(nodeId: number, points: OwnerPoints, stamps?: StampRange) {
    this.nodeId = nodeId;
    this.stamps = stamps;
    for (const one of points) this.put(one);
  }

  put([key, field, timeNs, value]: OwnerPoints[number]): void {
    const [measurement = '', ...tags] = key.split(',');
    const point = {
      measurement,
      tags: Object.fromEntries(tags.map((tag) => tag.split('=') as [string, string])),
      fields: { [field]: value },
      timeNs,
    };
    this.#points.set(JSON.stringify([key, field, String(timeNs)]), point);
  }

  /** As files of another owner that come to this one. */
  copyFrom(other: RepairOwner): void {
    for (const [name, point] of other.#points) this.#points.set(name, point);
  }

  /** As a shard that was set aside. */
  clear(): void {
    this.#points.clear();
    this.forgotten.length = 0;
    this.damage = undefined;
  }

  get content(): readonly string[] {
    return [...this.#points].map(([name, { fields }]) => `${name} ${typeof Object.values(fields)[0]} ${String(Object.values(fields)[0])}`).sort(); // prettier-ignore
  }

  get source(): MemorySource {
    return new MemorySource([...this.#points.values()]);
  }

  write(payload: Uint8Array): void {
    this.seenStamps.push(stampOfBatch(payload));
    for (const { key, field, timeNs, value } of valuesOf(payload))
      this.put([key, field, timeNs, value.value]);
  }

  readonly forgotten: StoredDelete[] = [];

  deletes(): Promise<readonly StoredDelete[]> {
    if (this.damage !== undefined) return Promise.reject(this.damage);
    return Promise.resolve(this.forgotten);
  }

  /** By measurement and time, of what was there before. */
  delete(one: StoredDelete): void {
    this.forgotten.push(one);
    const names = new Set(measurementsOf(one.filter).map(({ name }) => name));
    for (const [name, { measurement, timeNs }] of this.#points)
      if (names.has(measurement) && timeNs >= one.minTimeNs && timeNs <= one.maxTimeNs)
        this.#points.delete(name);
  }

  /** What it takes its digest to be, until it is asked to read all. */
  stale: Uint32Array | undefined;

  digest({ isAnew }: DigestTask, known: Uint32Array | undefined): Promise<DigestAnswer> {
    this.digestCount++;
    if (this.stale !== undefined && !isAnew) return Promise.resolve({ kind: 'digest', words: this.stale }); // prettier-ignore
    if (this.damage !== undefined) return Promise.reject(this.damage);
    if (this.#points.size === 0) return Promise.resolve({ kind: 'missing' } as const);
    let words: Uint32Array = new Uint32Array(digestWords);
    for (const one of digestShard(this.source, ownedRange, arenaOf())) words = one ?? words;
    const isEqual = known?.every((word, i) => word === words[i]) === true;
    return Promise.resolve(isEqual ? ({ kind: 'equal' } as const) : ({ kind: 'digest', words } as const)); // prettier-ignore
  }

  async *seriesDigests(task: SeriesDigestTask): AsyncGenerator<readonly SeriesDigest[]> {
    for (const one of digestSeries(this.source, task, arenaOf()))
      if (one !== undefined) yield Promise.resolve([one]);
  }

  async *rangePoints(task: RangePointsTask): AsyncGenerator<MovedPoints> {
    for (const payload of readRangePoints(this.source, task, arenaOf())) {
      if (payload === undefined) continue;
      this.sentBytes += payload.length;
      yield Promise.resolve({ payload, stamps: this.stamps, movedBytes: payload.length });
    }
  }

  /** As one of a release that has no sketches. */
  isEarlier = false;
  sketchCount = 0;

  sketch(task: SketchTask): Promise<Uint8Array | undefined> {
    if (this.isEarlier) return Promise.resolve(undefined);
    this.sketchCount++;
    let bytes: Uint8Array | undefined;
    for (const one of sketchParts(this.source, task, arenaOf())) bytes = one?.bytes ?? bytes;
    return Promise.resolve(bytes);
  }

  async *pickedPoints(task: PickedPointsTask): AsyncGenerator<MovedPoints> {
    const hashes = HashFilter.of(task.hashes.bytes, pickedMax);
    if (hashes === undefined) throw new Error('no hashes');
    const ports = { arena: arenaOf(), stampsOf: () => this.stamps };
    for (const points of pickPoints(this.source, { ...task, hashes }, ports)) {
      if (points === undefined) continue;
      const packed = packPoints(points.payload);
      this.sentBytes += packed.length;
      yield Promise.resolve({
        ...points,
        payload: unpackPoints(packed),
        movedBytes: packed.length,
      });
    }
  }

  bring({ packed, stamp }: PackedBatch): Promise<BatchOutcome | undefined> {
    if (this.isEarlier) return Promise.resolve(undefined);
    const payload = unpackPoints(packed);
    stampBatch(payload, stamp);
    this.write(payload);
    return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
  }
}
