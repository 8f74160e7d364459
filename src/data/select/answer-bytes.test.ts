import { expect, test } from 'vitest';
import type { Column } from '../../query/column.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import type { RowsBlock } from '../../query/fragment.ts';
import { mergeBlocks } from '../../query/run/merge-blocks.ts';
import { answerBytes } from './answer-bytes.ts';

const lanes = 8;
const laneRows = 2_000;
const blockRows = 400;

/** Rows that take turns with those of the other lanes, in blocks that end where no other one does. */
function blocksOfLane(lane: number): RowsBlock[] {
  const ends = [(lane + 1) * 45];
  for (let end = ends[0] ?? 0; end < laneRows;) ends.push((end = Math.min(end + blockRows, laneRows))); // prettier-ignore
  return ends.map((end, i) => {
    const rows = end - (ends[i - 1] ?? 0);
    const timesNs = BigInt64Array.from({ length: rows }, (_, row) => BigInt((end - rows + row) * lanes + lane)); // prettier-ignore
    return { kind: 'rows', group: [], timesNs, columns: [{ type: 'float', values: new Float64Array(rows) }] }; // prettier-ignore
  });
}

test('answers that are held back: rows of many nodes are counted once', () => {
  const streams = Array.from({ length: lanes }, (_, lane) => {
    const blocks = blocksOfLane(lane);
    return { next: () => blocks.shift() };
  });
  const piece = (timesNs: BigInt64Array, values: readonly Column[]) =>
    ({ kind: 'columns', timesNs, values }) as unknown as OutputSeries;
  let [counted, plain] = [0, 0];
  for (const chunk of mergeBlocks(streams, { types: ['float'], ascending: true })) {
    if (chunk instanceof Promise) throw new Error('it waited');
    const { timesNs, columns } = chunk;
    counted += answerBytes(piece(timesNs, columns));
    plain += answerBytes(piece(timesNs, columns.map(({ type, values, valid }) => ({ type, values, valid }) as Column))); // prettier-ignore
  }
  expect(plain).toBe(lanes * laneRows * 16 * 2);
  expect(Math.abs(counted - plain)).toBeLessThan(plain / 50);
});
