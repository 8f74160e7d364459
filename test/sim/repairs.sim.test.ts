import { expect, test } from 'vitest';
import { wipedPlants } from './cluster/plants.ts';
import { checkEqual, runRepairs } from './cluster/run-repairs.ts';
import { runWiped } from './cluster/run-wiped.ts';

test('repairs: owners that lose things behind their backs are equal again, among nodes that end and are cut off, seed 3', async () => {
  const { acknowledged, deletes, losses, givenUp, shardsBrought, valuesBrought, deletesBrought } = await runRepairs(3, { faultsMs: 10_000 }); // prettier-ignore
  expect(acknowledged).toBeGreaterThan(200);
  expect(deletes).toBeGreaterThan(0);
  expect(losses).toBeGreaterThan(1);
  expect(givenUp).toBeGreaterThan(0);
  expect(shardsBrought).toBeGreaterThan(0);
  expect(valuesBrought).toBeGreaterThan(100);
  expect(deletesBrought).toBeGreaterThan(0);
});

test('repairs: the checker tells owners that differ, whichever of the two lacks a point', () => {
  const [whole, lacking] = [new Map([['o 1', 'v=1i'], ['o 2', 'v=2i']]), new Map([['o 1', 'v=1i']])]; // prettier-ignore
  const check = (first: Map<string, string>, second: Map<string, string>) => () => {
    checkEqual({ name: 'd1', rows: first }, { name: 'd2', rows: second }, 7);
  };
  expect(check(whole, whole)).not.toThrow();
  expect(check(whole, lacking)).toThrow('d1 has o 2 of shard 7, and d2 has not');
  expect(check(lacking, whole)).toThrow('d2 has o 2 of shard 7, and d1 has not');
});

test('repairs: a node whose disk is wiped answers with nothing of a shard before it has all of it', async () => {
  const { acknowledged, wipes, attached, reads, refusals, shardsBrought } = await runWiped(2, { faultsMs: 6_000 }); // prettier-ignore
  expect(acknowledged).toBeGreaterThan(200);
  expect(wipes).toBeGreaterThan(2);
  expect(attached).toBeGreaterThan(0);
  expect(reads).toBeGreaterThan(20);
  expect(refusals).toBeGreaterThan(20);
  expect(shardsBrought).toBeGreaterThan(3);
});

test.each(wipedPlants)('repairs: the simulation catches %s', async (plant) => {
  let caught = '';
  // Any change of what nodes do when moves the seeds.
  for (let seed = 1; seed <= 8 && caught === ''; seed++)
    caught = await runWiped(seed, { plant, faultsMs: 4_000 }).then(() => '', String);
  expect(caught).toMatch(/answers of shard \d+ with/);
});
