import fc from 'fast-check';
import { expect, test } from 'vitest';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import type { Column } from '../../column.ts';
import type { CompareOperator, Operand, Predicate } from '../../predicate.ts';
import { maskedRows } from './masked-rows.ts';
import { RowSelection } from './select-rows.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 24 });
const names = ['f', 'i', 'u'];
const count = 9;

const constants = fc.oneof(
  fc.constantFrom<number | bigint>(
    0,
    -0,
    0.5,
    -1.5,
    3,
    2 ** 53,
    1e300,
    3n,
    -3n,
    2n ** 62n,
    2n ** 63n,
    -(2n ** 63n),
  ),
  fc.double({ noNaN: true, min: -10, max: 10 }),
);
const leaf = fc
  .record({
    operator: fc.constantFrom<CompareOperator>('=', '!=', '<', '<=', '>', '>='),
    name: fc.constantFrom(...names),
    value: constants,
    isFlipped: fc.boolean(),
  })
  .map(({ operator, name, value, isFlipped }): Predicate => {
    const field: Operand = { kind: 'field', name };
    const constant: Operand = { kind: 'constant', value };
    return { kind: 'compare', operator, left: isFlipped ? constant : field, right: isFlipped ? field : constant }; // prettier-ignore
  });
const { predicate } = fc.letrec<{ predicate: Predicate }>((tie) => ({
  predicate: fc.oneof(
    { weight: 3, arbitrary: leaf },
    fc.boolean().map((value): Predicate => ({ kind: 'constant', value })),
    fc.record({ kind: fc.constantFrom('and' as const, 'or' as const), left: tie('predicate'), right: tie('predicate') }), // prettier-ignore
  ),
}));
const valid = fc.option(fc.array(fc.constantFrom(0, 1), { minLength: count, maxLength: count }).map((list) => Uint8Array.from(list)), { nil: undefined }); // prettier-ignore
const small = fc.bigInt(-4n, 4n);
const columns = fc
  .tuple(
    fc.array(fc.oneof(fc.constantFrom(0, -0, 0.5, 3, -1.5), fc.double({ noNaN: true })), { minLength: count, maxLength: count }), // prettier-ignore
    fc.array(fc.oneof(small, fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)), {
      minLength: count,
      maxLength: count,
    }),
    fc.array(fc.bigInt(0n, 4n), { minLength: count, maxLength: count }),
    valid,
  )
  .map(([f, i, u, rows]): Column[] => [
    { type: 'float', values: Float64Array.from(f), valid: rows },
    { type: 'integer', values: BigInt64Array.from(i) },
    { type: 'unsigned', values: BigUint64Array.from(u), valid: rows },
  ]);

test('masked rows: the kernel selects what evaluation row by row selects', () => {
  let taken = 0;
  fc.assert(
    fc.property(columns, predicate, (cells, condition) => {
      const chunk = {
        timesNs: BigInt64Array.from({ length: count }, (_, i) => BigInt(i)),
        columns: cells,
      };
      const matcher = () => () => false;
      const slow = new RowSelection(chunk, condition, names, { kernel: undefined, matcher }).next();
      const fast = maskedRows(chunk, condition, names, kernel);
      if (fast === undefined || slow === 'pause') return;
      taken++;
      expect([...fast].map(BigInt)).toEqual([...slow.timesNs]);
    }),
    { numRuns: 3_000, seed: 3 },
  );
  expect(taken).toBeGreaterThan(1_500);
});

const above = (value: number): Predicate => ({
  kind: 'compare',
  operator: '>',
  left: { kind: 'field', name: 'f' },
  right: { kind: 'constant', value },
});

/** As deep as the logarithm of its terms, like those of statements. */
function anyOf(terms: readonly Predicate[]): Predicate {
  const middle = terms.length >> 1;
  if (terms.length < 2) return terms[0] ?? { kind: 'constant', value: false };
  return { kind: 'or', left: anyOf(terms.slice(0, middle)), right: anyOf(terms.slice(middle)) };
}

const thousandRows = {
  timesNs: BigInt64Array.from({ length: 1_000 }, (_, i) => BigInt(i)),
  columns: [{ type: 'float', values: Float64Array.from({ length: 1_000 }, (_, i) => i) } as const],
};

test('masked rows: a predicate of very many terms takes the memory of one of few', () => {
  const many = anyOf(Array.from({ length: 50_000 }, (_, i) => above(900 + i)));
  const small = new QueryKernel(compiledKernels(), { bytesMax: 1 << 20 });
  expect(maskedRows(thousandRows, many, ['f'], small)?.length).toBe(99);
});

test('selected rows: what the kernel cannot decide is looked at in steps', () => {
  const never: Predicate = { kind: 'match', operand: { kind: 'field', name: 'f' }, pattern: 'x', negated: false }; // prettier-ignore
  const many = anyOf([never, ...Array.from({ length: 5_000 }, (_, i) => above(900 + i))]);
  const matcher = () => () => false;
  const selection = new RowSelection(thousandRows, many, ['f'], { kernel, matcher });
  let pauseCount = 0;
  let selected = selection.next();
  for (; selected === 'pause'; selected = selection.next()) pauseCount++;
  expect(selected.timesNs.length).toBe(99);
  expect(pauseCount).toBeGreaterThan(10);
});
