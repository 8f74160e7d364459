import { expect, test } from 'vitest';
import { evaluate, specialize, type Predicate } from '../predicate.ts';
import type { Expr } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
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

/** What a 1.12.4 answers: whether SELECT v FROM m has rows, of which `v` is 5 and the tag `t` 'a'. */
const nameTerms: readonly [string, boolean][] = [
  ["_name = 'm'", true],
  ["'m' = _name", true],
  ["_name != 'm'", false],
  ["_name != 'k'", true],
  ["_name = ''", false],
  ['_name =~ /./', true],
  ['_name !~ /^k/', true],
  ['_name !~ /^m/', false],
  ["_name > 'a'", false],
  ["_name::tag = 'm'", true],
  ["_name::field = 'm'", true],
  ["(_name = 'k' AND v > 3) OR t = 'a'", true],
  ["_name = 'm' AND v > 5", false],
  ["_name != 'm' OR v > 3", true],
];

test.each(nameTerms)('predicate: in a SELECT, %s is of the measurement', (text, holds) => {
  const [statement] = parseQuery(`SELECT v FROM m WHERE ${text}`);
  if (statement?.kind !== 'select') throw new Error('it is one');
  const fields = new Map([['v', 'integer'], ['_name', 'string']] as const); // prettier-ignore
  const own = { name: 'm', fields, tagKeys: new Set(['t', '_name']) };
  const predicate = compilePredicate(statement.condition, own);
  if (predicate === undefined) throw new Error('a condition has a predicate');
  const found = specialize(predicate, new Map([['t', 'a']]), noMatch);
  const passes = found === undefined || (found !== false && evaluate(found, () => 5n, noMatch));
  expect(passes).toBe(holds);
});
