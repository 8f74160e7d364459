/**
 * What is left to do of a restore that was interrupted, by what the catalog says. Pure.
 *
 * Invariants:
 * - Only the same restore goes on: of the same backup, cut down and renamed in the same way. Any other finds databases that are
 *   there already, as does one of which nothing is left to do.
 * - What is at its owners stays as it is, with what was written to it since.
 * - A shard whose group was deleted meanwhile, as by its policy, is waited for no more.
 */
import type { Catalog } from '../meta/model/catalog.ts';
import type { Database } from '../meta/model/database.ts';
import type { RestoreChanges, RestoreFilter } from './restore-content.ts';
import { sha256Of } from './sha256.ts';

export interface Unfinished {
  /** Those that are not there yet. */
  readonly databases: readonly Database[];
  /** Shards that are still waited for: which each is, by its id in the backup. */
  readonly shardIds: ReadonlyMap<number, number>;
}

/** Names a restore: equal for another run of it, as long as the place has no newer backup. `backup` tells it from all others. */
export function restoreName(
  backup: string,
  filter: RestoreFilter,
  changes: Omit<RestoreChanges, 'nodeCount' | 'restoredFrom'>,
): string {
  const { newDatabase, newPolicy, newDurationNs, newReplicas } = changes;
  const asked = [
    ...[filter.database, filter.retentionPolicy, `${filter.shardId}`],
    ...[newDatabase, newPolicy, `${newDurationNs ?? ''}`, `${newReplicas ?? ''}`],
  ];
  return sha256Of(new TextEncoder().encode(`${backup}\n${JSON.stringify(asked)}`));
}

/** Undefined for a restore that has not begun, and for one that is over. */
export function unfinishedOf(
  { databases: present }: Catalog,
  wanted: readonly Database[],
): Unfinished | undefined {
  const databases: Database[] = [];
  const shardIds = new Map<number, number>();
  let hasBegun = false;
  for (const database of wanted) {
    const found = present.get(database.name);
    if (found === undefined) databases.push(database);
    else if (found.restoredFrom !== database.restoredFrom) return undefined;
    else {
      hasBegun = true;
      for (const [from, to] of awaitedOf(found)) shardIds.set(from, to);
    }
  }
  const isOver = databases.length === 0 && shardIds.size === 0;
  return hasBegun && !isOver ? { databases, shardIds } : undefined;
}

function awaitedOf({ retentionPolicies }: Database): readonly (readonly [number, number])[] {
  const groups = retentionPolicies.flatMap(({ shardGroups }) => shardGroups);
  return groups.flatMap(({ deletedAtNs, shards }) =>
    shards.flatMap(({ id, restoredId }) =>
      restoredId === undefined || deletedAtNs !== undefined ? [] : [[restoredId, id] as const],
    ),
  );
}
