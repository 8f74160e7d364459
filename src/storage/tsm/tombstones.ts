/**
 * `GGGGGGGGG-SSSSSSSSS.tombstone` beside a TSM file: what of it is deleted, in the reference's version 4 (spec 7.2): magic,
 * then gzip members, each a list of key length u32, key, least and greatest time i64, big-endian.
 *
 * Invariants:
 * - a file is replaced as a whole, old members and the new one, so that a crash leaves a delete out or in;
 * - what was deleted once stays so: a file that cannot be read, that is gone or lacks members is damage of its shard, never passed
 *   over. The format has no sum of all members, so `shard.json` has one (tsm-seal.ts);
 * - versions 2 (plain) and 3 (one member) of the reference are read, and written on as version 4.
 */
import { crc32, gunzipSync, gzipSync } from 'node:zlib';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { GrowingBytes } from '../../base/growing-bytes.ts';
import type { Disk } from '../../env/disk.ts';
import type { TombstoneSeal } from './tsm-seal.ts';

/** Inclusive, int64 nanoseconds. */
export interface TimeRange {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** The bytes of its key hold until the next one. */
export interface Tombstone extends TimeRange {
  readonly key: Uint8Array;
}

export const tombstoneMagics = { plain: 0x1502, single: 0x1503, members: 0x1504 } as const;
const magicBytes = 4;
/** Of a member before it is packed, in a millisecond or two. */
const memberBytesFull = 32 * 1_024;
/** Of what is unpacked at once: what says to be more is damage, and gets no memory. Many deletes are more together. */
const plainBytesMax = 1 << 30;
/** Of a gzip member as ours and the reference's are: deflated, no name, no time. */
const memberHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
const noBytes = new Uint8Array();

export function tombstonePath(tsmPath: string): string {
  return tsmPath.replace(/\.tsm$/, '.tombstone');
}

export interface ReadTombstones {
  /** To be gone through once. Throws `corrupt` with the path. */
  readonly list: Iterable<Tombstone>;
  /** What their file is now; undefined of none, and of earlier versions, which a delete writes anew. */
  readonly seal: TombstoneSeal | undefined;
}

/** Those of a TSM file, none when it has no such file. Throws `corrupt` with the path where they are not all that were sealed. */
export async function readTombstones(
  disk: Disk,
  tsmPath: string,
  seal?: TombstoneSeal,
): Promise<ReadTombstones> {
  const path = tombstonePath(tsmPath);
  const bytes = await readSealed(disk, path, seal);
  if (bytes === undefined) return { list: [], seal: undefined };
  const isGrowing = magicOf(bytes) === tombstoneMagics.members;
  const list = decodeTombstones(path, bytes);
  return { list, seal: isGrowing ? sealOf(bytes) : undefined };
}

/** Goes through them all. Throws `corrupt` with the path. */
export async function checkTombstones(
  disk: Disk,
  tsmPath: string,
  seal?: TombstoneSeal,
): Promise<void> {
  const { list } = await readTombstones(disk, tsmPath, seal);
  const tombstones = list[Symbol.iterator]();
  while (tombstones.next().done !== true);
}

/** Whether it says what is wrong with the tombstones of a TSM file, and not with that file. */
export function isOfTombstones({ message }: DbError, tsmPath: string): boolean {
  return message.startsWith(`${tombstonePath(tsmPath)}: `);
}

/** A TSM file, and what is known of its tombstones. */
interface StruckFile {
  readonly path: string;
  readonly seal?: TombstoneSeal | undefined;
  readonly hasNone?: boolean | undefined;
}

/**
 * Adds to those of a TSM file; resolves once they are durable with what their file is then, with undefined where there was nothing to
 * add. What its file has beyond those that are known is of an attempt that failed, and goes. `turn` lets others run: between members, and
 * where the list has undefined. Throws what the disk says, and `corrupt` where what was deleted before is not there any more.
 */
export async function addTombstones(
  { disk, turn }: { readonly disk: Disk; readonly turn: () => Promise<void> },
  { path: tsmPath, seal, hasNone = false }: StruckFile,
  tombstones: Iterable<Tombstone | undefined>,
): Promise<TombstoneSeal | undefined> {
  const path = tombstonePath(tsmPath);
  const members: Uint8Array[] = [];
  const member = new GrowingBytes(memberBytesFull * 2);
  for (const tombstone of tombstones) {
    if (tombstone !== undefined) encodeEntry(tombstone, member);
    if (member.lengthBytes >= memberBytesFull) members.push(packed(member));
    else if (tombstone !== undefined) continue;
    await turn();
  }
  if (member.lengthBytes > 0) members.push(packed(member));
  if (members.length === 0) return undefined;
  const before = hasNone ? undefined : await readSealed(disk, path, seal);
  const first = before === undefined ? head() : upgraded(path, before.subarray(0, seal?.lengthBytes)); // prettier-ignore
  const bytes = Buffer.concat([first, ...members]);
  await disk.replaceFile(path, bytes);
  return sealOf(bytes);
}

/** Removes a TSM file and its tombstones; missing is no error. */
export async function removeTsm(disk: Disk, tsmPath: string): Promise<void> {
  // In this order: without its tombstones a file would give back what is deleted.
  await disk.remove(tsmPath);
  await disk.remove(tombstonePath(tsmPath));
}

/** One after the other: no more than a member is unpacked at a time. */
export function* decodeTombstones(path: string, bytes: Uint8Array): Generator<Tombstone> {
  let rest: Uint8Array = noBytes;
  for (const piece of plainPieces(path, bytes))
    rest = yield* decodeEntries(rest.length === 0 ? piece : Buffer.concat([rest, piece]));
  if (rest.length > 0) throw new DbError('corrupt', `${path}: cut short`);
}

function sealOf(bytes: Uint8Array): TombstoneSeal {
  return { lengthBytes: bytes.length, crc32: crc32(bytes) };
}

/** Undefined where there is no file, and is to be none. */
async function readSealed(
  disk: Disk,
  path: string,
  seal: TombstoneSeal | undefined,
): Promise<Uint8Array | undefined> {
  const bytes = await readIfThere(disk, path);
  if (seal === undefined) return bytes;
  if (bytes === undefined) throw new DbError('corrupt', `${path}: the file is gone`);
  if (bytes.length < seal.lengthBytes)
    throw new DbError('corrupt', `${path}: ${bytes.length} bytes long, was written with ${seal.lengthBytes}`); // prettier-ignore
  if (crc32(bytes.subarray(0, seal.lengthBytes)) !== seal.crc32)
    throw new DbError('corrupt', `${path}: the checksum does not match`);
  return bytes;
}

async function readIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    return await disk.readFile(path);
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    throw error;
  }
}

function head(): Uint8Array {
  const bytes = new Uint8Array(magicBytes);
  new DataView(bytes.buffer).setUint32(0, tombstoneMagics.members);
  return bytes;
}

/** The same tombstones as version 4. */
function upgraded(path: string, bytes: Uint8Array): Uint8Array {
  const magic = magicOf(bytes);
  if (magic === tombstoneMagics.members) return bytes;
  const plain = Buffer.concat([...plainPieces(path, bytes)]);
  return Buffer.concat([head(), gzipSync(plain, { level: 1 })]);
}

/** Leaves the member empty. */
function packed(member: GrowingBytes): Uint8Array {
  const bytes = gzipSync(member.view(), { level: 1 });
  member.clear();
  return bytes;
}

function magicOf(bytes: Uint8Array): number {
  if (bytes.length < magicBytes) return 0;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}

function* plainPieces(path: string, bytes: Uint8Array): Generator<Uint8Array> {
  const magic = magicOf(bytes);
  const rest = bytes.subarray(magicBytes);
  if (!(Object.values(tombstoneMagics) as readonly number[]).includes(magic))
    throw new DbError('corrupt', `${path}: not a tombstone file, at 0`);
  if (magic === tombstoneMagics.plain || rest.length === 0) yield rest;
  else yield* unpacked(path, rest);
}

/** Where nothing says how long a member is, the head of the next one does: what is unpacked up to it and is sound is whole. */
function* unpacked(path: string, bytes: Uint8Array): Generator<Uint8Array> {
  const packed = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < packed.length;) {
    const next = packed.indexOf(memberHead, at + memberHead.length);
    let end = next < 0 ? packed.length : next;
    let plain = end < packed.length ? unpackedIfSound(packed.subarray(at, end)) : undefined;
    if (plain === undefined) {
      // Of members with other heads, or none but what looked like one.
      end = packed.length;
      plain = unpackedRest(path, packed.subarray(at));
    }
    yield plain;
    at = end;
  }
}

function unpackedIfSound(member: Uint8Array): Uint8Array | undefined {
  try {
    return gunzipSync(member, { maxOutputLength: plainBytesMax });
  } catch {
    return undefined;
  }
}

function unpackedRest(path: string, members: Uint8Array): Uint8Array {
  try {
    return gunzipSync(members, { maxOutputLength: plainBytesMax });
  } catch (error) {
    throw new DbError('corrupt', `${path}: ${errorText(error)}`, { cause: error });
  }
}

const tail = new Uint8Array(16);
const tailView = new DataView(tail.buffer);
const length = new Uint8Array(4);
const lengthView = new DataView(length.buffer);

function encodeEntry({ key, minTimeNs, maxTimeNs }: Tombstone, out: GrowingBytes): void {
  lengthView.setUint32(0, key.length);
  tailView.setBigInt64(0, minTimeNs);
  tailView.setBigInt64(8, maxTimeNs);
  out.push(length);
  out.push(key);
  out.push(tail);
}

/** Returns what is left behind the last whole one. */
function* decodeEntries(bytes: Uint8Array): Generator<Tombstone, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + 4 <= bytes.length) {
    const keyEnd = at + 4 + view.getUint32(at);
    if (keyEnd + 16 > bytes.length) break;
    const key = bytes.subarray(at + 4, keyEnd);
    yield { key, minTimeNs: view.getBigInt64(keyEnd), maxTimeNs: view.getBigInt64(keyEnd + 8) };
    at = keyEnd + 16;
  }
  return bytes.subarray(at);
}
