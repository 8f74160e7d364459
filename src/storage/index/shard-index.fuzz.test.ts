import { exactBytesOf } from '../../base/exact-text.ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { joinTexts } from '../../models/batch-writer.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import { seriesKey } from '../../models/series-key.ts';
import type { IndexView } from './index-view.ts';
import { finished } from '../../../test/support/finished.ts';
import { ShardIndex } from './shard-index.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 30 });
const name = fc.constantFrom('a', 'b', 'c=d', 'e f', 'g,h', 'é', '北', 'caf\udce9', 'caf\udce8', '\udcc3', 'caf\ufffd', 'x\\y', 'x\\,y', '\\=z', '#!~#', 'a!', 'long'.repeat(12)); // prettier-ignore
const key = fc
  .tuple(name, fc.uniqueArray(fc.tuple(name, name), { selector: ([tag]) => tag, maxLength: 4 }))
  .map(([measurement, tags]) => seriesKey(measurement, tags.map(([tag, value]) => ({ key: tag, value })))); // prettier-ignore
const batches = fc.array(fc.array(fc.tuple(key, fc.boolean()), { maxLength: 30 }), { maxLength: 8 }); // prettier-ignore

/** The slow, obvious form: every key and every tag as a text. */
class PlainIndex {
  readonly keys: string[] = [];

  resolve(series: readonly (readonly [string, boolean])[]): readonly number[] {
    return series.map(([text, isTaken]) => {
      if (!isTaken) return -1;
      const known = this.keys.indexOf(text);
      return known < 0 ? this.keys.push(text) - 1 : known;
    });
  }

  idsWhere(measurement: string, passes: (tags: ReadonlyMap<string, string>) => boolean): number[] {
    const found = this.keys.flatMap((text, id) => {
      const parsed = parseSeriesKey(text);
      const tags = new Map(parsed.tags.map((tag) => [tag.key, tag.value]));
      return parsed.measurement === measurement && passes(tags) ? [{ id, text }] : [];
    });
    return found.sort((a, b) => compareUtf8(a.text, b.text)).map(({ id }) => id);
  }

  tagValues(measurement: string): Map<string, Set<string>> {
    const values = new Map<string, Set<string>>();
    for (const parsed of this.keys.map(parseSeriesKey).filter((one) => one.measurement === measurement)) // prettier-ignore
      for (const tag of parsed.tags) values.set(tag.key, (values.get(tag.key) ?? new Set()).add(tag.value)); // prettier-ignore
    return values;
  }
}

test('shard index: what kernels make of series is what their texts say', () => {
  fc.assert(
    fc.property(batches, (all) => {
      const index = new ShardIndex(kernel);
      const plain = new PlainIndex();
      for (const series of all) {
        const texts = joinTexts(series.map(([text]) => exactBytesOf(text)));
        const taken = Uint8Array.from(series, ([, isTaken]) => Number(isTaken));
        const { ids } = index.resolve(texts, { taken });
        const found = [...kernel.words(ids, series.length)].map((id, i) => (taken[i] === 1 ? id : -1)); // prettier-ignore
        expect(found).toEqual(plain.resolve(series));
        const view = index.view();
        expectSame(view, plain);
        expect(index.seriesCount).toBe(plain.keys.length);
        view.release();
      }
      index.release();
    }),
    { numRuns: 300, seed: 11 },
  );
});

function expectSame(index: IndexView, plain: PlainIndex): void {
  const measurements = new Set(plain.keys.map((text) => parseSeriesKey(text).measurement));
  expect(index.measurements()).toEqual([...measurements].sort(compareUtf8));
  for (const measurement of measurements) {
    expect([...finished(index.seriesIds(measurement))]).toEqual(
      plain.idsWhere(measurement, () => true),
    );
    const values = plain.tagValues(measurement);
    expect(new Set(index.tagKeys(measurement))).toEqual(new Set(values.keys()));
    for (const [tag, own] of values) {
      expect(new Set([...index.tagValueLists(measurement, tag)].flat())).toEqual(own);
      const wanted = [...own].slice(0, 2);
      const ids = plain.idsWhere(measurement, (tags) => wanted.includes(tags.get(tag) ?? ''));
      expect([...finished(index.seriesIdsWith(measurement, tag, [...wanted, 'none']))]).toEqual(
        ids,
      );
    }
  }
  plain.keys.forEach((text, id) => {
    expect(index.series(id).key).toBe(text);
    expect(index.measurementOf(id)).toBe(index.series(id).measurement);
  });
}

test('shard index: tables that grow past their first rooms keep every key, and give their memory back', () => {
  const before = kernel.heap.usedBytes;
  const index = new ShardIndex(kernel);
  const keys = Array.from({ length: 20_000 }, (_, i) => `m,host=h${i % 500},id=${(i * 7_919) % 20_000}`); // prettier-ignore
  const { ids } = index.resolve(joinTexts(keys.map((text) => Buffer.from(text))));
  expect([...kernel.words(ids, keys.length)]).toEqual(keys.map((_, i) => i));
  const sorted = keys.map((text, id) => ({ text, id })).sort((a, b) => compareUtf8(a.text, b.text));
  const view = index.view();
  expect([...finished(view.seriesIds('m'))]).toEqual(sorted.map(({ id }) => id));
  expect([...finished(view.seriesIdsWith('m', 'host', ['h7']))]).toHaveLength(40);
  view.release();
  index.release();
  // What stays is the room for work.
  expect(kernel.heap.usedBytes - before).toBeLessThan(4 << 20);
});
