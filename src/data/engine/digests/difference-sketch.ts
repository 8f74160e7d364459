/**
 * An invertible sketch of a set of 32-bit hashes: from those of two sets the hashes that only one of them has can be read, as long
 * as they are somewhat fewer than the cells, however many both have (Eppstein et al., "What's the difference?", 2011).
 *
 * Each hash is in one cell of each third of a table: a cell counts its hashes, modulo 16, and sums them. Of the difference of two
 * tables a cell that counts 1 or -1 holds one hash, if that is at home there; taken out of its other cells it may leave another
 * one alone. A hash that was read wrongly (three that look like one) comes out again once the three have been read.
 *
 * - 4.5 bytes a cell, some 1.3 cells a difference where there are many.
 * - A table that does not suffice is no loss: another one, with other homes, is read together with it.
 */
import { mixHash } from '../../../base/hash-bytes.ts';

const thirds = 3;
const countMask = 15;

/** Enough for so many differences, nearly always: four standard deviations above what must be. */
export function cellCountFor(differenceCount: number): number {
  const needed = 1.25 * differenceCount + 4 * Math.sqrt(differenceCount) + 9;
  return Math.ceil(needed / thirds) * thirds;
}

export function sketchBytesOf(cellCount: number): number {
  return cellCount * 4 + ((cellCount + 1) >>> 1);
}

export class DifferenceSketch {
  /** Of several that are read together: each has other homes for a hash. */
  readonly table: number;
  readonly sums: Uint32Array;
  readonly counts: Uint8Array;

  /** `cellCount` is a multiple of three. */
  constructor(table: number, cellCount: number) {
    this.table = table;
    this.sums = new Uint32Array(cellCount);
    this.counts = new Uint8Array(cellCount);
  }

  add(hash: number): void {
    this.addTimes(hash, 1);
  }

  /** Where a hash is at home in one of the thirds. */
  home(hash: number, third: number): number {
    const cells = this.sums.length / thirds;
    const mixed = mixHash(hash ^ Math.imul(this.table * thirds + third + 1, 0x9e3779b9));
    return third * cells + Math.floor((mixed * cells) / 4_294_967_296);
  }

  addTimes(hash: number, weight: number): void {
    for (let third = 0; third < thirds; third++) {
      const cell = this.home(hash, third);
      this.sums[cell] = (this.sums[cell] ?? 0) + Math.imul(hash, weight);
      this.counts[cell] = ((this.counts[cell] ?? 0) + weight) & countMask;
    }
  }

  /** What this one has more than the other, and the other more than this one. Both have as many cells. */
  minus(other: DifferenceSketch): DifferenceSketch {
    const difference = new DifferenceSketch(this.table, this.sums.length);
    for (let cell = 0; cell < this.sums.length; cell++) {
      difference.sums[cell] = (this.sums[cell] ?? 0) - (other.sums[cell] ?? 0);
      difference.counts[cell] = ((this.counts[cell] ?? 0) - (other.counts[cell] ?? 0)) & countMask;
    }
    return difference;
  }

  copy(): DifferenceSketch {
    return this.minus(new DifferenceSketch(this.table, this.sums.length));
  }

  get bytes(): Uint8Array {
    const cellCount = this.sums.length;
    const bytes = new Uint8Array(sketchBytesOf(cellCount));
    const view = new DataView(bytes.buffer);
    for (let cell = 0; cell < cellCount; cell++) {
      view.setUint32(cell * 4, this.sums[cell] ?? 0, true);
      const at = cellCount * 4 + (cell >>> 1);
      bytes[at] = (bytes[at] ?? 0) | ((this.counts[cell] ?? 0) << ((cell & 1) * 4));
    }
    return bytes;
  }

  /** Undefined for bytes of another length. */
  static of(bytes: Uint8Array, table: number, cellCount: number): DifferenceSketch | undefined {
    if (bytes.length !== sketchBytesOf(cellCount)) return undefined;
    const sketch = new DifferenceSketch(table, cellCount);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    for (let cell = 0; cell < cellCount; cell++) {
      sketch.sums[cell] = view.getUint32(cell * 4, true);
      const pair = bytes[cellCount * 4 + (cell >>> 1)] ?? 0;
      sketch.counts[cell] = (pair >>> ((cell & 1) * 4)) & countMask;
    }
    return sketch;
  }
}

export interface HashDifference {
  /** What the first of the two sets has and the other has not. */
  readonly more: Uint32Array;
  readonly less: Uint32Array;
}

/** Reads differences of tables (`minus`) and empties them; undefined where they do not suffice. */
export function readDifference(tables: readonly DifferenceSketch[]): HashDifference | undefined {
  const cellCount = tables.reduce((sum, { sums }) => sum + sums.length, 0);
  // A hash that was read wrongly is read again and again until what it hides has been read.
  let readsLeft = 8 * cellCount;
  const found = new Map<number, number>();
  let turn = new Set(tables.flatMap(({ sums }, i) => [...sums.keys()].map((cell) => cell * tables.length + i))); // prettier-ignore
  // In turns: in the order in which they came up, so that none waits behind one that oscillates.
  while (turn.size > 0) {
    const next = new Set<number>();
    for (const place of turn) {
      const table = tables[place % tables.length];
      const cell = Math.floor(place / tables.length);
      const weight = weightOf(table?.counts[cell]);
      if (table === undefined || weight === 0) continue;
      const hash = Math.imul(table.sums[cell] ?? 0, weight) >>> 0;
      if (!isHome(table, hash, cell)) continue;
      if (readsLeft-- === 0) return undefined;
      found.set(hash, (found.get(hash) ?? 0) + weight);
      for (const [i, one] of tables.entries()) {
        one.addTimes(hash, -weight);
        for (let third = 0; third < thirds; third++)
          next.add(one.home(hash, third) * tables.length + i);
      }
    }
    turn = next;
  }
  const isEmpty = tables.every(({ sums, counts }) => !sums.some(Boolean) && !counts.some(Boolean));
  if (!isEmpty) return undefined;
  const of = (sign: 1 | -1): Uint32Array =>
    Uint32Array.from([...found].filter(([, weight]) => weight * sign > 0).map(([hash]) => hash)).sort(); // prettier-ignore
  return { more: of(1), less: of(-1) };
}

function weightOf(count = 0): -1 | 0 | 1 {
  return count === 1 ? 1 : count === countMask ? -1 : 0;
}

function isHome(table: DifferenceSketch, hash: number, cell: number): boolean {
  const third = Math.floor((cell * thirds) / table.sums.length);
  return table.home(hash, third) === cell;
}
