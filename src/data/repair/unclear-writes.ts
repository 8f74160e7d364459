/**
 * Batches of which this node took values as the latest that may not be (decision 14): once nothing waits for any owner of their shard, the
 * other owners know, and what they have instead is put over them here (decision 144).
 *
 * Invariants:
 * - Nothing is compared before copies that may have been under way have arrived or wait in hinted handoff, each node has said what waits on it, and
 *   nothing of it is for an owner of the shard: by then an owner that has another value has taken both, and found that one to be later.
 * - What is put over a value is the least later than it: whatever was written after it stays, here and on its way.
 * - Values are gone through in slices.
 * - Bounded: past `bytesMax` nothing more is compared, and the log has said of each batch that it is in doubt.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { Slices } from '../../env/slices.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { FieldValue } from '../../models/field-value.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { isOfClock, stampBatch, stampBehind, stampOfBatch, type Stamp } from '../../models/stamp.ts'; // prettier-ignore
import { valuesOf, type FoundValue } from '../engine/digests/batch-values.ts';
import type { RangePoints, RangePointsTask } from '../engine/digests/range-points.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import { findShard } from '../shards/shard-places.ts';
import { isSame } from './merge-points.ts';

export interface UnclearWritesPorts {
  readonly clock: Pick<Clock, 'every' | 'monotonicMs' | 'sleep'>;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  /** Has each other node say what waits on it: whether all have. */
  readonly hearAll: () => Promise<boolean>;
  /** Whether something waits for an owner of a shard, here or, as was said, elsewhere. */
  readonly isAwaited: (shardId: number, nodeId: number) => boolean;
  readonly points: (nodeId: number, task: RangePointsTask, signal: AbortSignal) => AsyncIterable<Pick<RangePoints, 'payload'>>; // prettier-ignore
  /** To this node's own copy. */
  readonly write: (batch: ShardBatch) => Promise<BatchOutcome>;
}

export interface UnclearWritesOptions {
  /** No copy of a batch is under way for longer. */
  readonly settledMs: number;
  readonly bytesMax?: number;
}

interface Held {
  readonly batch: ShardBatch;
  readonly sinceMs: number;
}

interface Wanted {
  readonly stamp: Stamp;
  readonly value: FieldValue;
}

const bytesMaxDefault = 8 * MiB;
const lookMs = 2_000;
/** A range has 256 slices, of which the first and the last reach as far as time does. */
const innerSlices = 254n;

export class UnclearWrites {
  readonly #ports: UnclearWritesPorts;
  readonly #options: Required<UnclearWritesOptions>;
  #held: Held[] = [];
  #bytes = 0;
  readonly #tasks: Tasks;
  readonly #timer: Timer;
  readonly #closing = new AbortController();
  #isLooking = false;

  constructor(ports: UnclearWritesPorts, options: UnclearWritesOptions) {
    this.#ports = ports;
    this.#options = { bytesMax: bytesMaxDefault, ...options };
    this.#tasks = new Tasks((name, error) => {
      ports.log.warn('Late values could not be compared', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(lookMs, () => {
      if (this.#settled().length > 0 && !this.#isLooking) this.#tasks.spawn('compare', this.look());
    });
  }

  get heldCount(): number {
    return this.#held.length;
  }

  /** Holds a copy of a batch. What was put over others here is in doubt as well, and is not compared again. */
  note(batch: ShardBatch): void {
    const { payload } = batch;
    const isFull = this.#bytes + payload.length > this.#options.bytesMax;
    if (isFull || !isOfClock(stampOfBatch(payload))) return;
    this.#bytes += payload.length;
    const sinceMs = this.#ports.clock.monotonicMs();
    this.#held.push({ batch: { ...batch, payload: payload.slice() }, sinceMs });
  }

  /** Compares what can be compared now. */
  async look(): Promise<void> {
    this.#isLooking = true;
    try {
      if (!(await this.#ports.hearAll())) return;
      for (const shardId of new Set(this.#settled().map((one) => one.shardId)))
        await this.#lookAt(shardId);
    } finally {
      this.#isLooking = false;
    }
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#closing.abort();
    await this.#tasks.settled();
  }

  #settled(): readonly ShardBatch[] {
    const untilMs = this.#ports.clock.monotonicMs() - this.#options.settledMs;
    return this.#held.flatMap(({ batch, sinceMs }) => (sinceMs <= untilMs ? [batch] : []));
  }

  async #lookAt(shardId: number): Promise<void> {
    const { meta, isAwaited } = this.#ports;
    const owners = findShard(meta.catalog, shardId)?.owners ?? [];
    if (owners.some((nodeId) => isAwaited(shardId, nodeId))) return;
    const batches = this.#settled().filter((one) => one.shardId === shardId);
    try {
      // A shard that has gone, or that is this node's alone, has nobody to ask.
      if (owners.includes(meta.nodeId)) await this.#compare(batches, owners.filter((id) => id !== meta.nodeId)); // prettier-ignore
    } catch (error) {
      // Tried again with the next look.
      if (isDbError(error, 'unavailable') || isDbError(error, 'timeout')) return;
      this.#drop(batches);
      throw error;
    }
    this.#drop(batches);
  }

  #drop(batches: readonly ShardBatch[]): void {
    const gone = new Set(batches);
    this.#held = this.#held.filter(({ batch }) => !gone.has(batch));
    this.#bytes = this.#held.reduce((sum, { batch }) => sum + batch.payload.length, 0);
  }

  async #compare(batches: readonly ShardBatch[], others: readonly number[]): Promise<void> {
    const [first] = batches;
    if (first === undefined) return;
    const { clock } = this.#ports;
    const slices = new Slices({ clock, turn: () => clock.sleep(0) });
    const { wanted, task } = await wantedOf(batches, slices);
    const later = new Map<string, FoundValue & { readonly over: Stamp }>();
    for (const nodeId of others)
      for await (const { payload } of this.#ports.points(nodeId, task, this.#closing.signal))
        for (const found of valuesOf(payload)) {
          if (slices.isDue) await slices.rest();
          const known = wanted.get(nameOf(found));
          if (known !== undefined && !isSame(known.value, found.value))
            later.set(nameOf(found), { ...found, over: known.stamp });
        }
    for (const batch of batchesOf(later.values(), first)) {
      const outcome = await this.#ports.write(batch);
      if (outcome.kind === 'failed') throw outcome.error;
    }
    const { shardId: shard } = first;
    this.#ports.log.info('Late values were compared with the other owners', { shard, values: wanted.size, replaced: later.size }); // prettier-ignore
  }
}

/** Of each point the value that was taken last, and how others are asked for what they have there. */
async function wantedOf(
  batches: readonly ShardBatch[],
  slices: Slices,
): Promise<{ readonly wanted: ReadonlyMap<string, Wanted>; readonly task: RangePointsTask }> {
  const wanted = new Map<string, Wanted>();
  const keys = new Set<string>();
  let [minNs, maxNs] = [2n ** 63n, -(2n ** 63n)];
  for (const { payload } of batches) {
    const stamp = stampOfBatch(payload);
    for (const found of valuesOf(payload)) {
      if (slices.isDue) await slices.rest();
      const { key, timeNs, value } = found;
      keys.add(key);
      if (timeNs < minNs) minNs = timeNs;
      if (timeNs > maxNs) maxNs = timeNs;
      const name = nameOf(found);
      const known = wanted.get(name);
      if (known === undefined || known.stamp <= stamp) wanted.set(name, { stamp, value });
    }
  }
  return { wanted, task: taskOf(batches[0]?.shardId ?? 0, keys, [minNs, maxNs]) };
}

function nameOf({ key, field, timeNs }: FoundValue): string {
  return JSON.stringify([key, field, String(timeNs)]);
}

/** These series, at all times from the first to the last. */
function taskOf(
  shardId: number,
  keys: ReadonlySet<string>,
  [minNs, maxNs]: readonly [bigint, bigint],
): RangePointsTask {
  const sliceNs = (maxNs - minNs) / innerSlices + 1n;
  const slices = Array.from({ length: Number((maxNs - minNs) / sliceNs) + 1 }, (_, i) => i + 1);
  const startNs = minNs - sliceNs;
  const series = Array.from(keys, (key) => ({ key, slices }));
  return { shardId, startNs, endNs: startNs + 256n * sliceNs, series };
}

/** A batch for each stamp that values are put over. */
function* batchesOf(
  later: Iterable<FoundValue & { readonly over: Stamp }>,
  { shardId, database, retentionPolicy }: ShardBatch,
): Generator<ShardBatch> {
  const builders = new Map<Stamp, PointBatchBuilder>();
  for (const { over, key, measurement, field, timeNs, value } of later) {
    const builder = builders.get(over) ?? new PointBatchBuilder();
    builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
    builders.set(over, builder);
  }
  for (const [over, builder] of builders) {
    const payload = builder.finish();
    stampBatch(payload, stampBehind(over, over));
    yield { shardId, database, retentionPolicy, payload };
  }
}
