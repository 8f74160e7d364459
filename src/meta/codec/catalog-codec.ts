/**
 * A catalog as bytes: Raft's snapshot, what a newcomer is sent, what a data node keeps on its disk, what a backup holds.
 *
 * It is an influxdb.v1.Meta with a checksum as its last field (src/proto/influxdb.proto). Releases before wrote JSON in a
 * block of ours (rpc/message.ts), which begins with a byte that no protobuf message begins with: it is still read, and still
 * written for those who read nothing else (`CatalogForm`).
 */
import { DbError } from '../../base/errors.ts';
import { decodeMessage, encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { catalogVersion, firstCatalogVersion, type Catalog, type Database } from '../model/catalog.ts'; // prettier-ignore
import { catalogOf, metaOf } from './catalog-message.ts';
import { Databases } from '../model/databases.ts';
import { metaMessage } from './meta-message.ts';
import { isSealed, sealed } from './seal.ts';

/** What catalogs and commands are written as: `json` until all who read them know `protobuf`. */
export type CatalogForm = 'json' | 'protobuf';

/** The version of the schema that JSON was last written with. */
const jsonVersion = 1;

/** Readers of an earlier `version` do not take it; by default, they pass over what they do not know. */
export function encodeCatalog(
  catalog: Catalog,
  form: CatalogForm = 'protobuf',
  version = firstCatalogVersion,
): Uint8Array {
  if (form === 'json') return encodeMessage({ ...catalog, version: jsonVersion });
  return sealed(metaMessage.encode(metaOf({ ...catalog, version })));
}

/** Throws `corrupt` for what is no catalog, `unsupported_version` for one of a newer release. */
export function decodeCatalog(bytes: Uint8Array): Catalog {
  if (isMessageBlock(bytes)) return decodeJson(bytes);
  if (!isSealed(bytes)) throw new DbError('corrupt', 'it is not a catalog, or damaged');
  const meta = metaMessage.decode(bytes);
  checkVersion(meta.version ?? 0);
  return catalogOf(meta, catalogVersion);
}

function decodeJson(bytes: Uint8Array): Catalog {
  const plain = decodeMessage(bytes) as (Catalog & { databases: readonly Database[] }) | null;
  if (typeof plain?.version !== 'number' || !Array.isArray(plain.databases))
    throw new DbError('corrupt', 'it is not a catalog');
  checkVersion(plain.version);
  const databases = Databases.of(plain.databases as readonly Database[]);
  return { ...plain, version: catalogVersion, databases };
}

function checkVersion(version: number): void {
  if (version <= catalogVersion) return;
  const text = `the catalog (version ${version}) is not known here: it is of a newer release`;
  throw new DbError('unsupported_version', text);
}
