/**
 * `<time>.manifest`: what one backup has put beside it. JSON, as `influxd backup -portable` writes it, with what we know
 * besides; an InfluxDB reads ours, and what it wrote has none of the optional fields.
 *
 * Invariant: it is written last. Files of a backup that did not end are named by no manifest, and count for nothing.
 */
import { DbError } from '../base/errors.ts';

export interface Manifest {
  readonly meta: ManifestMeta;
  /** Whether it holds a part only: of a database, a policy, a shard. */
  readonly limited: boolean;
  readonly files: readonly ManifestShard[];
  readonly database?: string | undefined;
  readonly policy?: string | undefined;
  readonly shard_id?: number | undefined;
  readonly strategy?: Strategy | undefined;
  /** Decimal digits; each cluster counts its shards by itself. */
  readonly cluster_id?: string | undefined;
}

export type Strategy = 'only-meta' | 'full' | 'incremental';

export interface ManifestMeta {
  readonly fileName: string;
  readonly size: number;
  /** Of the file, in hexadecimal. */
  readonly sha256?: string | undefined;
}

export interface ManifestShard {
  readonly database: string;
  readonly policy: string;
  readonly shardID: number;
  readonly fileName: string;
  /** Bytes of the archive before it is compressed. */
  readonly size: number;
  /** Unix time in nanoseconds, to some hundreds of them. */
  readonly lastModified: number;
  /** The copy that was taken: host:8088 of its node. */
  readonly node?: string | undefined;
  /** The one moment that it is of: what was acknowledged before is in it. RFC 3339. */
  readonly moment?: string | undefined;
  /** Of the compressed archive. */
  readonly sha256?: string | undefined;
  /** Bytes of the compressed archive. */
  readonly archiveSize?: number | undefined;
  /** What its files are: equal for a shard to which nothing was written. */
  readonly content?: string | undefined;
  /** No owner had it undamaged: it was taken as it was. */
  readonly damaged?: boolean | undefined;
}

const manifestBytesMax = 256 * 1024 * 1024;

export function encodeManifest(manifest: Manifest): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(manifest, undefined, 2));
}

/** Throws `corrupt` naming `path` for what is no manifest. */
export function decodeManifest(path: string, bytes: Uint8Array): Manifest {
  if (bytes.length > manifestBytesMax) throw bad(path, 'it is too long');
  let given: unknown;
  try {
    given = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new DbError('corrupt', `${path}: it is no JSON`, { cause: error });
  }
  if (!isObject(given) || !isObject(given['meta'])) throw bad(path, 'it has no meta');
  const files = given['files'] ?? [];
  if (!Array.isArray(files)) throw bad(path, 'it has no list of files');
  const meta = given['meta'];
  return {
    ...(given as object),
    meta: { ...meta, fileName: fileName(path, meta['fileName']), size: number(path, meta['size']), sha256: text(path, meta['sha256']) }, // prettier-ignore
    limited: given['limited'] === true,
    database: text(path, given['database']),
    policy: text(path, given['policy']),
    strategy: text(path, given['strategy']) as Strategy | undefined,
    cluster_id: text(path, given['cluster_id']),
    files: files.map((file: unknown) => shardOf(path, file)),
  };
}

function shardOf(path: string, given: unknown): ManifestShard {
  if (!isObject(given)) throw bad(path, 'a file that is none');
  const { database, policy } = given;
  if (typeof database !== 'string' || typeof policy !== 'string')
    throw bad(path, 'a file of no database');
  return {
    ...(given as object),
    database,
    policy,
    shardID: number(path, given['shardID']),
    fileName: fileName(path, given['fileName']),
    size: number(path, given['size']),
    lastModified: number(path, given['lastModified'] ?? 0),
    node: text(path, given['node']),
    moment: text(path, given['moment']),
    sha256: text(path, given['sha256']),
    content: text(path, given['content']),
    damaged: given['damaged'] === true ? true : undefined,
  };
}

/** A name in the same folder, and nothing that leads out of it. */
function fileName(path: string, given: unknown): string {
  if (typeof given === 'string' && given !== '' && !/[/\\]|^\.\.?$/.test(given)) return given;
  throw bad(path, 'a file without a name');
}

/** What an InfluxDB, or an older release, does not say. */
function text(path: string, given: unknown): string | undefined {
  if (given === undefined || given === null) return undefined;
  if (typeof given === 'string') return given;
  throw bad(path, 'a text that is none');
}

function number(path: string, given: unknown): number {
  if (typeof given === 'number' && Number.isInteger(given) && given >= 0) return given;
  throw bad(path, 'a number that is none');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function bad(path: string, why: string): DbError {
  return new DbError('corrupt', `${path}: not a manifest: ${why}`);
}
