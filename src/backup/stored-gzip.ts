/**
 * A gzip member whose bytes are as they came (RFC 1952 around the stored blocks of RFC 1951): heads between views of them, so that
 * what gets no smaller costs a checksum and no copy.
 */
import { Buffer } from 'node:buffer';
import { crc32 } from 'node:zlib';

/** What a stored block can say of its length. */
const blockBytesMax = 65_535;
/** Magic, deflate, no flags, no time, no extra flags, a system that is not known. */
const memberHead = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);
const blockHeadBytes = 5;
const trailerBytes = 8;

/** `parts` stay as they are until the member is written; they are one or more bytes together. */
export function storedMember(parts: readonly Uint8Array[]): readonly Uint8Array[] {
  const blocks = parts.flatMap(blocksOf);
  const heads = Buffer.allocUnsafe(blocks.length * blockHeadBytes + trailerBytes);
  const member: Uint8Array[] = [memberHead];
  let [sum, lengthBytes, at] = [0, 0, 0];
  for (const [i, block] of blocks.entries()) {
    heads[at] = i === blocks.length - 1 ? 1 : 0;
    heads.writeUInt16LE(block.length, at + 1);
    heads.writeUInt16LE(~block.length & 0xffff, at + 3);
    member.push(heads.subarray(at, at + blockHeadBytes), block);
    at += blockHeadBytes;
    sum = crc32(block, sum);
    lengthBytes += block.length;
  }
  heads.writeUInt32LE(sum, at);
  heads.writeUInt32LE(lengthBytes % 2 ** 32, at + 4);
  member.push(heads.subarray(at));
  return member;
}

function blocksOf(part: Uint8Array): readonly Uint8Array[] {
  const blocks: Uint8Array[] = [];
  for (let at = 0; at < part.length; at += blockBytesMax)
    blocks.push(part.subarray(at, at + blockBytesMax));
  return blocks;
}
