import { below, fraction, type Random } from '../../../src/env/random.ts';
import { findDatabase, type Catalog } from '../../../src/meta/model/catalog.ts';
import { pickNode } from './admin.ts';
import { FinishedRuns } from './check-queries.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { calm, strike } from './strike.ts';

export interface QueriesResult {
  /** Runs that ended well, of both queries. */
  readonly runCount: number;
  /** Nodes that have held the lease. */
  readonly holderCount: number;
  /** Late writes that owners refused. */
  readonly refusedCount: number;
}

const secondNs = 1_000_000_000n;
const faultsMs = 50_000;
const queries = [
  'CREATE CONTINUOUS QUERY plain ON d BEGIN SELECT count(i) AS n INTO plain FROM q GROUP BY time(2s), client END',
  'CREATE CONTINUOUS QUERY wide ON d RESAMPLE EVERY 1s FOR 6s BEGIN SELECT count(i) AS n INTO wide FROM q GROUP BY time(3s), client END',
];

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
  world.spawn(client, () => write(cluster, random.fork('writer'), load));
  const first = cluster.data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const text of queries) await world.complete(ask(first, text, 'd'));
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

/** Each query has come up to now, and left nothing out on its way. */
function checkMarks(cluster: ClusterWorld, runs: FinishedRuns): void {
  const catalog = latestCatalog(cluster);
  const nowNs = cluster.machine('client').env.clock.wallNs();
  for (const { name, createdNs, ranUntilNs } of findDatabase(catalog, 'd')?.continuousQueries ??
    []) {
    if (createdNs === undefined || ranUntilNs === undefined)
      throw new Error(`continuous query ${name} has never run`);
    if (ranUntilNs < nowNs - 10n * secondNs)
      throw new Error(`continuous query ${name} stands at ${ranUntilNs}, long before ${nowNs}`);
    const widthNs = name === 'plain' ? 2n * secondNs : 3n * secondNs;
    const startNs = createdNs - (createdNs % widthNs);
    runs.check(name, { startNs, endNs: ranUntilNs - (ranUntilNs % widthNs) });
  }
}

function latestCatalog({ metas }: ClusterWorld): Catalog {
  const catalogs = [...metas.values()].map(({ catalog }) => catalog);
  return catalogs.reduce((latest, one) => (one.index > latest.index ? one : latest));
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

async function write(
  cluster: ClusterWorld,
  random: Random,
  load: { readonly isOver: boolean },
): Promise<void> {
  const { clock } = cluster.machine('client').env;
  while (!load.isOver) {
    await clock.sleep(50 + below(random, 200));
    const line = `q,client=c${below(random, 3)} i=1i ${clock.wallNs()}`;
    const writing = pickNode(cluster, random)?.writer.write({
      database: 'd',
      retentionPolicy: '',
      body: new Uint8Array(Buffer.from(line)),
      stepNs: 1n,
      level: 'any',
      timeoutMs: 3_000,
    });
    // Whether it was taken does not matter here.
    await Promise.race([writing?.catch(() => undefined), clock.sleep(500)]);
  }
}
