import { DbError } from '../../base/errors.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { KiB, MiB } from '../../base/units.ts';
import type { TimeZone } from '../../base/time-zone.ts';
import { Buffer, isUtf8 } from 'node:buffer';
import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';

const digitPairs = Buffer.from(
  Array.from({ length: 100 }, (_, n) => String(n).padStart(2, '0')).join(''),
  'latin1',
);
/** 1 for characters that stand in a JSON string as they are, those of several bytes left out. */
const isPlain = Uint8Array.from({ length: 256 }, (_, code) =>
  Number(code >= 32 && code < 128 && !'"\\<>&'.includes(String.fromCharCode(code))),
);
/** Longer ones are written faster by the runtime, bytes first. */
const plainTextMax = 128;
const hexDigits = Buffer.from('0123456789abcdef', 'latin1');
const lowestBytesMax = 256;
const nsPerSecond = 1_000_000_000n;
const secondsPerDay = 86_400;
const billion = 1_000_000_000;
const wordRange = 4_294_967_296;
/** Integers with a smaller upper word are exact doubles. */
const exactHighMax = 1 << 21;

/**
 * Memory that answers are written in, used again for the next ones: what is taken is copied once it is known how long it is.
 * An answer that grew from buffer to buffer left twice its length to the collector, which counts that as a reason to collect.
 */
const scratch = new SharedBuffers(2 * MiB);
/** Longer texts are written where they stay. */
const scratchBytesMax = 256 * KiB;
const nothing = Buffer.alloc(0);

/**
 * A growing region of bytes and the few ways in which results are written into it. Rows go from columns to bytes
 * without a JavaScript object in between: JSON.stringify costs about a microsecond a row.
 */
export class ByteWriter {
  #bytes: Buffer = nothing;
  #length = 0;
  #bytesFirst: number;
  #dayNumber = Number.NaN;
  #secondBaseNs = 0n;
  #dayText: Buffer = nothing;

  constructor(capacityBytes = 4096) {
    this.#bytesFirst = Math.max(capacityBytes, lowestBytesMax);
  }

  get lengthBytes(): number {
    return this.#length;
  }

  /** A view of what was written; the next write may reuse or move it. */
  view(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Hands over what was written and starts anew. */
  take(): Buffer {
    const written = this.view();
    this.#bytes = nothing;
    this.#length = 0;
    if (!(written.buffer instanceof SharedArrayBuffer)) return written;
    const taken = Buffer.from(written);
    // What follows is as long, most likely.
    this.#bytesFirst = Math.max(this.#bytesFirst, written.buffer.byteLength);
    scratch.giveBack(written);
    return taken;
  }

  /** The same as bytes with a memory of their own. */
  takeOwn(): Uint8Array {
    const taken = new Uint8Array(this.#length);
    taken.set(this.view());
    // What follows is as long, most likely.
    if (this.#bytes.length <= scratchBytesMax) this.#bytesFirst = Math.max(this.#bytesFirst, this.#bytes.length); // prettier-ignore
    scratch.giveBack(this.#bytes);
    this.#bytes = nothing;
    this.#length = 0;
    return taken;
  }

  /** The same for whoever has looked at view(). */
  restart(): void {
    this.#length = 0;
  }

  replaceByte(at: number, code: number): void {
    this.#bytes[at] = code;
  }

  truncate(lengthBytes: number): void {
    this.#length = lengthBytes;
  }

  byte(code: number): void {
    if (this.#length === this.#bytes.length) this.#grow(1);
    this.#bytes[this.#length++] = code;
  }

  /** Text of ASCII characters only, short. */
  ascii(text: string): void {
    const length = text.length;
    if (this.#length + length > this.#bytes.length) this.#grow(length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i);
    this.#length = at;
  }

  /** Bytes that are no UTF-8 as they came. */
  utf8(text: string): void {
    if (!text.isWellFormed()) {
      const bytes = exactBytesOf(text);
      this.raw(bytes, 0, bytes.length);
      return;
    }
    const lengthMax = text.length * 3;
    if (this.#length + lengthMax > this.#bytes.length) this.#grow(lengthMax);
    this.#length += this.#bytes.write(text, this.#length, 'utf8');
  }

  raw(source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.#length + length > this.#bytes.length) this.#grow(length);
    if (length > 32) this.#bytes.set(source.subarray(start, end), this.#length);
    else for (let i = 0; i < length; i++) this.#bytes[this.#length + i] = source[start + i] ?? 0;
    this.#length += length;
  }

  /** Shortest text that reads back as the same double, in Go's JSON form. */
  float(value: number): void {
    if (Number.isInteger(value) && value > -1e9 && value < 1e9 && !Object.is(value, -0)) {
      this.safeInteger(value);
      return;
    }
    this.ascii(floatText(value));
  }

  /** An integer in the range of exact doubles. */
  safeInteger(value: number): void {
    if (value >= 0 && value < 10) {
      this.byte(48 + value);
      return;
    }
    if (value < 0) {
      this.byte(45);
      value = -value;
    }
    if (value >= billion) {
      const billions = Math.floor(value / billion);
      this.safeInteger(billions);
      this.#nineDigits(value - billions * billion);
      return;
    }
    let digits = 1;
    for (let power = 10; value >= power; power *= 10) digits++;
    this.#digits(value, digits);
  }

  integer(value: bigint): void {
    const near = Number(value);
    if (Number.isSafeInteger(near)) this.safeInteger(near);
    else this.ascii(String(value));
  }

  /** A signed integer by its upper and lower word. */
  int64(high: number, low: number): void {
    const signedHigh = high | 0;
    if (signedHigh >= -exactHighMax && signedHigh < exactHighMax) {
      this.safeInteger(signedHigh * wordRange + low);
      return;
    }
    if (signedHigh < 0) {
      this.ascii(String((BigInt(signedHigh) << 32n) | BigInt(low)));
      return;
    }
    // Long division by a billion, sixteen bits at a time: every step is exact in a double.
    const q0 = Math.floor(signedHigh / billion);
    const r0 = (signedHigh - q0 * billion) * 65_536 + (low >>> 16);
    const q1 = Math.floor(r0 / billion);
    const r1 = (r0 - q1 * billion) * 65_536 + (low & 65_535);
    const q2 = Math.floor(r1 / billion);
    this.safeInteger((q0 * 65_536 + q1) * 65_536 + q2);
    this.#nineDigits(r1 - q2 * billion);
  }

  #nineDigits(value: number): void {
    this.#digits(value, 9);
  }

  /** A number below a billion with so many digits, two at a time: whole 32-bit numbers are divided without a division. */
  #digits(value: number, count: number): void {
    if (this.#length + count > this.#bytes.length) this.#grow(count);
    const bytes = this.#bytes;
    const start = this.#length;
    let rest = value | 0;
    let at = start + count;
    while (at - start > 1) {
      const quotient = (rest / 100) | 0;
      const pair = (rest - quotient * 100) * 2;
      bytes[--at] = digitPairs[pair + 1] ?? 48;
      bytes[--at] = digitPairs[pair] ?? 48;
      rest = quotient;
    }
    if (at > start) bytes[start] = 48 + rest;
    this.#length = start + count;
  }

  /** RFC3339 with as many fraction digits as needed, UTC. */
  timestamp(timeNs: bigint): void {
    let intoDayNs = Number(timeNs - this.#secondBaseNs);
    if (!(intoDayNs >= 0 && intoDayNs < secondsPerDay * 1e9) || Number.isNaN(this.#dayNumber)) {
      this.#startDay(timeNs);
      intoDayNs = Number(timeNs - this.#secondBaseNs);
    }
    if (this.#length + 32 > this.#bytes.length) this.#grow(32);
    // A day in nanoseconds is below 2^53, so these divisions are exact.
    const second = Math.floor(intoDayNs / 1e9);
    let fraction = intoDayNs - second * 1e9;
    this.raw(this.#dayText, 0, 11);
    this.#pair(Math.floor(second / 3600));
    this.byte(58);
    this.#pair(Math.floor(second / 60) % 60);
    this.byte(58);
    this.#pair(second % 60);
    if (fraction > 0) {
      let digits = 9;
      while (fraction % 10 === 0) {
        fraction /= 10;
        digits--;
      }
      this.byte(46);
      this.ascii(String(fraction).padStart(digits, '0'));
    }
    this.byte(90);
  }

  /** The same on the clock of a time zone, with its offset: `2026-11-24T06:00:00+01:00`. */
  timestampIn(timeNs: bigint, zone: TimeZone): void {
    const offset = zone.offsetSeconds(timeNs);
    this.timestamp(timeNs + BigInt(offset) * nsPerSecond);
    if (offset === 0) return;
    this.#length--;
    const minutes = Math.trunc(Math.abs(offset) / 60);
    this.byte(offset < 0 ? 45 : 43);
    this.#pair(Math.floor(minutes / 60));
    this.byte(58);
    this.#pair(minutes % 60);
  }

  /** A JSON string from bytes, with the escapes that Go's encoder makes; a byte that is no UTF-8 is U+FFFD. */
  jsonBytes(source: Uint8Array, start: number, end: number): void {
    if (this.#plainString(source, start, end)) return;
    const mark = this.#length;
    this.byte(34);
    let clean = start;
    let isKnown = false;
    for (let i = start; i < end; i++) {
      const code = source[i] ?? 0;
      if (code >= 128 && !isKnown) {
        if (!isUtf8(source.subarray(i, end))) {
          this.#length = mark;
          this.#brokenString(exactTextOf(source.subarray(start, end)));
          return;
        }
        isKnown = true;
      }
      const escape =
        code < 32 || code === 34 || code === 92 || code === 60 || code === 62 || code === 38;
      const separator =
        code === 0xe2 && source[i + 1] === 0x80 && ((source[i + 2] ?? 0) & 0xfe) === 0xa8;
      if (!escape && !separator) continue;
      if (i > clean) this.raw(source, clean, i);
      if (separator) {
        this.ascii(source[i + 2] === 0xa8 ? '\\u2028' : '\\u2029');
        i += 2;
      } else this.#escaped(code);
      clean = i + 1;
    }
    if (end > clean) this.raw(source, clean, end);
    this.byte(34);
  }

  /** Most texts need no escape: they are copied as it is looked for. */
  #plainString(source: Uint8Array, start: number, end: number): boolean {
    const lengthBytes = end - start + 2;
    if (this.#length + lengthBytes > this.#bytes.length) this.#grow(lengthBytes);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 34;
    for (let i = start; i < end; i++) {
      const code = source[i] ?? 0;
      if (isPlain[code] !== 1) return false;
      bytes[at++] = code;
    }
    bytes[at++] = 34;
    this.#length = at;
    return true;
  }

  /** A text in which lone surrogates stand for bytes: replaced as Go's encoder does. */
  #brokenString(text: string): void {
    this.byte(34);
    for (const [i, part] of text.split(/[\udc80-\udcff]/u).entries()) {
      if (i > 0) this.ascii('\\ufffd');
      const mark = this.#length;
      this.jsonString(part);
      // Without the quotes.
      this.#bytes.copyWithin(mark, mark + 1, this.#length - 1);
      this.#length -= 2;
    }
    this.byte(34);
  }

  jsonString(text: string): void {
    if (this.#plainText(text)) return;
    if (!text.isWellFormed()) {
      this.#brokenString(text);
      return;
    }
    const bytes = Buffer.from(text, 'utf8');
    this.jsonBytes(bytes, 0, bytes.length);
  }

  /** Names and values of tags mostly are: bytes of their own cost more than the text has characters. */
  #plainText(text: string): boolean {
    const { length } = text;
    if (length > plainTextMax) return false;
    if (this.#length + length + 2 > this.#bytes.length) this.#grow(length + 2);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = 34;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (isPlain[code] !== 1) return false;
      bytes[at++] = code;
    }
    bytes[at++] = 34;
    this.#length = at;
    return true;
  }

  /** What was written from `start` on, as bytes of their own. */
  copyFrom(start: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, start, this.#length);
  }

  #escaped(code: number): void {
    this.byte(92);
    if (code === 34 || code === 92) this.byte(code);
    else if (code === 10) this.byte(110);
    else if (code === 13) this.byte(114);
    else if (code === 9) this.byte(116);
    else if (code === 8) this.byte(98);
    else if (code === 12) this.byte(102);
    else {
      this.ascii('u00');
      this.byte(hexDigits[code >> 4] ?? 48);
      this.byte(hexDigits[code & 15] ?? 48);
    }
  }

  #pair(value: number): void {
    this.#bytes[this.#length++] = digitPairs[value * 2] ?? 48;
    this.#bytes[this.#length++] = digitPairs[value * 2 + 1] ?? 48;
  }

  /** Sets the day that the following timestamps most likely share. */
  #startDay(timeNs: bigint): void {
    let seconds = timeNs / nsPerSecond;
    if (timeNs < 0n && seconds * nsPerSecond !== timeNs) seconds--;
    this.#dayNumber = Math.floor(Number(seconds) / secondsPerDay);
    this.#secondBaseNs = BigInt(this.#dayNumber) * BigInt(secondsPerDay) * nsPerSecond;
    const day = new Date(this.#dayNumber * secondsPerDay * 1000).toISOString();
    if (this.#dayText.length === 0) this.#dayText = Buffer.alloc(11);
    this.#dayText.write(day.slice(0, 11), 0, 'latin1');
  }

  #grow(needBytes: number): void {
    const least = Math.max(this.#bytes.length * 2, this.#length + needBytes, this.#bytesFirst);
    const grown = least > scratchBytesMax ? Buffer.allocUnsafe(least) : Buffer.from(scratch.lend(least).buffer); // prettier-ignore
    this.#bytes.copy(grown, 0, 0, this.#length);
    scratch.giveBack(this.#bytes);
    this.#bytes = grown;
  }
}

/** A float in Go's JSON form. Throws for what JSON has no word for. */
export function floatText(value: number): string {
  if (!Number.isFinite(value)) throw new DbError('invalid_argument', `json: unsupported value: ${infinityText(value)}`); // prettier-ignore
  return Object.is(value, -0) ? '-0' : String(value);
}

/** What is no finite number, as Go prints it. */
export function infinityText(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}
