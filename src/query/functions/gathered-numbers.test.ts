import { expect, test } from 'vitest';
import { Prng } from '../../base/prng.ts';
import { doublesOfIntegers, GatheredNumbers, ordered, orderOf, type Numbers } from './gathered-numbers.ts'; // prettier-ignore
import { unstableOrder } from './unstable-order.ts';
import { valueAtRank } from './value-at-rank.ts';

const random = Prng.fromSeed(7);
const below = (bound: number): number => random.u32() % bound;

function cells(kind: string, count: number): readonly (number | bigint)[] {
  const odd = [Number.NaN, -0, 0, Infinity, -Infinity, 1.5];
  const wide = [2n ** 53n, 2n ** 53n + 1n, 2n ** 63n - 1n, 0n, 1n];
  const one = (): number | bigint => {
    switch (kind) {
      case 'float':
        return below(40) / 4 - 3;
      case 'odd float':
        return odd[below(odd.length)] ?? 0;
      case 'integer':
        return BigInt(below(30)) - 9n;
      case 'wide integer':
        return (wide[below(wide.length)] ?? 0n) * (below(2) === 0 ? 1n : -1n);
      default:
        return (wide[below(wide.length)] ?? 0n) * 2n + 1n;
    }
  };
  return Array.from({ length: count }, one);
}

function columnOf(kind: string, values: readonly (number | bigint)[]): Numbers {
  if (kind.endsWith('float')) return Float64Array.from(values as number[]);
  return kind === 'unsigned' ? BigUint64Array.from(values as bigint[]) : BigInt64Array.from(values as bigint[]); // prettier-ignore
}

/** What the reference's steps leave, value by value. */
function byCells(values: readonly (number | bigint)[]): Int32Array {
  return unstableOrder(values.length, (left, right) => (values[left] ?? 0) < (values[right] ?? 0));
}

test.each(['float', 'odd float', 'integer', 'wide integer', 'unsigned'])(
  'gathered numbers: %s values stand in the order that the reference gives them',
  (kind) => {
    const gathered = new GatheredNumbers();
    for (let round = 0; round < 60; round++) {
      const values = cells(kind, 1 + below(150));
      const half = below(values.length);
      gathered.add(columnOf(kind, values.slice(0, half)));
      gathered.add(columnOf(kind, values.slice(half)));
      const taken = gathered.take();
      expect(Array.from<number | bigint>(taken)).toEqual(values);
      const order = byCells(values);
      expect(orderOf(taken)).toEqual(order);
      const expected = Array.from(order, (at) => values[at] ?? 0);
      const found = Array.from<number | bigint>(ordered(taken));
      expect(found.every((value, i) => Object.is(value, expected[i]))).toBe(true);
      const rank = below(values.length);
      expect(Object.is(valueAtRank(columnOf(kind, values), rank), expected[rank])).toBe(true);
    }
  },
);

test('value at rank: any order of many values, and many that are equal, give what sorting gives', () => {
  const orders: readonly ((i: number) => number)[] = [
    (i) => i,
    (i) => 5_000 - i,
    (i) => i % 3,
    (i) => (i % 2 === 0 ? i : 5_000 - i),
    () => below(1_000_000) - 500_000,
    () => (below(1_000) - 500) / 7,
  ];
  for (const order of orders)
    for (let round = 0; round < 20; round++) {
      const values = Float64Array.from({ length: 5_000 }, (_, i) => order(i) + 0);
      const rank = below(values.length);
      const wanted = values.toSorted()[rank];
      expect(valueAtRank(values.slice(), rank)).toBe(wanted);
      const whole = BigInt64Array.from(values, (value) => BigInt(Math.trunc(value)));
      expect(valueAtRank(whole.slice(), rank)).toBe(whole.toSorted()[rank]);
    }
});

test('gathered numbers: an integer becomes the double that is nearest', () => {
  const wide = cells('wide integer', 200) as bigint[];
  const values = [...wide, -1n, -(2n ** 32n), 2n ** 62n + 513n, -(2n ** 62n) - 511n];
  expect(Array.from(doublesOfIntegers(BigInt64Array.from(values)))).toEqual(values.map(Number));
  const unsigned = values.map((value) => BigInt.asUintN(64, value));
  expect(Array.from(doublesOfIntegers(BigUint64Array.from(unsigned)))).toEqual(
    unsigned.map(Number),
  );
});
