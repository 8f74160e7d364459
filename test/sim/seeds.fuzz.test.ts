/** More seeds of runs whose first seed is in the lane `sim`: each keeps all promises, or its run throws. */
import { expect, test } from 'vitest';
import { runAnswers } from './cluster/run-answers.ts';
import { runCopies } from './cluster/run-copies.ts';
import { runPlans } from './cluster/run-plans.ts';
import { runRepairs } from './cluster/run-repairs.ts';

const faultsMs = 10_000;

test('copies: among nodes that end and are cut off, seed 3', async () => {
  const { acknowledged, copied } = await runCopies(3, { faultsMs });
  expect(acknowledged).toBeGreaterThan(50);
  expect(copied).toBeGreaterThan(0);
});

test('plans: among nodes that end and are cut off, seed 4', async () => {
  const { acknowledged, moved } = await runPlans(4, { faultsMs });
  expect(acknowledged).toBeGreaterThan(50);
  expect(moved).toBeGreaterThan(0);
});

test('repairs: among nodes that end and are cut off, seed 8', async () => {
  const { acknowledged, losses, valuesBrought } = await runRepairs(8, { faultsMs });
  expect(acknowledged).toBeGreaterThan(200);
  expect(losses).toBeGreaterThan(1);
  expect(valuesBrought).toBeGreaterThan(100);
});

test.each([2, 4])('cluster: seed %i has one answer, whatever node is asked', async (seed) => {
  const { compared, full } = await runAnswers(seed, 60);
  expect(compared).toBeGreaterThan(300);
  expect(full).toBeGreaterThan(15);
});
