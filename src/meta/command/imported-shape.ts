/** The shapes of what an import brings whole: databases with all that is in them, and users. */
import { permissions } from '../../base/permission.ts';
import type { Role, ScopedPermissions, User } from '../model/catalog.ts';
import type { ContinuousQuery, Database, RetentionPolicy, ShardGroup, ShardInfo, Subscription } from '../model/database.ts'; // prettier-ignore
import type { JoinedOwner } from '../model/shard-copy.ts';
import {
  hasShape,
  isCount,
  isFlag,
  isGroupStart,
  isInt64,
  isListOf,
  isOneOf,
  isPrivilege,
  isReplicaCount,
  isText,
  orAbsent,
  type Check,
  type Shape,
} from './value-checks.ts';

/** Groups of one policy: a thousand years of days. */
const groupsMax = 400_000;
/** Of anything else. */
const partsMax = 10_000;

const joined: Shape<JoinedOwner> = { nodeId: isCount, beganIndex: isCount, ownedIndex: isCount };
const shard: Shape<ShardInfo> = {
  id: isCount,
  owners: isListOf(isCount, partsMax),
  restoreIndex: orAbsent(isCount),
  restoredId: orAbsent(isCount),
  joined: orAbsent(isListOf(of(joined), partsMax)),
};
const group: Shape<ShardGroup> = {
  id: isCount,
  startNs: isGroupStart,
  endNs: isInt64,
  deletedAtNs: orAbsent(isInt64),
  truncatedAtNs: orAbsent(isInt64),
  shards: isListOf(of(shard), partsMax),
};
const subscription: Shape<Subscription> = {
  name: isText,
  mode: (value) => value === 'ALL' || value === 'ANY',
  destinations: isListOf(isText, partsMax),
};
const policy: Shape<RetentionPolicy> = {
  name: isText,
  durationNs: isInt64,
  shardGroupDurationNs: isInt64,
  replicaCount: isReplicaCount,
  pastLimitNs: isInt64,
  futureLimitNs: isInt64,
  shardGroups: isListOf(of(group), groupsMax),
  subscriptions: orAbsent(isListOf(of(subscription), partsMax)),
};
const continuousQuery: Shape<ContinuousQuery> = {
  name: isText,
  text: isText,
  createdNs: orAbsent(isInt64),
  ranUntilNs: orAbsent(isInt64),
};
const database: Shape<Database> = {
  name: isText,
  defaultRetentionPolicy: isText,
  retentionPolicies: isListOf(of(policy), partsMax),
  continuousQueries: orAbsent(isListOf(of(continuousQuery), partsMax)),
  restoredFrom: orAbsent(isText),
};
const scoped: Shape<ScopedPermissions> = {
  scope: isText,
  permissions: isListOf(isOneOf(permissions), permissions.length),
};
export const isScopedPermissions: Check = isListOf(of(scoped), 100_000);

const user: Shape<User> = {
  name: isText,
  hash: isText,
  isAdmin: isFlag,
  privileges: isListOf(of({ database: isText, privilege: isPrivilege }), 100_000),
  permissions: orAbsent(isScopedPermissions),
};

const role: Shape<Role> = {
  name: isText,
  permissions: isScopedPermissions,
  users: isListOf(isText, partsMax),
};

export const isDatabase: Check = of(database);
export const isUser: Check = of(user);
export const isRole: Check = of(role);

function of(shape: Readonly<Record<string, Check>>): Check {
  return (value) => hasShape(value, shape);
}
