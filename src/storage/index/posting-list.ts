/**
 * The series that have a value of a tag, by number, ascending. In an entry's value: u8 0 and the numbers, or u8 1 and the
 * places of pages with them. Numbers are varints: the first as it is, each other one as the difference to the one before;
 * a page begins anew. A place is u32 and u16 of its offset, u32 of its length.
 */
import { BytesCursor, GrowingBytes } from '../../base/growing-bytes.ts';
import type { PageFile, PagePlace, PageWriter } from '../pages/page-file.ts';

const inlineBytesMax = 256;
const pageBytesFull = 16_384;

interface PostingPage {
  readonly bytes: Uint8Array;
  readonly sizeBytes: number;
}

/** Writes one list after the other. */
export class PostingWriter {
  readonly #pages: PageWriter;
  readonly #numbers = new GrowingBytes(512);
  readonly #value = new GrowingBytes(512);
  #places: PagePlace[] = [];
  #last = 0;

  constructor(pages: PageWriter) {
    this.#pages = pages;
  }

  add(number: number): void {
    const isFirst = this.#numbers.lengthBytes === 0;
    this.#numbers.varint(isFirst ? number : number - this.#last);
    this.#last = number;
    if (this.#numbers.lengthBytes >= pageBytesFull) this.#close();
  }

  /** The value of the entry; it holds until the next one. The list is empty then. */
  finish(): Uint8Array {
    const value = this.#value;
    value.clear();
    if (this.#places.length === 0 && this.#numbers.lengthBytes <= inlineBytesMax) {
      value.u8(0);
      value.push(this.#numbers.view());
      this.#numbers.clear();
      return value.view();
    }
    if (this.#numbers.lengthBytes > 0) this.#close();
    value.u8(1);
    for (const { offset, lengthBytes } of this.#places) {
      const upper = Math.floor(offset / 2 ** 32);
      value.u32(offset % 2 ** 32);
      value.u8(upper & 255);
      value.u8(upper >>> 8);
      value.u32(lengthBytes);
    }
    this.#places = [];
    return value.view();
  }

  #close(): void {
    this.#places.push(this.#pages.page(this.#numbers.view()));
    this.#numbers.clear();
  }
}

/** The numbers of a list. Throws `corrupt`. */
export function* postings(pages: PageFile, value: Uint8Array): Generator<number> {
  if (value[0] === 0) {
    yield* numbersIn(value, 1);
    return;
  }
  const cursor = new BytesCursor(value, 1);
  while (cursor.at < value.length) {
    const [low, b0, b1, lengthBytes] = [cursor.u32(), cursor.u8(), cursor.u8(), cursor.u32()];
    const place = { offset: low + (b0 | (b1 << 8)) * 2 ** 32, lengthBytes };
    const { bytes } = pages.read(place, postingPage);
    yield* numbersIn(bytes, 0);
  }
}

function postingPage(bytes: Uint8Array): PostingPage {
  return { bytes, sizeBytes: bytes.length };
}

function* numbersIn(bytes: Uint8Array, start: number): Generator<number> {
  const cursor = new BytesCursor(bytes, start);
  let number = 0;
  for (let isFirst = true; cursor.at < bytes.length; isFirst = false) {
    const step = cursor.varint();
    number = isFirst ? step : number + step;
    yield number;
  }
}
