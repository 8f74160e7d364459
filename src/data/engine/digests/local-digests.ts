import type { EngineLink } from '../../../env/engine-host.ts';
import type { StoredDelete } from '../../../storage/store/deletes/stored-deletes.ts';
import type { RangePoints, RangePointsTask } from './range-points.ts';
import type { SeriesDigest, SeriesDigestTask } from './series-digests.ts';
import type { DigestTask } from './shard-digest.ts';
import type { PickedPointsTask, SketchTask } from './sketch-parts.ts';

/** What compares and repairs the shards of this node asks of its workers. */
export type ShardDigests = Pick<
  LocalDigests,
  'digest' | 'storedDeletes' | 'seriesDigests' | 'rangePoints' | 'sketch' | 'pickedPoints'
>;

export class LocalDigests {
  readonly #home: (shardId: number) => EngineLink;

  /** `home` is the way to the worker that has a shard. */
  constructor(home: (shardId: number) => EngineLink) {
    this.#home = home;
  }

  /** Undefined as signs of life, then the digest; nothing for a shard that this node has nothing of. */
  async *digest(task: DigestTask, signal: AbortSignal): AsyncGenerator<Uint32Array | undefined> {
    for await (const digest of this.#home(task.shardId).stream('digest', task, { signal }))
      yield digest as Uint32Array | undefined;
  }

  /** Deletes that a shard remembers. */
  async storedDeletes(shardId: number): Promise<readonly StoredDelete[]> {
    return (await this.#home(shardId).call('stored-deletes', shardId)) as readonly StoredDelete[];
  }

  /** The second level of a digest; undefined as signs of life. */
  async *seriesDigests(
    task: SeriesDigestTask,
    signal: AbortSignal,
  ): AsyncGenerator<readonly SeriesDigest[] | undefined> {
    for await (const digests of this.#home(task.shardId).stream('series-digests', task, { signal }))
      yield digests as readonly SeriesDigest[] | undefined;
  }

  /** Points of some series within slices of time; undefined as signs of life. */
  async *rangePoints(
    task: RangePointsTask,
    signal: AbortSignal,
  ): AsyncGenerator<RangePoints | undefined> {
    for await (const points of this.#home(task.shardId).stream('range-points', task, { signal }))
      yield points as RangePoints | undefined;
  }

  /** A sketch of all values of some parts; undefined as signs of life. */
  async *sketch(task: SketchTask, signal: AbortSignal): AsyncGenerator<Uint8Array | undefined> {
    for await (const cells of this.#home(task.shardId).stream('sketch', task, { signal }))
      yield cells as Uint8Array | undefined;
  }

  /** Points whose values have some hashes; undefined as signs of life. */
  async *pickedPoints(
    { hashes, ...task }: PickedPointsTask,
    signal: AbortSignal,
  ): AsyncGenerator<RangePoints | undefined> {
    const body = { ...task, hashes: hashes.bytes };
    for await (const points of this.#home(task.shardId).stream('picked-points', body, { signal }))
      yield points as RangePoints | undefined;
  }
}
