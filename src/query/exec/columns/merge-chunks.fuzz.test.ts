import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column, ColumnType } from '../../column.ts';
import { cellValue } from './column-builder.ts';
import { listOf, type ChunkStream } from './chunk-stream.ts';
import { mergeChunks } from './merge-chunks.ts';
import type { RowChunk } from '../series/series-rows.ts';

const types = ['float', 'integer', 'unsigned', 'boolean', 'string', 'integer'] as const;
const rankAt = 5;

interface Row {
  readonly timeNs: bigint;
  readonly seed: number;
  readonly rank: number;
}

/** What a row shows: the same seed gives the same cells. Every third row of a series with nulls has some. */
function cellsOf({ seed, rank }: Row, hasNulls: boolean): readonly unknown[] {
  const text = 'x'.repeat(seed % 40) + String(seed);
  const cells = [seed / 2, BigInt(-seed), BigInt(seed), seed % 2 === 0, text];
  return [
    ...cells.map((cell, c) => (hasNulls && (seed + c) % 3 === 0 ? null : cell)),
    BigInt(rank),
  ];
}

function chunkOf(rows: readonly Row[], hasNulls: boolean): RowChunk {
  const cells = rows.map((row) => cellsOf(row, hasNulls));
  const column = (type: ColumnType, c: number): Column => {
    const own = cells.map((row) => row[c] ?? null);
    const valid = hasNulls ? Uint8Array.from(own, (cell) => (cell === null ? 0 : 1)) : undefined;
    switch (type) {
      case 'float':
        return { type, values: Float64Array.from(own, Number), valid };
      case 'integer':
        return { type, values: BigInt64Array.from(own, (cell) => (cell ?? 0n) as bigint), valid };
      case 'unsigned':
        return { type, values: BigUint64Array.from(own, (cell) => (cell ?? 0n) as bigint), valid };
      case 'boolean':
        return { type, values: Uint8Array.from(own, Number), valid };
      case 'string': {
        const texts = own.map((cell) => Buffer.from((cell ?? '') as string));
        const offsets = Uint32Array.from([0, ...texts.map((_, i) => Buffer.concat(texts.slice(0, i + 1)).length)]); // prettier-ignore
        return { type, values: { offsets, bytes: new Uint8Array(Buffer.concat(texts)) }, valid };
      }
    }
  };
  return { timesNs: BigInt64Array.from(rows, ({ timeNs }) => timeNs), columns: types.map(column) };
}

const times = fc.oneof(fc.bigInt(-4n, 12n), fc.bigInt(-(2n ** 62n), 2n ** 62n), fc.bigInt(2n ** 32n - 2n, 2n ** 32n + 2n)); // prettier-ignore
const lane = fc.record({
  timesNs: fc.uniqueArray(times, { maxLength: 30 }),
  chunkRows: fc.integer({ min: 1, max: 9 }),
  hasNulls: fc.boolean(),
  pauses: fc.boolean(),
  /** How long before its first row the stream is expected. */
  aheadNs: fc.bigInt(0n, 3n),
  isExpected: fc.boolean(),
  /** How much of `aheadNs` is left once it is looked up; undefined where nothing better is known. */
  nearer: fc.constantFrom(undefined, 0n, 1n, 3n),
});

function boundOf(
  { aheadNs, isExpected }: { readonly aheadNs: bigint; readonly isExpected: boolean },
  firstNs: bigint,
  ascending: boolean,
): bigint | undefined {
  if (!isExpected) return undefined;
  return ascending ? firstNs - aheadNs : firstNs + aheadNs;
}

test('merge of chunks: rows by time, those of one time by rank, each with its cells', () => {
  fc.assert(
    fc.property(
      fc.array(lane, { maxLength: 9 }),
      fc.boolean(),
      fc.constantFrom(undefined, 1, 3),
      (lanes, ascending, rowsFirst) => {
        // prettier-ignore
        const order = (a: bigint, b: bigint) => (a === b ? 0 : a < b === ascending ? -1 : 1);
        let seed = 0;
        const wanted: { row: Row; hasNulls: boolean }[] = [];
        const bounds: (bigint | 'none' | undefined)[] = [];
        const nearer: (bigint | 'none' | undefined)[] = [];
        const streams = lanes.map(
          ({ timesNs, chunkRows, hasNulls, pauses, ...expected }, i): ChunkStream => {
            // prettier-ignore
            const rank = lanes.length - i;
            const rows = [...timesNs].sort(order).map((timeNs) => ({ timeNs, seed: seed++, rank }));
            wanted.push(...rows.map((row) => ({ row, hasNulls })));
            let taken = 0;
            let isPause = false;
            const firstNs = rows[0]?.timeNs ?? 0n;
            bounds.push(rows.length === 0 && expected.isExpected && expected.nearer === undefined ? 'none' : boundOf(expected, firstNs, ascending)); // prettier-ignore
            const { nearer: leftNs, aheadNs } = expected;
            const better = { ...expected, aheadNs: (leftNs ?? 0n) < aheadNs ? (leftNs ?? 0n) : aheadNs }; // prettier-ignore
            if (leftNs === undefined) nearer.push(undefined);
            else nearer.push(rows.length === 0 ? 'none' : boundOf(better, firstNs, ascending));
            return {
              next() {
                isPause = pauses && !isPause;
                if (isPause) return 'pause';
                const part = rows.slice(taken, (taken += chunkRows));
                return part.length === 0 ? undefined : chunkOf(part, hasNulls);
              },
            };
          },
        );
        wanted.sort((a, b) => order(a.row.timeNs, b.row.timeNs) || a.row.rank - b.row.rank);
        const listed = { ...listOf(streams), boundNs: (place: number) => bounds[place], nearerNs: (place: number) => nearer[place] }; // prettier-ignore
        const got: unknown[] = [];
        for (const { timesNs, columns } of mergeChunks(listed, types, { ascending, rankAt, rowsFirst }))
        timesNs.forEach((timeNs, row) => got.push([timeNs, ...columns.map((one) => cellValue(one, row))])); // prettier-ignore
        expect(got).toEqual(wanted.map(({ row, hasNulls }) => [row.timeNs, ...cellsOf(row, hasNulls)])); // prettier-ignore
      },
    ),
    { numRuns: 150, seed: 1 },
  );
});

test('merge of chunks: lanes of the same times take turns, each row with its cells, whoever lags', () => {
  const stepped = fc.record({
    laneCount: fc.integer({ min: 2, max: 40 }),
    stepCount: fc.integer({ min: 1, max: 60 }),
    chunkRows: fc.integer({ min: 1, max: 20 }),
    /** A lane that lacks a row, and one with another time. */
    lacking: fc.option(fc.tuple(fc.nat(39), fc.nat(59))),
    late: fc.option(fc.tuple(fc.nat(39), fc.nat(59))),
    hasNulls: fc.boolean(),
  });
  fc.assert(
    fc.property(
      stepped,
      fc.boolean(),
      fc.constantFrom(undefined, 50),
      ({ laneCount, stepCount, chunkRows, lacking, late, hasNulls }, ascending, rowsFirst) => {
        const sign = ascending ? 1n : -1n;
        const wanted: Row[] = [];
        const streams = Array.from({ length: laneCount }, (_, lane): ChunkStream => {
          const rows: Row[] = [];
          for (let step = 0; step < stepCount; step++) {
            if (lacking?.[0] === lane && lacking[1] === step) continue;
            const isLate = late?.[0] === lane && late[1] === step;
            const timeNs = sign * (BigInt(step) * 10n + (isLate ? 3n : 0n));
            rows.push({ timeNs, seed: lane * 1_000 + step, rank: lane });
          }
          wanted.push(...rows);
          let taken = 0;
          return {
            next() {
              const part = rows.slice(taken, (taken += chunkRows));
              return part.length === 0 ? undefined : chunkOf(part, hasNulls);
            },
          };
        });
        wanted.sort((a, b) => Number(sign * (a.timeNs - b.timeNs)) || a.rank - b.rank);
        const got: unknown[] = [];
        for (const { timesNs, columns } of mergeChunks(listOf(streams), types, { ascending, rowsFirst }))
          timesNs.forEach((timeNs, row) => got.push([timeNs, ...columns.map((one) => cellValue(one, row))])); // prettier-ignore
        expect(got).toEqual(wanted.map((row) => [row.timeNs, ...cellsOf(row, hasNulls)]));
      },
    ),
    { numRuns: 100, seed: 1 },
  );
});
