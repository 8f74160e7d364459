/**
 * Commands as bytes, in Raft's log and on their way to it: a varve.catalog.v1.Command (src/proto/catalog.proto).
 *
 * Releases before wrote JSON in a block of ours, which is still read, and written as long as a meta node or the copy of a
 * data node reads nothing else.
 *
 * Invariants:
 * - What is encoded decodes: nothing here is narrower than checkCommand (command-shape.ts), which both ends ask.
 * - A kind that is added and not here does not compile.
 */
import { DbError } from '../../base/errors.ts';
import { permissions } from '../../base/permission.ts';
import { bytes, choice, count, flag, int64, list, mapped, oneOf, optional, text, uint64, type AnyField, type Field } from '../../proto/field.ts'; // prettier-ignore
import { varve, type MessageType } from '../../proto/gen/wire.js';
import { message, union } from '../../proto/message.ts';
import { decodeMessage, encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import type { CatalogForm } from './catalog-codec.ts';
import { aclRule } from './acl-fields.ts';
import {
  aclOf,
  databaseOf,
  fromAcl,
  fromDatabase,
  fromUser,
  roleOf,
  userOf,
} from './catalog-message.ts';
import { moveSteps, type Command, type ContinuousQueryMark, type LoggedCommand, type PolicySpec } from '../command/command.ts'; // prettier-ignore
import { moveGoals, type ProposedMove } from '../model/move-plan.ts';
import { unknownCommand } from '../command/command-shape.ts';
import { metaMessage } from './meta-message.ts';

const { v1 } = varve.catalog;

type BodyOf<Kind extends Command['kind']> = Omit<Extract<Command, { kind: Kind }>, 'kind'>;
type FieldsOf<Kind extends Command['kind']> = {
  readonly [Key in keyof Required<BodyOf<Kind>>]: Field<BodyOf<Kind>[Key]>;
};

/** checkCommand has the bounds that count. */
const many = { max: 1 << 24 };
const few = { max: permissions.length };
const words = text({ lengthMax: 1 << 24 });
const replication = count({ min: Number.MIN_SAFE_INTEGER });
const privilege = choice({ 'NO PRIVILEGES': 0, READ: 1, WRITE: 2, 'ALL PRIVILEGES': 3 });
const revoked = choice({ READ: 1, WRITE: 2, 'ALL PRIVILEGES': 3 });
const scoped = list(
  message(v1.ScopedPermissions, { scope: words, permissions: list(oneOf(permissions), few) }),
  many,
);
const aclKind = oneOf(['restriction', 'grant'] as const);
const node = { nodeId: count() };
const addresses = { httpAddress: words, tcpAddress: words };
const namedCopy = { shardId: count(), destinationId: count(), beganIndex: count() };
const planned = { planIndex: count() };
const moves = list(
  message(v1.ProposedMove, {
    shardId: count(),
    fromId: count(),
    toId: count(),
    sizeBytes: count(),
    reason: words,
  } satisfies { readonly [Key in keyof ProposedMove]: Field<ProposedMove[Key]> }),
  many,
);
const inDatabase = { database: words, name: words };
const inPolicy = { database: words, retentionPolicy: words };

const policy: Field<PolicySpec> = message(v1.PolicySpec, {
  name: optional(words),
  durationNs: optional(int64),
  shardDurationNs: optional(int64),
  replication: optional(replication),
  pastLimitNs: optional(int64),
  futureLimitNs: optional(int64),
} satisfies { readonly [Key in keyof Required<PolicySpec>]: Field<PolicySpec[Key]> });

const mark: Field<ContinuousQueryMark> = message(v1.MarkContinuousQueries.Mark, {
  database: words,
  name: words,
  createdNs: optional(int64),
  ranUntilNs: int64,
} satisfies {
  readonly [Key in keyof Required<ContinuousQueryMark>]: Field<ContinuousQueryMark[Key]>;
});

/** Kinds that bring databases and users. */
type WithDatabases = 'import-databases' | 'restore-databases' | 'overwrite-databases';

/** For each kind the member of the oneof, its message, and what is in it. */
const bodies: {
  readonly [Kind in Exclude<Command['kind'], WithDatabases>]: readonly [
    member: string,
    type: MessageType,
    fields: FieldsOf<Kind>,
  ];
} = {
  'found-cluster': ['foundCluster', v1.FoundCluster, { clusterId: uint64 }],
  'create-meta-node': ['createMetaNode', v1.CreateMetaNode, addresses],
  'delete-meta-node': ['deleteMetaNode', v1.NodeId, node],
  'create-data-node': [
    'createDataNode',
    v1.CreateDataNode,
    { ...addresses, dataNodesMax: count(), isPassive: optional(flag) },
  ],
  'update-data-node': ['updateDataNode', v1.UpdateDataNode, { ...node, ...addresses }],
  'set-node-labels': [
    'setNodeLabels',
    v1.SetNodeLabels,
    { ...node, labels: list(message(v1.NodeLabel, { name: words, value: words }), many) },
  ],
  'delete-node-labels': [
    'deleteNodeLabels',
    v1.DeleteNodeLabels,
    { ...node, names: list(words, many) },
  ],
  'delete-data-node': ['deleteDataNode', v1.NodeId, node],
  'create-database': [
    'createDatabase',
    v1.CreateDatabase,
    { name: words, policy: optional(policy) },
  ],
  'create-bare-database': ['createBareDatabase', v1.Name, { name: words }],
  'drop-database': ['dropDatabase', v1.Name, { name: words }],
  'create-retention-policy': [
    'createRetentionPolicy',
    v1.CreateRetentionPolicy,
    { database: words, policy, isDefault: flag },
  ],
  'alter-retention-policy': [
    'alterRetentionPolicy',
    v1.AlterRetentionPolicy,
    { ...inDatabase, policy, isDefault: flag },
  ],
  'drop-retention-policy': ['dropRetentionPolicy', v1.NameOfDatabase, inDatabase],
  'create-shard-groups': [
    'createShardGroups',
    v1.CreateShardGroups,
    { ...inPolicy, timesNs: list(int64, many) },
  ],
  'finish-restore': ['finishRestore', v1.FinishRestore, { shardIds: list(count(), many) }],
  'truncate-shard-groups': ['truncateShardGroups', v1.TruncateShardGroups, { timeNs: int64 }],
  'delete-shard-group': [
    'deleteShardGroup',
    v1.DeleteShardGroup,
    { ...inPolicy, groupId: count(), nowNs: int64 },
  ],
  'prune-shard-groups': ['pruneShardGroups', v1.PruneShardGroups, { beforeNs: int64 }],
  'drop-shard': ['dropShard', v1.DropShard, { shardId: count(), nowNs: int64 }],
  'add-shard-owner': ['addShardOwner', v1.AddShardOwner, { shardId: count(), ...node }],
  'remove-shard-owner': [
    'removeShardOwner',
    v1.RemoveShardOwner,
    { shardId: count(), ...node, nowNs: int64 },
  ],
  'begin-shard-copy': [
    'beginShardCopy',
    v1.BeginShardCopy,
    { shardId: count(), sourceId: count(), destinationId: count(), startedNs: int64 },
  ],
  'finish-shard-copy': ['finishShardCopy', v1.NamedShardCopy, namedCopy],
  'abort-shard-copy': ['abortShardCopy', v1.NamedShardCopy, namedCopy],
  'forget-shard-copy': ['forgetShardCopy', v1.NamedShardCopy, namedCopy],
  'begin-move-plan': [
    'beginMovePlan',
    v1.BeginMovePlan,
    {
      goal: oneOf(moveGoals),
      leavingId: count(),
      joiningId: count(),
      isRemoval: flag,
      startedNs: int64,
      moves,
    },
  ],
  'extend-move-plan': ['extendMovePlan', v1.ExtendMovePlan, { ...planned, moves }],
  'pause-move-plan': ['pauseMovePlan', v1.PauseMovePlan, { ...planned, isPaused: flag }],
  'advance-shard-move': [
    'advanceShardMove',
    v1.AdvanceShardMove,
    {
      ...planned,
      shardId: count(),
      fromId: count(),
      toId: count(),
      step: oneOf(moveSteps),
      reason: words,
    },
  ],
  'end-move-plan': ['endMovePlan', v1.EndMovePlan, { ...planned, nowNs: int64 }],
  'create-continuous-query': [
    'createContinuousQuery',
    v1.CreateContinuousQuery,
    { ...inDatabase, text: words, nowNs: optional(int64) },
  ],
  'mark-continuous-queries': [
    'markContinuousQueries',
    v1.MarkContinuousQueries,
    { lease: words, token: count(), marks: list(mark, many) },
  ],
  'drop-continuous-query': ['dropContinuousQuery', v1.NameOfDatabase, inDatabase],
  'create-subscription': [
    'createSubscription',
    v1.CreateSubscription,
    { ...inPolicy, name: words, mode: oneOf(['ALL', 'ANY']), destinations: list(words, many) },
  ],
  'drop-subscription': ['dropSubscription', v1.DropSubscription, { ...inPolicy, name: words }],
  'create-user': ['createUser', v1.CreateUser, { name: words, hash: words, isAdmin: flag }],
  'drop-user': ['dropUser', v1.Name, { name: words }],
  'set-user-hash': ['setUserHash', v1.SetUserHash, { name: words, hash: words }],
  'set-user-admin': ['setUserAdmin', v1.SetUserAdmin, { name: words, isAdmin: flag }],
  'set-user-privilege': [
    'setUserPrivilege',
    v1.SetUserPrivilege,
    { name: words, database: words, privilege },
  ],
  'revoke-user-privilege': [
    'revokeUserPrivilege',
    v1.RevokeUserPrivilege,
    { name: words, database: words, privilege: revoked },
  ],
  'create-permitted-user': [
    'createPermittedUser',
    v1.CreatePermittedUser,
    { name: words, hash: words, permissions: scoped },
  ],
  'change-user-permissions': [
    'changeUserPermissions',
    v1.ChangePermissions,
    { name: words, permissions: scoped, isGrant: flag },
  ],
  'change-role-permissions': [
    'changeRolePermissions',
    v1.ChangePermissions,
    { name: words, permissions: scoped, isGrant: flag },
  ],
  'create-role': [
    'createRole',
    v1.CreateRole,
    { name: words, permissions: scoped, users: list(words, many) },
  ],
  'drop-role': ['dropRole', v1.Name, { name: words }],
  'change-role-users': [
    'changeRoleUsers',
    v1.ChangeRoleUsers,
    { name: words, users: list(words, many), isAdded: flag },
  ],
  'create-acl-rule': ['createAclRule', v1.CreateAclRule, { of: aclKind, rule: aclRule(v1, words) }],
  'drop-acl-rule': ['dropAclRule', v1.DropAclRule, { of: aclKind, ruleId: words }],
  'set-ldap-config': ['setLdapConfig', v1.SetLdapConfig, { text: words }],
  'acquire-lease': [
    'acquireLease',
    v1.AcquireLease,
    { name: words, ...node, nowNs: int64, durationNs: int64 },
  ],
};

/** Databases and users are of one form, wherever they are. */
type Brought = BodyOf<'restore-databases'>;
const meta = bytes({ lengthBytesMax: 1 << 28 });
const noIds = { maxShardGroupId: 0, maxShardId: 0 };

function pack({ databases, users, roles, acl }: Brought, ids = noIds): Uint8Array {
  const content = {
    databases: databases.map(fromDatabase),
    users: users.map(fromUser),
    roles,
    acl: acl && fromAcl(acl),
  };
  const head = { term: 0, index: 0, clusterId: 0n, maxNodeId: 0 };
  return metaMessage.encode({ ...head, ...content, ...ids });
}

function unpack(packed: Uint8Array): Brought & typeof noIds {
  const { databases, users, roles, acl, maxShardGroupId, maxShardId } = metaMessage.decode(packed);
  const content = { databases: databases.map(databaseOf), users: users.map(userOf) };
  const more = { ...(roles && { roles: roles.map(roleOf) }), ...(acl && { acl: aclOf(acl) }) };
  return { ...content, ...more, maxShardGroupId, maxShardId };
}

const imported: Field<BodyOf<'import-databases'>> = mapped(
  message(v1.ImportDatabases, { ...node, meta }),
  {
    to: ({ nodeId, ...brought }: BodyOf<'import-databases'>) => {
      const { maxShardGroupId, maxShardId } = brought;
      return { nodeId, meta: pack(brought, { maxShardGroupId, maxShardId }) };
    },
    from: ({ nodeId, meta: packed }) => {
      const { roles: _, acl: __, ...brought } = unpack(packed);
      return { nodeId, ...brought };
    },
  },
);
const restored: Field<BodyOf<'restore-databases'>> = mapped(
  message(v1.RestoreDatabases, { meta }),
  {
    to: (brought: BodyOf<'restore-databases'>) => ({ meta: pack(brought) }),
    from: ({ meta: packed }) => {
      const { maxShardGroupId: _, maxShardId: __, ...brought } = unpack(packed);
      return brought;
    },
  },
);
const overwritten: Field<BodyOf<'overwrite-databases'>> = mapped(
  message(v1.OverwriteDatabases, { clusterId: uint64, meta }),
  {
    to: ({ clusterId, ...brought }: BodyOf<'overwrite-databases'>) => {
      return { clusterId, meta: pack(brought) };
    },
    from: ({ clusterId, meta: packed }) => {
      const { maxShardGroupId: _, maxShardId: __, ...brought } = unpack(packed);
      return { clusterId, ...brought };
    },
  },
);

const variants: Record<string, readonly [string, AnyField]> = {
  'import-databases': ['importDatabases', imported],
  'restore-databases': ['restoreDatabases', restored],
  'overwrite-databases': ['overwriteDatabases', overwritten],
} satisfies Record<WithDatabases, readonly [string, AnyField]>;
for (const [kind, [member, type, fields]] of Object.entries(bodies))
  variants[kind] = [member, message(type, fields as Readonly<Record<string, AnyField>>)];

const head = { id: words, kind: words };
const unknownKind = '';
type Flat = { readonly id: string } & (Command | { readonly kind: typeof unknownKind });
const flat = union<Flat>(v1.Command, { common: head, variants, none: unknownKind });
const named = message(v1.Command, head);

export function encodeLogged(logged: LoggedCommand, form: CatalogForm = 'protobuf'): Uint8Array {
  if (form === 'json') return encodeMessage(logged);
  // In memory of its own, and no Buffer: the log keeps it, as a part of JSON.
  return new Uint8Array(flat.encode({ id: logged.id, ...logged.command }));
}

/**
 * Not looked at by checkCommand yet. Throws `unsupported_version` for a kind of a newer release, `corrupt` or
 * `invalid_argument` for what is no command.
 */
export function decodeLogged(encoded: Uint8Array): LoggedCommand {
  if (isMessageBlock(encoded)) return decodeMessage(encoded) as LoggedCommand;
  const { id, ...command } = flat.decode(encoded);
  if (command.kind !== unknownKind) return { id, command };
  const { kind } = named.decode(encoded);
  if (kind === '') throw new DbError('corrupt', 'catalog command: it has no kind');
  throw unknownCommand(kind);
}

/** A command that came in one form in the other. */
export function recodeLogged(encoded: Uint8Array, form: CatalogForm): Uint8Array {
  if (isMessageBlock(encoded) === (form === 'json')) return encoded;
  return encodeLogged(decodeLogged(encoded), form);
}
