/**
 * What Raft keeps on disk, as bytes: messages of src/proto/meta.proto. Releases before wrote JSON in a block of ours
 * (rpc/message.ts), which begins with bytes that no message begins with: it is still read, and written anew at once.
 *
 * Behind the message lies the CRC-32 of its bytes, as a field that no message of ours has (the greatest number there is, fixed32): the
 * store below checks its logs but not its tables, and a flipped bit in a name or a vote reads as another one. Releases of before
 * wrote none, and pass over the field.
 *
 * Invariant: what reads is what was kept, or `corrupt` with the name of the record.
 */
import { crc32 } from 'node:zlib';
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
  return withSum(messages[kind].encode(value));
}

/** The tag of field 2^29 - 1 as fixed32. */
const sumTag = Uint8Array.of(0xfd, 0xff, 0xff, 0xff, 0x0f);
const sumBytes = sumTag.length + 4;

function withSum(bytes: Uint8Array): Uint8Array {
  const summed = new Uint8Array(bytes.length + sumBytes);
  summed.set(bytes);
  summed.set(sumTag, bytes.length);
  new DataView(summed.buffer).setUint32(bytes.length + sumTag.length, crc32(bytes), true);
  return summed;
}

/** The message of a record; undefined where it has no sum. Throws `corrupt` for another one. */
function withoutSum(bytes: Uint8Array): Uint8Array | undefined {
  const end = bytes.length - sumBytes;
  if (end < 0 || !sumTag.every((byte, i) => bytes[end + i] === byte)) return undefined;
  const sum = new DataView(bytes.buffer, bytes.byteOffset).getUint32(end + sumTag.length, true);
  const message = bytes.subarray(0, end);
  if (crc32(message) !== sum) throw new DbError('corrupt', 'it is not what was written');
  return message;
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
    const summed = withoutSum(bytes);
    return { value: messages[kind].decode(summed ?? bytes), isOld: summed === undefined };
  } catch (error) {
    if (!isDbError(error, 'corrupt') && !isDbError(error, 'invalid_argument')) throw error;
    throw new DbError('corrupt', `raft ${kind.replace('-', ' ')}: ${errorText(error)}`, { cause: error }); // prettier-ignore
  }
}
