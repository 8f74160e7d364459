/**
 * Whether what came over the network, or out of the log, is a command: apply is total, so it must not meet a field of
 * another type than it computes with (a replica count of NaN would never stop being divided).
 *
 * Invariant: the same answer on every replica, so it looks at types and fixed bounds only.
 */
import { DbError } from '../../base/errors.ts';
import { moveSteps } from './command.ts';
import type {
  Command,
  ContinuousQueryMark,
  LoggedCommand,
  NamedCopy,
  PolicySpec,
} from './command.ts';
import { isDatabase, isRole, isScopedPermissions, isUser } from './imported-shape.ts';
import { aclPermissions, textMatches, type Acl, type AclGrant, type AclKind, type TextMatch } from '../model/acl.ts'; // prettier-ignore
import { moveGoals, movesMax, type ProposedMove } from '../model/move-plan.ts';
import {
  hasShape,
  isCount,
  isFlag,
  isInt64,
  isListOf,
  isObject,
  isOneOf,
  isPrivilege,
  isReplicaCount,
  isRevocable,
  isText,
  isTime,
  isUint64,
  orAbsent,
  type Check,
  type Shape,
} from './value-checks.ts';

/** Of one command; a writer with more sends several. */
const timesMax = 100_000;

/** Of one command. */
export const marksMax = 1_024;
/** Databases, and users, of one import or restore. */
const importedMax = 100_000;
/** Of one subscription. */
export const destinationsMax = 64;
/** Of one node. */
const labelsMax = 1_024;

const isTimes: Check = (value) =>
  Array.isArray(value) && value.length <= timesMax && value.every(isTime);
const isPositive: Check = (value) => isInt64(value) && (value as bigint) > 0n;
const isTexts: Check = (value) =>
  Array.isArray(value) && value.length <= labelsMax && value.every(isText);
const isLabels: Check = (value) =>
  Array.isArray(value) &&
  value.length <= labelsMax &&
  value.every((label) => hasShape(label, { name: isText, value: isText }));
const isDestinations: Check = (value) =>
  isTexts(value) && (value as readonly string[]).length <= destinationsMax;

const policyShape: Shape<PolicySpec> = {
  name: orAbsent(isText),
  durationNs: orAbsent(isInt64),
  shardDurationNs: orAbsent(isInt64),
  replication: orAbsent(isReplicaCount),
  pastLimitNs: orAbsent(isInt64),
  futureLimitNs: orAbsent(isInt64),
};
const markShape: Shape<ContinuousQueryMark> = {
  database: isText,
  name: isText,
  createdNs: orAbsent(isInt64),
  ranUntilNs: isInt64,
};
const isMarks: Check = (value) =>
  Array.isArray(value) && value.length <= marksMax && value.every((mark) => hasShape(mark, markShape)); // prettier-ignore
const isPolicy: Check = (value) => hasShape(value, policyShape);

const namedCopy: Shape<NamedCopy> = {
  shardId: isCount,
  destinationId: isCount,
  beganIndex: isCount,
};

const moveShape: Shape<ProposedMove> = {
  shardId: isCount,
  fromId: isCount,
  toId: isCount,
  sizeBytes: isCount,
  reason: isText,
};
const isMoves = isListOf((value) => hasShape(value, moveShape), movesMax);

const changedPermissions = { name: isText, permissions: isScopedPermissions, isGrant: isFlag };

const aclKinds: readonly AclKind[] = ['restriction', 'grant'];
const textMatch: Shape<TextMatch> = { match: isOneOf(textMatches), value: isText };
const isTextMatch: Check = (value) => hasShape(value, textMatch);
/** Of one rule. */
const partsMax = 1_024;
const aclGrant: Shape<AclGrant> = {
  id: isText,
  database: isTextMatch,
  measurement: orAbsent(isTextMatch),
  tags: isListOf((tag) => hasShape(tag, { ...textMatch, key: isText }), partsMax),
  permissions: isListOf(isOneOf(aclPermissions), partsMax),
  users: isListOf(isText, partsMax),
  roles: isListOf(isText, partsMax),
};
const isAclGrant: Check = (value) => hasShape(value, aclGrant);
const { users: _users, roles: _roles, ...aclRule } = aclGrant;
const acl: Shape<Acl> = {
  restrictions: isListOf((value) => hasShape(value, aclRule), partsMax),
  grants: isListOf(isAclGrant, partsMax),
};
const isAcl: Check = (value) => hasShape(value, acl);

type ShapeOf<Kind extends Command['kind']> = Shape<Omit<Extract<Command, { kind: Kind }>, 'kind'>>;

/** A kind that is missing here does not compile. */
const shapes: { readonly [Kind in Command['kind']]: ShapeOf<Kind> } = {
  'found-cluster': { clusterId: isUint64 },
  'create-meta-node': { httpAddress: isText, tcpAddress: isText },
  'delete-meta-node': { nodeId: isCount },
  'create-data-node': {
    httpAddress: isText,
    tcpAddress: isText,
    dataNodesMax: isCount,
    isPassive: orAbsent(isFlag),
  },
  'update-data-node': { nodeId: isCount, httpAddress: isText, tcpAddress: isText },
  'set-node-labels': { nodeId: isCount, labels: isLabels },
  'delete-node-labels': { nodeId: isCount, names: isTexts },
  'delete-data-node': { nodeId: isCount },
  'create-database': { name: isText, policy: orAbsent(isPolicy) },
  'create-bare-database': { name: isText },
  'drop-database': { name: isText },
  'create-retention-policy': { database: isText, policy: isPolicy, isDefault: isFlag },
  'alter-retention-policy': { database: isText, name: isText, policy: isPolicy, isDefault: isFlag },
  'drop-retention-policy': { database: isText, name: isText },
  'create-shard-groups': { database: isText, retentionPolicy: isText, timesNs: isTimes },
  'truncate-shard-groups': { timeNs: isTime },
  'delete-shard-group': {
    database: isText,
    retentionPolicy: isText,
    groupId: isCount,
    nowNs: isInt64,
  },
  'prune-shard-groups': { beforeNs: isInt64 },
  'drop-shard': { shardId: isCount, nowNs: isInt64 },
  'add-shard-owner': { shardId: isCount, nodeId: isCount },
  'remove-shard-owner': { shardId: isCount, nodeId: isCount, nowNs: isInt64 },
  'begin-shard-copy': {
    shardId: isCount,
    sourceId: isCount,
    destinationId: isCount,
    startedNs: isInt64,
  },
  'finish-shard-copy': namedCopy,
  'abort-shard-copy': namedCopy,
  'forget-shard-copy': namedCopy,
  'begin-move-plan': {
    goal: isOneOf(moveGoals),
    leavingId: isCount,
    joiningId: isCount,
    isRemoval: isFlag,
    startedNs: isInt64,
    moves: isMoves,
  },
  'extend-move-plan': { planIndex: isCount, moves: isMoves },
  'pause-move-plan': { planIndex: isCount, isPaused: isFlag },
  'advance-shard-move': {
    planIndex: isCount,
    shardId: isCount,
    fromId: isCount,
    toId: isCount,
    step: isOneOf(moveSteps),
    reason: isText,
  },
  'end-move-plan': { planIndex: isCount, nowNs: isInt64 },
  'create-continuous-query': {
    database: isText,
    name: isText,
    text: isText,
    nowNs: orAbsent(isInt64),
  },
  'mark-continuous-queries': { lease: isText, token: isCount, marks: isMarks },
  'drop-continuous-query': { database: isText, name: isText },
  'create-subscription': {
    database: isText,
    retentionPolicy: isText,
    name: isText,
    mode: isOneOf(['ALL', 'ANY']),
    destinations: isDestinations,
  },
  'drop-subscription': { database: isText, retentionPolicy: isText, name: isText },
  'create-user': { name: isText, hash: isText, isAdmin: isFlag },
  'drop-user': { name: isText },
  'set-user-hash': { name: isText, hash: isText },
  'set-user-admin': { name: isText, isAdmin: isFlag },
  'set-user-privilege': { name: isText, database: isText, privilege: isPrivilege },
  'revoke-user-privilege': { name: isText, database: isText, privilege: isRevocable },
  'create-permitted-user': { name: isText, hash: isText, permissions: isScopedPermissions },
  'change-user-permissions': changedPermissions,
  'change-role-permissions': changedPermissions,
  'create-role': { name: isText, permissions: isScopedPermissions, users: isTexts },
  'drop-role': { name: isText },
  'change-role-users': { name: isText, users: isTexts, isAdded: isFlag },
  'create-acl-rule': { of: isOneOf(aclKinds), rule: isAclGrant },
  'drop-acl-rule': { of: isOneOf(aclKinds), ruleId: isText },
  'set-ldap-config': { text: isText },
  'import-databases': {
    nodeId: isCount,
    databases: isListOf(isDatabase, importedMax),
    users: isListOf(isUser, importedMax),
    maxShardGroupId: isCount,
    maxShardId: isCount,
  },
  'restore-databases': {
    databases: isListOf(isDatabase, importedMax),
    users: isListOf(isUser, importedMax),
    roles: orAbsent(isListOf(isRole, importedMax)),
    acl: orAbsent(isAcl),
  },
  'finish-restore': { shardIds: isListOf(isCount, timesMax) },
  'overwrite-databases': {
    clusterId: isUint64,
    databases: isListOf(isDatabase, importedMax),
    users: isListOf(isUser, importedMax),
    roles: orAbsent(isListOf(isRole, importedMax)),
    acl: orAbsent(isAcl),
  },
  'acquire-lease': { name: isText, nodeId: isCount, nowNs: isInt64, durationNs: isPositive },
};

/** Throws `unsupported_version` for a kind of a newer release, `invalid_argument` for what is no command at all. */
export function checkCommand(command: unknown): asserts command is Command {
  const kind = isObject(command) ? command['kind'] : undefined;
  if (typeof kind !== 'string') throw malformed('it has no kind');
  if (!Object.hasOwn(shapes, kind)) throw unknownCommand(kind);
  if (!hasShape(command, shapes[kind as Command['kind']])) throw malformed(kind);
}

export function isLogged(value: unknown): value is LoggedCommand {
  return isObject(value) && typeof value['id'] === 'string' && value['id'] !== '';
}

/** Whoever reads it stops: passing it over would leave another catalog (decision 12). */
export function unknownCommand(kind: string): DbError {
  return new DbError(
    'unsupported_version',
    `catalog command ${kind} is not known here: it is of a newer release`,
  );
}

function malformed(what: string): DbError {
  return new DbError('invalid_argument', `malformed catalog command: ${what}`);
}
