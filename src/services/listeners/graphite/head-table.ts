/**
 * What the lines of a metric begin with in line protocol, by the bytes of its path: the same metrics come each interval, and a
 * template is applied once to each. All of it is bytes in a few arrays. When it is full others are not put in: of more paths than
 * it has room for, those that are in it are found each time. It is forgotten, and begun anew, once as many were not found.
 */
import { hashBytes } from '../../../base/hash-bytes.ts';

const entriesFirst = 1_024;
const entriesMax = 1 << 19;
const pileBytesFirst = 1 << 16;
const pileBytesMax = 1 << 26;
/** Room for one that finds no place: a line and what becomes of it. */
const guestBytesMax = 1 << 18;
/** Words of an entry: the hash of the path, where it begins in the pile, where its head begins, and where that ends. */
const entryWords = 4;

export class HeadTable {
  /** Of the heads that find() and add() have found. */
  pile = new Uint8Array(pileBytesFirst);
  start = 0;
  end = 0;
  #pileBytes = 0;
  #count = 0;
  /** Since it is full. */
  #missedCount = 0;
  #entries = new Int32Array(entriesFirst * entryWords);
  /** Numbers of entries, from 1; 0 is a slot that is free. */
  #slots = new Int32Array(entriesFirst * 2);

  get count(): number {
    return this.#count;
  }

  /** Whether `start` and `end` are the head of this path now. */
  find(bytes: Uint8Array, from: number, to: number): boolean {
    const hash = hashBytes(bytes, from, to) | 0;
    const [slots, entries, pile] = [this.#slots, this.#entries, this.pile];
    const mask = slots.length - 1;
    for (let slot = hash & mask; ; slot = (slot + 1) & mask) {
      const number = slots[slot] ?? 0;
      if (number === 0) return false;
      const entry = (number - 1) * entryWords;
      if (entries[entry] !== hash) continue;
      const pathStart = entries[entry + 1] ?? 0;
      const headStart = entries[entry + 2] ?? 0;
      if (headStart - pathStart !== to - from) continue;
      let at = from;
      while (at < to && pile[pathStart + at - from] === bytes[at]) at++;
      if (at < to) continue;
      this.start = headStart;
      this.end = entries[entry + 3] ?? 0;
      return true;
    }
  }

  /** Of a path that was not found. */
  add(bytes: Uint8Array, from: number, to: number, head: Uint8Array): void {
    const needed = to - from + head.length;
    const isFull = this.#count >= entriesMax || this.#pileBytes + needed > pileBytesMax;
    if (isFull && ++this.#missedCount > entriesMax) this.#forget();
    this.#grow(needed);
    const pathStart = this.#pileBytes;
    this.pile.set(bytes.subarray(from, to), pathStart);
    this.start = pathStart + to - from;
    this.pile.set(head, this.start);
    this.end = this.start + head.length;
    // Behind what is kept: the next one is written over it.
    if (isFull && this.#missedCount > 0) return;
    this.#pileBytes = this.end;
    const entry = this.#count * entryWords;
    this.#entries[entry] = hashBytes(bytes, from, to);
    this.#entries[entry + 1] = pathStart;
    this.#entries[entry + 2] = this.start;
    this.#entries[entry + 3] = this.end;
    this.#count++;
    place(this.#slots, this.#entries[entry] ?? 0, this.#count);
  }

  #forget(): void {
    [this.#count, this.#pileBytes, this.#missedCount] = [0, 0, 0];
    this.#slots.fill(0);
  }

  #grow(needed: number): void {
    if (this.#pileBytes + needed > this.pile.length) {
      const roomBytes = Math.min(this.pile.length * 2, pileBytesMax + guestBytesMax);
      const pile = new Uint8Array(Math.max(roomBytes, this.#pileBytes + needed));
      pile.set(this.pile);
      this.pile = pile;
    }
    if (this.#count * entryWords < this.#entries.length) return;
    const entries = new Int32Array(this.#entries.length * 2);
    entries.set(this.#entries);
    this.#entries = entries;
    this.#slots = new Int32Array(this.#slots.length * 2);
    for (let i = 0; i < this.#count; i++) place(this.#slots, entries[i * entryWords] ?? 0, i + 1);
  }
}

function place(slots: Int32Array, hash: number, number: number): void {
  const mask = slots.length - 1;
  let slot = hash & mask;
  while (slots[slot] !== 0) slot = (slot + 1) & mask;
  slots[slot] = number;
}
