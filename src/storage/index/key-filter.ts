/**
 * Which keys a segment surely does not have: a Bloom filter of blocks of 32 bytes, so that a key looks at one place of one
 * page. With 12 bits a key about 1 in 150 keys that are not there looks as if it were.
 */
import { mixHash } from '../../base/hash-bytes.ts';
import { pageSumBytes, type PageFile, type PageWriter } from '../pages/page-file.ts';

export interface FilterRoot {
  readonly blockCount: number;
  /** Of the first page; the others lie right behind it. */
  readonly offset: number;
}

const bitsPerKey = 12;
const blockBytes = 32;
const blocksPerPage = 128;
const pageBytes = blockBytes * blocksPerPage;
const bitsPerHash = 6;

interface FilterPage {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

export function writeFilter(pages: PageWriter, hashes: Uint32Array): FilterRoot {
  const wanted = Math.ceil((hashes.length * bitsPerKey) / (blockBytes * 8));
  const pageCount = Math.max(1, Math.ceil(wanted / blocksPerPage));
  const blockCount = pageCount * blocksPerPage;
  const bits = new Uint8Array(blockCount * blockBytes);
  for (const hash of hashes) {
    const at = blockOf(hash, blockCount) * blockBytes;
    let mixed = mixHash(hash + 1);
    for (let i = 0; i < bitsPerHash; i++) {
      const bit = bitOf(mixed, i);
      bits[at + (bit >>> 3)] = (bits[at + (bit >>> 3)] ?? 0) | (1 << (bit & 7));
      if (i === 2) mixed = mixHash(mixed + 1);
    }
  }
  const { offset } = pages;
  for (let page = 0; page < pageCount; page++)
    pages.page(bits.subarray(page * pageBytes, (page + 1) * pageBytes));
  return { blockCount, offset };
}

export function mayHave(
  pages: PageFile,
  { blockCount, offset }: FilterRoot,
  hash: number,
): boolean {
  const block = blockOf(hash, blockCount);
  const page = Math.floor(block / blocksPerPage);
  const lengthBytes = pageBytes + pageSumBytes;
  const { bytes } = pages.read({ offset: offset + page * lengthBytes, lengthBytes }, filterPage);
  const at = (block % blocksPerPage) * blockBytes;
  let mixed = mixHash(hash + 1);
  for (let i = 0; i < bitsPerHash; i++) {
    const bit = bitOf(mixed, i);
    if (((bytes[at + (bit >>> 3)] ?? 0) & (1 << (bit & 7))) === 0) return false;
    if (i === 2) mixed = mixHash(mixed + 1);
  }
  return true;
}

function filterPage(bytes: Uint8Array): FilterPage | undefined {
  return bytes.length === pageBytes ? { bytes, sizeBytes: bytes.length } : undefined;
}

/** Three bits of a block for each of two mixed hashes. */
function bitOf(mixed: number, i: number): number {
  return (mixed >>> ((i % 3) * 8)) & 255;
}

function blockOf(hash: number, blockCount: number): number {
  return Math.floor((hash / 2 ** 32) * blockCount);
}
