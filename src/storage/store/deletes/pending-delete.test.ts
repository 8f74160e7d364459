import { expect, test } from 'vitest';
import { pendingOf, pendingText } from './pending-delete.ts';

test('pending deletes: they are read as they were written, and nothing else is one', () => {
  const one = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n, filter: 'f', files: ['1.tsm', '2.tsm'] }; // prettier-ignore
  const text: readonly unknown[] = JSON.parse(JSON.stringify(pendingText(one))) as unknown[];
  expect(pendingOf(text)).toEqual(one);
  expect(pendingOf(['1', '2', ''])).toEqual({ minTimeNs: 1n, maxTimeNs: 2n, filter: '', files: [] }); // prettier-ignore
  const others = [undefined, 'text', {}, [], ['1', '2'], ['x', '2', 'f'], ['1', '', 'f'], [1, 2, 'f'], [...text, 7]]; // prettier-ignore
  for (const other of others) expect(pendingOf(other)).toBeUndefined();
});
