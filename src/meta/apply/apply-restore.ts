/**
 * What a backup had becomes the cluster's (spec F84, F85): databases with policies, groups and continuous queries, and users.
 *
 * Invariants:
 * - All of it or nothing: a database that is there already, or is not as this catalog would have made it, refuses the whole.
 * - Restored shards get ids above all that were given, in the order of those they had; a group keeps the number of its
 *   shards, since that decides in which of them a series is.
 * - A shard of which a backup has points is not read before they are at its owners; what is written to it meanwhile is kept
 *   apart by them, above what is restored, as with a copy (storage/store/transfers/install-shard.ts).
 * - Who restores the same again, as after an interruption, finds what it is to go on with: the database says which restore it is of,
 *   and each shard that is still waited for what it was in the backup.
 * - An overwrite changes no shard group that is there: which points there are, and where, is no matter of a backup. Groups
 *   that are not there any more do not come back, for their points are gone; those of databases and policies that the
 *   backup has not go, as when they are dropped.
 */
import { DbError } from '../../base/errors.ts';
import { checkedDatabase, checkedUser, checkGroup } from './apply-import.ts';
import { noAcl } from '../model/acl.ts';
import { withAcl } from '../model/catalog-acl.ts';
import { mergedAcl } from './apply-acl.ts';
import { activeDataNodes, type Catalog, type Database, type RetentionPolicy, type Role, type ShardGroup, type User } from '../model/catalog.ts'; // prettier-ignore
import type { Databases } from '../model/databases.ts';
import { withGroups } from './apply-shards.ts';
import type { Change } from './change.ts';
import type { Command } from '../command/command.ts';

export type RestoreCommand = Extract<Command, { kind: 'restore-databases' }>;
export type OverwriteCommand = Extract<Command, { kind: 'overwrite-databases' }>;

/** `index` of the log chooses the first owner, as it does for groups that are made. */
export function applyRestore(catalog: Catalog, index: number, command: RestoreCommand): Change {
  const nodeIds = activeDataNodes(catalog).map(({ id }) => id);
  if (nodeIds.length === 0) throw new DbError('unavailable', 'the cluster has no data nodes');
  const shardIds = newIds(shardIdsOf(command.databases), catalog.maxShardId);
  const groupIds = newIds(groupIdsOf(command.databases), catalog.maxShardGroupId);
  let { databases } = catalog;
  let turn = index;
  for (const given of command.databases) {
    if (databases.get(given.name) !== undefined)
      throw new DbError('already_exists', 'database already exists');
    const replicasOf = new Map<ShardGroup, number>();
    for (const { shardGroups, replicaCount } of given.retentionPolicies)
      for (const group of shardGroups) replicasOf.set(group, replicaCount);
    const place = (group: ShardGroup): ShardGroup => {
      checkGroup(group);
      const replicas = Math.max(1, Math.min(replicasOf.get(group) ?? 1, nodeIds.length));
      const shards = group.shards.map(({ id, restoreIndex }) => {
        const owners = Array.from({ length: replicas }, () => nodeIds[turn++ % nodeIds.length] ?? 0); // prettier-ignore
        const awaited = restoreIndex === undefined ? {} : { restoreIndex: index, restoredId: id };
        return { id: shardIds.get(id) ?? 0, owners, ...awaited };
      });
      return { ...group, id: groupIds.get(group.id) ?? 0, shards };
    };
    const { restoredFrom } = given;
    databases = databases.with({
      ...checkedDatabase(given, place),
      ...(restoredFrom !== undefined && { restoredFrom }),
    });
  }
  const users = [...(catalog.users ?? [])];
  for (const user of command.users)
    if (!users.some(({ name }) => name === user.name)) users.push(checkedUser(user, databases));
  const restored: Catalog = {
    ...catalog,
    databases,
    ...(users.length > 0 && { users }),
    ...rolesOf([...(catalog.roles ?? []), ...(command.roles ?? [])], { users, databases }),
    maxShardGroupId: catalog.maxShardGroupId + groupIds.size,
    maxShardId: catalog.maxShardId + shardIds.size,
  };
  const { acl = noAcl } = catalog;
  const whole = withAcl(restored, mergedAcl(acl, command.acl ?? noAcl, restored));
  return { catalog: whole, value: { firstShardId: catalog.maxShardId + 1 } };
}

/** Which shard each becomes whose id is in `ids`. */
export function newIds(ids: readonly number[], maxId: number): ReadonlyMap<number, number> {
  const inOrder = [...ids].sort((a, b) => a - b);
  const made = new Map(inOrder.map((id, at) => [id, maxId + 1 + at]));
  if (made.size < ids.length)
    throw new DbError('invalid_argument', 'an id of a shard, or group, is there twice');
  return made;
}

export function shardIdsOf(databases: readonly Database[]): readonly number[] {
  return groupsOf(databases).flatMap(({ shards }) => shards.map(({ id }) => id));
}

function groupIdsOf(databases: readonly Database[]): readonly number[] {
  return groupsOf(databases).map(({ id }) => id);
}

function groupsOf(databases: readonly Database[]): readonly ShardGroup[] {
  return databases.flatMap(({ retentionPolicies }) =>
    retentionPolicies.flatMap(({ shardGroups }) => shardGroups),
  );
}

export function finishRestore(catalog: Catalog, shardIds: readonly number[]): Catalog {
  const done = new Set(shardIds);
  return withGroups(catalog, (group) => {
    const isAny = group.shards.some(({ id, restoreIndex }) => restoreIndex !== undefined && done.has(id)); // prettier-ignore
    if (!isAny) return group;
    const shards = group.shards.map((shard) => {
      if (shard.restoreIndex === undefined || !done.has(shard.id)) return shard;
      const { restoreIndex: _, restoredId: _id, ...rest } = shard;
      return rest;
    });
    return { ...group, shards };
  });
}

export function applyOverwrite(catalog: Catalog, command: OverwriteCommand): Catalog {
  if (command.clusterId !== catalog.clusterId)
    throw new DbError('wrong_cluster', 'the backup is of another cluster');
  let { databases } = catalog;
  const names = new Set(command.databases.map(({ name }) => name));
  for (const { name } of catalog.databases) if (!names.has(name)) databases = databases.without(name); // prettier-ignore
  for (const given of command.databases) {
    const present = catalog.databases.get(given.name);
    databases = databases.with(overwritten(given, present));
  }
  const users: User[] = [];
  for (const user of command.users) {
    if (users.some(({ name }) => name === user.name))
      throw new DbError('already_exists', 'user already exists');
    users.push(checkedUser(user, databases));
  }
  const { roles: _, ...others } = catalog;
  const roles = rolesOf(command.roles ?? [], { users, databases });
  const whole = { ...others, databases, users: users.length === 0 ? undefined : users, ...roles };
  return withAcl(whole, mergedAcl(noAcl, command.acl ?? noAcl, whole));
}

/** Of roles of one name the first, with the users and databases that are there; nothing where there are none. */
function rolesOf(
  given: readonly Role[],
  { users, databases }: { readonly users: readonly User[]; readonly databases: Databases },
): { readonly roles?: readonly Role[] } {
  const roles: Role[] = [];
  for (const role of given) {
    if (role.name === '' || roles.some(({ name }) => name === role.name)) continue;
    const permissions = role.permissions.filter(({ scope }) => scope === '' || databases.get(scope) !== undefined); // prettier-ignore
    const members = role.users.filter((name) => users.some((user) => user.name === name));
    roles.push({ name: role.name, permissions, users: members });
  }
  return roles.length === 0 ? {} : { roles };
}

function overwritten(given: Database, present: Database | undefined): Database {
  const withoutGroups = given.retentionPolicies.map((policy) => ({ ...policy, shardGroups: [] }));
  const checked = checkedDatabase({ ...given, retentionPolicies: withoutGroups }, (group) => group);
  const groupsIn = (name: string): RetentionPolicy['shardGroups'] =>
    present?.retentionPolicies.find((policy) => policy.name === name)?.shardGroups ?? [];
  const retentionPolicies = checked.retentionPolicies.map((policy) => {
    return { ...policy, shardGroups: groupsIn(policy.name) };
  });
  const { restoredFrom } = present ?? {};
  return { ...checked, retentionPolicies, ...(restoredFrom !== undefined && { restoredFrom }) };
}
