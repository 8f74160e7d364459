import { expect, test } from 'vitest';
import { runAnswers } from './cluster/run-answers.ts';

test.each([1, 2, 4])(
  'cluster: seed %i has one answer, whatever node is asked and however points are stored',
  async (seed) => {
    const { compared, full } = await runAnswers(seed, 60);
    expect(compared).toBeGreaterThan(300);
    expect(full).toBeGreaterThan(15);
  },
);
