import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { errorText } from '../../base/errors.ts';
import { SettledCatalog } from './settled-catalog.ts';

/** Asks at these milliseconds; each question takes 20 ms. Gives when each was answered, and when the metas were asked. */
async function asked(atMs: readonly number[], failedIndex = -1) {
  const world = new World(1);
  const { clock } = world.addNode('d1').env;
  const questionsMs: number[] = [];
  const read = async (): Promise<void> => {
    const index = questionsMs.push(Math.round(clock.monotonicMs())) - 1;
    await clock.sleep(20);
    if (index === failedIndex) throw new Error('nobody leads');
  };
  const settled = new SettledCatalog({ clock, read, signal: new AbortController().signal });
  const answered = atMs.map(async (ms) => {
    await clock.sleep(ms);
    const text = await settled.settle().then(() => '', errorText);
    return `${Math.round(clock.monotonicMs())}${text === '' ? '' : ` ${text}`}`;
  });
  return { answers: await world.complete(Promise.all(answered)), questionsMs };
}

test('settled catalog: who asks while a question is under way waits for the next one, which counts for all', async () => {
  const { answers, questionsMs } = await asked([1, 5, 10, 20, 200]);
  expect(questionsMs).toEqual([1, 51, 200]);
  expect(answers).toEqual(['21', '71', '71', '71', '220']);
});

test('settled catalog: a question that fails is told to those who waited for it, and no others', async () => {
  const { answers, questionsMs } = await asked([1, 5, 60], 0);
  expect(questionsMs).toEqual([1, 51, 101]);
  expect(answers).toEqual(['21 nobody leads', '71', '121']);
});
