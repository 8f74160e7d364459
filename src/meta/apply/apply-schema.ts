import { DbError } from '../../base/errors.ts';
import { withoutDatabase } from '../model/permissions.ts';
import {
  activeDataNodes,
  findDatabase,
  type Catalog,
  type Database,
  type RetentionPolicy,
  type ShardGroup,
} from '../model/catalog.ts';
import type { Command, PolicySpec } from '../command/command.ts';
import {
  alteredPolicy,
  checkName,
  checkSpec,
  isSamePolicy,
  matchesSpec,
  newPolicy,
} from './retention-policy.ts';
import { groupAt, newGroupBounds, placeShards, withGroups } from '../model/shard-groups.ts';

type SchemaCommand = Extract<
  Command,
  {
    kind:
      | 'create-database'
      | 'create-bare-database'
      | 'drop-database'
      | 'create-retention-policy'
      | 'alter-retention-policy'
      | 'drop-retention-policy'
      | 'create-shard-groups';
  }
>;

/** Databases, retention policies and shard groups, with the reference's texts (spec 3.6). */
export function applySchemaCommand(
  catalog: Catalog,
  index: number,
  command: SchemaCommand,
): Catalog {
  switch (command.kind) {
    case 'create-database':
      return createDatabase(catalog, command.name, command.policy);
    case 'create-bare-database':
      return createBareDatabase(catalog, command.name);
    case 'drop-database':
      return withoutDatabase(
        { ...catalog, databases: catalog.databases.without(command.name) },
        command.name,
      );
    case 'create-retention-policy':
      return createPolicy(catalog, command);
    case 'alter-retention-policy':
      return alterPolicy(catalog, command);
    case 'drop-retention-policy': {
      // Neither the policy nor the database has to be there.
      const database = findDatabase(catalog, command.database);
      if (database === undefined) return catalog;
      const retentionPolicies = database.retentionPolicies.filter(
        ({ name }) => name !== command.name,
      );
      return withDatabase(catalog, { ...database, retentionPolicies });
    }
    case 'create-shard-groups':
      return createGroups(catalog, index, command);
  }
}

/** Copies of a policy that names no number: every node up to three, two with more (spec F25). */
export function defaultReplicaCount(catalog: Catalog): number {
  const nodeCount = activeDataNodes(catalog).length;
  return nodeCount >= 4 ? 2 : Math.max(1, nodeCount);
}

function createDatabase(catalog: Catalog, name: string, spec: PolicySpec | undefined): Catalog {
  if (name === '') throw new DbError('invalid_argument', 'database name required');
  checkName(name);
  const defaults = { name: 'autogen', replicaCount: defaultReplicaCount(catalog) };
  checkSpec(spec ?? {});
  const existing = findDatabase(catalog, name);
  if (existing === undefined || (spec !== undefined && existing.retentionPolicies.length === 0)) {
    const policy = newPolicy(spec ?? {}, defaults);
    // One that has lost its policies keeps its continuous queries.
    const database = { ...existing, name, defaultRetentionPolicy: policy.name, retentionPolicies: [policy] }; // prettier-ignore
    return withDatabase(catalog, database);
  }
  if (spec === undefined) return catalog;
  const current = findExactPolicy(existing, spec.name ?? defaults.name);
  const isDefault = current?.name === existing.defaultRetentionPolicy;
  if (current === undefined || !isDefault || !matchesSpec(current, spec))
    throw new DbError('conflict', 'retention policy conflicts with an existing policy');
  return catalog;
}

/** One that is there stays as it is. */
function createBareDatabase(catalog: Catalog, name: string): Catalog {
  if (name === '') throw new DbError('invalid_argument', 'database name required');
  checkName(name);
  if (findDatabase(catalog, name) !== undefined) return catalog;
  return withDatabase(catalog, { name, defaultRetentionPolicy: '', retentionPolicies: [] });
}

function createPolicy(
  catalog: Catalog,
  command: Extract<Command, { kind: 'create-retention-policy' }>,
): Catalog {
  const policy = newPolicy(command.policy, { name: '', replicaCount: 1 });
  const database = mustHaveDatabase(catalog, command.database);
  const existing = findExactPolicy(database, policy.name);
  if (existing !== undefined) {
    if (!isSamePolicy(existing, policy))
      throw new DbError('already_exists', 'retention policy already exists');
    if (command.isDefault && database.defaultRetentionPolicy !== policy.name)
      throw new DbError('conflict', 'retention policy conflicts with an existing policy');
    return catalog;
  }
  return withDatabase(catalog, {
    ...database,
    defaultRetentionPolicy: command.isDefault ? policy.name : database.defaultRetentionPolicy,
    retentionPolicies: [...database.retentionPolicies, policy],
  });
}

function alterPolicy(
  catalog: Catalog,
  command: Extract<Command, { kind: 'alter-retention-policy' }>,
): Catalog {
  const database = mustHaveDatabase(catalog, command.database);
  const existing = findExactPolicy(database, command.name);
  if (existing === undefined) throw policyNotFound(command.name);
  const altered = alteredPolicy(existing, command.policy);
  const wasDefault = database.defaultRetentionPolicy === existing.name;
  if (altered.name !== existing.name && findExactPolicy(database, altered.name) !== undefined)
    throw new DbError('already_exists', 'retention policy name already exists');
  return withDatabase(catalog, {
    ...database,
    defaultRetentionPolicy:
      command.isDefault || wasDefault ? altered.name : database.defaultRetentionPolicy,
    retentionPolicies: database.retentionPolicies.map((policy) =>
      policy === existing ? altered : policy,
    ),
  });
}

function createGroups(
  catalog: Catalog,
  index: number,
  command: Extract<Command, { kind: 'create-shard-groups' }>,
): Catalog {
  const nodeIds = activeDataNodes(catalog).map((node) => node.id);
  if (nodeIds.length === 0) throw new DbError('unavailable', 'the cluster has no data nodes');
  const database = mustHaveDatabase(catalog, command.database);
  const policy = findExactPolicy(database, command.retentionPolicy);
  if (policy === undefined) throw policyNotFound(command.retentionPolicy);
  let { maxShardGroupId, maxShardId } = catalog;
  const added: ShardGroup[] = [];
  let freeFromNs: bigint | undefined;
  // In order of time, so that a new group's neighbours are the last one added and one of the old.
  for (const timeNs of [...command.timesNs].sort((a, b) => (a < b ? -1 : Number(a > b)))) {
    if (freeFromNs !== undefined && timeNs < freeFromNs) continue;
    if (groupAt(policy, timeNs) !== undefined) continue;
    const shards = placeShards(nodeIds, policy.replicaCount, {
      firstShardId: maxShardId + 1,
      raftIndex: index,
    });
    const bounds = newGroupBounds(policy, timeNs, freeFromNs);
    added.push({ id: ++maxShardGroupId, ...bounds, shards });
    maxShardId += shards.length;
    freeFromNs = bounds.endNs;
  }
  const [first, ...others] = added;
  if (first === undefined) return catalog;
  const shardGroups = withGroups(policy.shardGroups, [first, ...others]);
  const changed = withPolicy(database, { ...policy, shardGroups });
  return { ...withDatabase(catalog, changed), maxShardGroupId, maxShardId };
}

function withPolicy(database: Database, policy: RetentionPolicy): Database {
  const retentionPolicies = database.retentionPolicies.map((other) =>
    other.name === policy.name ? policy : other,
  );
  return { ...database, retentionPolicies };
}

function withDatabase(catalog: Catalog, database: Database): Catalog {
  return { ...catalog, databases: catalog.databases.with(database) };
}

function mustHaveDatabase(catalog: Catalog, name: string): Database {
  const database = findDatabase(catalog, name);
  if (database === undefined)
    throw new DbError('database_not_found', `database not found: ${name}`);
  return database;
}

function findExactPolicy(database: Database, name: string): RetentionPolicy | undefined {
  return database.retentionPolicies.find((policy) => policy.name === name);
}

function policyNotFound(name: string): DbError {
  return new DbError('retention_policy_not_found', `retention policy not found: ${name}`);
}
