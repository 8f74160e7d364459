/**
 * Copies of shards under way, and who joined the owners of a shard when (decision 24).
 *
 * A copy begins by a command: from then on its source passes on to the destination what it is written. At the end the
 * destination is an owner; what was routed by a catalog that does not say so yet, the other owners pass on.
 */
import type { Catalog } from './catalog.ts';
import type { ShardCopy } from './shard-copy.ts';

export type { JoinedOwner, ShardCopy } from './shard-copy.ts';

const noCopies: readonly ShardCopy[] = [];

export function copiesOf({ copies = noCopies }: Catalog): readonly ShardCopy[] {
  return copies;
}

/** Whether a shard is being copied, wherever to. Asked of each shard for each body. */
export function isCopied(catalog: Catalog, shardId: number): boolean {
  for (const copy of copiesOf(catalog)) if (copy.shardId === shardId) return true;
  return false;
}

/** The copy of a shard that a node is being brought; undefined when it is not. */
export function copyTo(catalog: Catalog, shardId: number, nodeId: number): ShardCopy | undefined {
  return copiesOf(catalog).find(
    (copy) => copy.shardId === shardId && copy.destinationId === nodeId && copy.state === 'copying',
  );
}

/** Whether writes of a shard are for this node: it owns it, or will. */
export function takesWrites(catalog: Catalog, shardId: number, nodeId: number): boolean {
  if (catalog.databases.shard(shardId)?.shard.owners.includes(nodeId) === true) return true;
  return copyTo(catalog, shardId, nodeId) !== undefined;
}

/**
 * Whom an owner of a shard is to pass a write or a delete on to that was routed by the catalog of `index`: owners that came
 * later than that, and nodes that are being brought the shard from it.
 */
export function newcomersSince(
  catalog: Catalog,
  shardId: number,
  { index, nodeId }: { readonly index: number; readonly nodeId: number },
): readonly number[] {
  const { joined = [] } = catalog.databases.shard(shardId)?.shard ?? {};
  if (joined.length === 0 && catalog.copies === undefined) return [];
  const owners = joined.filter((one) => one.ownedIndex > index && one.nodeId !== nodeId);
  const pending = copiesOf(catalog).filter(
    (copy) => copy.shardId === shardId && copy.sourceId === nodeId && copy.state === 'copying',
  );
  return [...owners.map((one) => one.nodeId), ...pending.map((copy) => copy.destinationId)];
}
