/**
 * What a node that is lost alone said of itself: of `_internal` there is one copy. Nobody can bring it to another node, and for its sake no
 * plan is to wait that takes the node out of the cluster (decision 40).
 */
import { internalDatabase } from '../model/internal-database.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Catalog } from '../model/catalog.ts';
import type { MetaNode } from './meta-node.ts';

/** The shards of it that the node owns alone. */
export function lostFigures({ databases }: Catalog, nodeId: number): ReadonlySet<number> {
  const lost = new Set<number>();
  for (const { database, shard } of databases.shards())
    if (
      database === internalDatabase &&
      shard.owners.every((owner) => owner === nodeId) &&
      shard.owners.length > 0
    )
      lost.add(shard.id);
  return lost;
}

export async function dropFigures(
  { clock, log, node }: { readonly clock: Pick<Clock, 'wallNs'>; readonly log: Log; readonly node: Pick<MetaNode, 'execute'> }, // prettier-ignore
  figures: Iterable<number>,
): Promise<void> {
  for (const shardId of figures) {
    await node.execute({ kind: 'drop-shard', shardId, nowNs: clock.wallNs() });
    log.warn('What a lost node alone had of its own figures goes with it', { shard: shardId });
  }
}
