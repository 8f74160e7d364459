import type { Catalog } from '../../meta/model/catalog.ts';

/** Where the catalog says that a shard belongs. */
export interface CatalogShard {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly owners: readonly number[];
}

/** What the catalog says of a shard; undefined when it has none of this id. */
export function findShard(catalog: Catalog, shardId: number): CatalogShard | undefined {
  const place = catalog.databases.shard(shardId);
  if (place === undefined) return undefined;
  const { database, retentionPolicy, shard } = place;
  return { database, retentionPolicy, owners: shard.owners };
}

/** Ids come from one counter and are never given twice: one that was given and is in the catalog no more is gone for good. */
export function isShardGone(catalog: Catalog, shardId: number): boolean {
  return shardId <= catalog.maxShardId && catalog.databases.shard(shardId) === undefined;
}
