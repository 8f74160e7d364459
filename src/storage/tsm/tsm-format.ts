import { exactBytesOf, exactTextIn, exactTextOf } from '../../base/exact-text.ts';
/**
 * TSM files as the reference writes them (spec 7.2), all numbers big-endian: magic and version; blocks, each behind its
 * CRC-32; the index: per key its length, the key, a type byte, a count, and per block least time, greatest time, offset,
 * length; the index's offset. Keys are series key, separator, field, in the order of their bytes.
 *
 * A key is cut at its first separator, as the reference cuts it. A series key that holds one, or the beginning of one at its
 * end, is therefore written with a backslash more in it: names come back as they were whatever they are.
 */
export const tsmMagic = 0x16d116d1;
export const tsmVersion = 1;
export const tsmHeaderBytes = 5;
export const tsmFooterBytes = 8;
export const indexEntryBytes = 28;
export const blockCrcBytes = 4;
/** Behind a key in the index: its type, and how many blocks it has. */
export const keyTailBytes = 3;
export const keySeparator = '#!~#';
/** The format has two bytes for the length of a key; past them the reference refuses a point. */
export const keyBytesMax = 65_535;
/** Likewise for the blocks of a key. */
export const keyBlocksMax = 65_535;
/** The reference's: values of a block at most. */
export const blockRowsMax = 1_000;

export function tsmKey(seriesKey: string, field: string): string {
  return `${escapeSeparator(seriesKey)}${keySeparator}${field}`;
}

/** What follows a series key in the keys of a field. */
export function fieldEnding(field: string): Uint8Array {
  return exactBytesOf(`${keySeparator}${field}`);
}

/** The key of a series as it begins keys of files: mostly the same bytes. */
export function escapedSeriesKey(seriesKey: Uint8Array): Uint8Array {
  if (!hasSeparatorHead(seriesKey)) return seriesKey;
  const { buffer, byteOffset, length } = seriesKey;
  return exactBytesOf(escapeSeparator(exactTextIn(Buffer.from(buffer, byteOffset, length))));
}

/** Asked of each series that is read: a view and a search of the runtime's take longer than the bytes of a key. */
function hasSeparatorHead(key: Uint8Array): boolean {
  const [first, second, third] = separatorHeadBytes;
  for (let i = 0; i < key.length; i++)
    if (key[i] === first && key[i + 1] === second && key[i + 2] === third) return true;
  return false;
}

/**
 * What keys of a file begin with that are of a measurement, in order: of its series without tags, and of those with tags. It is
 * given as keys of series write it. Undefined where other measurements may have keys that begin so.
 */
export function measurementHeads(escaped: string): readonly Uint8Array[] | undefined {
  if (escaped.includes(separatorHead) || escaped.endsWith('\\')) return undefined;
  return [keySeparator, ','].map((end) => exactBytesOf(`${escaped}${end}`));
}

/** The part of a separator that makes a key ambiguous. */
const separatorHead = '#!~';
const separatorHeadBytes = Buffer.from(separatorHead, 'latin1');
const separatorBytes = Buffer.from(keySeparator, 'latin1');

function escapeSeparator(seriesKey: string): string {
  if (!seriesKey.includes(separatorHead)) return seriesKey;
  return seriesKey.replaceAll(/#!~(?=\\*(?:#|$))/g, '#!~\\');
}

function unescapeSeparator(escaped: string): string {
  if (!escaped.includes(separatorHead)) return escaped;
  return escaped.replaceAll(/#!~\\(?=\\*(?:#|$))/g, separatorHead);
}

/** Series key and field of a key. */
export function splitTsmKey(key: string): readonly [seriesKey: string, field: string] {
  const at = key.indexOf(keySeparator);
  return [unescapeSeparator(key.slice(0, at)), key.slice(at + keySeparator.length)];
}

/**
 * Generation and sequence of a file's name, nine digits each, as compaction of the reference sorts them: a flush writes
 * sequence 1 of a new generation, and what is made of some files is one sequence further.
 */
export interface TsmNameParts {
  readonly generation: number;
  readonly sequence: number;
}

export function tsmName({ generation, sequence }: TsmNameParts): string {
  return `${padded(generation)}-${padded(sequence)}.tsm`;
}

export function tsmNameOf(name: string): TsmNameParts | undefined {
  const match = /^(\d{9,15})-(\d{9,15})\.tsm$/.exec(name);
  return match === null ? undefined : { generation: Number(match[1]), sequence: Number(match[2]) };
}

function padded(count: number): string {
  return String(count).padStart(9, '0');
}

/** The same of bytes, without texts where it can be: views of the key. */
export function splitTsmKeyBytes(key: Uint8Array): {
  readonly seriesKey: Uint8Array;
  readonly field: Uint8Array;
} {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  const at = bytes.indexOf(separatorBytes);
  if (at >= 0 && bytes.indexOf(separatorHeadBytes) === at)
    return { seriesKey: key.subarray(0, at), field: key.subarray(at + separatorBytes.length) };
  const [seriesKey, field] = splitTsmKey(exactTextOf(key));
  return { seriesKey: exactBytesOf(seriesKey), field: exactBytesOf(field) };
}
