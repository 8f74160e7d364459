import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeyTable } from '../../kernels/key-table.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../kernels/store-kernel.ts';
import { sortSeries } from './sort-series.ts';

/** Keys that differ within their first bytes, behind eight equal ones, or in length alone. */
const key = fc.tuple(
  fc.constantFrom('', 'm', 'm,host=h', 'm,host=h1234567'),
  fc.stringMatching(/^[ -~]{0,12}$/),
);

test('series are sorted by the bytes of their keys and what goes on behind them, few and many', () => {
  const check = (parts: readonly (readonly [string, string])[], tail: string): void => {
    const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 });
    const table = new KeyTable(kernel);
    const keys = [...new Set(parts.map((part) => part.join('')))];
    for (const one of keys) table.intern(Buffer.from(one, 'latin1'));
    const ids = kernel.heap.allocate(Math.max(1, keys.length) * 4);
    kernel.words(ids, keys.length).set(keys.map((_, i) => keys.length - 1 - i));
    const steps = sortSeries(kernel, table, { ids, count: keys.length }, { tail });
    while (steps.next().done !== true);
    const sorted = [...kernel.words(ids, keys.length)].map((id) => keys[id] ?? '');
    const wanted = keys.map((one) => [one, Buffer.from(one + tail, 'latin1')] as const).sort(([a, x], [b, y]) => Buffer.compare(x, y) || a.length - b.length); // prettier-ignore
    expect(sorted).toEqual(wanted.map(([one]) => one));
  };
  const tails = fc.constantFrom('', '#!~#');
  const few = fc.array(key, { maxLength: 60 });
  const many = fc.array(key, { minLength: 700, maxLength: 1_200, size: 'max' });
  // A key that ends with a part of what goes on behind it.
  check([['m,host=h', ''], ['m,host=h', '#!']], '#!~#'); // prettier-ignore
  fc.assert(fc.property(few, tails, check), { numRuns: 40, seed: 1 });
  fc.assert(fc.property(many, tails, check), { numRuns: 12, seed: 1 });
});
