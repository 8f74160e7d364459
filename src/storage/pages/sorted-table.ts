/**
 * A sorted table in a file of pages: leaves with the entries, and levels of pages above them whose entries are the first
 * keys of the pages below, down to a root. An entry is known by its key and by its number. A reader holds no page: all are
 * the cache's.
 *
 * The value of an entry above the leaves: u32 lower and u16 upper part of the page's offset, u32 its length, u32 number of
 * the first entry of all that is below it.
 */
import { must } from '../../base/assert.ts';
import { GrowingBytes } from '../../base/growing-bytes.ts';
import type { PageFile, PagePlace, PageWriter } from './page-file.ts';
import { TablePage, TablePageBuilder, type KeyPart } from './table-page.ts';

export interface TableRoot extends PagePlace {
  /** Entries of all leaves; with 0 there is no page. */
  readonly count: number;
  /** Levels above the leaves. */
  readonly depth: number;
}

const pointerBytes = 14;
const depthMax = 16;
const noBytes = new Uint8Array(0);
const decode = (payload: Uint8Array): TablePage | undefined => TablePage.decode(payload);

export class SortedTable {
  readonly #pages: PageFile;
  readonly #root: TableRoot;
  /** Of the leaf that was read last among what the file has at hand. */
  readonly #place: number;

  /** `place` is another one for each table of a file. */
  constructor(pages: PageFile, root: TableRoot, place: number) {
    this.#pages = pages;
    this.#root = root;
    this.#place = place;
  }

  get count(): number {
    return this.#root.count;
  }

  /** The number of the first entry whose key is not before `key`. */
  lowerBound(key: Uint8Array): number {
    if (this.count === 0) return 0;
    const leaf = this.#descend((page) => {
      const at = page.lowerBound(key);
      // The page before begins below the key, if this one does not begin with it.
      return page.isKey(at, key) ? at : Math.max(0, at - 1);
    });
    this.#pages.atHand[this.#place] = leaf;
    return leaf.first + leaf.lowerBound(key);
  }

  /** The number of a key; -1 when it is not there. */
  find(key: Uint8Array): number {
    if (this.count === 0) return -1;
    const number = this.lowerBound(key);
    if (number >= this.count) return -1;
    const leaf = this.leafOf(number);
    return leaf.isKey(number - leaf.first, key) ? number : -1;
  }

  /** A view that holds for good. */
  key(number: number): Uint8Array {
    const leaf = this.leafOf(number);
    return leaf.key(number - leaf.first);
  }

  value(number: number): Uint8Array {
    const leaf = this.leafOf(number);
    return leaf.value(number - leaf.first);
  }

  /** The page that an entry is in. */
  leafOf(number: number): TablePage {
    const known = this.#pages.atHand[this.#place] as TablePage | undefined;
    if (known !== undefined && number >= known.first && number - known.first < known.count)
      return known;
    const leaf = this.#descend((page) => lastNotAfter(page, number));
    if (number < leaf.first || number - leaf.first >= leaf.count)
      throw this.#pages.damaged(this.#root.offset);
    this.#pages.atHand[this.#place] = leaf;
    return leaf;
  }

  #descend(choose: (page: TablePage) => number): TablePage {
    let place: PagePlace = this.#root;
    for (let level = Math.min(this.#root.depth, depthMax); level > 0; level--) {
      const page = this.#pages.read(place, decode);
      place = this.#pointer(page, choose(page), place);
    }
    return this.#pages.read(place, decode);
  }

  #pointer(page: TablePage, i: number, { offset }: PagePlace): PagePlace {
    const at = i * pointerBytes;
    if (page.values.length !== page.count * pointerBytes || i >= page.count)
      throw this.#pages.damaged(offset);
    return {
      offset: word(page.values, at) + (word(page.values, at + 4) & 0xffff) * 2 ** 32,
      lengthBytes: word(page.values, at + 6),
    };
  }
}

function word(bytes: Uint8Array, at: number): number {
  return ((bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)) >>> 0; // prettier-ignore
}

/** The last entry above the leaves that does not begin behind `number`. */
function lastNotAfter({ values, count }: TablePage, number: number): number {
  let low = 0;
  let high = count - 1;
  while (low < high) {
    const middle = (low + high + 1) >>> 1;
    if (word(values, middle * pointerBytes + 10) <= number) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Writes a table as its entries come, in order of their keys. */
export class SortedTableWriter {
  readonly #pages: PageWriter;
  /** Of the leaves, then of the levels above. */
  readonly #levels: TablePageBuilder[] = [new TablePageBuilder()];
  readonly #value = new GrowingBytes(64);
  #count = 0;

  constructor(pages: PageWriter) {
    this.#pages = pages;
  }

  get count(): number {
    return this.#count;
  }

  /** The key is `head` and then `rest`. Answers its number. */
  add(head: Uint8Array, rest: KeyPart, value: Uint8Array = noBytes): number {
    const number = this.#count++;
    const [leaf] = this.#levels;
    leaf?.add(head, rest, value, number);
    if (leaf?.isFull === true) this.#close(0);
    return number;
  }

  finish(): TableRoot {
    if (this.#count === 0) return { count: 0, depth: 0, offset: 0, lengthBytes: 0 };
    for (let level = 0; level < this.#levels.length - 1; level++)
      if ((this.#levels[level]?.count ?? 0) > 0) this.#close(level);
    const depth = this.#levels.length - 1;
    const top = must(this.#levels[depth], 'a table has leaves');
    return { count: this.#count, depth, ...this.#pages.page(top.finish()) };
  }

  #close(level: number): void {
    const builder = this.#levels[level];
    if (builder === undefined) return;
    const { firstKey, first } = builder;
    const { offset, lengthBytes } = this.#pages.page(builder.finish());
    const above = (this.#levels[level + 1] ??= new TablePageBuilder());
    this.#value.clear();
    this.#value.u32(offset % 2 ** 32);
    const upper = Math.floor(offset / 2 ** 32);
    this.#value.u8(upper & 255);
    this.#value.u8(upper >>> 8);
    this.#value.u32(lengthBytes);
    this.#value.u32(first);
    above.add(noBytes, { bytes: firstKey, start: 0, end: firstKey.length }, this.#value.view(), first); // prettier-ignore
    if (above.isFull) this.#close(level + 1);
  }
}
