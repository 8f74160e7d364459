/**
 * A catalog as bytes: Raft's snapshot, what a newcomer is sent, what a data node keeps on its disk, what a backup holds.
 *
 * It is an influxdb.v1.Meta with a checksum as its last field (src/proto/influxdb.proto). Releases before wrote JSON in a
 * block of ours (rpc/message.ts), which begins with a byte that no protobuf message begins with: it is still read, and still
 * written for those who read nothing else (`CatalogForm`).
 */
import { crc32 } from 'node:zlib';
import { DbError } from '../../base/errors.ts';
import { decodeMessage, encodeMessage, isMessageBlock } from '../../rpc/message.ts';
import { catalogVersion, type Catalog, type Database } from '../model/catalog.ts';
import { catalogOf, metaOf } from './catalog-message.ts';
import { Databases } from '../model/databases.ts';
import { metaMessage } from './meta-message.ts';

/** What catalogs and commands are written as: `json` until all who read them know `protobuf`. */
export type CatalogForm = 'json' | 'protobuf';

/** The version of the schema that JSON was last written with. */
const jsonVersion = 1;
/** Field 199 of type fixed32, as a tag of two bytes. */
const checksumTag = [0xbd, 0x0c] as const;
const checksumBytes = checksumTag.length + 4;

export function encodeCatalog(catalog: Catalog, form: CatalogForm = 'protobuf'): Uint8Array {
  if (form === 'json') return encodeMessage({ ...catalog, version: jsonVersion });
  return sealed(metaMessage.encode(metaOf({ ...catalog, version: catalogVersion })));
}

/** Throws `corrupt` for what is no catalog, `unsupported_version` for one of a newer release. */
export function decodeCatalog(bytes: Uint8Array): Catalog {
  if (isMessageBlock(bytes)) return decodeJson(bytes);
  checkSeal(bytes);
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
  if (version > catalogVersion)
    throw new DbError('unsupported_version', `catalog version ${version}`);
}

function sealed(bytes: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + checksumBytes);
  whole.set(bytes);
  whole.set(checksumTag, bytes.length);
  new DataView(whole.buffer).setUint32(whole.length - 4, crc32(bytes), true);
  return whole;
}

function checkSeal(bytes: Uint8Array): void {
  const start = bytes.length - checksumBytes;
  const isSealed = start >= 0 && checksumTag.every((byte, i) => bytes[start + i] === byte);
  const { buffer, byteOffset, length } = bytes;
  const view = new DataView(buffer, byteOffset, length);
  if (!isSealed || view.getUint32(length - 4, true) !== crc32(bytes.subarray(0, start)))
    throw new DbError('corrupt', 'it is not a catalog, or damaged');
}
