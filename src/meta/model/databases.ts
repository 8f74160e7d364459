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
  for (const [name, policy] of policiesAfter)
    for (const group of groupsOnlyIn(policy, policiesBefore.get(name))) {
      if (group.deletedAtNs !== undefined) continue;
      for (const shard of group.shards) {
        const place = { database: after?.name ?? '', retentionPolicy: name, group, shard };
        index = index.with(shard.id, place);
      }
    }
  return index;
}

function groupsOnlyIn(
  { shardGroups }: RetentionPolicy,
  other: RetentionPolicy | undefined,
): readonly ShardGroup[] {
  if (other === undefined) return shardGroups;
  if (other.shardGroups === shardGroups) return [];
  const known = new Set(other.shardGroups);
  return shardGroups.filter((group) => !known.has(group));
}
