import { expect, test } from 'vitest';
import { inKeyOrder } from './key-order.ts';

function shard(name: string, keys: readonly string[]) {
  const source = { seriesKey: (id: number) => keys[id] ?? '' };
  return keys.map((key, seriesId) => ({ name, key, source, seriesId }));
}

test.each([
  [true, ['a:1', 'a:2', 'b:2', 'c:1', 'c:3', 'é:2', '😀:3']],
  [false, ['😀:3', 'é:2', 'c:1', 'c:3', 'b:2', 'a:1', 'a:2']],
])(
  'key order: series of several shards by the bytes of their keys, those of one key by shard; ascending %s',
  (ascending, wanted) => {
    const list = [...shard('1', ['a', 'c']), ...shard('2', ['a', 'b', 'é']), ...shard('3', ['c', '😀'])]; // prettier-ignore
    const steps = inKeyOrder(list, ascending);
    const { value } = steps.next();
    expect(value?.map(({ key, name }) => `${key}:${name}`)).toEqual(wanted);
  },
);

test('key order: of very many series others may run in between', () => {
  const numbers = Array.from({ length: 5_000 }, (_, i) => i);
  const [even, odd] = [0, 1].map((rest) => numbers.filter((i) => i % 2 === rest).map((i) => `m,h=${String(i).padStart(5, '0')}`)); // prettier-ignore
  let pauseCount = 0;
  const steps = inKeyOrder([...shard('1', even ?? []), ...shard('2', odd ?? [])], true);
  let step = steps.next();
  for (; step.done !== true; step = steps.next()) pauseCount++;
  expect(step.value.map(({ key }) => key)).toEqual(numbers.map((i) => `m,h=${String(i).padStart(5, '0')}`)); // prettier-ignore
  expect(pauseCount).toBe(4);
});
