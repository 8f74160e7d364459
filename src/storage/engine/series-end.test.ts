import { expect, test } from 'vitest';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { FileBlocks } from './columns/file-blocks.ts';
import { rankFiles, seriesEnd } from './series-end.ts';

/** A file of which a key has one block over all of its times; notes when it is asked for a key. */
function fileOf(
  name: string,
  [minTimeNs, maxTimeNs]: readonly [bigint, bigint],
  asked: string[],
): TsmFile {
  // prettier-ignore
  const entry = { minTimeNs, maxTimeNs };
  const column = { count: 1, within: () => [0, 1], entry: () => entry };
  const file = {
    bounds: entry,
    column: () => {
      asked.push(name);
      return column;
    },
    deletedRanges: () => [],
  };
  return file as unknown as TsmFile;
}

function endOf(
  times: Readonly<Record<string, readonly [bigint, bigint]>>,
  ascending: boolean,
): { timeNs: bigint | undefined; asked: string[] } {
  // prettier-ignore
  const asked: string[] = [];
  const files = Object.entries(times).map(([name, bounds]) => fileOf(name, bounds, asked));
  const request = { measurement: 'm', field: 'f', ascending, minTimeNs: -100n, maxTimeNs: 100n };
  const end = seriesEnd(new Uint8Array(), request, { files: rankFiles(files, ascending), memtables: [] }); // prettier-ignore
  return { timeNs: end?.timeNs, asked };
}

test('series end: only files that may have it are asked for the series', () => {
  const times = { a: [0n, 9n], b: [10n, 19n], c: [20n, 29n] } as const;
  expect(endOf(times, true)).toEqual({ timeNs: 0n, asked: ['a'] });
  expect(endOf(times, false)).toEqual({ timeNs: 29n, asked: ['c'] });
});

test('series end: files of overlapping times are asked as long as they may be nearer, of one time the last one', () => {
  const times = { a: [0n, 30n], b: [5n, 30n], c: [7n, 20n] } as const;
  expect(endOf(times, false)).toEqual({ timeNs: 30n, asked: ['b'] });
  expect(endOf(times, true)).toEqual({ timeNs: 0n, asked: ['a'] });
});

test('file blocks: a file of other times is not asked for the key', () => {
  const asked: string[] = [];
  const file = fileOf('a', [10n, 19n], asked);
  const none = [[0n, 9n], [20n, 30n]] as const; // prettier-ignore
  for (const [minTimeNs, maxTimeNs] of none)
    expect(FileBlocks.of(file, new Uint8Array(), { minTimeNs, maxTimeNs })).toBeUndefined();
  expect(asked).toEqual([]);
  expect(FileBlocks.of(file, new Uint8Array(), { minTimeNs: 19n, maxTimeNs: 30n })).toBeDefined();
});
