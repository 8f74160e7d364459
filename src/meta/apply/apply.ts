import { DbError, isDbError } from '../../base/errors.ts';
import { applyCopyCommand, withoutLostCopies } from './apply-copies.ts';
import { applyImport } from './apply-import.ts';
import { applyJobCommand } from './apply-jobs.ts';
import { applyNodeCommand } from './apply-nodes.ts';
import { applyOverwrite, applyRestore, finishRestore } from './apply-restore.ts';
import { applySchemaCommand } from './apply-schema.ts';
import { applyShardCommand } from './apply-shards.ts';
import { applyPlanCommand } from './apply-plans.ts';
import { applyAclCommand, type AclCommand } from './apply-acl.ts';
import { setLdapConfig } from './apply-ldap.ts';
import { applyRoleCommand, type RoleCommand } from './apply-roles.ts';
import { applyUserCommand, type UserCommand } from './apply-users.ts';
import { answeredMax, type Catalog, type CommandAnswer, type Lease } from '../model/catalog.ts';
import type { Change } from './change.ts';
import { checkCommand, isLogged } from '../command/command-shape.ts';
import type { Command } from '../command/command.ts';

/** Names of leases are few and fixed; whoever makes them up gets no further than this. */
const leasesMax = 1024;
/** Of int64: no clock says a later time. */
const lastNs = 2n ** 63n - 1n;

export interface Applied {
  readonly catalog: Catalog;
  readonly answer: CommandAnswer;
  /** The command was accepted, for the first time. */
  readonly isChange: boolean;
}

/**
 * Applies the command of log entry `index`: total and the same on every replica. A command that cannot be done is an
 * answer, not an exception. Throws `unsupported_version` on a command of a newer release: the node must stop (D9).
 */
export function applyCommand(catalog: Catalog, index: number, logged: unknown): Applied {
  if (!isLogged(logged)) {
    const answer = {
      ok: false,
      code: 'invalid_argument',
      text: 'malformed catalog command',
    } as const;
    return { catalog: { ...catalog, index }, answer, isChange: false };
  }
  const known = catalog.answered.find(({ id }) => id === logged.id);
  if (known !== undefined)
    return { catalog: { ...catalog, index }, answer: known.answer, isChange: false };
  const { changed, answer } = attempt(catalog, index, logged.command);
  const answered = [...catalog.answered.slice(1 - answeredMax), { id: logged.id, answer }];
  return { catalog: { ...changed, index, answered }, answer, isChange: answer.ok };
}

/**
 * Does again what the metas have accepted at `index`, in a copy that keeps no answers. Throws what a command that does
 * not fit the copy throws, and `unsupported_version` for one of a newer release.
 */
export function applyAccepted(catalog: Catalog, index: number, command: unknown): Catalog {
  checkCommand(command);
  return { ...withoutLostCopies(change(catalog, index, command).catalog), index };
}

function attempt(
  catalog: Catalog,
  index: number,
  command: Command,
): { readonly changed: Catalog; readonly answer: CommandAnswer } {
  try {
    checkCommand(command);
    const { catalog: changed, value } = change(catalog, index, command);
    return { changed: withoutLostCopies(changed), answer: { ok: true, value } };
  } catch (error) {
    if (!isDbError(error) || error.code === 'unsupported_version') throw error;
    return { changed: catalog, answer: { ok: false, code: error.code, text: error.message } };
  }
}

function change(catalog: Catalog, index: number, command: Command): Change {
  switch (command.kind) {
    case 'found-cluster':
    case 'create-meta-node':
    case 'delete-meta-node':
    case 'create-data-node':
    case 'delete-data-node':
    case 'update-data-node':
    case 'set-node-labels':
    case 'delete-node-labels':
      return applyNodeCommand(catalog, command);
    case 'create-database':
    case 'create-bare-database':
    case 'drop-database':
    case 'create-retention-policy':
    case 'alter-retention-policy':
    case 'drop-retention-policy':
    case 'create-shard-groups':
      return { catalog: applySchemaCommand(catalog, index, command) };
    case 'truncate-shard-groups':
    case 'delete-shard-group':
    case 'prune-shard-groups':
    case 'drop-shard':
    case 'add-shard-owner':
    case 'remove-shard-owner':
      return { catalog: applyShardCommand(catalog, command) };
    case 'begin-shard-copy':
    case 'finish-shard-copy':
    case 'abort-shard-copy':
    case 'forget-shard-copy':
      return { catalog: applyCopyCommand(catalog, index, command) };
    case 'begin-move-plan':
    case 'extend-move-plan':
    case 'pause-move-plan':
    case 'advance-shard-move':
    case 'end-move-plan':
      return { catalog: applyPlanCommand(catalog, index, command) };
    case 'create-continuous-query':
    case 'mark-continuous-queries':
    case 'drop-continuous-query':
    case 'create-subscription':
    case 'drop-subscription':
      return { catalog: applyJobCommand(catalog, command) };
    case 'import-databases':
    case 'restore-databases':
    case 'finish-restore':
    case 'overwrite-databases':
      return bringDatabases(catalog, index, command);
    case 'acquire-lease':
      return acquireLease(catalog, command);
    default:
      return { catalog: changeAccess(catalog, command) };
  }
}

type AccessCommand = UserCommand | RoleCommand | AclCommand | Extract<Command, { kind: 'set-ldap-config' }>; // prettier-ignore

/** Who may do what. */
function changeAccess(catalog: Catalog, command: AccessCommand): Catalog {
  switch (command.kind) {
    case 'create-user':
    case 'drop-user':
    case 'set-user-hash':
    case 'set-user-admin':
    case 'set-user-privilege':
    case 'revoke-user-privilege':
      return applyUserCommand(catalog, command);
    case 'create-permitted-user':
    case 'change-user-permissions':
    case 'create-role':
    case 'drop-role':
    case 'change-role-permissions':
    case 'change-role-users':
      return applyRoleCommand(catalog, command);
    case 'create-acl-rule':
    case 'drop-acl-rule':
      return applyAclCommand(catalog, command);
    case 'set-ldap-config':
      return setLdapConfig(catalog, command.text);
  }
}

type BringingCommand = Extract<Command, { kind: 'import-databases' | 'restore-databases' | 'finish-restore' | 'overwrite-databases' }>; // prettier-ignore

/** From elsewhere: an import, or a backup. */
function bringDatabases(catalog: Catalog, index: number, command: BringingCommand): Change {
  switch (command.kind) {
    case 'import-databases':
      return { catalog: applyImport(catalog, command) };
    case 'restore-databases':
      return applyRestore(catalog, index, command);
    case 'finish-restore':
      return { catalog: finishRestore(catalog, command.shardIds) };
    case 'overwrite-databases':
      return { catalog: applyOverwrite(catalog, command) };
  }
}

function acquireLease(
  catalog: Catalog,
  command: Extract<Command, { kind: 'acquire-lease' }>,
): Change {
  const { name, nodeId, nowNs, durationNs } = command;
  const held = catalog.leases.find((lease) => lease.name === name);
  if (held !== undefined && held.nodeId !== nodeId && held.expiresNs > nowNs)
    throw new DbError('conflict', 'another node has the lease');
  const isRenewal = held?.nodeId === nodeId && held.expiresNs > nowNs;
  if (held === undefined && catalog.leases.length >= leasesMax)
    throw new DbError('limit_exceeded', `more than ${leasesMax} leases`);
  const token = isRenewal ? held.token : (held?.token ?? 0) + 1;
  const endNs = nowNs + durationNs;
  const lease: Lease = { name, nodeId, expiresNs: endNs > lastNs ? lastNs : endNs, token };
  const leases = [...catalog.leases.filter((other) => other.name !== name), lease];
  return { catalog: { ...catalog, leases }, value: { lease } };
}
