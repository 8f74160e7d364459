/**
 * Which commands a release knows, so that a leader of a new one proposes none that would stop a meta node of an old one
 * (decision 124).
 */
import type { Command } from './command.ts';

/** What a meta node says of itself with each message to its peers. */
export interface CommandSet {
  /** Counts up with each release that adds a kind. */
  readonly version: number;
  /** The version that first had each kind. */
  readonly since: Readonly<Record<Command['kind'], number>>;
}

/** The version from which on nodes read catalogs and commands of protobuf (catalog-codec.ts). */
export const protobufVersion = 4;

/** What a node that says nothing knows: it is of the first release. */
export const firstVersion = 1;

export const commandSet: CommandSet = {
  version: 9,
  since: {
    'found-cluster': 1,
    'create-meta-node': 1,
    'delete-meta-node': 1,
    'create-data-node': 1,
    'delete-data-node': 1,
    'create-database': 1,
    'drop-database': 1,
    'create-retention-policy': 1,
    'alter-retention-policy': 1,
    'drop-retention-policy': 1,
    'create-shard-groups': 1,
    'acquire-lease': 1,
    'update-data-node': 2,
    'set-node-labels': 2,
    'delete-node-labels': 2,
    'truncate-shard-groups': 2,
    'delete-shard-group': 2,
    'prune-shard-groups': 2,
    'drop-shard': 2,
    'add-shard-owner': 2,
    'remove-shard-owner': 2,
    // It had no time of its making before, and a meta node that passes that over would keep another catalog.
    'create-continuous-query': 3,
    'mark-continuous-queries': 3,
    'drop-continuous-query': 2,
    'create-subscription': 2,
    'drop-subscription': 2,
    'create-user': 2,
    'drop-user': 2,
    'set-user-hash': 2,
    'set-user-admin': 2,
    'set-user-privilege': 2,
    'import-databases': 3,
    // There were no restrictions before, nor permissions, and a meta node that passes those over would keep another catalog.
    'restore-databases': 7,
    'overwrite-databases': 7,
    'finish-restore': 4,
    'begin-shard-copy': 4,
    'finish-shard-copy': 4,
    'abort-shard-copy': 4,
    'forget-shard-copy': 4,
    'begin-move-plan': 5,
    'extend-move-plan': 5,
    'pause-move-plan': 5,
    'advance-shard-move': 5,
    'end-move-plan': 5,
    'create-permitted-user': 6,
    'change-user-permissions': 6,
    'create-role': 6,
    'drop-role': 6,
    'change-role-permissions': 6,
    'change-role-users': 6,
    'create-acl-rule': 7,
    'drop-acl-rule': 7,
    'create-bare-database': 7,
    'set-ldap-config': 8,
    'revoke-user-privilege': 9,
  },
};
