import { below, fraction, type Random } from '../../../src/env/random.ts';
import { FinishedRuns } from './check-queries.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { calm, strike } from './strike.ts';
import { checkMarks, latestCatalog, writeNow } from './window-load.ts';
import { windowQueries } from './window-queries.ts';

export interface QueriesResult {
  /** Runs that ended well, of both queries. */
  readonly runCount: number;
  /** Nodes that have held the lease. */
  readonly holderCount: number;
  /** Late writes that owners refused. */
  readonly refusedCount: number;
}

const faultsMs = 50_000;
/**
 * Continuous queries while holders of their lease are held up beyond it, nodes crash and leaders change. Throws when a window
 * is left out, or an owner takes what an old holder sent.
 */
export async function runQueries(
  seed: number,
  { plant, onTrace }: { readonly plant?: Plant; readonly onTrace?: (line: string) => void } = {},
): Promise<QueriesResult> {
  const runs = new FinishedRuns();
  const note = (line: string): void => {
    runs.note(line);
    onTrace?.(line);
  };
  const cluster = new ClusterWorld(seed, { plant, onTrace: note });
  const { world } = cluster;
  await cluster.form();
  const random = world.random('queries');
  const load = { isOver: false };
  const client = cluster.machine('client');
  world.spawn(client, () => writeNow(cluster, random.fork('writer'), load));
  const first = cluster.data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const text of windowQueries) await world.complete(ask(first, text, 'd'));
  for (const endMs = world.nowMs + faultsMs; world.nowMs < endMs;) {
    if (fraction(random) < 0.5) holdUp(cluster, random);
    else strike(cluster, random);
    await world.run(world.nowMs + 2_000 + below(random, 4_000));
  }
  calm(cluster);
  await world.run(world.nowMs + 25_000);
  load.isOver = true;
  await world.run(world.nowMs + 10_000);
  checkMarks(cluster, runs);
  return {
    runCount: runs.count('plain') + runs.count('wide'),
    holderCount: runs.nodes.size,
    refusedCount: cluster.fences.refusedCount,
  };
}

/** What the holder sends arrives long after its lease has gone to another node. */
function holdUp(cluster: ClusterWorld, random: Random): void {
  const catalog = latestCatalog(cluster);
  const lease = catalog.leases.find(({ name }) => name === 'continuous_querier');
  const node = catalog.dataNodes.find(({ id }) => id === lease?.nodeId);
  const holder = node?.tcpAddress.split(':')[0];
  if (holder === undefined) return;
  const { network } = cluster.world;
  for (const name of cluster.names)
    if (name !== holder) network.clog(holder, name, 6_000 + below(random, 3_000));
  cluster.world.schedule(4_000 + below(random, 4_000), () => {
    network.heal();
  });
}
