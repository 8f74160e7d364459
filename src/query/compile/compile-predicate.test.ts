import { expect, test } from 'vitest';
import { evaluate, type Predicate } from '../predicate.ts';
import type { Expr } from '../../influxql/ast.ts';
import { compilePredicate } from './compile-predicate.ts';

const schema = { name: 'm', fields: new Map([['i', 'integer'], ['u', 'unsigned']] as const), tagKeys: new Set<string>() }; // prettier-ignore
const noMatch = () => () => false;

function compiled(field: string, operator: '>' | '=' | '<=', value: number): Predicate {
  const condition: Expr = { kind: 'binary', operator, left: { kind: 'ref', name: field, type: undefined }, right: { kind: 'number', value } }; // prettier-ignore
  const predicate = compilePredicate(condition, schema);
  if (predicate === undefined) throw new Error('a condition has a predicate');
  return predicate;
}

test('predicate: a whole number beside a float is compared as it is where that is the same', () => {
  const edge = 2 ** 53;
  const values = [0n, 89n, 90n, 91n, BigInt(edge) - 1n, BigInt(edge), BigInt(edge) + 1n, 2n ** 63n - 1n]; // prettier-ignore
  for (const bound of [90, 90.5, -1.5, edge - 1, edge, edge + 2, 1e300])
    for (const operator of ['>', '=', '<='] as const)
      for (const field of ['i', 'u']) {
        const predicate = compiled(field, operator, bound);
        expect(predicate.kind).toBe(Math.abs(bound) < edge ? 'compare' : 'program');
        for (const value of values) {
          const near = Number(value);
          const wanted = operator === '>' ? near > bound : operator === '=' ? near === bound : near <= bound; // prettier-ignore
          const context = `${field} ${value} ${operator} ${bound}`;
          expect(
            evaluate(predicate, () => value, noMatch),
            context,
          ).toBe(wanted);
        }
      }
});

test('predicate: an int64 is equal to the uint64 of its bits, and in an order stands by its sign', () => {
  const most = 2n ** 64n - 1n;
  const holds = (operator: '=' | '!=' | '<' | '>', value: bigint): boolean => {
    const condition: Expr = { kind: 'binary', operator, left: { kind: 'ref', name: 'i', type: undefined }, right: { kind: 'unsigned', value: most } }; // prettier-ignore
    const predicate = compilePredicate(condition, schema);
    return predicate !== undefined && evaluate(predicate, () => value, noMatch);
  };
  expect([holds('=', -1n), holds('!=', -1n), holds('<', -1n), holds('>', -1n)]).toEqual([true, false, true, false]); // prettier-ignore
  expect([holds('=', 1n), holds('!=', 1n), holds('<', 1n), holds('>', 1n)]).toEqual([false, true, true, false]); // prettier-ignore
});
