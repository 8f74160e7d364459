import { below } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import { playRounds } from './owner-rounds.ts';
import type { Plant } from './plants.ts';

const roundCount = 4;
const downMs = 1_000;
/** A node that has lost its power runs again by then. */
const backMs = 4_000;
/** A log of which nothing is asked has vouched for its last record by then. */
const idleMs = 3_000;
const failingMsMax = 10_000;
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
const settleMs = 25_000;

/**
 * Of two owners one is brought a hint which its disk fails to take, though its log has it; what is written behind that goes to a file, and the owner loses its
 * power before the keeper of the hint, which was away, brings it again: it is not to take the record for what it has (decision 144). Gives how many owners
 * were looked at; rejects where one lacks what was acknowledged.
 */
export async function runFailedHints(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  return playRounds(cluster, { name: 'failed-hints', roundCount }, async (round) => {
    const { point, value, number, random } = round;
    const [late, keeper] = round.owners;
    cluster.crash(late, downMs);
    await point.write(keeper, value + 1, 'one');
    world.network.partition([late], [keeper]);
    await world.run(world.nowMs + backMs);
    // A segment without a record goes when its sync fails.
    await point.writeOther(late, value, 'one');
    await world.run(world.nowMs + idleMs);
    const { drive } = cluster.machine(late);
    drive.failsSyncsOf = 'wal';
    world.network.heal();
    const { io_error: failedBefore } = world.faultCounts;
    const giveUpMs = world.nowMs + failingMsMax;
    while (world.faultCounts.io_error === failedBefore) {
      if (world.nowMs > giveUpMs) throw new Error(`in round ${number} no hint came to ${late}`);
      await world.run(world.nowMs + 1);
    }
    drive.failsSyncsOf = undefined;
    cluster.crash(keeper, awayMs);
    await point.writeOther(late, value + 1, 'one');
    await world.run(world.nowMs + flushMs);
    cluster.crash(late, 500 + below(random, 1_000));
    await world.run(world.nowMs + awayMs - flushMs + settleMs);
  });
}
