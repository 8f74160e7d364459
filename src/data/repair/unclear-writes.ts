/**
 * Batches of which this node took values as the latest that may not be (decision 14), or left values that may be, as they were brought again (decision 126), when
 * they came or as the log gave them their shard anew (decision 149):
 * once nothing waits for any owner of their shard, the other owners know, and what they have instead is put over it here (decision 144).
 *
 * Invariants:
 * - Nothing is compared before copies that may have been under way have arrived or wait in hinted handoff, each node has said what waits on it, and
 *   nothing of it is for an owner of the shard: by then an owner that has another value has taken both, and found that one to be later. An owner whose copy
 *   is damaged or gone is as one that has nothing: nobody waits until it is replaced, perhaps by a copy of what is in doubt here, as long as one other has the shard.
 * - A value that was left is put in once all other owners that have the point have that very value: what is here then is the earlier one.
 * - What is put over a value is the least later than it: whatever was written after it stays, here and on its way. No other batch has its stamp, of
 *   another owner, which puts over what it has itself, either: it would be taken for one that was here before.
 * - Values are gone through in slices.
 * - Bounded: past `bytesMax` nothing more is compared, and the log has said of each batch that it is in doubt.
 */
import { crc32 } from 'node:zlib';
import { Tasks } from '../../base/async/tasks.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { Slices } from '../../env/slices.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { sliceCount, sliceOf } from '../../models/digest-grid.ts';
import type { FieldValue } from '../../models/field-value.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { asFirstBrought, isBrought, isOfClock, latestOf, stampBatch, stampOfBatch, stampOver, type Stamp } from '../../models/stamp.ts'; // prettier-ignore
import { isWrongShard } from '../../storage/engine/damaged-shard.ts';
import { valuesOf, type FoundValue } from '../engine/digests/batch-values.ts';
import type { RangePoints, RangePointsTask } from '../engine/digests/range-points.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import { isNodeFailure } from '../shards/choose-owners.ts';
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
  /** What the log has given shards anew and they could not tell; once each, until it says that there is no more. */
  readonly replayed: () => Promise<{ readonly batches: readonly ShardBatch[]; readonly isLast: boolean }>; // prettier-ignore
  /** Notes on the disk what is held. */
  readonly save: (batches: readonly ShardBatch[]) => void;
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

interface Doubtful {
  readonly stamp: Stamp;
  readonly value: FieldValue;
}

/** What this node does not know of a point: of each the last. */
interface Doubt {
  /** Taken as the latest. */
  readonly taken?: Doubtful;
  /** Brought again, and left for what was here. */
  readonly left?: Doubtful;
}

interface Asked {
  readonly task: RangePointsTask;
  readonly doubts: ReadonlyMap<string, Doubt>;
  readonly slices: Slices;
}

interface LaterValue extends FoundValue {
  readonly over: Stamp;
}

const bytesMaxDefault = 8 * MiB;
const lookMs = 2_000;
/** Of a range's slices the first and the last reach as far as time does. */
const innerSlices = BigInt(sliceCount - 2);
const [leastNs, greatestNs] = [-(2n ** 63n), 2n ** 63n - 1n];

export class UnclearWrites {
  readonly #ports: UnclearWritesPorts;
  readonly #options: Required<UnclearWritesOptions>;
  #held: Held[] = [];
  #bytes = 0;
  readonly #tasks: Tasks;
  readonly #timer: Timer;
  readonly #closing = new AbortController();
  #isLooking = false;
  /** Shards open, and may have more. */
  #mayReplay = true;

  constructor(ports: UnclearWritesPorts, options: UnclearWritesOptions) {
    this.#ports = ports;
    this.#options = { bytesMax: bytesMaxDefault, ...options };
    this.#tasks = new Tasks((name, error) => {
      ports.log.warn('Late values could not be compared', { name, error: errorText(error) });
    });
    this.#timer = ports.clock.every(lookMs, () => {
      if (this.#mayReplay) this.#tasks.spawn('hear of the log', this.hearReplayed());
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
    this.#hold({ ...batch, payload: payload.slice() });
    this.#save();
  }

  /** Notes what the shards that have opened since are in doubt of. */
  async hearReplayed(): Promise<void> {
    this.#mayReplay = false;
    let mayReplay = true;
    try {
      const { batches, isLast } = await this.#ports.replayed();
      for (const batch of batches) this.note(batch);
      mayReplay = !isLast;
    } finally {
      this.#mayReplay = mayReplay;
    }
  }

  /** What the run before has held. */
  resume(batches: readonly ShardBatch[]): void {
    for (const batch of batches) this.#hold(batch);
  }

  #hold(batch: ShardBatch): void {
    this.#bytes += batch.payload.length;
    this.#held.push({ batch, sinceMs: this.#ports.clock.monotonicMs() });
  }

  #save(): void {
    this.#ports.save(this.#held.map(({ batch }) => batch));
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
    // A node that is leaving its cluster knows of no shard, and may stay.
    if (meta.catalog.clusterId === 0n) return;
    const owners = findShard(meta.catalog, shardId)?.owners ?? [];
    if (isAwaited(shardId, meta.nodeId)) return;
    const batches = this.#settled().filter((one) => one.shardId === shardId);
    try {
      // A shard that has gone, or that is this node's alone, has nobody to ask.
      if (owners.includes(meta.nodeId)) await this.#compare(batches, owners.filter((id) => id !== meta.nodeId)); // prettier-ignore
    } catch (error) {
      // Tried again with the next look, or by the next run.
      if (this.#closing.signal.aborted || mayEnd(error)) return;
      this.#drop(batches);
      throw error;
    }
    this.#drop(batches);
  }

  #drop(batches: readonly ShardBatch[]): void {
    const gone = new Set(batches);
    this.#held = this.#held.filter(({ batch }) => !gone.has(batch));
    this.#bytes = this.#held.reduce((sum, { batch }) => sum + batch.payload.length, 0);
    this.#save();
  }

  /** Of the points in doubt. Of an owner for which something waits none: whether it has the shard is all that is asked. */
  async #valuesAt(
    nodeId: number,
    { task, doubts, slices }: Asked,
  ): Promise<readonly FoundValue[] | 'damaged'> {
    const found: FoundValue[] = [];
    try {
      for await (const { payload } of this.#ports.points(nodeId, task, this.#closing.signal)) {
        if (this.#ports.isAwaited(task.shardId, nodeId)) break;
        for (const one of valuesOf(payload)) {
          if (slices.isDue) await slices.rest();
          if (doubts.has(nameOf(one))) found.push(one);
        }
      }
    } catch (error) {
      if (!isWrongShard(error)) throw error;
      return 'damaged';
    }
    return found;
  }

  async #compare(batches: readonly ShardBatch[], others: readonly number[]): Promise<void> {
    const [first] = batches;
    if (first === undefined) return;
    const { clock } = this.#ports;
    const slices = new Slices({ clock, turn: () => clock.sleep(0) });
    const { doubts, task } = await doubtsOf(batches, slices);
    /** By point, as far as there is a doubt: a value of each owner. */
    const told = new Map<string, FoundValue[]>();
    const isBehind = (nodeId: number): boolean => this.#ports.isAwaited(task.shardId, nodeId);
    // If one of these has the shard, the others are asked for nothing.
    const behind = others.filter(isBehind);
    const heard: (readonly FoundValue[])[] = [];
    for (const nodeId of [...behind, ...others.filter((one) => !behind.includes(one))]) {
      const found = await this.#valuesAt(nodeId, { task, doubts, slices });
      if (found === 'damaged') continue;
      if (isBehind(nodeId)) throw new DbError('unavailable', 'something waits for an owner');
      heard.push(found);
    }
    if (heard.length === 0 && others.length > 0)
      throw new DbError('unavailable', 'no other owner has the shard');
    for (const found of heard.flat()) {
      const name = nameOf(found);
      told.set(name, [...(told.get(name) ?? []), found]);
    }
    const later: LaterValue[] = [];
    for (const [name, values] of told) {
      if (slices.isDue) await slices.rest();
      const one = laterOf(doubts.get(name) ?? {}, values);
      if (one !== undefined) later.push(one);
    }
    for (const batch of batchesOf(later, first, this.#ports.meta.nodeId)) {
      const outcome = await this.#ports.write(batch);
      if (outcome.kind === 'failed') throw outcome.error;
    }
    const { shardId: shard } = first;
    this.#ports.log.info('Late values were compared with the other owners', { shard, values: doubts.size, replaced: later.length }); // prettier-ignore
  }
}

/** An owner is away or its disk fails, or there is no room here; a copy whose bytes are wrong, this node's own by now, is replaced. */
function mayEnd(error: unknown): boolean {
  const isFull = (['disk_full', 'cache_full', 'queue_full'] as const).some((code) => isDbError(error, code)); // prettier-ignore
  return isFull || (isNodeFailure(error) && !isWrongShard(error));
}

/** The doubts of each point, and how others are asked for what they have there. */
async function doubtsOf(
  batches: readonly ShardBatch[],
  slices: Slices,
): Promise<{ readonly doubts: ReadonlyMap<string, Doubt>; readonly task: RangePointsTask }> {
  const doubts = new Map<string, Doubt>();
  const keys = new Set<string>();
  let [minNs, maxNs] = [2n ** 63n, -(2n ** 63n)];
  for (const { payload } of batches) {
    const given = stampOfBatch(payload);
    const stamp = asFirstBrought(given);
    const kind = isBrought(given) ? 'left' : 'taken';
    for (const found of valuesOf(payload)) {
      if (slices.isDue) await slices.rest();
      const { key, timeNs, value } = found;
      keys.add(key);
      if (timeNs < minNs) minNs = timeNs;
      if (timeNs > maxNs) maxNs = timeNs;
      const name = nameOf(found);
      const known = doubts.get(name);
      if ((known?.[kind]?.stamp ?? stamp) <= stamp)
        doubts.set(name, { ...known, [kind]: { stamp, value } });
    }
  }
  return { doubts, task: taskOf(batches[0]?.shardId ?? 0, keys, [minNs, maxNs]) };
}

/** What is to be put over what this node has, by what the other owners have; undefined where that is to stay. */
function laterOf({ taken, left }: Doubt, values: readonly FoundValue[]): LaterValue | undefined {
  const over = latestOf([taken, left].flatMap((one) => (one === undefined ? [] : [one.stamp])));
  const isOther = ({ value }: FoundValue, than: Doubtful): boolean => !isSame(value, than.value);
  if (taken !== undefined) {
    const other = values.findLast((one) => isOther(one, taken));
    return other === undefined ? undefined : { ...other, over };
  }
  const [value] = values;
  const isAgreed = left !== undefined && !values.some((one) => isOther(one, left));
  return isAgreed && value !== undefined ? { ...value, over } : undefined;
}

function nameOf({ key, field, timeNs }: FoundValue): string {
  return JSON.stringify([key, field, String(timeNs)]);
}

/** These series, at all times from the first to the last; at the ends of time, of which no bounds reach beyond, some more. */
function taskOf(
  shardId: number,
  keys: ReadonlySet<string>,
  [minNs, maxNs]: readonly [bigint, bigint],
): RangePointsTask {
  const sliceNs = (maxNs - minNs) / innerSlices + 1n;
  const startNs = minNs - sliceNs < leastNs ? leastNs : minNs - sliceNs;
  const behindNs = startNs + BigInt(sliceCount) * sliceNs;
  const range = { startNs, endNs: behindNs > greatestNs ? greatestNs : behindNs };
  const [first, last] = [sliceOf(range, minNs), sliceOf(range, maxNs)];
  const slices = Array.from({ length: last - first + 1 }, (_, i) => first + i);
  return { shardId, ...range, series: Array.from(keys, (key) => ({ key, slices })) };
}

/** A batch for each stamp that values are put over. */
function* batchesOf(
  later: readonly LaterValue[],
  { shardId, database, retentionPolicy }: ShardBatch,
  nodeId: number,
): Generator<ShardBatch> {
  const builders = new Map<Stamp, PointBatchBuilder>();
  for (const { over, key, measurement, field, timeNs, value } of later) {
    const builder = builders.get(over) ?? new PointBatchBuilder();
    builder.add(key, { measurement, tags: [], fields: new Map([[field, value]]), timeNs });
    builders.set(over, builder);
  }
  for (const [over, builder] of builders) {
    const payload = builder.finish();
    stampBatch(payload, stampOver(over, nodeId, crc32(payload)));
    yield { shardId, database, retentionPolicy, payload };
  }
}
