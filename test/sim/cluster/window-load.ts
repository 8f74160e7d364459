/** The points that continuous queries of a run compute from, and what has to hold of their windows. */
import { below, type Random } from '../../../src/env/random.ts';
import { findDatabase, type Catalog } from '../../../src/meta/model/catalog.ts';
import { pickNode } from './admin.ts';
import type { FinishedRuns } from './check-queries.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { sourceMeasurement } from './window-queries.ts';

const secondNs = 1_000_000_000n;

/** Points of now, by any node. */
export async function writeNow(
  cluster: ClusterWorld,
  random: Random,
  load: { readonly isOver: boolean },
  pauseMsMax = 250,
): Promise<void> {
  const { clock } = cluster.machine('client').env;
  while (!load.isOver) {
    await clock.sleep(50 + below(random, pauseMsMax - 50));
    const line = `${sourceMeasurement},client=c${below(random, 3)} i=1i ${clock.wallNs()}`;
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

/** Each query has come up to now, and left nothing out on its way. */
export function checkMarks(cluster: ClusterWorld, runs: FinishedRuns): void {
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

export function latestCatalog({ metas }: ClusterWorld): Catalog {
  const catalogs = [...metas.values()].map(({ catalog }) => catalog);
  return catalogs.reduce((latest, one) => (one.index > latest.index ? one : latest));
}
