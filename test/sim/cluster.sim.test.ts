import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { plants, rarePlants, type Plant } from './cluster/plants.ts';
import { runCommands } from './cluster/run-commands.ts';
import { runElections } from './cluster/run-elections.ts';
import { runQueries } from './cluster/run-queries.ts';
import { runSeed } from './cluster/run-seed.ts';
import { searchPlant } from './cluster/search-plant.ts';

test('cluster: seed 1 keeps every promise under random faults', async () => {
  const result = await runSeed(1, { faultsMs: 6_000 });
  expect(result.acknowledged).toBeGreaterThan(50);
  expect(result.faults.crash).toBeGreaterThan(0);
  expect(result.ownReads).toBeGreaterThan(0);
  expect(result.deletes).toBeGreaterThan(0);
  expect(result.windows).toBeGreaterThan(10);
  expect(result.delivered).toBeGreaterThan(500);
  expect(result.inOrder).toBeGreaterThan(10);
  expect(result.equal).toBeGreaterThan(2);
  expect(result.events.flush).toBeGreaterThan(0);
  expect(result.events.release).toBeGreaterThan(0);
});

test('cluster: an owner that lacks a shard has brought it before owners are compared', async () => {
  const { equal } = await runSeed(16, { faultsMs: 1_000 });
  expect(equal).toBeGreaterThan(2);
});

test('metas: elections among crashes and delays keep one leader a term', async () => {
  for (let seed = 1; seed <= 5; seed++) await runElections(seed);
});

test('metas: commands that the network doubles and delays apply once, and reads see them', async () => {
  for (let seed = 1; seed <= 2; seed++) {
    const { droppedCount, readCount } = await runCommands(seed);
    expect(droppedCount).toBeGreaterThan(20);
    expect(readCount).toBeGreaterThan(20);
  }
});

test('continuous queries: seeds leave no window out, and late writes are refused', async () => {
  for (const seed of [3, 4]) {
    const result = await runQueries(seed);
    expect(result.runCount).toBeGreaterThan(40);
    expect(result.holderCount).toBeGreaterThan(1);
    expect(result.refusedCount).toBeGreaterThan(0);
  }
});

test('cluster: a seed replays to the same trace, also in another process', async () => {
  const { traceHash } = await runSeed(4, { faultsMs: 1_000 });
  const flags = ['scripts/sim.ts', '--seed', '4', '--count', '1', '--seconds', '1'];
  expect(execFileSync(process.execPath, flags, { encoding: 'utf8' })).toContain(traceHash);
  expect((await runSeed(5, { faultsMs: 1_000 })).traceHash).not.toBe(traceHash);
});

/** Seeds at which the search of `npm run sim:planted` found each bug. */
const caughtAt: Readonly<Partial<Record<Plant, number>>> = {
  'ack-before-fsync': 1,
  'table-not-synced': 2,
  'log-released-early': 1,
  'flush-loses-in-flight': 1,
  'vote-not-persisted': 3,
  'lost-retry': 3,
  'command-applied-twice': 1,
  'acknowledged-unapplied': 2,
  'damage-forgotten': 19,
  'folder-not-missed': 10,
  'hint-not-synced': 8,
  'hints-forgotten': 18,
  'fence-ignored': 1,
  'marks-ahead': 1,
  'segments-forgotten': 3,
  'meanwhile-lost': 1,
  'whole-too-soon': 2,
  'deletes-unstamped': 43,
  'sent-again': 1,
  'deletes-untold': 4,
  'digest-blind': 2,
  'digest-stale': 10,
  'hints-backwards': 1,
  'lent-too-early': 3,
  'arrival-wins': 6,
  'passive-owns': 1,
  'reads-unsettled': 1,
};

/** Found by one seed of ten or more: `npm test` searches them (seeds.fuzz.test.ts). */
test.each(plants.filter((plant) => !rarePlants.includes(plant)))(
  'cluster: the simulation catches %s',
  async (plant) => {
    const said = await searchPlant(plant, caughtAt[plant] ?? 1);
    expect(said).toMatch(plant === 'acknowledged-unapplied' ? /does not show part|are not in order/ : /./); // prettier-ignore
  },
);
