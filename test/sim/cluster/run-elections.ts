import { below, fraction } from '../../../src/env/random.ts';
import { MetaChecker } from './check-metas.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';

/**
 * Elections under the worst of conditions: messages take as long as an election does, leaders die again and again, and
 * voters come back at once, in the midst of the term they voted in. One leader a term, whatever happens.
 */
export async function runElections(
  seed: number,
  options: { readonly plant?: Plant | undefined } = {},
): Promise<void> {
  const cluster = new ClusterWorld(seed, options);
  const { world } = cluster;
  await cluster.formMetas();
  await world.run(world.nowMs + 2_000);
  const random = world.random('elections');
  world.network.setRates({ delayMaxMs: 120, reorder: 0.3, reorderMs: 500 });
  const checker = new MetaChecker();
  const endMs = world.nowMs + 40_000;
  let calmUntilMs = 0;
  while (world.nowMs < endMs) {
    await world.run(world.nowMs + 5);
    checker.check(cluster.metas);
    const leader = [...cluster.metas].find(([, node]) => node.isLeader)?.[0];
    if (leader !== undefined && world.nowMs > calmUntilMs && fraction(random) < 0.02) {
      cluster.crash(leader, 1_500 + below(random, 2_500));
      calmUntilMs = world.nowMs + 2_500;
    } else if (leader === undefined && fraction(random) < 0.01) {
      // Down and up again within one round of votes.
      cluster.crash(`m${1 + below(random, 3)}`, 5 + below(random, 40));
    }
  }
}
