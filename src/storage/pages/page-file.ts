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

/** Pages on their way to a file, which whoever has them appends. */
export class PageWriter {
  readonly #staged = new GrowingBytes(1 << 16);
  #offset: number;

  /** `offset` is where the first page will be in the file. */
  constructor(offset = 0) {
    this.#offset = offset;
  }

  /** Where the next page will be. */
  get offset(): number {
    return this.#offset;
  }

  /** What waits; it holds until clear() or the next page. */
  get staged(): Uint8Array {
    return this.#staged.view();
  }

  clear(): void {
    this.#staged.clear();
  }

  /** Takes a copy. */
  page(payload: Uint8Array): PagePlace {
    const offset = this.#offset;
    this.#staged.u32(crc32(payload));
    this.#staged.push(payload);
    this.#offset += payload.length + pageSumBytes;
    return { offset, lengthBytes: payload.length + pageSumBytes };
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
    return this.#cached(place.offset, () => decode(this.#load(place)));
  }

  /** The same for bytes whose sum is elsewhere. */
  readPart<T extends PageContent>(
    part: PagePlace & { readonly crc32: number },
    decode: (bytes: Uint8Array) => T | undefined,
  ): T {
    return this.#cached(part.offset, () => decode(this.part(part)));
  }

  /** What readers have made themselves, held like a page; `offset` is where no page is. */
  kept<T extends PageContent>(offset: number, make: () => T): T {
    return this.#cached(offset, make);
  }

  /** Bytes whose sum is elsewhere, past the cache. Throws `corrupt`. */
  part({ offset, lengthBytes, crc32: sum }: PagePlace & { readonly crc32: number }): Uint8Array {
    const bytes = this.#bytes({ offset, lengthBytes });
    if (crc32(bytes) !== sum) throw this.damaged(offset);
    return bytes;
  }

  #cached<T extends PageContent>(offset: number, make: () => T | undefined): T {
    const known = this.#owner.pages.get(offset);
    if (known !== undefined) {
      known.isUsed = true;
      return known.content as T;
    }
    const content = make();
    if (content === undefined) throw this.damaged(offset);
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

  #load(place: PagePlace): Uint8Array {
    const bytes = this.#bytes(place);
    const payload = bytes.subarray(pageSumBytes);
    const sum = new DataView(bytes.buffer).getUint32(0, true);
    if (crc32(payload) !== sum) throw this.damaged(place.offset);
    return payload;
  }

  #bytes({ offset, lengthBytes }: PagePlace): Uint8Array {
    // A query may still read when its database is dropped: that ends the query, not the node.
    if (this.#owner.isClosed) throw new DbError('not_found', 'shard is deleted');
    if (lengthBytes < pageSumBytes || offset + lengthBytes > this.#file.lengthBytes)
      throw this.damaged(offset);
    const bytes = new Uint8Array(lengthBytes);
    if (this.#file.readIntoSync(offset, bytes) < lengthBytes) throw this.damaged(offset);
    return bytes;
  }
}
