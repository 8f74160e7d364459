import { expect, test } from 'vitest';
import { columnOf } from './cells.ts';
import { derivativeFunction } from './derivative.ts';
import type { PlannedCall } from './function.ts';

test.each([
  ['unsigned', [-0, 2, -3]],
  ['integer', [0, 2, -3]],
] as const)('derivative: of equal %s values the zero has the sign that 1.12.4 gives it', (argumentType, rates) => {
  const call: PlannedCall = {
    ...{ name: 'derivative', argumentType, auxTypes: [], auxInside: 0, showsTimes: true },
    ...{ intervalNs: 0n, offsetNs: 0n, ascending: true, args: [{ kind: 'ref', name: 'v' }] },
  };
  const timesNs = BigInt64Array.from([0n, 1_000_000_000n, 2_000_000_000n, 3_000_000_000n]);
  const values = columnOf(argumentType, [5n, 5n, 7n, 4n]);
  const points = derivativeFunction('derivative').transformation(call).push({ timesNs, values, aux: [] });
  expect([...(points.values.values as Float64Array)]).toEqual(rates);
}); // prettier-ignore
