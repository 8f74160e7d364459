import { expect, test } from 'vitest';
import type { ColumnSeries } from '../emit/result.ts';
import { cutPieces } from './cut-pieces.ts';

async function cut(
  sizes: readonly (readonly [name: string, rows: number, partial: boolean])[],
  rowsMax: number,
) {
  // prettier-ignore
  let at = 0n;
  async function* pieces(): AsyncGenerator<ColumnSeries> {
    for (const [name, rows, partial] of sizes) {
      const timesNs = BigInt64Array.from({ length: rows }, () => at++);
      const head = { kind: 'columns', name, columns: ['time'], values: [] } as const;
      yield await Promise.resolve({ ...head, timesNs, start: 0, end: rows, ...(partial && { partial }) }); // prettier-ignore
    }
  }
  const got: unknown[] = [];
  for await (const { name, timesNs, start, end, partial } of cutPieces(pieces(), rowsMax))
    got.push([name, ...timesNs.slice(start, end), ...(partial === true ? ['...'] : [])]);
  return got;
}

test('cut pieces: rows of a series in equal parts, whatever the pieces were', async () => {
  expect(await cut([['a', 5, false]], 2)).toEqual([
    ['a', 0n, 1n, '...'],
    ['a', 2n, 3n, '...'],
    ['a', 4n],
  ]);
  expect(await cut([['a', 1, true], ['a', 1, true], ['a', 2, false], ['b', 2, false]], 2)).toEqual([
    ['a', 0n, 1n, '...'],
    ['a', 2n, 3n],
    ['b', 4n, 5n],
  ]); // prettier-ignore
  expect(await cut([['a', 3, true], ['a', 1, false]], 10)).toEqual([['a', 0n, 1n, 2n, 3n]]); // prettier-ignore
  expect(await cut([], 3)).toEqual([]);
});
