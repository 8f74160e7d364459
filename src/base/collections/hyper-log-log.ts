/**
 * How many different texts were seen, within about one percent, in at most 16 KiB; sketches of parts add up to that of the
 * whole. Few texts are counted almost exactly, and take little room. Texts are known by 32 bits of hash: of 40 million
 * about one in two hundred is taken for another one.
 */
import { exactBytesOf } from '../exact-text.ts';
import { hashBytes, mixHash } from '../hash-bytes.ts';

const indexBits = 14;
const registerCount = 1 << indexBits;
/** Of registers as files have them, a byte each. */
export const sketchBytes = registerCount;
/** Ranks are those of the 32 bits of a second hash, and one more when all of them are 0. */
const rankMax = 33;
/** So that the rank is not that of the same bits mixed as a filter's are. */
const rankSeed = 0x3c6ef372;
/** With more registers in use a plain array is smaller than the map. */
const sparseMax = 1_024;

export class HyperLogLog {
  #sparse: Map<number, number> | undefined = new Map();
  #dense: Uint8Array | undefined;

  /** `packed` as pack() gave it. */
  static unpack(packed: Uint32Array): HyperLogLog {
    const sketch = new HyperLogLog();
    for (const entry of packed) sketch.#raise(entry >>> 6, entry & 63);
    return sketch;
  }

  get lengthBytes(): number {
    return this.#dense?.length ?? (this.#sparse?.size ?? 0) * 32;
  }

  add(text: string): void {
    const bytes = exactBytesOf(text);
    this.addHash(hashBytes(bytes, 0, bytes.length));
  }

  /** The same by hashBytes() of the text's bytes. */
  addHash(hash: number): void {
    this.#raise(indexOf(hash), rankOf(hash));
  }

  /** Takes what sketchRegisters() has made of others. */
  mergeRegisters(registers: Uint8Array): void {
    for (let index = 0; index < registerCount; index++) {
      const rank = registers[index] ?? 0;
      if (rank > 0) this.#raise(index, rank);
    }
  }

  merge(other: HyperLogLog): void {
    for (const entry of other.pack()) this.#raise(entry >>> 6, entry & 63);
  }

  /** Registers in use: the number above six bits of rank. */
  pack(): Uint32Array {
    if (this.#sparse !== undefined)
      return Uint32Array.from(this.#sparse, ([index, rank]) => (index << 6) | rank);
    const used: number[] = [];
    this.#dense?.forEach((rank, index) => {
      if (rank > 0) used.push((index << 6) | rank);
    });
    return Uint32Array.from(used);
  }

  /** By Ertl's estimator, which needs no table of corrections (arXiv 1702.01284). */
  estimate(): number {
    const counts = new Float64Array(rankMax + 1);
    const packed = this.pack();
    for (const entry of packed) counts[entry & 63]!++; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- ranks are below 34
    counts[0] = registerCount - packed.length;
    let z = registerCount * tau(1 - (counts[rankMax] ?? 0) / registerCount);
    for (let rank = rankMax - 1; rank >= 1; rank--) z = 0.5 * (z + (counts[rank] ?? 0));
    z += registerCount * sigma(counts[0] / registerCount);
    return Math.round((registerCount * registerCount) / (2 * Math.LN2 * z));
  }

  #raise(index: number, rank: number): void {
    if (this.#dense !== undefined) {
      if ((this.#dense[index] ?? 0) < rank) this.#dense[index] = rank;
      return;
    }
    const sparse = this.#sparse ?? new Map<number, number>();
    if ((sparse.get(index) ?? 0) < rank) sparse.set(index, rank);
    if (sparse.size <= sparseMax) return;
    this.#dense = new Uint8Array(registerCount);
    for (const [at, known] of sparse) this.#dense[at] = known;
    this.#sparse = undefined;
  }
}

/** The sketch of texts by their hashes, a byte a register. */
export function sketchRegisters(hashes: Uint32Array): Uint8Array {
  const registers = new Uint8Array(registerCount);
  for (const hash of hashes) {
    const index = indexOf(hash);
    const rank = rankOf(hash);
    if ((registers[index] ?? 0) < rank) registers[index] = rank;
  }
  return registers;
}

/** Whether bytes can be what sketchRegisters() made. */
export function isSketch(bytes: Uint8Array): boolean {
  return bytes.length === sketchBytes && bytes.every((rank) => rank <= rankMax);
}

function indexOf(hash: number): number {
  return hash >>> (32 - indexBits);
}

function rankOf(hash: number): number {
  return Math.clz32(mixHash(hash ^ rankSeed)) + 1;
}

function sigma(share: number): number {
  if (share === 1) return Infinity;
  let [x, y, z] = [share, 1, share];
  for (;;) {
    x *= x;
    const next = z + x * y;
    if (next === z) return z;
    z = next;
    y += y;
  }
}

function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [x, y, z] = [share, 1, 1 - share];
  for (;;) {
    x = Math.sqrt(x);
    y *= 0.5;
    const next = z - (1 - x) ** 2 * y;
    if (next === z) return z / 3;
    z = next;
  }
}
