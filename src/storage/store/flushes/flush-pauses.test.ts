import { expect, test } from 'vitest';
import type { OpenShard } from '../shards/open-shards.ts';
import { failuresInARow, FlushPauses, pauseMostMs } from './flush-pauses.ts';

const shard = (shardId: number): OpenShard => ({ place: { shardId } }) as unknown as OpenShard;

test('flush pauses: a shard rests twice as long with each failure, up to a limit, until it succeeds', () => {
  const pauses = new FlushPauses();
  const [bad, good] = [shard(1), shard(2)];
  let nowMs = 0;
  const lengths: number[] = [];
  for (let i = 0; i < 8; i++) {
    pauses.failed(bad, nowMs);
    const fromMs = nowMs;
    while (pauses.isPausedFor(bad, nowMs)) nowMs += 500;
    lengths.push(nowMs - fromMs);
    expect(pauses.isPausedFor(good, fromMs)).toBe(false);
    pauses.succeeded(good);
  }
  expect(lengths).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000]);
  expect(lengths.at(-1)).toBe(pauseMostMs);
  expect(pauses.isPaused(0)).toBe(false);
  pauses.succeeded(bad);
  pauses.failed(bad, nowMs);
  expect(pauses.isPausedFor(bad, nowMs + 999)).toBe(true);
  expect(pauses.isPausedFor(bad, nowMs + 1_000)).toBe(false);
});

test('flush pauses: when one shard after the other fails all of them rest, until one succeeds', () => {
  const pauses = new FlushPauses();
  for (let i = 1; i < failuresInARow; i++) pauses.failed(shard(i), 0);
  expect(pauses.isPaused(0)).toBe(false);
  pauses.failed(shard(99), 0);
  expect([999, 1_000].map((nowMs) => pauses.isPaused(nowMs))).toEqual([true, false]);
  for (let i = 0; i < failuresInARow; i++) pauses.failed(shard(i), 5_000);
  expect([6_999, 7_000].map((nowMs) => pauses.isPaused(nowMs))).toEqual([true, false]);
  pauses.succeeded(shard(5));
  expect(pauses.isPaused(5_000)).toBe(false);
});
