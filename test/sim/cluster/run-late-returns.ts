import { below } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import { OverwrittenPoint } from './overwritten-point.ts';
import type { Plant } from './plants.ts';

const names = ['d1', 'd2', 'd3'];
const roundCount = 4;
const awayMs = 30_000;
/** What is in memory is in a file by then. */
const flushMs = 9_000;
/** A node that has lost its power runs again by then, and its log has let go of what is in files. */
const againMs = 8_000;
/** What a node that is back, or hinted handoff, takes to bring what it has to the others. */
const settleMs = 20_000;

/**
 * A node loses its power once all have acknowledged a point; while it is away the point is written over through another one, put in
 * files, and all others lose their power, twice. The one that is back brings what it took last (decision 137): nobody may take that for news, though the log
 * keeps nothing that is in files. Gives how many owners were looked at; rejects where one has an earlier value than was acknowledged.
 */
export async function runLateReturns(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<number> {
  const cluster = new ClusterWorld(seed, { plant, logKeptBytes: 0 });
  const { world } = cluster;
  const random = world.random('late-returns');
  await cluster.form();
  const point = new OverwrittenPoint(cluster);
  await point.createDatabase();
  let lookedAt = 0;
  for (let round = 1; round <= roundCount; round++) {
    const late = names[below(random, names.length)] ?? '';
    const others = names.filter((name) => name !== late);
    await point.write(late, round * 10, 'all');
    await world.run(world.nowMs + below(random, 100));
    cluster.crash(late, awayMs);
    await point.write(others[below(random, others.length)] ?? '', round * 10 + 1, 'one');
    await world.run(world.nowMs + flushMs);
    for (let time = 0; time < 2; time++) {
      for (const name of others) cluster.crash(name, 500 + below(random, 4_000));
      await world.run(world.nowMs + againMs);
    }
    await world.run(world.nowMs + awayMs + settleMs);
    lookedAt += await point.check(round * 10 + 1, round);
  }
  return lookedAt;
}
