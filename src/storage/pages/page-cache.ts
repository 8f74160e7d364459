/**
 * Pages of files in memory, shared by all shards of a worker: what was not asked for since the last round goes first.
 *
 * Invariants:
 * - what is held is at most `bytesMax`, one page aside;
 * - a page that was given out stays as it is: who has it may go on with it after it has left.
 */
export interface CachedPage<T = unknown> {
  readonly owner: PageOwner;
  readonly offset: number;
  readonly sizeBytes: number;
  readonly content: T;
  /** Asked for since it was last passed over. */
  isUsed: boolean;
}

/** A file's pages by their place. */
export class PageOwner {
  readonly pages = new Map<number, CachedPage>();
  /** Contents of pages that its readers keep at hand; forgotten once a page of the file leaves. */
  readonly atHand: unknown[] = [];
  isClosed = false;
}

export class PageCache {
  readonly #bytesMax: number;
  /** In order of arrival or of the last chance that they were given; those before `#next` are out. */
  #queue: CachedPage[] = [];
  #next = 0;
  #usedBytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** In the place of an earlier one of its offset, if there is one. */
  put(page: CachedPage): void {
    if (page.owner.isClosed) return;
    this.remove(page.owner, page.offset);
    page.owner.pages.set(page.offset, page);
    this.#queue.push(page);
    this.#usedBytes += page.sizeBytes;
    while (this.#usedBytes > this.#bytesMax && this.#queue.length - this.#next > 1) this.#evict();
    // What is out is half of the list: it is cut off.
    if (this.#next > 1_024 && this.#next * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#next);
      this.#next = 0;
    }
  }

  remove({ pages }: PageOwner, offset: number): void {
    const page = pages.get(offset);
    if (page === undefined) return;
    pages.delete(offset);
    this.#usedBytes -= page.sizeBytes;
  }

  /** A file that is read no more. */
  drop(owner: PageOwner): void {
    owner.isClosed = true;
    for (const { sizeBytes } of owner.pages.values()) this.#usedBytes -= sizeBytes;
    owner.pages.clear();
    owner.atHand.length = 0;
    this.#queue = this.#queue.filter((page, i) => i >= this.#next && page.owner !== owner);
    this.#next = 0;
  }

  #evict(): void {
    const page = this.#queue[this.#next++];
    // One that was removed is out of the sum already.
    if (page === undefined || page.owner.pages.get(page.offset) !== page) return;
    if (page.isUsed) {
      page.isUsed = false;
      this.#queue.push(page);
      return;
    }
    this.remove(page.owner, page.offset);
    page.owner.atHand.length = 0;
  }
}
