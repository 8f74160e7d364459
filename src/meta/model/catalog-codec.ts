import { DbError } from '../../base/errors.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';
import { catalogVersion, type Catalog, type Database } from './catalog.ts';
import { Databases } from './databases.ts';

/** A catalog as bytes: Raft's snapshot, what a newcomer is sent, what a data node keeps on its disk. */
export function encodeCatalog(catalog: Catalog): Uint8Array {
  return encodeMessage(catalog);
}

/** Throws `corrupt` for what is no catalog, `unsupported_version` for one of a newer release. */
export function decodeCatalog(bytes: Uint8Array): Catalog {
  const plain = decodeMessage(bytes) as (Catalog & { databases: readonly Database[] }) | null;
  if (typeof plain?.version !== 'number' || !Array.isArray(plain.databases))
    throw new DbError('corrupt', 'it is not a catalog');
  if (plain.version > catalogVersion)
    throw new DbError('unsupported_version', `catalog version ${plain.version}`);
  return { ...plain, databases: Databases.of(plain.databases as readonly Database[]) };
}
