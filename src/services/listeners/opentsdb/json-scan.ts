/**
 * A place in a text of JSON, as Go's decoder reads it: what is wrong throws JsonFault. Strings are given as the bytes of their text.
 * Depth is counted, not the stack's: hostile texts are as deep as they are long.
 */
import { isDigit, Byte } from '../../../models/line-bytes.ts';

export class JsonFault extends Error {}

/** Go's. */
const depthMax = 10_000;
const openBrace = 123;
const closeBrace = 125;
const openBracket = 91;
const closeBracket = 93;
const colon = 58;
const literals = ['true', 'false', 'null'].map((text) => Buffer.from(text));
const encoder = new TextEncoder();

export class JsonScan {
  readonly bytes: Uint8Array;
  at = 0;
  /** A value that goes on behind it is too long. */
  endMax = Number.MAX_SAFE_INTEGER;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next byte that is no white space; undefined at the end. */
  peek(): number | undefined {
    for (;;) {
      const byte = this.bytes[this.at];
      if (byte !== Byte.space && byte !== Byte.tab && byte !== Byte.newline && byte !== 13)
        return byte;
      this.at++;
    }
  }

  /** Whether it is next, and passes it. */
  take(byte: number): boolean {
    if (this.peek() !== byte) return false;
    this.at++;
    return true;
  }

  takeNull(): boolean {
    if (this.peek() !== Byte.lowerN) return false;
    this.#literal();
    return true;
  }

  /** Calls `read` behind each key and colon; it passes the value. */
  object(read: (key: Uint8Array) => void): void {
    this.#must(openBrace);
    if (this.take(closeBrace)) return;
    do {
      const key = this.string();
      this.#must(colon);
      read(key);
      this.#checkLength();
    } while (this.take(Byte.comma));
    this.#must(closeBrace);
  }

  /** A view of the text where nothing in it is escaped. */
  string(): Uint8Array {
    if (this.peek() !== Byte.quote) throw new JsonFault('no string');
    const { bytes } = this;
    const start = ++this.at;
    let isPlain = true;
    for (;;) {
      const byte = bytes[this.at] ?? 0;
      if (byte === Byte.quote) break;
      if (byte < Byte.space) throw new JsonFault('a string without an end');
      if (byte === Byte.backslash) {
        isPlain = false;
        this.at++;
      }
      this.at++;
    }
    const end = this.at++;
    return isPlain ? bytes.subarray(start, end) : unescaped(bytes.subarray(start - 1, end + 1));
  }

  /** The text of a number. */
  number(): string {
    this.peek();
    const { bytes } = this;
    const start = this.at;
    if (bytes[this.at] === Byte.minus) this.at++;
    if (bytes[this.at] === Byte.zero) this.at++;
    else this.#digits();
    if (bytes[this.at] === Byte.dot) {
      this.at++;
      this.#digits();
    }
    const exponent = bytes[this.at];
    if (exponent === Byte.lowerE || exponent === Byte.upperE) {
      const sign = bytes[++this.at];
      if (sign === Byte.plus || sign === Byte.minus) this.at++;
      this.#digits();
    }
    return Buffer.from(bytes.buffer, bytes.byteOffset + start, this.at - start).toString('latin1');
  }

  /** Passes a value, whatever it is; `depth` is of what it is in. */
  skip(depth: number): void {
    const closers: number[] = [];
    do {
      if (depth + closers.length > depthMax) throw new JsonFault('exceeded max depth');
      this.#checkLength();
      const byte = this.peek();
      if (byte === openBrace || byte === openBracket) {
        this.at++;
        closers.push(byte === openBrace ? closeBrace : closeBracket);
        if (this.#closes(closers)) this.#leave(closers);
        else if (byte === openBrace) this.#key();
        continue;
      }
      if (byte === Byte.quote) this.string();
      else if (byte === Byte.minus || isDigit(byte)) this.number();
      else this.#literal();
      this.#leave(closers);
    } while (closers.length > 0);
  }

  /** Behind a value within `closers`: on to the next one, or out of all that end here. */
  #leave(closers: number[]): void {
    while (closers.length > 0) {
      if (this.take(Byte.comma)) {
        if (closers.at(-1) === closeBrace) this.#key();
        return;
      }
      if (!this.#closes(closers)) throw new JsonFault('no comma');
    }
  }

  #closes(closers: number[]): boolean {
    if (closers.length === 0 || !this.take(closers.at(-1))) return false;
    closers.pop();
    return true;
  }

  #key(): void {
    this.string();
    this.#must(colon);
  }

  #digits(): void {
    const start = this.at;
    while (isDigit(this.bytes[this.at])) this.at++;
    if (this.at === start) throw new JsonFault('no digit');
  }

  #literal(): void {
    const found = literals.find((one) => one.every((byte, i) => this.bytes[this.at + i] === byte));
    if (found === undefined) throw new JsonFault('no value');
    this.at += found.length;
  }

  #checkLength(): void {
    if (this.at > this.endMax) throw new JsonFault('too long');
  }

  #must(byte: number): void {
    if (!this.take(byte)) throw new JsonFault(`no ${String.fromCharCode(byte)}`);
  }
}

/** Of a string in its quotes. */
function unescaped(quoted: Uint8Array): Uint8Array {
  try {
    const text = Buffer.from(quoted.buffer, quoted.byteOffset, quoted.length).toString();
    return encoder.encode(String(JSON.parse(text)));
  } catch (error) {
    throw new JsonFault('a string that is none', { cause: error });
  }
}
