/**
 * sfc32, a small fast generator of good quality, with named forks. Not for secrets.
 * The same seed and the same draws give the same numbers on every machine.
 */
export class Prng {
  readonly #key: readonly [number, number, number, number];
  #a: number;
  #b: number;
  #c: number;
  #counter: number;

  /** Seeds from four 32-bit words. */
  constructor(key: readonly [number, number, number, number]) {
    this.#key = key;
    [this.#a, this.#b, this.#c, this.#counter] = key;
    for (let round = 0; round < 15; round++) this.u32();
  }

  /** Seeds from one integer below 2^53. */
  static fromSeed(seed: number): Prng {
    const low = seed >>> 0;
    const high = Math.floor(seed / 4294967296) >>> 0;
    return new Prng([mix(low ^ 0x9e3779b9), mix(high ^ 0x85ebca6b), mix(low + high), 1]);
  }

  /** Uniform integer in [0, 2^32). */
  u32(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** An independent stream; depends on the key and the label only, not on the draws made so far. */
  fork(label: string): Prng {
    const [a, b, c, d] = this.#key;
    const word = (salt: number): number => hashText(label, salt);
    return new Prng([mix(a ^ word(1)), mix(b ^ word(2)), mix(c ^ word(3)), mix(d ^ word(4))]);
  }
}

/** The finalizer of murmur3: every input bit reaches every output bit. */
function mix(word: number): number {
  let value = word >>> 0;
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return (value ^ (value >>> 16)) >>> 0;
}

/** FNV-1a over UTF-16 units, salted. */
function hashText(text: string, salt: number): number {
  let hash = 0x811c9dc5 ^ mix(salt);
  for (let index = 0; index < text.length; index++) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return hash >>> 0;
}
