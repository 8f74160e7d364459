/**
 * The entries of a tombstone file one after the other, whatever its size: storage reads such files whole, a tool that checks
 * them cannot know how large they are.
 */
import { createGunzip } from 'node:zlib';
import { DbError, errorText } from '../../../base/errors.ts';
import type { Disk, DiskFile } from '../../../env/disk.ts';
import { tombstoneMagics, type TimeRange } from '../../../storage/tsm/tombstones.ts';

export interface TombstoneEntry extends TimeRange {
  readonly key: Uint8Array;
}

const magicBytes = 4;
const pieceBytes = 1 << 16;
/** The length of a TSM key; what is longer names none. */
const keyBytesMax = 65_535;

/** Throws `corrupt` with the path. */
export async function* tombstoneEntries(disk: Disk, path: string): AsyncGenerator<TombstoneEntry> {
  const file = await disk.open(path, 'read');
  try {
    const head = new Uint8Array(magicBytes);
    const read = await file.readAt(0, head);
    const magic = read < magicBytes ? 0 : new DataView(head.buffer).getUint32(0);
    const isPlain = magic === tombstoneMagics.plain;
    if (!(Object.values(tombstoneMagics) as readonly number[]).includes(magic))
      throw new DbError('corrupt', `${path}: not a tombstone file, at 0`);
    const pieces = isPlain ? readPieces(file) : unpacked(file);
    yield* entriesOf(path, pieces);
  } finally {
    await file.close();
  }
}

async function* readPieces(file: DiskFile): AsyncGenerator<Uint8Array> {
  for (let at = magicBytes; at < file.lengthBytes; at += pieceBytes) {
    const piece = new Uint8Array(Math.min(pieceBytes, file.lengthBytes - at));
    await file.readAt(at, piece);
    yield piece;
  }
}

/** gzip members, one behind the other. */
async function* unpacked(file: DiskFile): AsyncGenerator<Uint8Array> {
  if (file.lengthBytes === magicBytes) return;
  const gunzip = createGunzip();
  const feeding = (async () => {
    for await (const piece of readPieces(file))
      if (!gunzip.write(piece) && !gunzip.destroyed)
        await new Promise<void>((resolve) => {
          gunzip.once('drain', resolve).once('close', resolve);
        });
    gunzip.end();
  })();
  try {
    for await (const piece of gunzip) yield piece as Uint8Array;
    await feeding;
  } catch (error) {
    throw new DbError('corrupt', `${file.path}: ${errorText(error)}`, { cause: error });
  } finally {
    gunzip.destroy();
    await feeding.catch(() => undefined);
  }
}

async function* entriesOf(
  path: string,
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<TombstoneEntry> {
  let bytes = Buffer.alloc(0);
  for await (const piece of pieces) {
    bytes = Buffer.concat([bytes, piece]);
    let at = 0;
    while (at + 4 <= bytes.length) {
      const keyBytes = bytes.readUInt32BE(at);
      if (keyBytes > keyBytesMax)
        throw new DbError(
          'corrupt',
          `${path}: a key of ${keyBytes} bytes is beyond ${keyBytesMax}`,
        );
      const end = at + 4 + keyBytes;
      if (end + 16 > bytes.length) break;
      const key = bytes.subarray(at + 4, end);
      yield { key, minTimeNs: bytes.readBigInt64BE(end), maxTimeNs: bytes.readBigInt64BE(end + 8) };
      at = end + 16;
    }
    bytes = bytes.subarray(at);
  }
  if (bytes.length > 0) throw new DbError('corrupt', `${path}: cut short`);
}
