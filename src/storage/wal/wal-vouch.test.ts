import { expect, test } from 'vitest';
import { decodeVouch, encodeVouch, lookBack, vouchOf, type DurableGroup } from './wal-vouch.ts';

const group = (from: number, to: number, ...sequences: (readonly [number, number])[]): DurableGroup => ({ from, to, sequences: new Map(sequences) }); // prettier-ignore

test('vouches: one looks back on some sectors of a disk, and on the last group whole', () => {
  const froms = (...bounds: readonly number[]) => lookBack(bounds.slice(1).map((to, i) => group(bounds[i] ?? 0, to))).map(({ from }) => from); // prettier-ignore
  expect(froms(0, 10_000, 20_000, 30_000)).toEqual([10_000, 20_000]);
  // As much as it has to, and not one group more.
  expect(froms(0, 3_616, 10_000, 20_000)).toEqual([3_616, 10_000]);
  expect(froms(0, 3_617, 10_000, 20_000)).toEqual([0, 3_617, 10_000]);
  expect(froms(0, 100, 200)).toEqual([0, 100]);
  expect(froms(0, 100, 50_000)).toEqual([100]);
  expect(froms(0)).toEqual([]);
});

test('vouches: of each shard the last record is named, wherever it lies, of offsets and numbers of any size', () => {
  const far = 2 ** 40;
  const groups = [group(far, far + 9, [3, 8], [2 ** 33, 5]), group(far + 9, far + 70, [3, 7], [4, 2 ** 35 + 1])]; // prettier-ignore
  const vouch = vouchOf(9, groups);
  const { segment, from, to, sequences } = decodeVouch(encodeVouch(vouch));
  expect([segment, from, to]).toEqual([9, far, far + 70]);
  expect([...sequences]).toEqual([
    [3, 8],
    [2 ** 33, 5],
    [4, 2 ** 35 + 1],
  ]);
});
