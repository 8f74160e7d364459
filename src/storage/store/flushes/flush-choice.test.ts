import { expect, test } from 'vitest';
import type { OpenShard } from '../shards/open-shards.ts';
import { largestPast } from './flush-choice.ts';

const shardOf = (activeBytes: number): OpenShard =>
  ({ shard: { activeBytes } }) as unknown as OpenShard;

test('flush choice: the largest once all together are past the limit, and how soon that can be', () => {
  const [small, large] = [shardOf(300), shardOf(500)];
  expect(largestPast([], 1_024)).toEqual({ largest: undefined, slackBytes: 1_024 });
  expect(largestPast([small, large], 1_024)).toEqual({ largest: undefined, slackBytes: 224 });
  expect(largestPast([small, large], 800)).toEqual({ largest: large, slackBytes: 3.125 });
});
