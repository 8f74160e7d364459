import { expect, test } from 'vitest';
import type { ResidentSeries } from './resident-series.ts';
import { TagCounts } from './tag-counts.ts';

/** Series in memory with so many values of a tag, by measurement and key. */
function tableOf(counts: Readonly<Record<string, Readonly<Record<string, number>>>>) {
  return {
    measurement: (name: string) => counts[name],
    columnOf: (tags: Readonly<Record<string, number>>, key: string) => {
      const valueCount = tags[key];
      if (valueCount === undefined) return undefined;
      return { valueCount, writtenValue: (id: number) => Uint8Array.of(id), hasWritten: () => false }; // prettier-ignore
    },
  } as unknown as ResidentSeries;
}

test('tag counts: a NUL in a name makes no tag that of another measurement', () => {
  const counts = new TagCounts();
  const tables = [tableOf({ 'm\0a': { b: 5 }, m: { 'a\0b': 2 } }), tableOf({})];
  const index = { segments: [], tables };
  expect(counts.count(index, 'm\0a', 'b')).toBe(5);
  expect(counts.count(index, 'm', 'a\0b')).toBe(2);
});
