import { exactBytesOf } from '../../../base/exact-text.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import type { Env } from '../../../env/env.ts';
import { FieldType } from '../../../models/field-value.ts';
import { joinTexts } from '../../../models/batch-writer.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { IndexSegment } from '../../index/index-segment.ts';
import type { IndexView } from '../../index/index-view.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { ShardIndex } from '../../index/shard-index.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { ManifestKeeper } from '../shards/manifest-keeper.ts';
import { SegmentKeeper } from './segment-keeper.ts';
import { finished } from '../../../../test/support/finished.ts';
import { readManifest } from '../shards/shard-manifest.ts';

let throttledBytes = 0;
const throttle = {
  take: (lengthBytes: number) => {
    throttledBytes += lengthBytes;
    return Promise.resolve();
  },
};

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 30 });
const name = fc.constantFrom('a', 'b', 'c=d', 'e f', 'g,h', 'é', '北', 'caf\udce9', 'caf\udce8', 'x\\y', 'x\\,y', '\\=z', '#!~#', 'a!', 'long'.repeat(40)); // prettier-ignore
const key = fc
  .tuple(name, fc.uniqueArray(fc.tuple(name, name), { selector: ([tag]) => tag, maxLength: 3 }))
  .map(([measurement, tags]) => seriesKey(measurement, tags.map(([tag, value]) => ({ key: tag, value })))); // prettier-ignore
const act = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('write' as const), keys: fc.array(key, { maxLength: 12 }) }) }, // prettier-ignore
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('forget' as const), keys: fc.array(key, { maxLength: 6 }) }) }, // prettier-ignore
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('flush' as const), beginsTable: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('merge' as const), isCold: fc.boolean() }) }, // prettier-ignore
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('open' as const) }) },
);
type Act = typeof act extends fc.Arbitrary<infer T> ? T : never;

const folder = 'shard';
const measurementOf = (text: string): string => parseSeriesKey(text).measurement;

/** The slow, obvious form: the keys of all series that have points. */
class PlainSeries {
  readonly live = new Set<string>();
  /** What a segment or the log has: these outlive a restart. */
  stored = new Set<string>();

  of(measurement: string, passes: (tags: ReadonlyMap<string, string>) => boolean): string[] {
    const found = [...this.live].filter((text) => {
      const parsed = parseSeriesKey(text);
      const tags = new Map(parsed.tags.map((tag) => [tag.key, tag.value]));
      return parsed.measurement === measurement && passes(tags);
    });
    return found.sort(compareUtf8);
  }
}

function expectSame(view: IndexView, plain: PlainSeries): void {
  const measurements = new Set([...plain.live].map(measurementOf));
  expect(view.measurements()).toEqual([...measurements].sort(compareUtf8));
  for (const measurement of measurements) {
    const texts = (ids: Uint32Array): string[] => [...ids].map((id) => view.keyText(id));
    const ids = finished(view.seriesIds(measurement));
    expect(texts(ids)).toEqual(plain.of(measurement, () => true));
    for (const id of ids) expect(view.measurementOf(id)).toBe(measurement);
    expect(view.fields(measurement)).toEqual(new Map([['v', FieldType.float], [`f ${measurement}`, FieldType.string]])); // prettier-ignore
    const values = new Map<string, Set<string>>();
    for (const text of plain.of(measurement, () => true))
      for (const tag of parseSeriesKey(text).tags) values.set(tag.key, (values.get(tag.key) ?? new Set()).add(tag.value)); // prettier-ignore
    expect(new Set(view.tagKeys(measurement))).toEqual(new Set(values.keys()));
    for (const [tag, own] of values) {
      expect([...new Set([...view.tagValueLists(measurement, tag)].flat())].sort()).toEqual(
        [...own].sort(),
      );
      const wanted = [...own].slice(0, 2);
      expect(texts(finished(view.seriesIdsWith(measurement, tag, [...wanted, 'none'])))).toEqual(
        plain.of(measurement, (tags) => wanted.includes(tags.get(tag) ?? '')),
      );
    }
  }
}

class Script {
  readonly #env: Env;
  readonly #cache: PageCache;
  readonly #plain = new PlainSeries();
  #index = new ShardIndex(kernel);
  #keeper: SegmentKeeper;

  constructor(env: Env, cacheBytes: number) {
    this.#env = env;
    this.#cache = new PageCache(cacheBytes);
    this.#keeper = this.#keeperOf({ flushedSequence: 0, files: new Map() });
  }

  async run(acts: readonly Act[]): Promise<void> {
    await this.#env.disk.makeDir(folder);
    for (const one of acts) {
      const held = this.#index.view();
      const before = held.measurements().map((measurement) => [...finished(held.seriesIds(measurement))].map((id) => held.keyText(id))); // prettier-ignore
      await this.#do(one);
      const view = this.#index.view();
      expectSame(view, this.#plain);
      expect(this.#index.seriesCount).toBe(this.#plain.live.size);
      view.release();
      // A reader who began before goes on with what it had, deletes and news aside.
      const after = held.measurements().map((measurement) => [...finished(held.seriesIds(measurement))].map((id) => held.keyText(id))); // prettier-ignore
      if (one.kind === 'flush' || one.kind === 'merge') expect(after).toEqual(before);
      held.release();
    }
    this.#index.release();
  }

  async #do(one: Act): Promise<void> {
    switch (one.kind) {
      case 'write':
        this.#write(one.keys);
        break;
      case 'forget':
        await this.#forget(one.keys);
        break;
      case 'flush': {
        const { active } = this.#index;
        if (one.beginsTable) this.#index.beginTable();
        await this.#keeper.commit(active);
        for (const text of this.#plain.live) this.#plain.stored.add(text);
        break;
      }
      case 'merge': {
        const before = throttledBytes;
        const isCancelled = (): boolean => false;
        const isMerged = await this.#keeper.merge({ isCold: one.isCold, isCancelled, throttle });
        // Every byte that a merge writes is the throttle's.
        expect(throttledBytes > before).toBe(isMerged);
        break;
      }
      case 'open':
        await this.#open();
        break;
    }
  }

  #write(keys: readonly string[]): void {
    if (keys.length === 0) return;
    const unknown = this.#index.unknown(joinTexts(keys.map((text) => exactBytesOf(text))));
    const isNew = keys.map((text) => Number(!this.#plain.live.has(text)));
    // Series that are gone are known still while they are in memory.
    keys.forEach((_, i) => {
      if (isNew[i] === 0) expect(unknown?.[i] ?? 0).toBe(0);
    });
    for (const text of keys) {
      this.#index.showField(measurementOf(text), 'v', FieldType.float);
      this.#index.showField(measurementOf(text), `f ${measurementOf(text)}`, FieldType.string);
      this.#plain.live.add(text);
    }
    this.#index.resolve(joinTexts(keys.map((text) => exactBytesOf(text))));
  }

  async #forget(keys: readonly string[]): Promise<void> {
    for (const measurement of new Set(keys.map(measurementOf))) {
      const own = keys.filter((text) => measurementOf(text) === measurement);
      await this.#keeper.forget(() => Promise.resolve(this.#forgetNow(measurement, own)));
      for (const text of own) {
        this.#plain.live.delete(text);
        this.#plain.stored.delete(text);
      }
    }
  }

  #forgetNow(measurement: string, keys: readonly string[]): ReadonlySet<IndexSegment> {
    const changed = new Set<IndexSegment>();
    const view = this.#index.view();
    const ids = new Map([...view.seriesIdsByPart(measurement)].map((id) => [view.keyText(id), id]));
    for (const key of keys) {
      const seriesId = ids.get(key);
      if (seriesId !== undefined)
        this.#index.forgetSeries(view, { measurement, seriesId }, changed);
    }
    view.release();
    this.#index.endForget(measurement, changed, { keepsTypes: false });
    return changed;
  }

  /** What is in segments is there again; what was in memory comes again, as out of a log. */
  async #open(): Promise<void> {
    this.#index.release();
    const manifest = await readManifest(this.#env.disk, folder);
    const ports = { disk: this.#env.disk, cache: this.#cache };
    const segments: IndexSegment[] = [];
    for (const [file, seal] of manifest.segments ?? [])
      segments.push(await IndexSegment.open(ports, `${folder}/${file}`, seal));
    this.#index = new ShardIndex(kernel, segments);
    this.#keeper = this.#keeperOf(manifest);
    const missing = [...this.#plain.live].filter((text) => !this.#plain.stored.has(text));
    for (const text of missing) this.#plain.live.delete(text);
    this.#write([...missing, ...[...this.#plain.live].slice(0, 3)]);
  }

  #keeperOf(
    manifest: Parameters<typeof ManifestKeeper.prototype.update>[0] extends (
      one: infer T,
    ) => unknown
      ? T
      : never,
  ): SegmentKeeper {
    // prettier-ignore
    const { disk, clock } = this.#env;
    const ports = { disk, clock, turn: () => Promise.resolve(), kernel, cache: this.#cache };
    const keeper = new ManifestKeeper(disk, folder, manifest);
    return new SegmentKeeper(ports, { folder, index: this.#index, manifest: keeper });
  }
}

test.each([1 << 12, 1 << 24])(
  'segments: whatever is written, forgotten, flushed, merged and opened again, the index is what its keys say; cache of %i bytes',
  async (cacheBytes) => {
    const before = kernel.heap.usedBytes;
    await fc.assert(
      fc.asyncProperty(fc.array(act, { minLength: 1, maxLength: 25 }), async (acts) => {
        const world = new World(1);
        await world.complete(new Script(world.addNode('a').env, cacheBytes).run(acts));
      }),
      { numRuns: 150, seed: 5 },
    );
    // What stays is the room for work.
    expect(kernel.heap.usedBytes - before).toBeLessThan(4 << 20);
  },
);
