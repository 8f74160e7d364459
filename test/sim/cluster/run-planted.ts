import type { Plant } from './plants.ts';
import { runCommands } from './run-commands.ts';
import { runCopies } from './run-copies.ts';
import { runElections } from './run-elections.ts';
import { runPlans } from './run-plans.ts';
import { runQueries } from './run-queries.ts';
import { runRepairs } from './run-repairs.ts';
import { runSeed } from './run-seed.ts';

/** Short, as more seeds find more than longer runs. */
const faultsMs = 4_000;
const shortFaultsMs = 2_000;
/** What these break takes a flush, and a restart after it, to be seen. */
const slowPlants: readonly Plant[] = ['folder-not-missed', 'segments-forgotten', 'deletes-unstamped', 'acknowledged-unapplied']; // prettier-ignore
const longFaultsMs = 10_000;

/** Runs the scenario that is hard on the part a planted bug is in; rejects when the bug is caught. */
export async function runPlanted(seed: number, plant: Plant): Promise<void> {
  if (plant === 'vote-not-persisted') await runElections(seed, { plant });
  else if (plant === 'command-applied-twice' || plant === 'reads-unsettled')
    await runCommands(seed, { plant });
  else if (plant === 'marks-ahead') await runQueries(seed, { plant });
  else if (plant === 'meanwhile-lost' || plant === 'deletes-return')
    await runCopies(seed, { plant, hasFaults: false, faultsMs });
  else if (plant === 'whole-too-soon') await runPlans(seed, { plant, hasFaults: false, faultsMs });
  else if (plant === 'deletes-untold' || plant === 'digest-blind' || plant === 'digest-stale')
    await runRepairs(seed, { plant, faultsMs });
  else if (plant === 'fence-ignored') await runLate(seed, plant);
  else if (plant === 'damage-forgotten')
    await runSeed(seed, { plant, faultsMs, isPlain: true, damage: flipsAtOnce });
  else if (plant === 'sent-again' || plant === 'passive-owns')
    await runSeed(seed, { plant, faultsMs: shortFaultsMs });
  else if (slowPlants.includes(plant))
    await runSeed(seed, { plant, faultsMs: longFaultsMs, isPlain: true });
  else await runSeed(seed, { plant, faultsMs, isPlain: true });
}

/** The sooner a log is damaged, the more often its node starts afterwards: only then a mark is missed. */
const flipsAtOnce = { rate: 1, kinds: ['flip'] } as const;

/** Writes that are late by more than a lease are rare: so many seeds together have some. */
const lateSeeds = 12;

async function runLate(seed: number, plant: Plant): Promise<void> {
  for (let i = 0; i < lateSeeds; i++) await runQueries(seed + i, { plant });
}
