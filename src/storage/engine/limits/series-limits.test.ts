import { expect, test } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch, type PointBatch, type TextColumn } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { finished } from '../../../../test/support/finished.ts';
import { Shard } from '../shard.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 });

function batchOf(lines: readonly string[]): PointBatch {
  const { points } = parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 1n });
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return decodePointBatch(builder.finish());
}

/** What a shard says of one batch after the other, and the series it has then. */
function write(limits: { seriesMax: number; valuesPerTagMax: number }, batches: string[][]) {
  const shard = new Shard(1, kernel);
  const said = batches.map((lines) => {
    const batch = batchOf(lines);
    const { index } = shard;
    const count = (): number => index.seriesCount;
    const series = { most: count, count, unknown: (texts: TextColumn) => index.unknown(texts) };
    const values = {
      isAnyFull: (measurement: string, most: number) =>
        [...index.tagKeys(measurement)].some(
          (key) => index.tagValueCount(measurement, key) >= most,
        ),
      count: (measurement: string, key: string) => index.tagValueCount(measurement, key),
      has: (measurement: string, key: string, value: string) => index.hasTagValue(measurement, key, value), // prettier-ignore
    };
    const { rejects, droppedCount, reason } = shard.decide(batch, { limits, database: 'd', series, values }); // prettier-ignore
    if (droppedCount < batch.rowCount) shard.apply(batch, rejects);
    return droppedCount === 0 ? '' : `${reason} dropped=${droppedCount}`;
  });
  const view = shard.view();
  const keys = ['m', 'n'].flatMap((name) => [...finished(view.seriesIds(name))].map((id) => view.series(id).key)); // prettier-ignore
  view.release();
  return { said, keys };
}

test('series limits: past the series of a database new ones are refused, points of known ones are taken', () => {
  const { said, keys } = write({ seriesMax: 3, valuesPerTagMax: 0 }, [
    ['m,t=a f=1 1', 'm,t=b f=1 1'],
    ['m,t=a f=2 2', 'm,t=c f=1 1', 'm,t=d f=1 1', 'm,t=d f=1 2'],
    ['m,t=c f=1 1'],
    ['n f=1 1', 'm,t=b f=3 3'],
  ]);
  expect(said).toEqual([
    '',
    'max-series-per-database exceeded database=d limit=3 series=2 keys=3 dropped=3',
    '',
    'max-series-per-database exceeded database=d limit=3 series=3 keys=1 dropped=1',
  ]);
  expect(keys).toEqual(['m,t=a', 'm,t=b', 'm,t=c']);
});

test('series limits: a tag that has all the values it may have takes no other one', () => {
  const { said, keys } = write({ seriesMax: 0, valuesPerTagMax: 2 }, [
    ['m,t=a,u=x f=1 1', 'm,t=b,u=x f=1 1'],
    ['m,t=c,u=x f=1 1', 'm,t=a,u=y f=1 1', 'm,t=c,u=x f=1 2', 'm,t=d f=1 1'],
    ['n,t=c f=1 1', 'm,t=b,u=y f=1 1', 'm,u=z f=1 1'],
  ]);
  expect(said).toEqual([
    '',
    'max-values-per-tag limit exceeded (2/2): measurement="m" tag="t" value="c" dropped=3',
    'max-values-per-tag limit exceeded (2/2): measurement="m" tag="u" value="z" dropped=1',
  ]);
  expect(keys).toEqual(['m,t=a,u=x', 'm,t=a,u=y', 'm,t=b,u=x', 'm,t=b,u=y', 'n,t=c']);
});

test('series limits: none is none', () => {
  const lines = Array.from({ length: 50 }, (_, i) => `m,t=${i} f=1 1`);
  expect(write({ seriesMax: 0, valuesPerTagMax: 0 }, [lines]).keys).toHaveLength(50);
});
