/**
 * A file of pages, each behind its CRC-32: written front to back, read by place. A page that is not what it was when it was
 * written is `corrupt`, with path and offset.
 */
import { crc32 } from 'node:zlib';
import { GrowingBytes } from '../../base/growing-bytes.ts';
import { DbError } from '../../base/errors.ts';
import type { DiskFile } from '../../env/disk.ts';
import { PageOwner, type PageCache } from './page-cache.ts';

/** Of a page with its sum. */
export interface PagePlace {
  readonly offset: number;
  readonly lengthBytes: number;
}

export const pageSumBytes = 4;
/** What a cached page costs besides its bytes. */
const pageCostBytes = 200;
const stagedBytesMax = 1 << 20;

export class PageWriter {
  readonly #file: DiskFile;
  readonly #staged = new GrowingBytes(1 << 16);
  #offset = 0;

  /** `file` is new and empty. */
  constructor(file: DiskFile) {
    this.#file = file;
  }

  get offset(): number {
    return this.#offset;
  }

  /** Whether so much waits that drain() is to be called. */
  get isFull(): boolean {
    return this.#staged.lengthBytes >= stagedBytesMax;
  }

  /** Takes a copy. */
  page(payload: Uint8Array): PagePlace {
    const offset = this.#offset;
    this.#staged.u32(crc32(payload));
    this.#staged.push(payload);
    this.#offset += payload.length + pageSumBytes;
    return { offset, lengthBytes: payload.length + pageSumBytes };
  }

  async drain(): Promise<void> {
    if (this.#staged.lengthBytes === 0) return;
    await this.#file.append([this.#staged.view()]);
    this.#staged.clear();
  }
}

interface PageContent {
  readonly sizeBytes: number;
}

export class PageFile {
  readonly #file: DiskFile;
  readonly #cache: PageCache;
  readonly #owner = new PageOwner();
  #damage: DbError | undefined;

  constructor(file: DiskFile, cache: PageCache) {
    this.#file = file;
    this.#cache = cache;
  }

  get path(): string {
    return this.#file.path;
  }

  get lengthBytes(): number {
    return this.#file.lengthBytes;
  }

  /** A page as `decode` makes it, which answers undefined when it does not add up. Throws `corrupt`. */
  read<T extends PageContent>(place: PagePlace, decode: (payload: Uint8Array) => T | undefined): T {
    const known = this.#owner.pages.get(place.offset);
    if (known !== undefined) {
      known.isUsed = true;
      return known.content as T;
    }
    const content = decode(this.#load(place));
    if (content === undefined) throw this.damaged(place.offset);
    const { offset } = place;
    const sizeBytes = content.sizeBytes + pageCostBytes;
    this.#cache.put({ owner: this.#owner, offset, sizeBytes, content, isUsed: true });
    return content;
  }

  /** What readers keep at hand as long as no page of the file has to leave: a place for each of them. */
  get atHand(): unknown[] {
    return this.#owner.atHand;
  }

  /** The first damage that was met. */
  get damage(): DbError | undefined {
    return this.#damage;
  }

  damaged(offset: number): DbError {
    const error = new DbError('corrupt', `${this.path}: the page at ${offset} is damaged`);
    this.#damage ??= error;
    return error;
  }

  async close(): Promise<void> {
    this.#cache.drop(this.#owner);
    await this.#file.close();
  }

  #load({ offset, lengthBytes }: PagePlace): Uint8Array {
    // A query may still read when its database is dropped: that ends the query, not the node.
    if (this.#owner.isClosed) throw new DbError('not_found', 'shard is deleted');
    if (lengthBytes < pageSumBytes || offset + lengthBytes > this.#file.lengthBytes)
      throw this.damaged(offset);
    const bytes = new Uint8Array(lengthBytes);
    const read = this.#file.readIntoSync(offset, bytes);
    const payload = bytes.subarray(pageSumBytes);
    const sum = new DataView(bytes.buffer).getUint32(0, true);
    if (read < lengthBytes || crc32(payload) !== sum) throw this.damaged(offset);
    return payload;
  }
}
