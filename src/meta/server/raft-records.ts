/**
 * What Raft keeps on disk, as bytes: messages of src/proto/meta.proto. Releases before wrote JSON in a block of ours
 * (rpc/message.ts), which begins with bytes that no message begins with: it is still read, and written anew at once.
 *
 * Invariant: what reads is what was kept, or `corrupt` with the name of the record.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { count, id, uint64 } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message, type Message } from '../../proto/message.ts';
import type { Entry, HardState, Snapshot } from '../../raft/types.ts';
import { decodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { entryMessage, index, snapshotMessage, term } from './raft-fields.ts';

const { v1 } = varve.meta;

/** Which server of which cluster this is; kept from the moment it has joined. */
export interface Identity {
  readonly nodeId: number;
  readonly clusterId: bigint;
}

/** The kinds of records, by what their keys begin with. */
interface Records {
  readonly identity: Identity;
  readonly 'hard-state': HardState;
  readonly snapshot: Snapshot;
  readonly entry: Entry;
}

const messages: { readonly [Kind in keyof Records]: Message<Records[Kind]> } = {
  identity: message(v1.RaftIdentity, { nodeId: id, clusterId: uint64 }),
  'hard-state': message(v1.RaftHardState, { term, vote: count(), commit: index }),
  snapshot: snapshotMessage,
  entry: entryMessage,
};

export type RecordKind = keyof Records;
export type RecordOf<Kind extends RecordKind> = Records[Kind];

export function encodeRecord<Kind extends RecordKind>(
  kind: Kind,
  value: Records[Kind],
): Uint8Array {
  return messages[kind].encode(value);
}

export interface DecodedRecord<Kind extends RecordKind> {
  readonly value: Records[Kind];
  /** It is written as releases before wrote it. */
  readonly isOld: boolean;
}

export function decodeRecord<Kind extends RecordKind>(
  kind: Kind,
  bytes: Uint8Array,
): DecodedRecord<Kind> {
  try {
    if (isMessageBlock(bytes)) return { value: decodeMessage(bytes) as Records[Kind], isOld: true };
    return { value: messages[kind].decode(bytes), isOld: false };
  } catch (error) {
    if (!isDbError(error, 'corrupt') && !isDbError(error, 'invalid_argument')) throw error;
    throw new DbError('corrupt', `raft ${kind.replace('-', ' ')}: ${errorText(error)}`, { cause: error }); // prettier-ignore
  }
}
