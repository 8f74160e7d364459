import { expect, test } from 'vitest';
import type { PlannedCall } from './function.ts';
import { topBottomFunction } from './top-bottom.ts';

const recordedValues = [0, NaN, NaN, -5, 3, 3, NaN, 130, 7, -9, NaN, 4];

/** Times and values that a 1.12.4 answered of SELECT top(b, n) FROM (SELECT v % w AS b FROM m), a value each second. */
const recordedAnswers: readonly ['top' | 'bottom', number, readonly [number, number][]][] = [
  ['top', 1, [[8, 130]]],
  ['top', 2, [[2, NaN], [8, 130]]],
  ['top', 3, [[2, NaN], [3, NaN], [8, 130]]],
  ['top', 4, [[2, NaN], [3, NaN], [4, -5], [8, 130]]],
  ['top', 6, [[2, NaN], [3, NaN], [4, -5], [5, 3], [6, 3], [8, 130]]],
  ['bottom', 1, [[10, -9]]],
  ['bottom', 2, [[2, NaN], [10, -9]]],
  ['bottom', 3, [[2, NaN], [3, NaN], [10, -9]]],
  ['bottom', 4, [[2, NaN], [3, NaN], [4, -5], [10, -9]]],
  ['bottom', 6, [[2, NaN], [3, NaN], [4, -5], [5, 3], [6, 3], [10, -9]]],
]; // prettier-ignore

test.each(recordedAnswers)('%s of %s: values that are no numbers stand where 1.12.4 has them', (name, count, answer) => {
  const call: PlannedCall = {
    ...{ name, argumentType: 'float', auxTypes: [], auxInside: 0, showsTimes: true },
    ...{ intervalNs: 0n, offsetNs: 0n, ascending: true },
    args: [{ kind: 'ref', name: 'b' }, { kind: 'integer', value: BigInt(count) }],
  };
  const reducer = topBottomFunction(name).reducer(call);
  const timesNs = BigInt64Array.from(recordedValues, (_, i) => BigInt(i + 1));
  const values = { type: 'float', values: Float64Array.from(recordedValues) } as const;
  reducer.add({ timesNs, values, aux: [] });
  const points = reducer.finish({ startNs: 0n, endNs: 100n });
  expect(Array.from(points.timesNs, Number)).toEqual(answer.map(([time]) => time));
  expect([...(points.values.values as Float64Array)]).toEqual(answer.map(([, value]) => value));
}); // prettier-ignore
