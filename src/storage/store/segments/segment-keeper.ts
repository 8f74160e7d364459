/**
 * The one writer of the segments of a shard's index: flushes add to them, merges replace them, deletes mark what is gone.
 *
 * Invariants:
 * - a segment is whole and durable before `shard.json` lists it; a file of an index that is not listed is removed at start;
 * - one that a `shard.json` lists which failed to be written stays until another one is: the disk may list it all the same;
 * - the series of every file that `shard.json` lists are in the segments that it lists, if it lists any;
 * - while one of the three changes what is listed the others wait; a merge reads before, and is given up when a delete came.
 */
import { Mutex } from '../../../base/async/mutex.ts';
import { DbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import { Slices, type SlicePorts } from '../../../env/slices.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { IndexSegment } from '../../index/index-segment.ts';
import type { PageCache } from '../../pages/page-cache.ts';
import { SegmentBuilder } from '../../index/segment-builder.ts';
import { freshSeriesOf, writeFreshSeries } from '../../index/segment-flush.ts';
import { segmentName, segmentNumberOf, type SegmentSeal } from '../../index/segment-format.ts';
import { gonePath } from '../../index/segment-gone.ts';
import { mergeSegments, type MergePorts } from '../../index/segment-merge.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import type { ManifestKeeper } from '../shards/manifest-keeper.ts';
import { planSegmentMerge } from './segment-plan.ts';
import type { ShardManifest } from '../shards/shard-manifest.ts';

export interface SegmentPorts extends SlicePorts {
  readonly disk: Disk;
  readonly kernel: StoreKernel;
  readonly cache: PageCache;
}

export type ForgetSeries = (slices: Slices) => Promise<ReadonlySet<IndexSegment>>;

type ManifestChange = (manifest: ShardManifest) => ShardManifest;

export class SegmentKeeper {
  readonly #ports: SegmentPorts;
  readonly #folder: string;
  readonly #index: ShardIndex;
  readonly #manifest: ManifestKeeper;
  /** Of which something is gone that their files do not say: the disk did not take it. */
  readonly #unwritten = new Set<IndexSegment>();
  /** Paths of segments that the disk may list, and this does not. */
  readonly #disowned = new Set<string>();
  readonly #mutex = new Mutex();
  #latest: number;
  /** Whether files are listed whose series are in no segment, but in tables. */
  #needsAll = false;

  constructor(
    ports: SegmentPorts,
    parts: { readonly folder: string; readonly index: ShardIndex; readonly manifest: ManifestKeeper; readonly damaged?: readonly string[] }, // prettier-ignore
  ) {
    this.#ports = ports;
    this.#folder = parts.folder;
    this.#index = parts.index;
    this.#manifest = parts.manifest;
    // A damaged segment's name is not given again: what lies beside it as gone would be taken for that of the new one.
    const names = [...(parts.manifest.manifest.segments?.keys() ?? []), ...(parts.damaged ?? [])];
    this.#latest = names.reduce((most, name) => Math.max(most, segmentNumberOf(name) ?? 0), 0);
  }

  /**
   * Lists segments with what no segment has of fields and of the tables in memory up to `upTo`, whose memtables are in files
   * by now; `change` is what else changes in `shard.json` with them. Throws what the disk says; all is as before then.
   */
  commit(upTo: ResidentSeries, change?: ManifestChange): Promise<void> {
    return this.#mutex.run(async () => {
      await this.#writeGone(new Slices(this.#ports));
      const { tables } = this.#index;
      const count = this.#needsAll ? tables.length : tables.indexOf(upTo) + 1;
      const last = tables[Math.max(0, count - 1)];
      for (const table of tables) {
        await this.#commitTable(table, table === last ? change : undefined);
        if (table === last) break;
      }
      this.#needsAll = false;
      if (upTo === tables[0] || count > 1) this.#index.endOlder();
    });
  }

  /** Runs `forget`, which answers the segments that lost series, and makes that durable. */
  forget(forget: ForgetSeries): Promise<void> {
    return this.#mutex.run(async () => {
      const slices = new Slices(this.#ports);
      for (const segment of await forget(slices)) this.#unwritten.add(segment);
      await this.#writeGone(slices);
    });
  }

  /** Before a later segment has a series that came again: after a restart it would be in both. */
  async #writeGone(slices: Slices): Promise<void> {
    for (const segment of this.#unwritten) {
      const { gone, path } = segment;
      if (this.#index.segments.includes(segment)) await gone.write(this.#ports.disk, path, slices);
      this.#unwritten.delete(segment);
    }
  }

  /** Merges segments when there are many, or more than one and nobody writes. False when there was nothing to do. */
  async merge(options: {
    readonly isCold: boolean;
    readonly isCancelled: () => boolean;
    readonly throttle: MergePorts['throttle'];
  }): Promise<boolean> {
    const { isCold, isCancelled, throttle } = options;
    const sizes = this.#index.segments.map(({ seal, gone }) => ({ lengthBytes: seal.lengthBytes, goneCount: gone.series.count })); // prettier-ignore
    const plan = planSegmentMerge(sizes, { isCold });
    if (plan === undefined || isCancelled()) return false;
    const inputs = this.#index.segments.slice(plan.from, plan.to);
    const releases = inputs.map((segment) => segment.hold());
    try {
      const before = goneCountOf(inputs);
      let heardBytes = 0;
      const heard: MergePorts['throttle'] = {
        take: (lengthBytes) => {
          heardBytes += lengthBytes;
          return throttle.take(lengthBytes);
        },
      };
      const { segment, name } = await this.#write((builder, slices) =>
        mergeSegments(inputs, { builder, slices, isCancelled, throttle: heard }),
      );
      await throttle.take(segment.seal.lengthBytes - heardBytes);
      await this.#mutex.run(async () => {
        const isStale = goneCountOf(inputs) !== before || !inputs.every((one) => this.#index.segments.includes(one)); // prettier-ignore
        if (isStale || isCancelled()) {
          await this.#discard(segment);
          throw new DbError('cancelled', 'the merge of segments was given up');
        }
        await this.#replace(inputs, segment, name);
      });
    } finally {
      for (const release of releases) release();
    }
    return true;
  }

  /** Runs `work` while nothing changes what is listed. */
  still<T>(work: () => Promise<T>): Promise<T> {
    return this.#mutex.run(work);
  }

  /** A name that no segment of the shard has or had. */
  newName(): string {
    return segmentName(++this.#latest);
  }

  /**
   * Runs `replace`, which lists other segments in the place of all and makes the index of them and of the files that are
   * listed no more: the next commit writes what they have not.
   */
  async replaceAll(replace: () => Promise<void>): Promise<void> {
    await this.#mutex.run(async () => {
      const names = [...(this.#manifest.manifest.segments?.keys() ?? [])];
      await replace();
      this.#needsAll = true;
      for (const name of names) await this.#remove(`${this.#folder}/${name}`);
    });
  }

  /** Takes all segments off the list, and makes the index anew by `rebuild`: the next commit writes all of it. */
  async rebuild(rebuild: () => Promise<void>): Promise<void> {
    await this.#mutex.run(async () => {
      this.#needsAll = true;
      const names = [...(this.#manifest.manifest.segments?.keys() ?? [])];
      await this.#manifest.update((manifest) => ({ ...manifest, segments: undefined }));
      for (const name of names) await this.#remove(`${this.#folder}/${name}`);
      await rebuild();
    });
  }

  async #commitTable(table: ResidentSeries, change: ManifestChange | undefined): Promise<void> {
    const { kernel } = this.#ports;
    const { list, settle } = this.#index.schemas.changes();
    const fresh = freshSeriesOf(kernel, table, list);
    if (fresh.measurements.length === 0) {
      if (change !== undefined) await this.#manifest.update(change);
      return;
    }
    const { segment, name } = await this.#write((builder, slices) =>
      writeFreshSeries(table, fresh, { kernel, slices, builder }),
    );
    await this.#list(segment, (manifest) => {
      const { segments = new Map<string, SegmentSeal>() } = manifest;
      const listed = { ...manifest, segments: new Map([...segments, [name, segment.seal]]) };
      return change === undefined ? listed : change(listed);
    });
    this.#index.addSegment(segment, { table, ids: fresh.ids });
    settle();
  }

  async #replace(
    inputs: readonly IndexSegment[],
    segment: IndexSegment,
    name: string,
  ): Promise<void> {
    const old = new Set(inputs.map(({ path }) => path.slice(this.#folder.length + 1)));
    await this.#list(segment, ({ segments = new Map<string, SegmentSeal>(), ...rest }) => {
      const kept = [...segments].filter(([one]) => !old.has(one));
      return { ...rest, segments: new Map([...kept, [name, segment.seal]]) };
    });
    this.#index.replaceSegments(inputs, [segment]);
    for (const input of inputs) await this.#remove(input.path);
  }

  /** The index goes first: without the list of what is gone it would give that back. */
  async #remove(path: string): Promise<void> {
    await this.#ports.disk.remove(path);
    await this.#ports.disk.remove(gonePath(path));
  }

  async #list(segment: IndexSegment, change: ManifestChange): Promise<void> {
    try {
      await this.#manifest.update(change);
    } catch (error) {
      segment.retire();
      this.#disowned.add(segment.path);
      throw error;
    }
    // One that the disk keeps goes with the next start.
    for (const path of this.#disowned) await this.#ports.disk.remove(path).catch(() => undefined);
    this.#disowned.clear();
  }

  /** Of one that nobody has listed. */
  async #discard(segment: IndexSegment): Promise<void> {
    segment.retire();
    await this.#ports.disk.remove(segment.path).catch(() => undefined);
  }

  async #write(
    fill: (builder: SegmentBuilder, slices: Slices) => Promise<void>,
  ): Promise<{ readonly segment: IndexSegment; readonly name: string }> {
    const { disk } = this.#ports;
    const name = this.newName();
    const path = `${this.#folder}/${name}`;
    const builder = await SegmentBuilder.create(disk, path);
    let seal: SegmentSeal;
    try {
      await fill(builder, new Slices(this.#ports));
      seal = await builder.finish();
    } catch (error) {
      await builder.discard();
      throw error;
    }
    return { segment: await IndexSegment.open(this.#ports, path, seal), name };
  }
}

function goneCountOf(segments: readonly IndexSegment[]): number {
  return segments.reduce((sum, { gone }) => sum + gone.series.count + gone.measurements.size, 0);
}
