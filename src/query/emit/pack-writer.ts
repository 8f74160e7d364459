import { Buffer } from 'node:buffer';
import { exactBytesOf } from '../../base/exact-text.ts';

const lowestBytes = 4_096;
const timeExtension = 5;
const nsPerSecond = 1_000_000_000n;

/** A growing region of bytes, and the forms of MessagePack that the reference writes: the shortest of each integer. */
export class PackWriter {
  #bytes = Buffer.allocUnsafe(lowestBytes);
  #length = 0;

  get lengthBytes(): number {
    return this.#length;
  }

  /** Hands over what was written and starts anew. */
  take(): Buffer {
    const taken = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(lowestBytes);
    this.#length = 0;
    return taken;
  }

  nil(): void {
    this.#byte(0xc0);
  }

  boolean(value: boolean): void {
    this.#byte(value ? 0xc3 : 0xc2);
  }

  map(size: number): void {
    this.#head(size, { short: 0x80, shortMax: 15, codes: [undefined, 0xde, 0xdf] });
  }

  array(size: number): void {
    this.#head(size, { short: 0x90, shortMax: 15, codes: [undefined, 0xdc, 0xdd] });
  }

  text(text: string): void {
    this.textBytes(exactBytesOf(text));
  }

  textBytes(bytes: Uint8Array): void {
    this.#head(bytes.length, { short: 0xa0, shortMax: 31, codes: [0xd9, 0xda, 0xdb] });
    this.#need(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  float(value: number): void {
    this.#need(9);
    this.#bytes[this.#length] = 0xcb;
    this.#length = this.#bytes.writeDoubleBE(value, this.#length + 1);
  }

  integer(value: bigint): void {
    this.#need(9);
    const near = Number(value);
    if (near >= -32 && near <= 127) {
      this.#byte(near & 0xff);
    } else if (near >= -128 && near <= 127) {
      this.#byte(0xd0);
      this.#length = this.#bytes.writeInt8(near, this.#length);
    } else if (near >= -32_768 && near <= 32_767) {
      this.#byte(0xd1);
      this.#length = this.#bytes.writeInt16BE(near, this.#length);
    } else if (near >= -2_147_483_648 && near <= 2_147_483_647) {
      this.#byte(0xd2);
      this.#length = this.#bytes.writeInt32BE(near, this.#length);
    } else if (BigInt.asIntN(64, value) === value) {
      this.#byte(0xd3);
      this.#length = this.#bytes.writeBigInt64BE(value, this.#length);
    } else {
      this.#byte(0xcf);
      this.#length = this.#bytes.writeBigUInt64BE(value, this.#length);
    }
  }

  /** Extension 5: seconds as int64 and nanoseconds as int32. */
  time(timeNs: bigint): void {
    this.#need(15);
    let seconds = timeNs / nsPerSecond;
    if (seconds * nsPerSecond > timeNs) seconds--;
    this.#byte(0xc7);
    this.#byte(12);
    this.#byte(timeExtension);
    this.#length = this.#bytes.writeBigInt64BE(seconds, this.#length);
    this.#length = this.#bytes.writeInt32BE(Number(timeNs - seconds * nsPerSecond), this.#length);
  }

  /** `codes` are those of sizes of one, two and four bytes. */
  #head(
    size: number,
    form: {
      readonly short: number;
      readonly shortMax: number;
      readonly codes: readonly [number | undefined, number, number];
    },
  ): void {
    this.#need(5);
    const [ofByte, ofTwo, ofFour] = form.codes;
    if (size <= form.shortMax) {
      this.#byte(form.short | size);
    } else if (ofByte !== undefined && size <= 0xff) {
      this.#byte(ofByte);
      this.#byte(size);
    } else if (size <= 0xffff) {
      this.#byte(ofTwo);
      this.#length = this.#bytes.writeUInt16BE(size, this.#length);
    } else {
      this.#byte(ofFour);
      this.#length = this.#bytes.writeUInt32BE(size, this.#length);
    }
  }

  #byte(code: number): void {
    this.#need(1);
    this.#bytes[this.#length++] = code;
  }

  #need(moreBytes: number): void {
    if (this.#length + moreBytes <= this.#bytes.length) return;
    const least = this.#length + moreBytes;
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, least));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }
}
