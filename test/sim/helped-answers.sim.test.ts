import { expect, test } from 'vitest';
import { helpedPlants, runHelpedAnswers } from './store/run-helped-answers.ts';

test('helped answers: two workers show what was acknowledged, while files come and go', async () => {
  const { helpedCount, chunkCount } = await runHelpedAnswers(1);
  expect(helpedCount).toBeGreaterThan(20);
  expect(chunkCount).toBeGreaterThan(20);
});

test.each(helpedPlants)('helped answers: the simulation catches %s', async (plant) => {
  await expect(runHelpedAnswers(1, { plant })).rejects.toThrow(
    plant !== 'chunk-kept' ? /was acknowledged and is lacking$/ : /ended before its chunks$/,
  );
});
