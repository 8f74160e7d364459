import { expect, test } from 'vitest';
import { FieldType } from '../../models/field-value.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { joinTexts } from '../../models/batch-writer.ts';
import type { IndexView } from './index-view.ts';
import { finished } from '../../../test/support/finished.ts';
import { ShardIndex } from './shard-index.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 28 });

function add(index: ShardIndex, key: string): void {
  index.resolve(joinTexts([Buffer.from(key)]));
}

function asked<T>(index: ShardIndex, ask: (view: IndexView) => T): T {
  const view = index.view();
  const answer = ask(view);
  view.release();
  return answer;
}

test('shard index: series by the value of a tag, those that came after the first question too', () => {
  const index = new ShardIndex(kernel);
  const keysWith = (...values: string[]) =>
    asked(index, (view) =>
      [...finished(view.seriesIdsWith('cpu', 'host', values))].map((id) => view.series(id).key),
    );
  for (const key of ['cpu,host=b,r=x', 'mem,host=a', 'cpu,host=a,r=y', 'cpu,r=x']) add(index, key);
  expect(keysWith('a')).toEqual(['cpu,host=a,r=y']);
  add(index, 'cpu,host=a,r=x');
  add(index, 'cpu,host=c');
  expect(keysWith('a')).toEqual(['cpu,host=a,r=x', 'cpu,host=a,r=y']);
  expect(keysWith('c', 'b')).toEqual(['cpu,host=b,r=x', 'cpu,host=c']);
  expect(keysWith('none')).toEqual([]);
  expect(asked(index, (view) => [...finished(view.seriesIdsWith('disk', 'host', ['a']))])).toEqual(
    [],
  );
});

test('shard index: all series in order, asked again whenever some have come or gone', () => {
  const index = new ShardIndex(kernel);
  const keys = () =>
    asked(index, (view) => [...finished(view.seriesIds('cpu'))].map((id) => view.series(id).key));
  const twice = () => [keys(), keys()];
  const same = (...wanted: string[]) => [wanted, wanted];
  const forget = (key: string) => {
    asked(index, (view) => {
      const [seriesId] = [...finished(view.seriesIds('cpu'))].filter((id) => view.series(id).key === key); // prettier-ignore
      index.forgetSeries(view, { measurement: 'cpu', seriesId: seriesId ?? -1 }, new Set());
    });
  };
  for (const key of ['cpu,host=b', 'mem,host=a', 'cpu,host=a']) add(index, key);
  expect(twice()).toEqual(same('cpu,host=a', 'cpu,host=b'));
  add(index, 'cpu,host=aa');
  expect(twice()).toEqual(same('cpu,host=a', 'cpu,host=aa', 'cpu,host=b'));
  forget('cpu,host=a');
  expect(twice()).toEqual(same('cpu,host=aa', 'cpu,host=b'));
  add(index, 'cpu,host=a');
  expect(twice()).toEqual(same('cpu,host=a', 'cpu,host=aa', 'cpu,host=b'));
});

test('shard index: measurements are counted as long as a series of theirs has points', () => {
  const index = new ShardIndex(kernel);
  const forget = (measurement: string) => {
    asked(index, (view) => {
      for (const seriesId of [...finished(view.seriesIds(measurement))].slice(0, 1))
        index.forgetSeries(view, { measurement, seriesId }, new Set());
    });
  };
  for (const key of ['cpu,host=a', 'cpu,host=b', 'mem,host=a']) add(index, key);
  expect(index.measurementCount).toBe(2);
  forget('cpu');
  expect(index.measurementCount).toBe(2);
  forget('cpu');
  expect(index.measurementCount).toBe(1);
  forget('mem');
  expect(index.measurementCount).toBe(0);
  add(index, 'cpu,host=c');
  expect(index.measurementCount).toBe(1);
  add(index, 'mem,host=a');
  expect(index.measurementCount).toBe(2);
});

test('shard index: the values of a tag, those that came after the first question too', () => {
  const index = new ShardIndex(kernel);
  const values = (tagKey: string) =>
    asked(index, (view) => [...view.tagValueLists('cpu', tagKey)].flat().sort());
  for (const key of ['cpu,host=b,r=x', 'mem,host=m', 'cpu,host=a,r=y', 'cpu,r=x']) add(index, key);
  expect(values('host')).toEqual(['a', 'b']);
  expect(values('r')).toEqual(['x', 'y']);
  add(index, 'cpu,host=c');
  expect(values('host')).toEqual(['a', 'b', 'c']);
  expect(values('none')).toEqual([]);
  expect(asked(index, (view) => [...view.tagValueLists('disk', 'host')].flat())).toEqual([]);
});

test('shard index: the version grows with measurements, fields and tag keys, not with series or points', () => {
  const index = new ShardIndex(kernel);
  const grows = (change: () => void): boolean => {
    const before = index.schemaVersion;
    change();
    return index.schemaVersion > before;
  };
  expect(
    grows(() => {
      add(index, 'cpu,host=a');
    }),
  ).toBe(true);
  expect(
    grows(() => {
      add(index, 'cpu,host=b');
    }),
  ).toBe(false);
  expect(
    grows(() => {
      add(index, 'cpu,host=b,r=x');
    }),
  ).toBe(true);
  expect(
    grows(() => {
      add(index, 'mem');
    }),
  ).toBe(true);
  expect(grows(() => { index.showField('cpu', 'v', FieldType.float); })).toBe(true); // prettier-ignore
  expect(grows(() => { index.showField('cpu', 'v', FieldType.float); })).toBe(false); // prettier-ignore
  expect(grows(() => { index.decideFieldType('cpu', 'w', FieldType.float); })).toBe(false); // prettier-ignore
  expect(grows(() => { index.showField('cpu', 'w', FieldType.float); })).toBe(true); // prettier-ignore
});
