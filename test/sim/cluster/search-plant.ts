import { isDbError } from '../../../src/base/errors.ts';
import type { Plant } from './plants.ts';
import { runPlanted } from './run-planted.ts';

/** Any change of what nodes do when moves the seeds: the next ones are tried where `first` has lost its bug. */
const seedsMax = 40;

/**
 * What a checker says of a planted bug, at the first seed that finds it. A search costs each check up to a minute, so it says which
 * seed is the one to begin with. Throws where none finds it, and where the bug is planted in what is not there any more.
 */
export function searchPlant(plant: Plant, first: number): Promise<string> {
  return searchSeeds(plant, first, (seed) => runPlanted(seed, plant));
}

/** The same of a run of its own, which rejects where it finds the bug. */
export async function searchSeeds(
  plant: Plant,
  first: number,
  run: (seed: number) => Promise<unknown>,
): Promise<string> {
  for (const seed of [first, ...Array.from({ length: seedsMax }, (_, i) => i + 1)]) {
    const caught = await run(seed).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    if (caught === undefined) continue;
    if (caught.name !== 'Error' || isDbError(caught)) throw caught;
    if (seed !== first) process.stderr.write(`${plant}: not by seed ${first} any more, but by ${seed}\n`); // prettier-ignore
    return caught.message;
  }
  throw new Error(`${plant} is caught by none of ${seedsMax} seeds`);
}
