import { below } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import { playRounds } from './owner-rounds.ts';
import type { Plant } from './plants.ts';

const roundCount = 4;
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
/** What the log lets go of at a start is gone by then. */
const againMs = 6_000;
const settleMs = 20_000;

export interface LateHintsOptions {
  readonly plant?: Plant | undefined;
  /** Where the log does not go back so far, an owner can not tell what is later, and asks the others. */
  readonly logKeptBytes?: number | undefined;
}

/**
 * Two owners lose their power in turn. While one is away a point is written through the other, which keeps the hint and loses its power before it brings it;
 * the first is back, the point is written over through it, put in a file with what it had before, and it is started anew, twice. Only then comes the hint: nobody
 * may take it for the latest (decision 144). Gives how many owners were looked at; rejects where one has an earlier value than was acknowledged.
 */
export async function runLateHints(
  seed: number,
  { plant, logKeptBytes }: LateHintsOptions = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant, logKeptBytes });
  const { world } = cluster;
  return playRounds(cluster, { name: 'late-hints', roundCount }, async (round) => {
    const { point, value, random } = round;
    const [late, keeper] = round.owners;
    await point.writeOver(value, { late, keeper, awayMs });
    await world.run(world.nowMs + flushMs);
    cluster.crash(late, 500 + below(random, 1_000));
    await world.run(world.nowMs + againMs);
    cluster.crash(late, 500 + below(random, 1_000));
    await world.run(world.nowMs + awayMs + settleMs);
    if (logKeptBytes !== undefined) return;
    for (const name of cluster.unclearNodes) throw new Error(`in round ${round.number} ${name} could not tell which is later`); // prettier-ignore
  });
}
