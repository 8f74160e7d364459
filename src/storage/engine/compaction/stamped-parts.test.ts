import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { ResidentSeries } from '../../index/resident-series.ts';
import { Memtable } from '../memtable/memtable.ts';
import { memtablePart } from './stamped-parts.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 28 });
const timeNs = fc.oneof(fc.bigInt(0n, 12n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const row = fc.record({
  key: fc.constantFrom('m', 'm,t=a', 'n,t=a'),
  fields: fc.constantFrom('f=1.5', 'f=2.5,i=7i', 's="x",b=t'),
  timeNs,
});

test('times of a memtable: those of a series that have the field, whatever shapes its rows have', () => {
  fc.assert(
    fc.property(
      fc.array(row, { minLength: 1, maxLength: 60 }),
      timeNs,
      timeNs,
      (rows, one, other) => {
        // prettier-ignore
        const series = new ResidentSeries(kernel);
        const memtable = new Memtable(kernel, series);
        const text = rows.map(({ key, fields, timeNs: at }) => `${key} ${fields} ${at}`).join('\n');
        const builder = new PointBatchBuilder();
        const { points } = parseLines(new TextEncoder().encode(text), { stepNs: 1n, defaultTimeNs: 9n }); // prettier-ignore
        for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
        const batch = decodePointBatch(builder.finish());
        memtable.append(batch, series.resolve(batch.series, { workBytes: Memtable.workBytes(batch) }), new Uint8Array()); // prettier-ignore
        const part = memtablePart(memtable);
        const [minTimeNs, maxTimeNs] = one < other ? [one, other] : [other, one];
        for (const key of ['m', 'm,t=a', 'n,t=a', 'gone'])
          for (const field of ['f', 'i', 's', 'b', 'none']) {
            const wanted = points
              .filter((point) => seriesKey(point.measurement, point.tags) === key)
              .filter(({ fields }) => fields.has(field))
              .map((point) => point.timeNs)
              .filter((at) => at >= minTimeNs && at <= maxTimeNs);
            const sorted = [...new Set(wanted)].sort((a, b) => (a < b ? -1 : 1));
            const measurement = key.split(',')[0] ?? '';
            const asked = { key: new TextEncoder().encode(key), measurement, field };
            const found = [...part.times(asked, { minTimeNs, maxTimeNs })].flatMap((run) => [
              ...run,
            ]);
            expect(found).toEqual(sorted);
          }
        memtable.end();
      },
    ),
    { numRuns: 200, seed: 1 },
  );
});
