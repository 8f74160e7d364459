/**
 * What a single InfluxDB had becomes the cluster's (spec F87): its databases with policies, groups and shards, which one data
 * node has on its disk, and its users.
 *
 * Invariants:
 * - All of it or nothing: what is not as this catalog would have made it, or is there already, refuses the whole.
 * - Ids of shards and groups keep counting up: an import brings only such as are above all that were given.
 * - Done again it changes nothing.
 */
import { DbError } from '../../base/errors.ts';
import { checkSubscriptionUrl } from '../model/subscription-url.ts';
import type { Catalog, Database, RetentionPolicy, ShardGroup, User } from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import { checkName, newPolicy } from './retention-policy.ts';
import { compareGroups, endOfGroup } from '../model/shard-groups.ts';

/** Room for all shards that the cluster makes afterwards: ids stay exact numbers. */
const idMax = 2 ** 48;

export type ImportCommand = Extract<Command, { kind: 'import-databases' }>;

export function applyImport(catalog: Catalog, command: ImportCommand): Catalog {
  const node = catalog.dataNodes.find(({ id }) => id === command.nodeId);
  if (node === undefined) throw new DbError('node_not_found', 'node not found');
  if (isDone(catalog, command)) return catalog;
  checkIds(catalog, command);
  let { databases } = catalog;
  for (const given of command.databases) {
    if (databases.get(given.name) !== undefined)
      throw new DbError('already_exists', `database already exists: ${given.name}`);
    databases = databases.with(checkedDatabase(given, (group) => ownedBy(group, command.nodeId)));
  }
  const users = [...(catalog.users ?? [])];
  for (const user of command.users) {
    if (users.some(({ name }) => name === user.name))
      throw new DbError('already_exists', `user already exists: ${user.name}`);
    users.push(checkedUser(user, databases));
  }
  return {
    ...catalog,
    databases,
    ...(users.length > 0 && { users }),
    maxShardGroupId: Math.max(catalog.maxShardGroupId, command.maxShardGroupId),
    maxShardId: Math.max(catalog.maxShardId, command.maxShardId),
  };
}

/** Everything that it brings is there, as far as ids and names tell. */
function isDone(catalog: Catalog, { databases, users }: ImportCommand): boolean {
  const hasShards = databases.every(({ name, retentionPolicies }) =>
    retentionPolicies.every((policy) =>
      policy.shardGroups.every(({ shards }) =>
        shards.every(({ id }) => {
          const place = catalog.databases.shard(id);
          return place?.database === name && place.retentionPolicy === policy.name;
        }),
      ),
    ),
  );
  const hasNames =
    databases.every(({ name }) => catalog.databases.get(name) !== undefined) &&
    users.every(({ name }) => catalog.users?.some((user) => user.name === name) === true);
  return hasShards && hasNames;
}

function checkIds(catalog: Catalog, command: ImportCommand): void {
  const { maxShardGroupId, maxShardId } = command;
  if (maxShardGroupId > idMax || maxShardId > idMax)
    throw new DbError('invalid_argument', `shard ids are no higher than ${idMax}`);
  const groupIds = new Set<number>();
  const shardIds = new Set<number>();
  const check = (
    ids: Set<number>,
    id: number,
    { min, max }: { min: number; max: number },
  ): void => {
    if (id <= min)
      throw new DbError('conflict', `shard ids up to ${min} are taken in this cluster: an import makes the first data of a cluster, or has ids above them`); // prettier-ignore
    if (id > max || ids.has(id))
      throw new DbError('invalid_argument', `shard id ${id} does not fit`);
    ids.add(id);
  };
  for (const { retentionPolicies } of command.databases)
    for (const { shardGroups } of retentionPolicies)
      for (const { id, shards } of shardGroups) {
        check(groupIds, id, { min: catalog.maxShardGroupId, max: maxShardGroupId });
        for (const shard of shards)
          check(shardIds, shard.id, { min: catalog.maxShardId, max: maxShardId });
      }
}

/** As this catalog would have made it, its groups as `place` makes them; throws what is wrong with it. */
export function checkedDatabase(
  given: Database,
  place: (group: ShardGroup) => ShardGroup,
): Database {
  const { name, defaultRetentionPolicy, retentionPolicies, continuousQueries = [] } = given;
  if (name === '') throw new DbError('invalid_argument', 'database name required');
  checkName(name);
  const names = new Set(retentionPolicies.map((policy) => policy.name));
  if (names.size < retentionPolicies.length)
    throw new DbError('already_exists', 'retention policy already exists');
  return {
    name,
    defaultRetentionPolicy,
    retentionPolicies: retentionPolicies.map((policy) => checkedPolicy(policy, place)),
    ...(continuousQueries.length > 0 && { continuousQueries }),
  };
}

function checkedPolicy(
  given: RetentionPolicy,
  place: (group: ShardGroup) => ShardGroup,
): RetentionPolicy {
  const { name, durationNs, pastLimitNs, futureLimitNs, subscriptions = [] } = given;
  const spec = {
    name,
    durationNs,
    shardDurationNs: given.shardGroupDurationNs,
    replication: given.replicaCount,
    pastLimitNs,
    futureLimitNs,
  };
  for (const { destinations } of subscriptions)
    for (const url of destinations) checkSubscriptionUrl(url);
  return {
    ...newPolicy(spec, { name: '', replicaCount: 1 }),
    shardGroups: apart(given.shardGroups.map(place).sort(compareGroups)),
    ...(subscriptions.length > 0 && { subscriptions }),
  };
}

/** As every reader of a catalog takes for granted: a time is in one group at most. */
function apart(groups: readonly ShardGroup[]): readonly ShardGroup[] {
  for (const [i, group] of groups.entries()) {
    const next = groups[i + 1];
    if (next !== undefined && endOfGroup(group) > next.startNs)
      throw new DbError('invalid_argument', `shard groups ${group.id} and ${next.id} overlap in time: import their points as line protocol`); // prettier-ignore
  }
  return groups;
}

function ownedBy(group: ShardGroup, nodeId: number): ShardGroup {
  checkGroup(group);
  const { id, startNs, endNs, truncatedAtNs } = group;
  const shards = group.shards.map((shard) => ({ id: shard.id, owners: [nodeId] }));
  return { id, startNs, endNs, ...(truncatedAtNs !== undefined && { truncatedAtNs }), shards };
}

export function checkGroup({ id, startNs, endNs, shards }: ShardGroup): void {
  if (startNs >= endNs || shards.length === 0)
    throw new DbError('invalid_argument', `shard group ${id} holds no time, or no shard`);
}

export function checkedUser(
  { name, hash, isAdmin, privileges, permissions = [] }: User,
  databases: Catalog['databases'],
): User {
  if (name === '') throw new DbError('invalid_argument', 'username required');
  // What was granted on a database that is gone is of no use, and none here has it.
  const kept = privileges.filter(({ database }) => databases.get(database) !== undefined);
  const left = permissions.filter(({ scope }) => scope === '' || databases.get(scope) !== undefined); // prettier-ignore
  const user = { name, hash, isAdmin, privileges: kept };
  return left.length === 0 ? user : { ...user, permissions: left };
}
