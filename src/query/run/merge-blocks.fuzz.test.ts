import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { GroupBlocks } from '../assemble/merge-groups.ts';
import type { Column } from '../column.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import type { RowsBlock } from '../fragment.ts';
import { mergeBlocks } from './merge-blocks.ts';

interface Row {
  readonly timeNs: bigint;
  readonly key: string;
  /** Null in every seventh row. */
  readonly number: number;
}

function blockOf(rows: readonly Row[], showsSeries: boolean): RowsBlock {
  const numbers: Column = {
    type: 'float',
    values: Float64Array.from(rows, ({ number }) => number),
    valid: rows.some(({ number }) => number % 7 === 0)
      ? Uint8Array.from(rows, ({ number }) => Number(number % 7 !== 0))
      : undefined,
  };
  const texts = rows.map(({ key, number }) => Buffer.from(`${key} ${number}`));
  const offsets = new Uint32Array(rows.length + 1);
  texts.forEach((text, i) => (offsets[i + 1] = (offsets[i] ?? 0) + text.length));
  const words: Column = { type: 'string', values: { offsets, bytes: Buffer.concat(texts) } };
  const keys = [...new Set(rows.map(({ key }) => key))];
  const at = Uint32Array.from(rows, ({ key }) => keys.indexOf(key));
  return {
    kind: 'rows',
    group: [],
    timesNs: BigInt64Array.from(rows, ({ timeNs }) => timeNs),
    columns: [numbers, words],
    ...(showsSeries && { series: { keys, at } }),
  };
}

const timeNs = fc.oneof(fc.bigInt(-3n, 6n), fc.bigInt(2n ** 32n - 2n, 2n ** 32n + 2n), fc.bigInt(-(2n ** 62n), 2n ** 62n)); // prettier-ignore
const lanes = fc.array(
  fc.record({
    rows: fc.array(fc.record({ timeNs, series: fc.integer({ min: 0, max: 5 }) }), { maxLength: 60 }), // prettier-ignore
    blockRows: fc.integer({ min: 1, max: 40 }),
    isLate: fc.boolean(),
  }),
  { minLength: 1, maxLength: 4 },
);

test('merged blocks: rows of several places come by time, those of one time by the keys of their series', async () => {
  await fc.assert(
    fc.asyncProperty(lanes, fc.boolean(), fc.boolean(), async (drawn, ascending, showsSeries) => {
      const sign = ascending ? 1 : -1;
      let number = 0;
      // No series is in two places, and where keys are not shown lanes stand for them.
      const own = drawn.map(({ rows }, lane) =>
        rows
          .map((row): Row => ({
            timeNs: row.timeNs,
            key: showsSeries ? `m,s=${row.series * 4 + lane}` : `m,s=${lane}`,
            number: ++number,
          })) // prettier-ignore
          .sort((a, b) => order(a, b, sign)),
      );
      const streams = own.map((rows, lane): GroupBlocks<RowsBlock> => {
        const { blockRows, isLate } = drawn[lane] ?? { blockRows: 1, isLate: false };
        let at = 0;
        return {
          next: () => {
            const block = at < rows.length ? blockOf(rows.slice(at, at + blockRows), showsSeries) : undefined; // prettier-ignore
            at += blockRows;
            return isLate ? Promise.resolve(block) : block;
          },
        };
      });
      const stable = own.flat().sort((a, b) => (a.timeNs === b.timeNs && !showsSeries ? 0 : order(a, b, sign))); // prettier-ignore
      const want = stable.map((row) => [row.timeNs, row.number % 7 === 0 ? null : row.number, `${row.key} ${row.number}`]); // prettier-ignore
      expect(await taken(streams, ascending)).toEqual(want);
    }),
    { seed: 9302 },
  );
});

function order(a: Row, b: Row, sign: number): number {
  if (a.timeNs !== b.timeNs) return a.timeNs < b.timeNs ? -sign : sign;
  return sign * compareUtf8(a.key, b.key);
}

async function taken(
  streams: readonly GroupBlocks<RowsBlock>[],
  ascending: boolean,
): Promise<unknown[][]> {
  const rows: unknown[][] = [];
  for (const chunk of mergeBlocks(streams, { types: ['float', 'string'], ascending })) {
    if (chunk instanceof Promise) {
      await chunk;
      continue;
    }
    chunk.timesNs.forEach((time, row) => rows.push([time, ...chunk.columns.map((column) => cellValue(column, row))])); // prettier-ignore
  }
  return rows;
}
