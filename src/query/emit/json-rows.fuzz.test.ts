import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from '../column.ts';
import { nullColumn, sliceColumn } from '../exec/columns/column-builder.ts';
import { pickedColumns } from '../exec/columns/pick-merged.ts';
import { valuesColumn } from '../exec/window-accumulator.ts';
import { RepeatedText } from '../repeated-text.ts';
import { ByteWriter } from './byte-writer.ts';
import { writeColumnsPlainly, writeJsonRows } from './json-rows.ts';
import type { ColumnSeries } from './result.ts';

const rowCount = 40;
const int64 = fc.oneof(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), fc.bigInt(-1_000_000_000_000n, 1_000_000_000_000n), fc.bigInt(-120n, 120n)); // prettier-ignore
const decimal = fc.tuple(fc.integer({ min: -1e9, max: 1e9 }), fc.integer({ min: 0, max: 12 })).map(([digits, places]) => digits / 10 ** places); // prettier-ignore
const float = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  decimal,
  fc.constantFrom(
    0,
    -0,
    0.1 + 0.2,
    5e-324,
    1e21,
    999_999.5,
    0.001,
    1 / 3,
    2 ** 53,
    123_456.789_012_345,
  ),
);
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.string({ unit: fc.constantFrom('"', '\\', '<', '>', '&', '\n', '\t', '\r', '\b', '\f', '\u2028', '\u2029', '\u2027', '\u0001', 'é', 'a'), maxLength: 40 }), // prettier-ignore
);
const cells = <T>(value: fc.Arbitrary<T>) => fc.array(fc.option(value, { freq: 6 }), { minLength: rowCount, maxLength: rowCount }); // prettier-ignore
const column: fc.Arbitrary<Column> = fc.oneof(
  cells(int64).map((values) => valuesColumn('integer', values)),
  cells(fc.bigInt(0n, 2n ** 64n - 1n)).map((values) => valuesColumn('unsigned', values)),
  cells(float).map((values) => valuesColumn('float', values)),
  cells(fc.boolean()).map((values) => valuesColumn('boolean', values)),
  cells(text).map((values) => valuesColumn('string', values)),
  // Bytes that are no UTF-8, and characters cut in two by the end of a text.
  cells(fc.constantFrom('a', 'b')).chain(() =>
    fc.uint8Array({ minLength: rowCount, maxLength: rowCount }).map((bytes): Column => ({
      type: 'string',
      values: { offsets: Uint32Array.from({ length: rowCount + 1 }, (_, row) => row), bytes },
    })),
  ),
  fc.constant<Column>({
    type: 'string',
    values: { offsets: Uint32Array.from({ length: rowCount + 1 }, (_, row) => row), bytes: Buffer.from('é'.repeat(rowCount / 2)) }, // prettier-ignore
  }),
);
const series = fc
  .record({
    times: fc.array(int64, { minLength: rowCount, maxLength: rowCount }),
    values: fc.array(column, { minLength: 2, maxLength: 5 }),
    start: fc.nat(3),
    cut: fc.nat(3),
    missing: fc.option(fc.constantFrom<number | bigint>(1.5, 7n), { nil: undefined }),
  })
  .map(({ times, values, start, cut, missing }): ColumnSeries => ({
    kind: 'columns',
    columns: ['time'],
    timesNs: BigInt64Array.from(times),
    values: values.map((one) => sliceColumn(one, 0, rowCount)),
    start,
    end: rowCount - cut,
    missing,
  }));
const units = fc.constantFrom(undefined, 1n, 1_000n, 1_000_000_000n, 3_600_000_000_000n);

function bytesOf(write: (writer: ByteWriter) => void): string {
  const writer = new ByteWriter();
  write(writer);
  return writer.take().toString('latin1');
}

test('json rows: the kernel writes what is written cell by cell', () => {
  fc.assert(
    fc.property(series, units, (one, epochUnitNs) => {
      const plain = bytesOf((writer) => {
        writeColumnsPlainly(writer, one, { epochUnitNs });
      });
      const written = bytesOf((writer) => {
        writeJsonRows(writer, one, { epochUnitNs });
      });
      expect(written).toBe(plain);
    }),
    { numRuns: 300, seed: 1 },
  );
});

/** Columns of one type in several chunks, some of which lack it, or have one text in all rows. */
const chunkColumns = fc.oneof(
  ...(['integer', 'unsigned', 'float', 'boolean', 'string'] as const).map((type) =>
    fc.record({
      type: fc.constant(type),
      columns: fc.array(fc.option(column.filter((one) => one.type === type), { freq: 8, nil: undefined }), { minLength: 3, maxLength: 3 }), // prettier-ignore
    }),
  ),
  fc.record({
    type: fc.constant('string' as const),
    columns: fc.array(fc.option(text, { nil: undefined }).map((one) => new RepeatedText(one === undefined ? undefined : Buffer.from(one), rowCount)), { minLength: 3, maxLength: 3 }), // prettier-ignore
  }),
);

test('json rows: rows that lie in several chunks are written as those of columns', () => {
  const places = fc.array(fc.tuple(fc.nat(2), fc.nat(rowCount - 1)), { minLength: 32, maxLength: 90 }); // prettier-ignore
  const options = fc.record({ start: fc.nat(9), cut: fc.nat(9), missing: fc.constantFrom(undefined, 7n), epochUnitNs: units }); // prettier-ignore
  const times = fc.array(fc.oneof(int64, fc.constant(77n)), { minLength: 90, maxLength: 90 });
  fc.assert(
    fc.property(
      fc.array(chunkColumns, { minLength: 2, maxLength: 4 }),
      places,
      times,
      options,
      (lists, at, timesNs, { start, cut, missing, epochUnitNs }) => {
        const chunks = [0, 1, 2].map((c) => ({
          timesNs: new BigInt64Array(rowCount),
          columns: lists.map(({ type, columns }) => columns[c] ?? nullColumn(type, rowCount)),
        }));
        const rows = { chunks, chunkAt: Uint32Array.from(at, ([chunk]) => chunk), rowAt: Uint32Array.from(at, ([, row]) => row) }; // prettier-ignore
        const types = lists.map(({ type }) => type);
        const one: ColumnSeries = {
          kind: 'columns',
          columns: ['time'],
          timesNs: BigInt64Array.from(timesNs.slice(0, at.length)),
          values: pickedColumns(types, rows),
          start,
          end: at.length - cut,
          missing,
        };
        const written = bytesOf((writer) => {
          writeJsonRows(writer, one, { epochUnitNs });
        });
        const plain = bytesOf((writer) => {
          writeColumnsPlainly(writer, one, { epochUnitNs });
        });
        expect(written).toBe(plain);
      },
    ),
    { numRuns: 300, seed: 1 },
  );
});

test('json rows: a column of one text is that text in each row, before and behind others', () => {
  const count = 20;
  const number: Column = { type: 'integer', values: new BigInt64Array(count) };
  const texts = ['a"b', undefined, 'é', ''].map((one) => new RepeatedText(one === undefined ? one : Buffer.from(one), count)); // prettier-ignore
  const [first, ...others] = texts;
  const values = [first, number, ...others].filter((one) => one !== undefined);
  const one: ColumnSeries = { kind: 'columns', columns: ['time'], timesNs: new BigInt64Array(count), values, start: 2, end: count }; // prettier-ignore
  const written = bytesOf((writer) => {
    writeJsonRows(writer, one, { epochUnitNs: 1n });
  });
  const row = ',[0,"a\\"b",0,null,"é",""]';
  expect(Buffer.from(written, 'latin1').toString()).toBe(row.repeat(count - 2));
});

test('json rows: a float that JSON has no word for is refused by the kernel too', () => {
  const values = [{ type: 'float' as const, values: new Float64Array(100).fill(Infinity) }];
  const one: ColumnSeries = { kind: 'columns', columns: ['time', 'f'], timesNs: new BigInt64Array(100), values, start: 0, end: 100 }; // prettier-ignore
  expect(() => {
    writeJsonRows(new ByteWriter(), one, { epochUnitNs: 1n });
  }).toThrow('json: unsupported value: +Inf');
});
