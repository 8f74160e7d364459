/**
 * Archives of files in the ustar format: a head of 512 bytes each, content filled up to blocks, two empty blocks at the
 * end. What does not fit a head (long names, more than 8 GiB) is in a pax record before it; archives of others may have
 * long names GNU's way.
 *
 * Invariant: of an archive no more than one piece is in memory, however large its files are.
 */
import { Buffer } from 'node:buffer';
import { DbError } from '../base/errors.ts';
import { tarBlockBytes, tarEnd, tarHead } from '../base/tar-head.ts';
import { ByteReader } from './byte-reader.ts';

/** A file on its way into an archive; its content has to be as long as it says. */
export interface ArchivedFile {
  readonly name: string;
  readonly sizeBytes: number;
  readonly content: AsyncIterable<Uint8Array>;
}

/** A file that is read; what is not read of `content` is passed over. */
export interface TarEntry extends ArchivedFile {
  readonly kind: 'file' | 'folder' | 'other';
}

const headNameBytesMax = 100;
const headSizeMax = 8 ** 11 - 1;
/** Of a name, or a pax record. */
const extraBytesMax = 1 << 20;

export async function* writeTar(
  files: AsyncIterable<ArchivedFile>,
  modifiedSeconds: number,
): AsyncGenerator<Uint8Array> {
  for await (const { name, sizeBytes, content } of files) {
    const isPlain = /^[\x20-\x7e]*$/.test(name) && name.length <= headNameBytesMax;
    if (!isPlain || sizeBytes > headSizeMax) {
      const records = Buffer.from(paxRecord('path', name) + paxRecord('size', String(sizeBytes)));
      yield tarHead({ name: 'pax', sizeBytes: records.length, modifiedSeconds, type: 'x' });
      yield records;
      yield fill(records.length);
    }
    const short = isPlain ? name : 'file';
    yield tarHead({ name: short, sizeBytes: Math.min(sizeBytes, headSizeMax), modifiedSeconds });
    let writtenBytes = 0;
    for await (const piece of content) {
      writtenBytes += piece.length;
      if (writtenBytes > sizeBytes) break;
      yield piece;
    }
    if (writtenBytes !== sizeBytes)
      throw new DbError('corrupt', `${name}: its content is not the ${sizeBytes} bytes that it has`); // prettier-ignore
    yield fill(sizeBytes);
  }
  yield tarEnd;
}

/** Reads to the end of the stream. Throws `corrupt` for what is no archive, or ends before its end. */
export async function* readTar(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<TarEntry> {
  const reader = new ByteReader(pieces);
  let [longName, longSize]: [string | undefined, number | undefined] = [undefined, undefined];
  try {
    for (;;) {
      const head = await reader.take(tarBlockBytes);
      if (head.every((byte) => byte === 0)) {
        await reader.drain();
        return;
      }
      const { name, sizeBytes, type } = parseHead(head);
      if (type === 'x' || type === 'g' || type === 'L') {
        if (sizeBytes > extraBytesMax) throw new DbError('corrupt', 'archive: a name without end');
        const extra = Buffer.from(await reader.take(sizeBytes));
        await reader.skip(fillBytes(sizeBytes));
        if (type === 'L') longName = textOf(extra);
        if (type !== 'x') continue;
        const records = paxRecords(extra);
        longName = records.get('path') ?? longName;
        const size = records.get('size');
        if (size !== undefined) longSize = checkedSize(Number(size));
        continue;
      }
      const size = longSize ?? sizeBytes;
      const content = reader.next(size);
      yield { name: longName ?? name, sizeBytes: size, content, kind: kindOf(type) };
      [longName, longSize] = [undefined, undefined];
      await reader.finish();
      await reader.skip(fillBytes(size));
    }
  } finally {
    await reader.close();
  }
}

function kindOf(type: string): TarEntry['kind'] {
  if (type === '0' || type === '\0' || type === '') return 'file';
  return type === '5' ? 'folder' : 'other';
}

function parseHead(head: Uint8Array): {
  readonly name: string;
  readonly sizeBytes: number;
  readonly type: string;
} {
  const bytes = Buffer.from(head.buffer, head.byteOffset, head.length);
  let sum = 0;
  for (const [at, byte] of bytes.entries()) sum += at >= 148 && at < 156 ? 0x20 : byte;
  if (sum !== octal(bytes.subarray(148, 156)))
    throw new DbError('corrupt', 'archive: the checksum of a head does not match');
  const prefix = bytes.toString('latin1', 257, 262) === 'ustar' ? textOf(bytes.subarray(345, 500)) : ''; // prettier-ignore
  const name = textOf(bytes.subarray(0, headNameBytesMax));
  const sizeBytes = checkedSize(octal(bytes.subarray(124, 136)));
  const type = String.fromCharCode(bytes[156] ?? 0);
  return { name: prefix === '' ? name : `${prefix}/${name}`, sizeBytes, type };
}

/** Numbers that do not fit are binary, their highest bit says so. */
function octal(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) === 0) return parseInt(textOf(field).trim() || '0', 8);
  return Number(field.readBigUInt64BE(field.length - 8));
}

function checkedSize(sizeBytes: number): number {
  if (Number.isSafeInteger(sizeBytes) && sizeBytes >= 0) return sizeBytes;
  throw new DbError('corrupt', 'archive: a size that is none');
}

function textOf(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('utf8', 0, end < 0 ? field.length : end);
}

/** `<length of all of it> <key>=<value>\n`. */
function paxRecord(key: string, value: string): string {
  const restBytes = Buffer.byteLength(` ${key}=${value}\n`);
  let lengthBytes = restBytes + String(restBytes).length;
  if (String(lengthBytes).length > String(restBytes).length) lengthBytes++;
  return `${lengthBytes} ${key}=${value}\n`;
}

function paxRecords(bytes: Buffer): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const lengthBytes = Number(bytes.toString('latin1', at, Math.max(at, space)));
    const equals = bytes.indexOf(0x3d, space);
    const end = at + lengthBytes;
    if (space < 0 || equals < 0 || !(lengthBytes > 0) || end > bytes.length || equals >= end)
      throw new DbError('corrupt', 'archive: a pax record that does not read');
    records.set(bytes.toString('utf8', space + 1, equals), bytes.toString('utf8', equals + 1, end - 1)); // prettier-ignore
    at = end;
  }
  return records;
}

function fill(sizeBytes: number): Uint8Array {
  return new Uint8Array(fillBytes(sizeBytes));
}

function fillBytes(sizeBytes: number): number {
  return (tarBlockBytes - (sizeBytes % tarBlockBytes)) % tarBlockBytes;
}
