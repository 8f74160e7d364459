/**
 * Some hashes of values, as another owner is asked for these: their leading bits, so many that few of its values are taken for one of
 * them by mistake. On the way each is the distance to the one before, in Rice's code: some bits less than it has, by the
 * logarithm of how many there are.
 */
import { BytesCursor, GrowingBytes } from '../../../base/growing-bytes.ts';

/** Six bits beyond what tells all values apart: one in 64 of the hashes means a value too many. */
const spareBits = 6;
const hashBits = 32;
const bitmapBits = 16;

export class HashFilter {
  /** Of each hash. */
  readonly bits: number;
  readonly #leading: ReadonlySet<number>;
  /** Most values are none of them, and this is quicker than a look at a set. */
  readonly #bitmap = new Uint8Array(1 << (bitmapBits - 3));

  private constructor(leading: Iterable<number>, bits: number) {
    this.bits = bits;
    this.#leading = new Set(leading);
    for (const one of this.#leading) {
      const at = this.#placeOf(one);
      this.#bitmap[at >>> 3] = (this.#bitmap[at >>> 3] ?? 0) | (1 << (at & 7));
    }
  }

  /** All bits of them. */
  static exact(hashes: Uint32Array): HashFilter {
    return new HashFilter(hashes, hashBits);
  }

  /** For whoever has so many values. */
  static among(valueCount: number, hashes: Uint32Array): HashFilter {
    const bits = Math.min(hashBits, Math.max(8, Math.ceil(Math.log2(valueCount + 1)) + spareBits));
    return new HashFilter(hashes.map((hash) => hash >>> (hashBits - bits)), bits); // prettier-ignore
  }

  has(hash: number): boolean {
    const one = hash >>> (hashBits - this.bits);
    const at = this.#placeOf(one);
    return ((this.#bitmap[at >>> 3] ?? 0) & (1 << (at & 7))) !== 0 && this.#leading.has(one);
  }

  /** Bits as a byte, the number of hashes, the bits of the code's remainders as a byte, and the code. */
  get bytes(): Uint8Array {
    const sorted = Uint32Array.from(this.#leading).sort();
    const mean = 2 ** this.bits / (sorted.length + 1);
    const riceBits = Math.max(0, Math.floor(Math.log2(mean * Math.LN2)));
    const bytes = new GrowingBytes();
    bytes.u8(this.bits);
    bytes.varint(sorted.length);
    bytes.u8(riceBits);
    const writer = new BitWriter(bytes);
    let last = 0;
    for (const one of sorted) {
      const distance = one - last;
      for (let left = Math.floor(distance / 2 ** riceBits); left > 0; left--) writer.bit(1);
      writer.bit(0);
      for (let bit = riceBits - 1; bit >= 0; bit--) writer.bit((distance >>> bit) & 1);
      last = one;
    }
    writer.end();
    return bytes.view().slice();
  }

  /** Undefined for what is no such filter, or has more hashes than `max`. */
  static of(bytes: Uint8Array, max: number): HashFilter | undefined {
    const cursor = new BytesCursor(bytes);
    const [bits, count, riceBits] = [cursor.u8(), cursor.varint(), cursor.u8()];
    if (bits < 1 || bits > hashBits || riceBits >= hashBits || count > max) return undefined;
    const reader = new BitReader(cursor);
    const leading: number[] = [];
    let last = 0;
    for (let i = 0; i < count; i++) {
      let distance = 0;
      // Past the end all bits are 0.
      while (reader.bit() === 1) distance++;
      for (let bit = 0; bit < riceBits; bit++) distance = distance * 2 + reader.bit();
      last += distance;
      if (last >= 2 ** bits) return undefined;
      leading.push(last);
    }
    if (reader.isOver) return undefined;
    return new HashFilter(leading, bits);
  }

  #placeOf(leading: number): number {
    return this.bits > bitmapBits ? leading >>> (this.bits - bitmapBits) : leading;
  }
}

class BitWriter {
  readonly #bytes: GrowingBytes;
  #byte = 0;
  #count = 0;

  constructor(bytes: GrowingBytes) {
    this.#bytes = bytes;
  }

  bit(value: number): void {
    this.#byte |= value << this.#count++;
    if (this.#count === 8) this.end();
  }

  end(): void {
    if (this.#count > 0) this.#bytes.u8(this.#byte);
    this.#byte = 0;
    this.#count = 0;
  }
}

class BitReader {
  readonly #cursor: BytesCursor;
  #byte = 0;
  #left = 0;

  constructor(cursor: BytesCursor) {
    this.#cursor = cursor;
  }

  get isOver(): boolean {
    return this.#cursor.isOver;
  }

  bit(): number {
    if (this.#left === 0) {
      this.#byte = this.#cursor.u8();
      this.#left = 8;
    }
    const bit = this.#byte & 1;
    this.#byte >>>= 1;
    this.#left--;
    return bit;
  }
}
