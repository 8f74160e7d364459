/**
 * `<time>.meta` of a backup: the databases and users of a cluster. It is what `influxd backup -portable` writes, so that an
 * InfluxDB reads ours and we read its own; beside that ours has the whole catalog, which an InfluxDB passes over.
 */
import { Buffer } from 'node:buffer';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import { catalogBytesMax } from '../meta/client/meta-methods.ts';
import type { Acl } from '../meta/model/acl.ts';
import type { Catalog, Role, User } from '../meta/model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../meta/codec/catalog-codec.ts';
import type { Database } from '../meta/model/database.ts';
import { bytes, count, optional } from '../proto/field.ts';
import { influxdb } from '../proto/gen/wire.js';
import { message } from '../proto/message.ts';
import { exportContent } from './export-content.ts';
import { userOf } from '../meta/codec/catalog-message.ts';
import { databaseOf } from './import-content.ts';
import { decodeMeta, encodeMeta } from './influx-meta.ts';

/** What a backup knows of the cluster that it is of. */
export interface BackupFacts {
  /** 0 for a single InfluxDB. */
  readonly clusterId: bigint;
  readonly databases: readonly Database[];
  readonly users: readonly User[];
  /** Absent when there are none. */
  readonly roles?: readonly Role[] | undefined;
  /** Absent when nothing is restricted. */
  readonly acl?: Acl | undefined;
}

const whole = bytes({ lengthBytesMax: catalogBytesMax });
const backupMeta = message(influxdb.v1.BackupMeta, {
  data: whole,
  maxNodeId: count(),
  catalog: optional(whole),
});

/** What `influxd backup` without -portable begins its copy with. */
const legacyMagic = 0x59590101n;
const legacyHeadBytes = 16;

export function encodeBackupMeta(catalog: Catalog): Uint8Array {
  return backupMeta.encode({
    data: encodeMeta(exportContent(catalog, '')),
    maxNodeId: catalog.maxNodeId,
    catalog: encodeCatalog({ ...catalog, answered: [], leases: [] }),
  });
}

/** Throws `corrupt` with the path. */
export function decodeBackupMeta(path: string, given: Uint8Array): BackupFacts {
  try {
    const legacy = legacyData(given);
    const { data, catalog } = legacy ?? backupMeta.decode(given);
    if (catalog === undefined || catalog.length === 0) return factsOfInflux(path, data);
    const { clusterId, databases, users = [], roles, acl } = decodeCatalog(catalog);
    const facts = { clusterId, databases: Array.from(databases), users };
    return { ...facts, ...(roles && { roles }), ...(acl && { acl }) };
  } catch (error) {
    if (!isDbError(error) || error.message.startsWith(path)) throw error;
    throw new DbError('corrupt', `${path}: ${errorText(error)}`, { cause: error });
  }
}

function factsOfInflux(path: string, data: Uint8Array): BackupFacts {
  const { databases, users } = decodeMeta(path, data);
  return {
    clusterId: 0n,
    databases: databases.map((database) => databaseOf(database, 0)),
    users: users.map(userOf),
  };
}

function legacyData(
  given: Uint8Array,
): { readonly data: Uint8Array; readonly catalog: undefined } | undefined {
  if (given.length < legacyHeadBytes) return undefined;
  const head = Buffer.from(given.buffer, given.byteOffset, legacyHeadBytes);
  if (head.readBigUInt64BE(0) !== legacyMagic) return undefined;
  const lengthBytes = Number(head.readBigUInt64BE(8));
  return { data: given.subarray(legacyHeadBytes, legacyHeadBytes + lengthBytes), catalog: undefined }; // prettier-ignore
}
