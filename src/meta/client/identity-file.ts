/**
 * `identity`: which node of which cluster a data node is, a sealed DataIdentity of src/proto/data.proto. Releases before
 * wrote JSON in a block of ours (rpc/message.ts); it is read, and written anew.
 *
 * Invariant: a node starts as the one that it was, or not at all: as another one it would own others' shards, and without
 * a cluster it would be added anew and lose its own.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { varve } from '../../proto/gen/wire.js';
import { flag } from '../../proto/field.ts';
import { message } from '../../proto/message.ts';
import { decodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { isSealed, sealed } from '../codec/seal.ts';
import { dataIdentityFields, type DataIdentity } from './data-methods.ts';

export interface KeptIdentity extends DataIdentity {
  /** It erases what it has, and is to go on with that whatever happens; false when left out. */
  readonly isLeaving?: boolean;
}

const identityMessage = message(varve.data.v1.DataIdentity, {
  ...dataIdentityFields,
  isLeaving: flag,
});

const pathIn = (folder: string) => `${folder}/identity`;

/** Undefined for a node without a cluster. Throws `corrupt`, naming the file and what helps. */
export async function readIdentity(disk: Disk, folder: string): Promise<KeptIdentity | undefined> {
  const path = pathIn(folder);
  try {
    const bytes = await disk.readFile(path);
    if (isMessageBlock(bytes)) {
      const identity = decodeMessage(bytes) as DataIdentity;
      await writeIdentity(disk, folder, identity);
      return identity;
    }
    if (!isSealed(bytes)) throw new DbError('corrupt', 'message: it is no identity, or damaged');
    return identityMessage.decode(bytes);
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    if (!isDbError(error, 'corrupt') && !isDbError(error, 'invalid_argument')) throw error;
    const hint =
      'put back a copy, or remove it and add the node again with `influxd-ctl update-data`';
    throw new DbError('corrupt', `${path}: ${errorText(error)}: ${hint}`, { cause: error });
  }
}

/** Durable once it resolves. */
export async function writeIdentity(
  disk: Disk,
  folder: string,
  identity: KeptIdentity,
): Promise<void> {
  await disk.replaceFile(
    pathIn(folder),
    sealed(identityMessage.encode({ isLeaving: false, ...identity })),
  );
}

export async function removeIdentity(disk: Disk, folder: string): Promise<void> {
  await disk.remove(pathIn(folder));
  await disk.syncDir(folder);
}
