import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { parseLines } from './line-protocol.ts';
import { decodePointBatch, seriesKeysOf, valueCountOf, type BatchRows } from './point-batch.ts';
import { PointBatchBuilder } from './point-batch-builder.ts';
import { seriesKey } from './series-key.ts';

function batchOf(lines: string): Uint8Array {
  const { points } = parseLines(new TextEncoder().encode(lines), { stepNs: 1n, defaultTimeNs: 9n });
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

const mixed = [
  'cpu,host=a usage=1.5,idle=3i 10',
  'cpu,host=b usage=2.5,idle=-9223372036854775808i -20',
  'cpu,host=a usage=3 30',
  'log,host=a text="grün",ok=true 40',
  'log,host=a text="",ok=false 50',
  'cpu,host=a usage=4.5,idle=9223372036854775807i 10',
].join('\n');

test('point batch: rows come back by shape, exactly', () => {
  const batch = decodePointBatch(batchOf(mixed));
  expect(batch).toMatchObject({ rowCount: 6, minTimeNs: -20n, maxTimeNs: 50n });
  expect(seriesKeysOf(batch)).toEqual(['cpu,host=a', 'cpu,host=b', 'log,host=a']);
  const [both, one, log] = batch.shapes;
  expect(both).toEqual({
    measurement: 'cpu',
    fields: [
      { name: 'usage', type: 0 },
      { name: 'idle', type: 1 },
    ],
    rowCount: 3,
    ordinals: Uint32Array.of(0, 1, 5),
    series: Uint32Array.of(0, 1, 0),
    timesNs: BigInt64Array.of(10n, -20n, 10n),
    columns: [
      Float64Array.of(1.5, 2.5, 4.5),
      BigInt64Array.of(3n, -9223372036854775808n, 9223372036854775807n),
    ],
  });
  expect(one?.ordinals).toEqual(Uint32Array.of(2));
  expect(log?.columns).toEqual([
    { offsets: Uint32Array.of(0, 5, 5), bytes: new TextEncoder().encode('grün') },
    Uint8Array.of(1, 0),
  ]);
});

test.each([
  ['of one shape', 'cpu,host=a usage=1.5,idle=3i 10\ncpu,host=b usage=2,idle=4i 20', 4],
  ['of several', mixed, 11],
  ['with names beyond ASCII', 'cpu usage=1,lüfter=2,"\u{1f600}=3,z=4 1', 4],
])('point batch: values %s are counted, wherever it lies, and its names come back', (_what, lines, count) => {
  const bytes = batchOf(lines);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(valueCountOf(bytes)).toBe(count);
  expect(valueCountOf(shifted.subarray(3))).toBe(count);
  const { shapes } = decodePointBatch(bytes);
  expect(shapes.reduce((sum, { rowCount, fields }) => sum + rowCount * fields.length, 0)).toBe(count);
  const names = new Set(shapes.flatMap(({ fields }) => fields.map(({ name }) => name)));
  for (const name of names) expect(lines).toContain(`${name}=`);
}); // prettier-ignore

test('point batch: it is read from any offset of a larger buffer', () => {
  const bytes = batchOf(mixed);
  const shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  expect(decodePointBatch(shifted.subarray(3))).toEqual(decodePointBatch(bytes));
});

/** Shapes of few rows each, some with the same fields, in turns. */
const many = Array.from({ length: 24 }, (_, i) => {
  const fields = ['value=1.5', 'value=2i', 'value=1.5,ok=true', 'ok=false', 'text="ä",value=1', 'u=3u'];
  return `m${i % 20},host=${i % 3} ${fields[i % 6]} ${i}`;
}).join('\n'); // prettier-ignore

function rowText({ fields, ordinals, series, timesNs, columns }: BatchRows, row: number): string {
  const values = columns.map((column) =>
    'offsets' in column
      ? Buffer.from(column.bytes.subarray(column.offsets[row], column.offsets[row + 1])).toString()
      : String(column[row]),
  );
  const named = fields.map(({ name, type }, i) => `${name} ${type} ${values[i]}`);
  return [ordinals[row], series[row], timesNs[row], ...named].join();
}

test('point batch: rows by their fields are the rows by measurement, in fewer parts', () => {
  const rowsOf = (parts: readonly BatchRows[]) =>
    parts.flatMap((part) => [...part.ordinals.keys()].map((row) => rowText(part, row))).sort();
  const batch = decodePointBatch(batchOf(`${many}\n${many.replaceAll(/ (\d+)$/gm, ' 10$1')}`));
  const { sets, shapes } = batch;
  expect(rowsOf(sets.map(({ rows }) => rows))).toEqual(rowsOf(shapes));
  expect(sets.length).toBeLessThan(shapes.length / 2);
  const named = sets.flatMap(({ names: { all: names }, rows }) =>
    names.map(({ measurement }) => [measurement, ...rows.fields.map(({ name }) => name)].join()),
  );
  const wanted = shapes.map(({ measurement, fields }) => [measurement, ...fields.map(({ name }) => name)].join()); // prettier-ignore
  expect(named.sort()).toEqual(wanted.sort());
});

test('point batch: one that lies as the one before it, or nearly so, is read as one of names that never came', () => {
  const types = ['=1.5', '=2i', '=3u', '=true'];
  const linesOf = (letter: string, change: (line: string, i: number) => string) =>
    Array.from({ length: 40 }, (_, i) => change(`${letter}${i},host=a v${i % 5}${types[i % 4]} ${i}`, i)).join('\n'); // prettier-ignore
  const textOf = (lines: string) => {
    const { sets, shapes } = decodePointBatch(batchOf(lines));
    const texts = (parts: readonly BatchRows[]) =>
      parts.flatMap((part) => [...part.ordinals.keys()].map((row) => rowText(part, row)));
    const named = shapes.map(({ measurement }) => measurement.slice(1));
    return [texts(shapes), texts(sets.map(({ rows }) => rows)), named];
  };
  const changes: ((line: string, i: number) => string)[] = [
    (line) => line,
    (line) => line.replace('=1.5', '=-7.25').replace('=true', '=false').replace(/\d+$/, '17$&'),
    (line, i) => (i === 39 ? `${line}\n${line.replace('host=a', 'host=b')}` : line),
    (line) => `${line}\n${line}\n${line.replace('host=a', 'host=b')}`,
    (line, i) => (i === 20 ? line.replace('=1.5', '=1i') : line),
    (line, i) => (i === 39 ? line.replace(/v\d/, 'v0') : line),
    (line) => line,
  ];
  changes.forEach((change, i) => {
    const fresh = textOf(linesOf(String.fromCharCode(97 + i), change));
    expect(textOf(linesOf('m', change))).toEqual(fresh);
    expect(textOf(linesOf('m', change))).toEqual(fresh);
  });
});

test.each([mixed, many])('point batch: cut or changed bytes never read past the end', (lines) => {
  const bytes = batchOf(lines);
  for (let length = 0; length < bytes.length; length++) {
    expect(() => decodePointBatch(bytes.slice(0, length))).toThrow(DbError);
  }
  for (let at = 0; at < bytes.length; at++) {
    const changed = bytes.slice();
    changed[at] = (changed[at] ?? 0) ^ 0xff;
    try {
      const { rowCount, shapes } = decodePointBatch(changed);
      expect(shapes.reduce((sum, shape) => sum + shape.rowCount, 0)).toBe(rowCount);
      expect(valueCountOf(changed)).toBeGreaterThanOrEqual(0);
    } catch (error) {
      expect(error).toBeInstanceOf(DbError);
    }
  }
});

test('point batch: batches of many measurements have names of their own, whatever batches were read before', () => {
  const linesOf = (letter: string) =>
    Array.from({ length: 40 }, (_, i) => `metric_${letter}${i},host=a value=${i},b${i}=1i ${i}`);
  const read = (lines: readonly string[]) =>
    decodePointBatch(batchOf(lines.join('\n'))).shapes.map(({ measurement, fields }) => [measurement, ...fields.map(({ name, type }) => `${name} ${type}`)]); // prettier-ignore
  const wantedOf = (letter: string) =>
    Array.from({ length: 40 }, (_, i) => [`metric_${letter}${i}`, 'value 0', `b${i} 1`]);
  for (const letter of ['a', 'b', 'a', 'ä', 'b'])
    expect(read(linesOf(letter))).toEqual(wantedOf(letter));
  const sole = Array.from({ length: 40 }, (_, i) => `m${i} value=1 ${i}`);
  expect(read(sole)).toEqual(read(sole));
  expect(read(sole.map((line) => line.replace('=1', '=1i')))[3]).toEqual(['m3', 'value 1']);
});
