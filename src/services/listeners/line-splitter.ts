/**
 * Lines of a connection whose bytes come in pieces of any size. A line that does not end is kept up to a limit; beyond it the
 * line is passed over to its end, and told once.
 */
import { GrowingBytes } from '../../base/growing-bytes.ts';

const newline = 10;
/** Of a part of a line that waits for the rest. */
const partBytesFirst = 256;

export interface LineReader {
  /** Bytes [start, end) without the newline. They are used again once it returns. */
  line(bytes: Uint8Array, start: number, end: number): void;
  /** A line was longer than may be; `bytes` is how it begins. */
  tooLong(bytes: Uint8Array): void;
}

export class LineSplitter {
  readonly #reader: LineReader;
  readonly #lineBytesMax: number;
  #part: GrowingBytes | undefined;
  #isSkipping = false;

  constructor(reader: LineReader, { lineBytesMax }: { readonly lineBytesMax: number }) {
    this.#reader = reader;
    this.#lineBytesMax = lineBytesMax;
  }

  /** Of the line that has not ended. */
  get heldBytes(): number {
    return this.#part?.lengthBytes ?? 0;
  }

  push(bytes: Uint8Array): void {
    let start = 0;
    for (let end = bytes.indexOf(newline); end >= 0; end = bytes.indexOf(newline, start)) {
      this.#endLine(bytes, start, end);
      start = end + 1;
    }
    if (start < bytes.length && !this.#isSkipping) this.#hold(bytes, start);
  }

  #endLine(bytes: Uint8Array, start: number, end: number): void {
    if (this.#isSkipping) {
      this.#isSkipping = false;
      return;
    }
    const held = this.heldBytes;
    if (held + end - start > this.#lineBytesMax) {
      this.#hold(bytes, start, end);
      this.#isSkipping = false;
    } else if (this.#part === undefined) this.#reader.line(bytes, start, end);
    else {
      this.#part.pushPart(bytes, start, end);
      const whole = this.#part.view();
      this.#part = undefined;
      this.#reader.line(whole, 0, whole.length);
    }
  }

  #hold(bytes: Uint8Array, start: number, end = bytes.length): void {
    this.#part ??= new GrowingBytes(partBytesFirst);
    const room = this.#lineBytesMax - this.#part.lengthBytes;
    this.#part.pushPart(bytes, start, Math.min(end, start + room));
    if (end - start <= room) return;
    const begun = this.#part.view();
    this.#part = undefined;
    this.#isSkipping = true;
    this.#reader.tooLong(begun);
  }
}
