import { expect, test } from 'vitest';
import { runAnswers } from './cluster/run-answers.ts';

test.each([1, 2, 3, 4])(
  'cluster: seed %i has one answer, whatever node is asked and however points are stored',
  async (seed) => {
    const { compared, full } = await runAnswers(seed, 110);
    expect(compared).toBeGreaterThan(400);
    expect(full).toBeGreaterThan(30);
  },
);
