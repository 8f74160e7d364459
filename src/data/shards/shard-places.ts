import type { Catalog, ShardInfo } from '../../meta/model/catalog.ts';

/** Where the catalog says that a shard belongs. */
export interface CatalogShard {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly owners: readonly number[];
}

/** Catalogs do not change: each is looked through once. */
const places = new WeakMap<Catalog, ReadonlyMap<number, CatalogShard>>();

/** What the catalog says of a shard; undefined when it has none of this id. */
export function findShard(catalog: Catalog, shardId: number): CatalogShard | undefined {
  const known = places.get(catalog);
  if (known !== undefined) return known.get(shardId);
  const made = placesOf(catalog);
  places.set(catalog, made);
  return made.get(shardId);
}

/** Ids come from one counter and are never given twice: one that was given and is in the catalog no more is gone for good. */
export function isShardGone(catalog: Catalog, shardId: number): boolean {
  return shardId <= catalog.maxShardId && findShard(catalog, shardId) === undefined;
}

function placesOf({ databases }: Catalog): ReadonlyMap<number, CatalogShard> {
  const found = new Map<number, CatalogShard>();
  const add = (shards: readonly ShardInfo[], database: string, retentionPolicy: string): void => {
    for (const { id, owners } of shards) found.set(id, { database, retentionPolicy, owners });
  };
  for (const { name: database, retentionPolicies } of databases)
    for (const { name: policy, shardGroups } of retentionPolicies)
      for (const { shards } of shardGroups) add(shards, database, policy);
  return found;
}
