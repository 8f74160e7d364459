import { expect, test } from 'vitest';
import { HyperLogLog } from './hyper-log-log.ts';

function sketchOf(from: number, to: number): HyperLogLog {
  const sketch = new HyperLogLog();
  for (let i = from; i < to; i++) sketch.add(`cpu,host=server${i},region=eu`);
  return sketch;
}

test('hyper log log: few texts are counted as they are, however often they come', () => {
  for (const count of [0, 1, 2, 10, 31, 100]) {
    const sketch = sketchOf(0, count);
    sketch.merge(sketchOf(0, count));
    expect(sketch.estimate()).toBe(count);
  }
});

test('hyper log log: many within three percent, also where sparse turns dense and both ranges meet', () => {
  for (const count of [1_000, 1_100, 20_000, 45_000, 70_000, 200_000]) {
    const error = Math.abs(sketchOf(0, count).estimate() - count) / count;
    expect(error).toBeLessThan(0.03);
  }
});

test('hyper log log: parts add up to the whole, through their packed form too', () => {
  for (const [split, end] of [
    [10, 20],
    [500, 3_000],
    [20_000, 30_000],
  ] as const) {
    const whole = sketchOf(0, end);
    const parts = HyperLogLog.unpack(sketchOf(0, split).pack());
    parts.merge(HyperLogLog.unpack(sketchOf(split, end).pack()));
    expect(parts.estimate()).toBe(whole.estimate());
    expect(whole.lengthBytes).toBeLessThanOrEqual(32 * 1_024);
  }
});
