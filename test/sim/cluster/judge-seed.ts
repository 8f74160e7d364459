import { runElections } from './run-elections.ts';
import { acknowledgedMin, faultsMsMin, runSeed, type SeedResult } from './run-seed.ts';

export interface JudgeOptions {
  /** How long faults go on; with less than a minute a seed is only looked at. */
  readonly faultsMs: number;
  readonly onTrace?: (line: string) => void;
}

/** What became of a seed: what it has been through, or the text of what failed. */
export type Outcome =
  | { readonly seed: number; readonly result: SeedResult }
  | { readonly seed: number; readonly failure: string };

/** Runs all scenarios of a seed. */
export async function judgeSeed(seed: number, options: JudgeOptions): Promise<Outcome> {
  try {
    const result = await runSeed(seed, options);
    await runElections(seed);
    if (options.faultsMs >= faultsMsMin) checkWorth(result);
    return { seed, result };
  } catch (error) {
    return { seed, failure: error instanceof Error ? String(error.stack) : String(error) };
  }
}

function checkWorth({ faultsMs, acknowledged }: SeedResult): void {
  if (faultsMs < faultsMsMin) throw new Error(`faults for ${faultsMs} ms only`);
  if (acknowledged < acknowledgedMin)
    throw new Error(`only ${acknowledged} writes were acknowledged`);
}
