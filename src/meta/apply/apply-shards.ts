/**
 * Shard groups that end early, are deleted and forgotten; shards that get and lose owners (spec F32, F34, F38, F40).
 *
 * Invariant: a group, policy or database that a command does not touch stays the same object: the index of shards goes
 * by that.
 */
import { DbError } from '../../base/errors.ts';
import type {
  Catalog,
  Database,
  RetentionPolicy,
  ShardGroup,
  ShardInfo,
} from '../model/catalog.ts';
import type { Command } from '../command/command.ts';
import type { ShardPlace } from '../model/databases.ts';
import { copiesOf } from '../model/shard-copies.ts';
import { compareGroups } from '../model/shard-groups.ts';

export type ShardCommand = Extract<
  Command,
  {
    kind:
      | 'truncate-shard-groups'
      | 'delete-shard-group'
      | 'prune-shard-groups'
      | 'drop-shard'
      | 'add-shard-owner'
      | 'remove-shard-owner';
  }
>;

export function applyShardCommand(catalog: Catalog, command: ShardCommand): Catalog {
  switch (command.kind) {
    case 'truncate-shard-groups':
      return withGroups(catalog, (group) => truncated(group, command.timeNs));
    case 'prune-shard-groups':
      return withGroups(catalog, (group) => {
        const { deletedAtNs } = group;
        return deletedAtNs !== undefined && deletedAtNs < command.beforeNs ? undefined : group;
      });
    case 'delete-shard-group':
      return deleteGroup(catalog, command);
    case 'drop-shard': {
      const place = catalog.databases.shard(command.shardId);
      if (place === undefined) return catalog;
      return withGroup(catalog, place, withoutShard(place, command.nowNs));
    }
    case 'add-shard-owner': {
      const place = mustHaveShard(catalog, command.shardId);
      if (!catalog.dataNodes.some(({ id }) => id === command.nodeId))
        throw new DbError('node_not_found', 'node not found');
      const { owners } = place.shard;
      if (owners.includes(command.nodeId)) return catalog;
      return withGroup(
        catalog,
        place,
        withOwners(place, [...owners, command.nodeId], place.shard.joined),
      );
    }
    case 'remove-shard-owner': {
      const place = mustHaveShard(catalog, command.shardId);
      refuseSource(catalog, command);
      const owners = place.shard.owners.filter((owner) => owner !== command.nodeId);
      if (owners.length === place.shard.owners.length) return catalog;
      const group =
        owners.length === 0
          ? withoutShard(place, command.nowNs)
          : withOwners(place, owners, place.shard.joined);
      return withGroup(catalog, place, group);
    }
  }
}

/** The catalog with each group that is not deleted given up by a node that owned shards of it. */
export function withoutOwner(catalog: Catalog, nodeId: number): Catalog {
  return withGroups(catalog, (group) => {
    if (!group.shards.some(({ owners }) => owners.includes(nodeId))) return group;
    const shards = group.shards.map((shard) => {
      const owners = shard.owners.filter((owner) => owner !== nodeId);
      return owned(shard, owners, shard.joined);
    });
    return { ...group, shards };
  });
}

/** A group that ends after `timeNs` takes no point from there on; one that begins later takes none at all. */
function truncated(group: ShardGroup, timeNs: bigint): ShardGroup {
  if (group.deletedAtNs !== undefined || group.endNs <= timeNs) return group;
  if (group.truncatedAtNs !== undefined && group.truncatedAtNs <= timeNs) return group;
  return { ...group, truncatedAtNs: timeNs > group.startNs ? timeNs : group.startNs };
}

function deleteGroup(
  catalog: Catalog,
  command: Extract<Command, { kind: 'delete-shard-group' }>,
): Catalog {
  const database = catalog.databases.get(command.database);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${command.database}`);
  const policy = database.retentionPolicies.find(({ name }) => name === command.retentionPolicy);
  if (policy === undefined) {
    const text = `retention policy not found: ${command.retentionPolicy}`;
    throw new DbError('retention_policy_not_found', text);
  }
  const group = policy.shardGroups.find(({ id }) => id === command.groupId);
  if (group === undefined) throw new DbError('shard_not_found', 'shard group not found');
  if (group.deletedAtNs !== undefined) return catalog;
  const changed = changedPolicy(policy, (one) =>
    one === group ? { ...one, deletedAtNs: command.nowNs } : one,
  );
  return withPolicy(catalog, database, changed);
}

export function mustHaveShard(catalog: Catalog, shardId: number): ShardPlace {
  const place = catalog.databases.shard(shardId);
  if (place !== undefined) return place;
  throw new DbError('shard_not_found', `shard not found for id: ${shardId}`);
}

/** `joined` without those that are owners no more. */
export function withOwners(
  { group, shard }: ShardPlace,
  owners: readonly number[],
  joined: ShardInfo['joined'],
): ShardGroup {
  const changed = owned(shard, owners, joined);
  return { ...group, shards: group.shards.map((one) => (one === shard ? changed : one)) };
}

function owned(
  { joined: _, ...shard }: ShardInfo,
  owners: readonly number[],
  joined: ShardInfo['joined'] = [],
): ShardInfo {
  const left = joined.filter(({ nodeId }) => owners.includes(nodeId));
  return { ...shard, owners, ...(left.length > 0 && { joined: left }) };
}

/** What a copy is being read from stays until it has ended. */
export function refuseSource(
  catalog: Catalog,
  { shardId, nodeId }: { readonly shardId: number; readonly nodeId: number },
): void {
  const isSource = copiesOf(catalog).some(
    (copy) => copy.shardId === shardId && copy.sourceId === nodeId && copy.state === 'copying',
  );
  if (isSource)
    throw new DbError('conflict', `shard ${shardId} is being copied from node ${nodeId}`);
}

/** A group without a shard left is deleted. */
function withoutShard({ group, shard }: ShardPlace, nowNs: bigint): ShardGroup {
  const shards = group.shards.filter((one) => one !== shard);
  return { ...group, shards, ...(shards.length === 0 && { deletedAtNs: nowNs }) };
}

/** `place.group` becomes `group`. */
export function withGroup(catalog: Catalog, place: ShardPlace, group: ShardGroup): Catalog {
  const database = catalog.databases.get(place.database);
  const policy = database?.retentionPolicies.find(({ name }) => name === place.retentionPolicy);
  if (database === undefined || policy === undefined) return catalog;
  const changed = changedPolicy(policy, (one) => (one === place.group ? group : one));
  return withPolicy(catalog, database, changed);
}

function withPolicy(catalog: Catalog, database: Database, policy: RetentionPolicy): Catalog {
  const retentionPolicies = database.retentionPolicies.map((other) =>
    other.name === policy.name ? policy : other,
  );
  return { ...catalog, databases: catalog.databases.with({ ...database, retentionPolicies }) };
}

/** Every group as `change` makes it, undefined for one that goes. */
export function withGroups(
  catalog: Catalog,
  change: (group: ShardGroup) => ShardGroup | undefined,
): Catalog {
  let { databases } = catalog;
  for (const database of catalog.databases) {
    const retentionPolicies = database.retentionPolicies.map((policy) =>
      changedPolicy(policy, change),
    );
    if (retentionPolicies.some((policy, i) => policy !== database.retentionPolicies[i]))
      databases = databases.with({ ...database, retentionPolicies });
  }
  return { ...catalog, databases };
}

function changedPolicy(
  policy: RetentionPolicy,
  change: (group: ShardGroup) => ShardGroup | undefined,
): RetentionPolicy {
  const shardGroups = policy.shardGroups.flatMap((group) => change(group) ?? []);
  const isSame =
    shardGroups.length === policy.shardGroups.length &&
    shardGroups.every((group, i) => group === policy.shardGroups[i]);
  return isSame ? policy : { ...policy, shardGroups: shardGroups.sort(compareGroups) };
}
