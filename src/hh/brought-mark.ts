/**
 * `brought` in the folder of a queue: up to where its first segment has been brought, so that a node that was killed does not bring it once more. An
 * owner that has restarted meanwhile could not tell what it had had from what is new, and took it for the latest (decision 141).
 *
 * Layout, little-endian: the 24 bytes of the header of the segment's first record, u64 offset, u32 CRC-32 of bytes 0 to 31.
 *
 * Invariants:
 * - It is never ahead of what was brought: its file is written behind that, and not synced. What a loss of power leaves of it is one of before, or none.
 * - Nobody waits for it but who closes the queue: of a disk that is slow the last of what came meanwhile is written next.
 * - It speaks of the segment whose first record it names: numbers of segments come again.
 * - Best effort: what is not noted is brought once more.
 */
import { crc32 } from 'node:zlib';
import { isDbError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../env/disk.ts';
import { hintHeaderBytes } from './hint-record.ts';

const fileName = 'brought';
const crcOffset = hintHeaderBytes + 8;
const markBytes = crcOffset + 4;

export class BroughtMark {
  readonly #disk: Disk;
  readonly #path: string;
  /** The header of the first record of the segment that was noted last. */
  readonly #header = new Uint8Array(hintHeaderBytes);
  #segment: DiskFile | undefined;
  /** What is to be written next. */
  #next: Uint8Array | undefined;
  #writing: Promise<void> | undefined;

  constructor(disk: Disk, folder: string) {
    this.#disk = disk;
    this.#path = `${folder}/${fileName}`;
  }

  /** Up to where a segment was brought, as far as that is noted. */
  async offsetIn(segmentPath: string): Promise<number> {
    try {
      const bytes = await this.#disk.readFile(this.#path);
      if (bytes.length !== markBytes) return 0;
      const view = new DataView(bytes.buffer, bytes.byteOffset, markBytes);
      if (view.getUint32(crcOffset, true) !== crc32(bytes.subarray(0, crcOffset))) return 0;
      const first = new Uint8Array(hintHeaderBytes);
      const segment = await this.#disk.open(segmentPath, 'read');
      try {
        await segment.readAt(0, first);
        const isOf = Buffer.compare(first, bytes.subarray(0, hintHeaderBytes)) === 0;
        const offset = Number(view.getBigUint64(hintHeaderBytes, true));
        return isOf && offset <= segment.lengthBytes ? offset : 0;
      } finally {
        await segment.close();
      }
    } catch (error) {
      if (isDbError(error)) return 0;
      throw error;
    }
  }

  /** Resolves before it is written. */
  async note(segment: DiskFile, offset: number): Promise<void> {
    try {
      if (this.#segment !== segment) await segment.readAt(0, this.#header);
    } catch (error) {
      if (isDbError(error)) return;
      throw error;
    }
    this.#segment = segment;
    const bytes = new Uint8Array(markBytes);
    bytes.set(this.#header);
    const view = new DataView(bytes.buffer);
    view.setBigUint64(hintHeaderBytes, BigInt(offset), true);
    view.setUint32(crcOffset, crc32(bytes.subarray(0, crcOffset)), true);
    this.#next = bytes;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
  }

  /** Resolves once all that was noted is written. */
  async settled(): Promise<void> {
    await this.#writing;
  }

  /** Keeps no file open: there may be thousands of queues. Throws what is no error of the disk. */
  async #write(): Promise<void> {
    for (let bytes = this.#take(); bytes !== undefined; bytes = this.#take()) {
      try {
        const file = await this.#open();
        try {
          await file.writeAt(0, bytes);
        } finally {
          await file.close();
        }
      } catch (error) {
        if (!isDbError(error)) throw error;
      }
    }
  }

  #take(): Uint8Array | undefined {
    const bytes = this.#next;
    this.#next = undefined;
    return bytes;
  }

  async #open(): Promise<DiskFile> {
    const isThere = (await this.#disk.size(this.#path)) !== undefined;
    return this.#disk.open(this.#path, isThere ? 'open' : 'create');
  }

  /** The queue is empty. */
  async remove(): Promise<void> {
    this.#segment = undefined;
    this.#next = undefined;
    await this.settled();
    try {
      await this.#disk.remove(this.#path);
    } catch (error) {
      if (!isDbError(error)) throw error;
    }
  }
}
