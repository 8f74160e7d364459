import { expect, test } from 'vitest';
import { LeftOutShards } from './left-out-shards.ts';

test('left out shards: each is named once, of many the first ones, and of none nothing is said', () => {
  const leftOut = new LeftOutShards();
  expect(leftOut.messages).toEqual([]);
  leftOut.add(12);
  const saying = (ids: string) => [{ level: 'warning', text: `the list is without shards that no owner answers for: ${ids}` }]; // prettier-ignore
  expect(leftOut.messages).toEqual(saying('12'));
  for (const id of [3, 12]) leftOut.add(id);
  expect(leftOut.messages).toEqual(saying('3, 12'));
  for (let id = 101; id <= 110; id++) leftOut.add(id);
  expect(leftOut.messages).toEqual(saying('3, 12, 101, 102, 103, 104, 105, 106, 107, 108 and 2 more')); // prettier-ignore
});
