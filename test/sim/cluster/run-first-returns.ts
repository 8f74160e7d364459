import { below } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import { playRounds } from './owner-rounds.ts';
import type { Plant } from './plants.ts';

const roundCount = 6;
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
/** A node that has lost its power runs again by then, and its log has let go of what is in files. */
const againMs = 8_000;
const settleMs = 20_000;

/**
 * A node loses its power as its client has the answer to a write over a point, of which its other owner has not heard; this one puts what it has
 * of the point in a file with more, and is started anew, twice. What comes then is marked as brought again, and is the first of it here: the owner is in doubt, and has the last
 * value at the end (decision 144). Gives how many owners were looked at; rejects where one has an earlier value.
 */
export async function runFirstReturns(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant, logKeptBytes: 0 });
  const { world } = cluster;
  return playRounds(cluster, { name: 'first-returns', roundCount }, async (round) => {
    const { point, value, random } = round;
    const [late, returning] = round.owners;
    await point.write(late, value, 'all');
    world.network.partition([returning], [late]);
    await point.write(returning, value + 1, 'one');
    cluster.crash(returning, awayMs);
    world.network.heal();
    await point.writeOther(late, round.number, 'one');
    await world.run(world.nowMs + flushMs);
    for (let time = 0; time < 2; time++) {
      cluster.crash(late, 500 + below(random, 1_000));
      await world.run(world.nowMs + againMs);
    }
    await world.run(world.nowMs + awayMs + settleMs);
  });
}
