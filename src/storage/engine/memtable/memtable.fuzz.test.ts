import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { exactTextOf } from '../../../base/exact-text.ts';
import type { FieldValue } from '../../../models/field-value.ts';
import { parseLines, type LinePoint } from '../../../models/line-protocol.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { Shard } from '../shard.ts';
import { ShapeTable } from './shape-table.ts';
import { checkEndRow } from '../../../../test/support/check-end-row.ts';
import { finished } from '../../../../test/support/finished.ts';
import type { ShardView } from '../shard-view.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 30 });
const query = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const timeNs = fc.oneof(fc.bigInt(0n, 12n), fc.bigInt(-(2n ** 62n), 2n ** 62n));
const line = fc
  .tuple(
    fc.constantFrom('m', 'm,t=a', 'm,t=b', 'n,t=a'),
    fc.constantFrom('f=1.5', 'f=2.5,i=7i', 'i=-9i', 's="x\\"y"', 's="",b=t', 'b=f,u=18446744073709551615u', 'f=3,s="zz"'), // prettier-ignore
    timeNs,
  )
  .map(([key, fields, time]) => `${key} ${fields} ${time}`);
const batches = fc.array(fc.array(line, { minLength: 1, maxLength: 25 }), { maxLength: 6 });

interface Model {
  /** By series key and field: of one time the last to arrive. */
  readonly columns: Map<string, Map<bigint, FieldValue>>;
}

function addTo({ columns }: Model, { measurement, tags, fields, timeNs: at }: LinePoint): void {
  for (const [field, value] of fields) {
    const key = `${seriesKey(measurement, tags)} ${field}`;
    columns.set(key, (columns.get(key) ?? new Map<bigint, FieldValue>()).set(at, value));
  }
}

/** The lines as a batch; they are added to the model. */
function batchOf(lines: readonly string[], model: Model): PointBatch {
  const { points } = parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 0n });
  const builder = new PointBatchBuilder();
  for (const point of points) {
    builder.add(seriesKey(point.measurement, point.tags), point);
    addTo(model, point);
  }
  return decodePointBatch(builder.finish());
}

function textOf(value: FieldValue): string {
  return `${value.type} ${String(value.value)}`;
}

function wantedRows({ columns }: Model, key: string, bounds: Bounds): readonly string[] {
  const rows = [...(columns.get(key) ?? [])].filter(([at]) => at >= bounds.minTimeNs && at <= bounds.maxTimeNs); // prettier-ignore
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  if (!bounds.ascending) rows.reverse();
  return rows.map(([at, value]) => `${at} ${textOf(value)}`);
}

interface Bounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly ascending: boolean;
  readonly rowsFirst?: number;
}

function readRows(view: ShardView, key: string, bounds: Bounds): readonly string[] {
  const [series = '', field = ''] = key.split(/ (?=[a-z]$)/);
  const measurement = series.slice(0, 1);
  for (const seriesId of finished(view.seriesIds(measurement))) {
    if (view.series(seriesId).key !== series) continue;
    const rows: string[] = [];
    const { arena } = query;
    const mark = arena.mark();
    const cursor = view.openCursor({ seriesId, field, ...bounds });
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena))
      rows.push(...rowsOf(batch, arena.memory.buffer));
    const end = view.end({ seriesId, field, ...bounds }, arena);
    expect(end === undefined ? [] : [endText(end)]).toEqual(rows.slice(0, 1).map(withoutType));
    if (checkEndRow(view, { seriesId, fields: names, ...bounds }, arena)) endRowCount++;
    arena.release(mark);
    return rows;
  }
  return [];
}

const names = ['f', 'i', 's', 'b', 'u', 'a'];
let endRowCount = 0;

function endText({ timeNs, value }: NonNullable<ReturnType<ShardView['end']>>): string {
  return `${timeNs} ${typeof value === 'object' ? exactTextOf(value) : String(value)}`;
}

function withoutType(row: string): string {
  return row.replace(/^(-?[0-9]+) [a-z]+ /, '$1 ');
}

function rowsOf(
  { type, count, timesPtr, valuesPtr }: { type: FieldValue['type']; count: number; timesPtr: number; valuesPtr: number }, // prettier-ignore
  buffer: ArrayBuffer,
): readonly string[] {
  const view = new DataView(buffer);
  return Array.from({ length: count }, (_, i) => {
    const at = valuesPtr + i * (type === 'boolean' ? 1 : 8);
    const value = {
      float: () => view.getFloat64(at, true),
      integer: () => view.getBigInt64(at, true),
      unsigned: () => view.getBigUint64(at, true),
      boolean: () => view.getUint8(at) === 1,
      string: () => exactTextOf(new Uint8Array(buffer, view.getUint32(at, true), view.getUint32(at + 4, true))), // prettier-ignore
    }[type]();
    return `${view.getBigInt64(timesPtr + i * 8, true)} ${type} ${String(value)}`;
  });
}

test('memtable: readers see what had been written when they came, whatever came later and in whatever order', () => {
  fc.assert(
    fc.property(batches, timeNs, timeNs, fc.boolean(), (all, one, other, ascending) => {
      const shard = new Shard(1, kernel);
      const model: Model = { columns: new Map() };
      const [minTimeNs, maxTimeNs] = one < other ? [one, other] : [other, one];
      const pinned: { view: ShardView; model: Model }[] = [];
      for (const lines of all) {
        shard.apply(batchOf(lines, model), new Uint8Array());
        const columns = new Map([...model.columns].map(([key, rows]) => [key, new Map(rows)]));
        pinned.push({ view: shard.view(), model: { columns } });
      }
      const bounds = [{ minTimeNs, maxTimeNs, ascending }, { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n, ascending }]; // prettier-ignore
      for (const { view, model: then } of pinned)
        for (const key of model.columns.keys())
          for (const range of bounds)
            for (const few of [{}, { rowsFirst: 1 }])
              expect(readRows(view, key, { ...range, ...few }), key).toEqual(wantedRows(then, key, range)); // prettier-ignore
      for (const { view } of pinned) view.release();
    }),
    { numRuns: 200, seed: 3 },
  );
});

/** Of a name the type is that of the measurement's half of the alphabet. */
const lineOfMany = fc
  .tuple(fc.nat({ max: 23 }), fc.constantFrom('a', 'b'), fc.nat({ max: 3 }), timeNs)
  .map(([letter, tag, fields, time]) => {
    const value = letter < 12 ? 'f=1.5' : 'f=3i';
    const all = [value, `${value},i=7i`, 'b=t', 's="x"'];
    return `${String.fromCharCode(97 + letter)},t=${tag} ${all[fields]} ${time}`;
  });
const bodiesOfMany = fc.array(fc.array(lineOfMany, { minLength: 30, maxLength: 120 }), { minLength: 1, maxLength: 4 }); // prettier-ignore

test('memtable: measurements whose rows have the same fields are read apart', () => {
  fc.assert(
    fc.property(bodiesOfMany, (bodies) => {
      const shard = new Shard(1, kernel);
      const model: Model = { columns: new Map() };
      for (const lines of bodies) {
        const batch = batchOf(lines, model);
        const { rejects, droppedCount } = shard.decide(batch);
        expect(droppedCount).toBe(0);
        shard.apply(batch, rejects);
      }
      const view = shard.view();
      const all = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n, ascending: true };
      for (let letter = 97; letter < 121; letter++)
        for (const tag of ['a', 'b'])
          for (const field of ['f', 'i', 'b', 's']) {
            const key = `${String.fromCharCode(letter)},t=${tag} ${field}`;
            expect(readRows(view, key, all), key).toEqual(wantedRows(model, key, all));
          }
      view.release();
    }),
    { numRuns: 60, seed: 11 },
  );
});

test('memtable: rows past one chunk are read in order, and its memory is given back with the last view', async () => {
  const before = kernel.heap.usedBytes;
  const shard = new Shard(1, kernel);
  const count = 40_000;
  const lines = Array.from({ length: count }, (_, i) => `m,t=${i % 3 === 0 ? 'a' : 'b'} f=${i},s="s${i}" ${(i * 7_919) % count}`); // prettier-ignore
  for (let from = 0; from < count; from += 7_000) {
    const text = lines.slice(from, from + 7_000).join('\n');
    const builder = new PointBatchBuilder();
    for (const point of parseLines(Buffer.from(text), { stepNs: 1n, defaultTimeNs: 0n }).points)
      builder.add(seriesKey(point.measurement, point.tags), point);
    shard.apply(decodePointBatch(builder.finish()), new Uint8Array());
  }
  const view = shard.view();
  await shard.close();
  const all = { minTimeNs: 0n, maxTimeNs: BigInt(count), ascending: true };
  const rows = ['m,t=a f', 'm,t=b f'].flatMap((key) => readRows(view, key, all));
  expect(rows).toHaveLength(count);
  expect(new Set(rows).size).toBe(count);
  expect(readRows(view, 'm,t=a s', all)[1]).toMatch(/^\d+ string s\d+$/);
  expect(kernel.heap.usedBytes - before).toBeGreaterThan(1 << 20);
  view.release();
  expect(kernel.heap.usedBytes - before).toBeLessThan(4 << 20);
});

/** Rows that mostly come in order of time, some late and some again. */
const streaks = fc.array(
  fc.record({
    count: fc.integer({ min: 1, max: 120 }),
    back: fc.constantFrom(0, 0, 0, 1, 50),
    series: fc.constantFrom('a', 'a', 'b'),
  }),
  { minLength: 2, maxLength: 8 },
);

test('memtable: what a reader leaves is right for the next one, whatever came since', async () => {
  await fc.assert(
    fc.asyncProperty(streaks, fc.boolean(), async (all, clears) => {
      const own = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 24 });
      const shard = new Shard(1, own);
      const model: Model = { columns: new Map() };
      const pinned: { view: ShardView; model: Model }[] = [];
      let next = 0;
      for (const { count, back, series } of all) {
        next -= back;
        const lines = Array.from({ length: count }, (_, i) => `m,t=${series} a=${next + i},b=${i % 2 === 0} ${next + i}`); // prettier-ignore
        next += count;
        shard.apply(batchOf(lines, model), new Uint8Array());
        const columns = new Map([...model.columns].map(([key, rows]) => [key, new Map(rows)]));
        pinned.push({ view: shard.view(), model: { columns } });
        // The newest first, so that those before it find what was made for a later view.
        for (const { view, model: then } of [...pinned].reverse())
          for (const key of then.columns.keys())
            for (const ascending of [true, false]) {
              const bounds = { minTimeNs: -40n, maxTimeNs: BigInt(next) - 3n, ascending };
              expect(readRows(view, key, bounds), key).toEqual(wantedRows(then, key, bounds));
            }
        if (clears) own.kept.clear();
      }
      for (const { view } of pinned) view.release();
      const rowsOfKey = (key: string) => all.reduce((sum, { series, count }) => sum + (series === key ? count : 0), 0); // prettier-ignore
      expect(own.kept.usedBytes > 0).toBe(!clears && ['a', 'b'].some((key) => rowsOfKey(key) >= 64)); // prettier-ignore
      await shard.close();
      expect(own.kept.usedBytes).toBe(0);
    }),
    { numRuns: 60, seed: 5 },
  );
  expect(endRowCount).toBeGreaterThan(100);
});

test('memtable: where there is no room left, what readers keep goes for the next one', () => {
  const heapBytes = 1 << 22;
  const own = StoreKernel.create(compiledKernels(), { bytesMax: heapBytes });
  const shard = new Shard(1, own);
  const lines = Array.from({ length: 3_000 }, (_, i) => `m,t=${'abc'.charAt(i % 3)} f=${i},i=${i}i ${i}`); // prettier-ignore
  const builder = new PointBatchBuilder();
  for (const point of parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 0n })
    .points)
    // prettier-ignore
    builder.add(seriesKey(point.measurement, point.tags), point);
  shard.apply(decodePointBatch(builder.finish()), new Uint8Array());
  const view = shard.view();
  const all = { minTimeNs: 0n, maxTimeNs: 3_000n, ascending: true };
  const wanted = (series: number) => Array.from({ length: 1_000 }, (_, i) => `${i * 3 + series} float ${i * 3 + series}`); // prettier-ignore
  expect(readRows(view, 'm,t=a f', all)).toEqual(wanted(0));
  const keptBytes = own.kept.usedBytes;
  expect(keptBytes).toBeGreaterThan(0);
  for (let bytes = 1 << 16; bytes >= 1 << 8; bytes /= 2)
    while (heapBytes - own.heap.usedBytes >= bytes) own.heap.allocate(bytes);
  for (let round = 0; round < 2; round++)
    for (const [series, tag] of ['b', 'c', 'a'].entries()) {
      expect(readRows(view, `m,t=${tag} f`, all)).toEqual(wanted((series + 1) % 3));
      expect(own.kept.usedBytes).toBeLessThanOrEqual(keptBytes);
    }
  view.release();
});

test('memtable: rows that each have other fields are found without a look at all tables for each series', () => {
  const shard = new Shard(1, kernel);
  const model: Model = { columns: new Map() };
  const [rowCount, seriesCount] = [2_000, 500];
  const fieldsOf = (i: number): string => ['f', 'i', 's', 'b', 'u'].filter((_, bit) => (i & (1 << bit)) !== 0).map((name) => `${name}=${i}`).join(',');
  const lineOf = (i: number): string => `m,h=${i % seriesCount} own${i}=1${i % 32 === 0 ? '' : ','}${fieldsOf(i % 32)} ${i % 3}`;
  const lines = Array.from({ length: rowCount }, (_, i) => lineOf(i));
  shard.apply(batchOf(lines.slice(0, 1_500), model), new Uint8Array());
  const before = { view: shard.view(), columns: new Map([...model.columns].map(([key, rows]) => [key, new Map(rows)])) };
  shard.apply(batchOf(lines.slice(1_500), model), new Uint8Array());
  const after = { view: shard.view(), columns: model.columns };
  const looks = (['hasRows', 'columnOf', 'endRow'] as const).map((name) => vi.spyOn(ShapeTable.prototype, name));
  const bounds = { minTimeNs: 0n, maxTimeNs: 9n, ascending: true };
  for (const { view, columns } of [before, after]) {
    const ids = [...finished(view.seriesIds('m'))];
    expect(ids.length).toBe(seriesCount);
    for (const seriesId of ids) {
      const { key } = view.series(seriesId);
      for (const field of ['f', 'i']) {
        const mark = query.arena.mark();
        const end = view.end({ seriesId, field, ...bounds }, query.arena);
        const wanted = wantedRows({ columns }, `${key} ${field}`, bounds).slice(0, 1).map(withoutType);
        expect(end === undefined ? [] : [endText(end)], key).toEqual(wanted);
        query.arena.release(mark);
      }
    }
  }
  const lookCount = looks.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  for (const { view } of [before, after]) view.release();
  // Two views, two fields, four tables a series; all tables for each series would be four million.
  expect(lookCount).toBeLessThan(seriesCount * 200);
}); // prettier-ignore
