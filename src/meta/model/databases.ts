/**
 * All databases of a catalog: in the order they were created, by name, and their shards by id.
 *
 * Invariants:
 * - Immutable; a change costs what the changed database has, whatever the number of the others.
 * - Every shard of a group that is not marked deleted is in the index of shards, and no other is.
 * - A database that is changed keeps its place; one that comes back after a drop is last.
 */
import { PersistentMap } from '../../base/collections/persistent-map.ts';
import type { Database, RetentionPolicy, ShardGroup, ShardInfo } from './database.ts';

/** Where a shard belongs. */
export interface ShardPlace {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly group: ShardGroup;
  readonly shard: ShardInfo;
}

interface Indexes {
  /** By number of creation. */
  readonly inOrder: PersistentMap<number, Database>;
  readonly numbers: PersistentMap<string, number>;
  readonly shards: PersistentMap<number, ShardPlace>;
}

const byNumber = (left: number, right: number): number => left - right;
const byText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
const none: Indexes = {
  inOrder: PersistentMap.empty(byNumber),
  numbers: PersistentMap.empty(byText),
  shards: PersistentMap.empty(byNumber),
};

export class Databases implements Iterable<Database> {
  static readonly empty = new Databases(none);
  readonly #indexes: Indexes;

  private constructor(indexes: Indexes) {
    this.#indexes = indexes;
  }

  static of(databases: Iterable<Database>): Databases {
    let all = Databases.empty;
    for (const database of databases) all = all.with(database);
    return all;
  }

  get length(): number {
    return this.#indexes.inOrder.size;
  }

  get shardCount(): number {
    return this.#indexes.shards.size;
  }

  get(name: string): Database | undefined {
    const number = this.#indexes.numbers.get(name);
    return number === undefined ? undefined : this.#indexes.inOrder.get(number);
  }

  /** Undefined for a shard that is dropped, or not made yet. */
  shard(id: number): ShardPlace | undefined {
    return this.#indexes.shards.get(id);
  }

  /** Every shard, in order of the ids. */
  shards(): Iterable<ShardPlace> {
    return this.#indexes.shards.values();
  }

  /** With this database, new or instead of the one of its name. */
  with(database: Database): Databases {
    const { inOrder, numbers, shards } = this.#indexes;
    const number = numbers.get(database.name) ?? (inOrder.lastKey ?? 0) + 1;
    return new Databases({
      inOrder: inOrder.with(number, database),
      numbers: numbers.with(database.name, number),
      shards: reindexed(shards, inOrder.get(number), database),
    });
  }

  without(name: string): Databases {
    const { inOrder, numbers, shards } = this.#indexes;
    const number = numbers.get(name);
    if (number === undefined) return this;
    return new Databases({
      inOrder: inOrder.without(number),
      numbers: numbers.without(name),
      shards: reindexed(shards, inOrder.get(number), undefined),
    });
  }

  [Symbol.iterator](): Iterator<Database> {
    return this.#indexes.inOrder.values();
  }

  map<T>(of: (database: Database) => T): T[] {
    return Array.from(this, of);
  }

  flatMap<T>(of: (database: Database) => readonly T[]): T[] {
    return Array.from(this).flatMap(of);
  }

  /** Snapshots and checkers see a list. */
  toJSON(): readonly Database[] {
    return Array.from(this);
  }
}

/** Groups that are the same object before and after are left alone. */
function reindexed(
  shards: PersistentMap<number, ShardPlace>,
  before: Database | undefined,
  after: Database | undefined,
): PersistentMap<number, ShardPlace> {
  let index = shards;
  const policiesAfter = new Map(after?.retentionPolicies.map((policy) => [policy.name, policy]));
  const policiesBefore = new Map(before?.retentionPolicies.map((policy) => [policy.name, policy]));
  for (const [name, policy] of policiesBefore)
    for (const group of groupsOnlyIn(policy, policiesAfter.get(name)))
      for (const { id } of group.shards) index = index.without(id);
  const places: ShardPlace[] = [];
  for (const [name, policy] of policiesAfter)
    for (const group of groupsOnlyIn(policy, policiesBefore.get(name))) {
      if (group.deletedAtNs !== undefined) continue;
      for (const shard of group.shards)
        places.push({ database: after?.name ?? '', retentionPolicy: name, group, shard });
    }
  return withPlaces(index, places);
}

/** New shards have the highest ids, and come in their order. */
function withPlaces(
  shards: PersistentMap<number, ShardPlace>,
  places: readonly ShardPlace[],
): PersistentMap<number, ShardPlace> {
  let lastId = shards.lastKey ?? -1;
  let areLast = true;
  for (const { shard } of places) {
    areLast &&= shard.id > lastId;
    lastId = shard.id;
  }
  if (areLast) return shards.withLast(places.map((place) => [place.shard.id, place]));
  let index = shards;
  for (const place of places) index = index.with(place.shard.id, place);
  return index;
}

function groupsOnlyIn(
  { shardGroups }: RetentionPolicy,
  other: RetentionPolicy | undefined,
): readonly ShardGroup[] {
  if (other === undefined) return shardGroups;
  if (other.shardGroups === shardGroups) return [];
  const [from, end] = differingRange(shardGroups, other.shardGroups);
  const known = new Set(other.shardGroups.slice(from, other.shardGroups.length - end));
  return shardGroups.slice(from, shardGroups.length - end).filter((group) => !known.has(group));
}

/** How many of two lists are the same from the first on, and how many of the others up to the last: nearly all, mostly. */
function differingRange(
  some: readonly ShardGroup[],
  others: readonly ShardGroup[],
): readonly [from: number, end: number] {
  const most = Math.min(some.length, others.length);
  let from = 0;
  while (from < most && some[from] === others[from]) from++;
  let end = 0;
  while (end < most - from && some.at(-1 - end) === others.at(-1 - end)) end++;
  return [from, end];
}
