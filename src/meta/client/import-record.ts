/**
 * `import` in a data node's `[meta] dir`: what an import of a single InfluxDB's folders has put on this node's disk, and the
 * cluster is still to hear of (spec F87). A message block (docs/internals/format/message-block.md) of another one and its
 * CRC-32, replaced as a whole.
 *
 * - `begun`: shards are being placed. A node does not start: it would serve a part.
 * - `ready`: they are all there; the node hands the databases over once it is of a cluster.
 * - `done`: the cluster has them.
 */
import { crc32 } from 'node:zlib';
import { DbError, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';
import type { ImportCommand } from '../apply/apply-import.ts';

export interface ImportRecord {
  readonly version: number;
  readonly state: 'begun' | 'ready' | 'done';
  /** Where it came from, and the checksum of its meta.db: an import that was cut off goes on with the same. */
  readonly source: string;
  readonly metaCrc32: number;
  /** Of the names and lengths of all files that it is of. Absent in a record of a release before. */
  readonly filesCrc32?: number | undefined;
  /** Nothing once it is done. */
  readonly content: ImportContent | undefined;
  /** The cluster was asked to take it, and nobody has heard here what became of that. */
  readonly isSent?: boolean | undefined;
}

/** A command but for the node, which is not known yet. */
export type ImportContent = Omit<ImportCommand, 'kind' | 'nodeId'>;

export const importRecordVersion = 1;

export function importRecordPath(folder: string): string {
  return `${folder}/import`;
}

/** Undefined when nothing was imported. Throws `corrupt` or `unsupported_version` with the path. */
export async function readImportRecord(
  disk: Disk,
  folder: string,
): Promise<ImportRecord | undefined> {
  const path = importRecordPath(folder);
  let record: ImportRecord;
  try {
    record = decodeRecord(await disk.readFile(path));
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    if (!isDbError(error, 'corrupt')) throw error;
    throw new DbError('corrupt', `${path}: ${error.message}`, { cause: error });
  }
  if (record.version !== importRecordVersion)
    throw new DbError('unsupported_version', `${path}: version ${String(record.version)}`);
  return record;
}

function decodeRecord(bytes: Uint8Array): ImportRecord {
  const sealed = decodeMessage(bytes) as { readonly crc32?: unknown; readonly inner?: unknown };
  const { inner } = sealed;
  if (!(inner instanceof Uint8Array) || crc32(inner) !== sealed.crc32)
    throw new DbError('corrupt', 'the checksum does not match');
  return decodeMessage(inner) as ImportRecord;
}

/** Durable once it resolves. */
export async function writeImportRecord(
  disk: Disk,
  folder: string,
  record: ImportRecord,
): Promise<void> {
  const inner = encodeMessage(record);
  await disk.replaceFile(importRecordPath(folder), encodeMessage({ crc32: crc32(inner), inner }));
}
