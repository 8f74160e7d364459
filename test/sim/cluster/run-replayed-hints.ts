import { below } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import { playRounds } from './owner-rounds.ts';
import type { Plant } from './plants.ts';

const roundCount = 4;
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
/** The hint has been brought by then, and is in no file. */
const broughtMsMax = 4_000;
const settleMs = 25_000;
/** Some segments of the log. */
const fillCount = 80;

/**
 * Of two owners that lose their power in turn one is brought a hint which it knows to be earlier than what it has, as it remembers that, and loses its power again
 * before anything is in a file: as the log gives it the hint anew it does not go back so far (`logKeptBytes` 0), and the other owner has to be asked (decision 149).
 * Gives how many owners were looked at; rejects where one has an earlier value than was acknowledged.
 */
export async function runReplayedHints(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant, logKeptBytes: 0 });
  const { world } = cluster;
  return playRounds(cluster, { name: 'replayed-hints', roundCount }, async (round) => {
    const { point, value, random } = round;
    const [late, keeper] = round.owners;
    await point.writeOver(value, { late, keeper, awayMs });
    for (let i = 0; i < fillCount; i++) await point.writeOther(late, i, 'one');
    await world.run(world.nowMs + flushMs);
    await world.run(world.nowMs + awayMs - flushMs + below(random, broughtMsMax));
    cluster.crash(late, 500 + below(random, 1_000));
    await world.run(world.nowMs + settleMs);
  });
}
