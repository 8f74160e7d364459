import { expect, test } from 'vitest';
import { paged, rowsOfPage } from './row-paging.ts';

test('row paging: the greatest limit there can be is one that other nodes can be told, whatever the offset', () => {
  const page = { limit: Number.MAX_SAFE_INTEGER, offset: 2, seriesLimit: 0, seriesOffset: 0 };
  expect(rowsOfPage(page)).toBe(Number.MAX_SAFE_INTEGER);
  expect(rowsOfPage({ limit: 2, offset: 3 })).toBe(5);
  expect(paged(page, ['a', 'b', 'c'])).toEqual(['c']);
});
