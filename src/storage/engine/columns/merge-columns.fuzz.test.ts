import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeBlock, encodeBlock } from '../../../codec/block.ts';
import { ColumnKernel } from '../../../kernels/column-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { FieldType } from '../../../models/field-value.ts';
import { withRange } from '../../tsm/deleted-ranges.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';
import { gatherTexts, type ColumnRun } from './column-run.ts';
import { mergeColumns, type BlockLane, type RowsForm } from './merge-columns.ts';
import { kernelForm, runForm } from './rows-forms.ts';

type Value = number | bigint | string;
/** Time to value, per file, oldest first. */
type Files = readonly ReadonlyMap<bigint, Value>[];

const int64 = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
const values: Readonly<Record<FieldType, fc.Arbitrary<Value>>> = {
  [FieldType.float]: fc.oneof(fc.double({ noNaN: true }), fc.constantFrom(0, -0, 1, 1.5)),
  [FieldType.integer]: int64,
  [FieldType.boolean]: fc.constantFrom(0, 1),
  [FieldType.string]: fc.string({ unit: 'grapheme', maxLength: 9 }),
  [FieldType.unsigned]: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
};

const times = fc.oneof(
  fc.bigInt({ min: 0n, max: 60n }),
  fc.constantFrom(-(1n << 63n), (1n << 63n) - 1n, -1n),
);

function filesOf(type: FieldType): fc.Arbitrary<Files> {
  const file = fc
    .array(fc.tuple(times, values[type]), { minLength: 1, maxLength: 40 })
    .map((rows) => new Map(rows));
  return fc.array(file, { minLength: 1, maxLength: 5 });
}

function runOf(type: FieldType, rows: readonly (readonly [bigint, Value])[]): ColumnRun {
  const timesNs = BigInt64Array.from(rows, ([time]) => time);
  const column = rows.map(([, value]) => value);
  const encoder = new TextEncoder();
  if (type === FieldType.string)
    return { type, timesNs, values: gatherTexts(rows.length, (row) => encoder.encode(String(column[row]))) }; // prettier-ignore
  if (type === FieldType.float) return { type, timesNs, values: Float64Array.from(column, Number) };
  if (type === FieldType.boolean) return { type, timesNs, values: Uint8Array.from(column, Number) };
  const integers = column as readonly bigint[];
  return type === FieldType.integer
    ? { type, timesNs, values: BigInt64Array.from(integers) }
    : { type, timesNs, values: BigUint64Array.from(integers) };
}

function laneOf(
  type: FieldType,
  rows: ReadonlyMap<bigint, Value>,
  {
    perBlock,
    deleted = [],
  }: { readonly perBlock: number; readonly deleted?: readonly TimeRange[] },
): BlockLane {
  const ordered = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  const runs: ColumnRun[] = [];
  for (let at = 0; at < ordered.length; at += perBlock)
    runs.push(runOf(type, ordered.slice(at, at + perBlock)));
  return {
    count: runs.length,
    block: (i) => encodeBlock(runs[i] as ColumnRun),
    deleted,
  };
}

function rowsOf({ type, timesNs, values }: ColumnRun): readonly (readonly [bigint, Value])[] {
  return Array.from(timesNs, (time, i): readonly [bigint, Value] => {
    if (!('offsets' in values)) return [time, values[i] ?? 0];
    expect(type).toBe(FieldType.string);
    return [time, new TextDecoder().decode(values.bytes.subarray(values.offsets[i], values.offsets[i + 1]))]; // prettier-ignore
  });
}

const kernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 26 });

const close = { isClose: true };

interface Case {
  readonly name: string;
  readonly type: FieldType;
  readonly form: RowsForm<unknown>;
}

const cases: readonly Case[] = Object.entries(FieldType).flatMap(([name, type]) => {
  const twin = { name: `${name}, twin`, type, form: runForm(type, close) as RowsForm<unknown> };
  if (type === FieldType.string) return [twin];
  return [twin, { name: `${name}, kernel`, type, form: kernelForm(kernel, type, close) }]; // prettier-ignore
});

test.each(cases)('merge columns: the newest value of each time, $name', ({ type, form }) => {
  const check = (
    files: Files,
    perBlock: number,
    rowsPerBlock: number,
    ranges: readonly TimeRange[],
  ): void => {
    // The oldest file has deleted parts.
    const deleted = ranges.reduce<readonly TimeRange[]>(withRange, []);
    const lanes = files.map((rows, i) =>
      laneOf(type, rows, { perBlock, deleted: i === 0 ? deleted : [] }),
    );
    const blocks = [...mergeColumns(lanes, form, { rowsPerBlock })];
    const runs = blocks.map(({ bytes }) => decodeBlock(bytes));
    const isDeleted = (time: bigint): boolean =>
      deleted.some(({ minTimeNs, maxTimeNs }) => time >= minTimeNs && time <= maxTimeNs);
    const left = files.map((rows, i) => [...rows].filter(([time]) => i > 0 || !isDeleted(time)));
    const wanted = new Map(left.flat());
    const ordered = [...wanted].sort(([a], [b]) => (a < b ? -1 : 1));
    expect(runs.flatMap(rowsOf)).toEqual(ordered);
    runs.slice(0, -1).forEach((run) => expect(run.timesNs.length).toBe(rowsPerBlock));
    expect(blocks.map(({ minTimeNs }) => minTimeNs)).toEqual(runs.map(({ timesNs }) => timesNs[0]));
    expect(blocks.map(({ maxTimeNs }) => maxTimeNs)).toEqual(
      runs.map(({ timesNs }) => timesNs[timesNs.length - 1]),
    );
  };
  const sizes = fc.integer({ min: 1, max: 12 });
  const range = fc
    .tuple(times, times)
    .map(([a, b]) => (a < b ? { minTimeNs: a, maxTimeNs: b } : { minTimeNs: b, maxTimeNs: a }));
  const ranges = fc.array(range, { maxLength: 3 });
  fc.assert(fc.property(filesOf(type), sizes, sizes, ranges, check), { numRuns: 150, seed: 1 });
});

test('merge columns: nothing is left of what is deleted whole', () => {
  const deleted = [{ minTimeNs: 1n, maxTimeNs: 2n }];
  const lane = laneOf(FieldType.float, new Map([[1n, 1], [2n, 2]]), { perBlock: 1, deleted }); // prettier-ignore
  expect([...mergeColumns([lane], runForm(FieldType.float, close), { rowsPerBlock: 10 })]).toEqual(
    [],
  );
});
