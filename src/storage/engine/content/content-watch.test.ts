import { expect, test } from 'vitest';
import { finished } from '../../../../test/support/finished.ts';
import { allTimes, seriesPartOf, seriesParts } from '../../../models/digest-grid.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import { tsmKey } from '../../tsm/tsm-format.ts';
import { changedParts, ContentWatch, partsInMemory } from './content-watch.ts';
import { PartSet } from './part-set.ts';

/** 16 parts of 256 ns. */
const range = { startNs: 0n, endNs: 4_096n };
const times = { minTimeNs: 700n, maxTimeNs: 800n };
const maskOfTimes = 0b1100;
const key = Buffer.from('m,h=a');
const part = seriesPartOf(key);

function fileOf(series: string, timeNs: bigint): TsmFile {
  const entry = { minTimeNs: timeNs, maxTimeNs: timeNs };
  const column = { bounds: entry, count: 1, entry: () => entry };
  return { columnsAndRests: () => [[Buffer.from(tsmKey(series, 'v')), column], undefined] } as unknown as TsmFile; // prettier-ignore
}

function partsOf(set: PartSet): readonly (readonly [number, number])[] {
  const masks = Array.from({ length: seriesParts }, (_, i) => [i, set.maskOf(i)] as const);
  return masks.filter(([, mask]) => mask !== 0);
}

test('content watch: a delete marks what it means when it begins and when it ends, and what is made between the two begins with it', () => {
  const watch = new ContentWatch();
  const before = watch.mark(range, []);
  const end = watch.strike([key], times);
  // By then a digest may be saved: the first tombstone is on the disk before it shows.
  expect(partsOf(before.changed)).toEqual([[part, maskOfTimes]]);
  const between = watch.mark(range, []);
  expect(partsOf(between.changed)).toEqual([[part, maskOfTimes]]);
  end();
  const after = watch.mark(range, []);
  expect(after.changed.isEmpty).toBe(true);
  const gone = watch.mark(range, []);
  watch.letGo(gone);
  watch.strike(undefined, { minTimeNs: 0n, maxTimeNs: 0n })();
  expect(partsOf(after.changed).length).toBe(seriesParts);
  expect(after.changed.maskOf(9)).toBe(1);
  expect(gone.changed.isEmpty).toBe(true);
});

test('content watch: a delete of many series marks all parts of series, and one of all times all parts of time', () => {
  const watch = new ContentWatch();
  const mark = watch.mark(range, []);
  const keys = Array.from({ length: 5_000 }, () => key);
  watch.strike(keys, { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n })();
  expect(partsOf(mark.changed)).toEqual(Array.from({ length: seriesParts }, (_, i) => [i, allTimes])); // prettier-ignore
});

test('content watch: outputs of a compaction stand for its inputs, and what was not seen of these is marked before', () => {
  const [seen, other, fresh] = [fileOf('m,h=x', 5n), fileOf('m,h=a', 700n), fileOf('m', 1n)];
  const watch = new ContentWatch();
  const [knows, knowsAll, knowsNone] = [[seen], [seen, other], []].map((files) => watch.mark(range, files)); // prettier-ignore
  finished(watch.foresee([seen, other]));
  watch.replaced([seen, other], [fresh]);
  const changedOf = (mark = knows): readonly (readonly [number, number])[] =>
    mark === undefined ? [] : partsOf(finished(changedParts({ files: [fresh] }, mark)));
  expect(changedOf(knows)).toEqual([[part, 0b100]]);
  expect(changedOf(knowsAll)).toEqual([]);
  expect(changedOf(knowsNone)).toEqual([[seriesPartOf(Buffer.from('m')), 1]]);
  for (const mark of [knows, knowsAll, knowsNone]) expect(mark?.isLost).toBe(false);
  // Nobody has said what the other one had.
  const unsaid = watch.mark(range, [fresh]);
  watch.replaced([fresh, fileOf('m', 2n)], [fileOf('m', 3n)]);
  expect(unsaid.isLost).toBe(true);
});

test('content watch: keys of thousands of series are looked at before it rests, as memory may move meanwhile', () => {
  // Now and then one of another time, so that it is seen where it is taken to be of.
  const series = Array.from({ length: 3_000 }, (_, i) => {
    const timeNs = i % 256 === 255 ? 1_300n : 0n;
    return { name: `m,h=${i}`, bounds: { minTimeNs: timeNs, maxTimeNs: timeNs } };
  });
  const wanted = new PartSet();
  for (const { name, bounds } of series)
    wanted.addSeries(Buffer.from(name), bounds.minTimeNs === 0n ? 1 : 0b100000);
  // One place for all keys, which is something else after each rest.
  const place = Buffer.alloc(32);
  const read = (parts: Generator<undefined, PartSet>): PartSet => {
    for (;;) {
      const step = parts.next();
      if (step.done === true) return step.value;
      place.fill(0);
    }
  };
  function* inMemory() {
    for (const { name, bounds } of series) yield { key: place.subarray(0, place.write(name)), ...bounds }; // prettier-ignore
  }
  function* columnsAndRests() {
    for (const { name, bounds } of series)
      yield [
        place.subarray(0, place.write(`${name}#!~#v`)),
        { bounds, count: 1, entry: () => bounds },
      ];
  }
  const file = { columnsAndRests } as unknown as TsmFile;
  expect(partsOf(read(partsInMemory({ inMemory }, range)))).toEqual(partsOf(wanted));
  const unseen = new ContentWatch().mark(range, []);
  expect(partsOf(read(changedParts({ files: [file] }, unseen)))).toEqual(partsOf(wanted));
});

test('part set: bytes of it come back, and no others', () => {
  const set = new PartSet();
  set.add(0, 1);
  set.add(63, allTimes);
  expect(partsOf(PartSet.of(set.bytes) ?? new PartSet())).toEqual([[0, 1], [63, allTimes]]); // prettier-ignore
  expect(PartSet.of(set.bytes.subarray(1))).toBeUndefined();
});
