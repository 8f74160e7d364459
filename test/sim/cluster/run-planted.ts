import type { Plant } from './plants.ts';
import { runElections } from './run-elections.ts';
import { runSeed } from './run-seed.ts';

/** Runs the scenario that is hard on the part a planted bug is in; rejects when the bug is caught. */
export async function runPlanted(seed: number, plant: Plant): Promise<void> {
  if (plant === 'vote-not-persisted') await runElections(seed, { plant });
  else await runSeed(seed, { plant });
}
