import { expect, test } from 'vitest';
import { runAnswers } from './cluster/run-answers.ts';

test('cluster: seed 1 has one answer, whatever node is asked and however points are stored', async () => {
  const { compared, full } = await runAnswers(1, 60);
  expect(compared).toBeGreaterThan(300);
  expect(full).toBeGreaterThan(15);
});
