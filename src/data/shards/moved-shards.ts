/**
 * Shards that go to other owners while a statement reads them, as by a plan of moves: what was chosen by an earlier catalog is chosen anew.
 */
import type { Clock } from '../../env/clock.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { Catalog, ShardInfo } from '../../meta/model/catalog.ts';
import { ownsShard } from '../../meta/model/shard-fate.ts';
import { movedShardOf } from '../../storage/engine/moved-shard.ts';
import type { FailedOwners } from './failed-owners.ts';
import { causeOf, NodeFailure } from './node-failure.ts';

/** Longer than the catalog takes from the metas to here. */
const catalogWaitMs = 3_000;
const catalogPollMs = 5;

/** The shards with the owners that they have now, without those that are gone. */
export function shardsNow(
  shards: readonly ShardInfo[],
  { databases }: Catalog,
): readonly ShardInfo[] {
  return shards.flatMap(({ id }) => databases.shard(id)?.shard ?? []);
}

interface MovePorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly meta: Pick<MetaAccess, 'catalog'>;
}

/** Waits a while for the catalog by which an owner that has given a shard up owns it no more: whether it has come. */
export async function hasMoved(
  isOwned: () => boolean,
  { clock, signal }: Pick<MovePorts, 'clock'> & { readonly signal: AbortSignal },
): Promise<boolean> {
  const giveUpMs = clock.monotonicMs() + catalogWaitMs;
  while (isOwned() && clock.monotonicMs() < giveUpMs) await clock.sleep(catalogPollMs, signal);
  return !isOwned();
}

/** Notes that an owner failed; throws what it was if it is no failure of a node. Where a shard has moved it is heard first where to. */
export async function noteFailure(
  error: unknown,
  failed: FailedOwners,
  { clock, meta, signal }: MovePorts & { readonly signal: AbortSignal },
): Promise<void> {
  if (!(error instanceof NodeFailure) || signal.aborted) throw causeOf(error);
  const { nodeId, cause } = error;
  const shardId = movedShardOf(cause);
  if (shardId !== undefined) {
    const isOwned = (): boolean => ownsShard(meta.catalog, shardId, nodeId);
    if ((await hasMoved(isOwned, { clock, signal })) && failed.moved()) return;
  }
  failed.add(nodeId, cause);
}
