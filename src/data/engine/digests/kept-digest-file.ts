/**
 * `digest.kept` in a shard's folder: the digest that was made last, and what it was made of, so that a node that starts again does not
 * read all its shards anew. A line of JSON (range, when all was read, files, parts that have changed since), the numbers of the digest,
 * little endian, and the CRC-32 of all before it.
 *
 * Invariants:
 * - It is worth no more than what reading costs: what is torn, damaged, of another version or of other files counts for nothing.
 * - A file counts as the one that is meant only with the same name, length, sums and stamps, and tombstones of the same length.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { DigestRange } from '../../../models/digest-grid.ts';
import { PartSet } from '../../../storage/engine/content/part-set.ts';
import { tombstonePath } from '../../../storage/tsm/tombstones.ts';
import type { TsmFile } from '../../../storage/tsm/tsm-file.ts';
import { digestWords } from './shard-digest.ts';

export const keptDigestName = 'digest.kept';
const version = 1;
const crcBytes = 4;
const digestBytes = digestWords * 4;

export interface KeptState {
  readonly range: DigestRange;
  /** Wall clock, when all of the shard was read. */
  readonly readMs: number;
  readonly words: Uint32Array;
  readonly changed: PartSet;
}

export interface ReadState extends KeptState {
  /** How sealOf() names them. */
  readonly seals: readonly string[];
}

/** What a file is now: another text once a delete has struck it. */
export async function sealOf(disk: Disk, { path, seal }: TsmFile): Promise<string> {
  const { lengthBytes, indexBytes, indexCrc32, directoryCrc32 = 0, stamps } = seal;
  const tombstoneBytes = (await disk.size(tombstonePath(path))) ?? 0;
  const name = path.slice(path.lastIndexOf('/') + 1);
  const parts = [lengthBytes, indexBytes, indexCrc32, directoryCrc32, tombstoneBytes];
  return `${name} ${parts.join(' ')} ${stamps?.least ?? ''} ${stamps?.greatest ?? ''}`;
}

export function encodeKept({ range, readMs, words, changed, seals }: ReadState): Uint8Array {
  const { startNs, endNs } = range;
  const head = {
    version,
    startNs: `${startNs}`,
    endNs: `${endNs}`,
    readMs,
    changed: Buffer.from(changed.bytes).toString('base64'),
    seals,
  };
  const line = Buffer.from(`${JSON.stringify(head)}\n`);
  const bytes = Buffer.alloc(line.length + digestBytes + crcBytes);
  bytes.set(line);
  words.forEach((word, i) => bytes.writeUInt32LE(word, line.length + i * 4));
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -crcBytes)), bytes.length - crcBytes);
  return bytes;
}

/** Tells two of them apart: a CRC-32 of one whole, its own sum included, is the same for all. */
export function keptSumOf({ buffer, byteOffset, length }: Uint8Array): number {
  return new DataView(buffer, byteOffset, length).getUint32(length - crcBytes, true);
}

/** Undefined where it is anything but what encodeKept() made. */
export function decodeKept(encoded: Uint8Array): ReadState | undefined {
  const bytes = Buffer.from(encoded.buffer, encoded.byteOffset, encoded.length);
  const at = bytes.length - digestBytes - crcBytes;
  if (at < 1 || bytes.readUInt32LE(bytes.length - crcBytes) !== crc32(bytes.subarray(0, -crcBytes)))
    return undefined;
  const head = headOf(bytes.toString('utf8', 0, at));
  if (head?.['version'] !== version) return undefined;
  const { startNs, endNs, readMs, seals, changed } = head;
  const parts = PartSet.of(Buffer.from(String(changed), 'base64'));
  if (parts === undefined) return undefined;
  return {
    range: { startNs: BigInt(String(startNs)), endNs: BigInt(String(endNs)) },
    readMs: Number(readMs),
    words: Uint32Array.from({ length: digestWords }, (_, i) => bytes.readUInt32LE(at + i * 4)),
    changed: parts,
    seals: seals as readonly string[],
  };
}

function headOf(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Undefined where there is none, or the disk fails to read it. */
export async function readKept(disk: Disk, folder: string): Promise<ReadState | undefined> {
  try {
    return decodeKept(await disk.readFile(`${folder}/${keptDigestName}`));
  } catch (error) {
    if (isDbError(error)) return undefined;
    throw error;
  }
}
