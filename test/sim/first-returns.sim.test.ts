import { expect, test } from 'vitest';
import { runFirstReturns } from './cluster/run-first-returns.ts';

test.each([1, 2, 3])(
  'first returns: an owner that hears of a write by what is brought again has it at the end (seed %i)',
  async (seed) => {
    expect(await runFirstReturns(seed)).toBe(12);
  },
);

test('first returns: the simulation catches unclear-unasked', async () => {
  await expect(runFirstReturns(1, { plant: 'unclear-unasked' })).rejects.toThrow(/^in round \d d\d has v=\d+i, not v=\d+i$/); // prettier-ignore
});
