/**
 * A table of keys in the store's memory: bytes to a dense id. Kernels look keys up and put them in (assembly/table.ts); here
 * it is made, grown when a kernel says that room is lacking, and given back. Twin: a Map of the keys.
 */
import type { StoreKernel } from './store-kernel.ts';

const tableBytes = 40;
const idsFirst = 32;
const keyBytesFirst = 1_024;
const keyBytesMost = 1 << 20;
const recordHeadBytes = 12;

/** Numbers of the words of a table, see assembly/table.ts. */
const Word = { slots: 0, mask: 1, count: 2, pointers: 3, capacity: 4, top: 5, end: 6, needed: 7, hasSeparator: 8 } as const; // prettier-ignore

/** Where the keys of a table lie, without a view for each. */
export class KeyReader {
  readonly bytes: Uint8Array;
  readonly #words: Uint32Array;
  readonly #pointers: number;

  constructor(buffer: ArrayBuffer, pointers: number) {
    this.bytes = new Uint8Array(buffer);
    this.#words = new Uint32Array(buffer);
    this.#pointers = pointers / 4;
  }

  start(id: number): number {
    return (this.#words[this.#pointers + id] ?? 0) + recordHeadBytes;
  }

  end(id: number): number {
    const record = this.#words[this.#pointers + id] ?? 0;
    return record + recordHeadBytes + (this.#words[record / 4] ?? 0);
  }
}

export class KeyTable {
  /** Where kernels find it. */
  readonly at: number;
  readonly #kernel: StoreKernel;
  #capacity = idsFirst;
  #slotBytes = idsFirst * 2 * 8;
  /** Blocks that hold keys, and their bytes. */
  #roomBytes = keyBytesFirst / 2;
  readonly #rooms: { readonly at: number; readonly lengthBytes: number }[] = [];

  constructor(kernel: StoreKernel) {
    const { heap } = kernel;
    this.#kernel = kernel;
    this.at = heap.allocateZeroed(tableBytes);
    const slots = heap.allocateZeroed(this.#slotBytes);
    const pointers = heap.allocate(this.#capacity * 4);
    this.#words.set([slots, this.#capacity * 2 - 1, 0, pointers, this.#capacity, 0, 0, 0, 0, 0]);
  }

  get count(): number {
    return this.#words[Word.count] ?? 0;
  }

  /** Whether a key of series has had #!~ in it. */
  get hasSeparator(): boolean {
    return this.#words[Word.hasSeparator] !== 0;
  }

  /** About the bytes that it takes. */
  get sizeBytes(): number {
    const rooms = this.#rooms.reduce((sum, { lengthBytes }) => sum + lengthBytes, 0);
    return tableBytes + this.#slotBytes + this.#capacity * 4 + rooms;
  }

  /** Makes the room that a kernel last lacked, if it did. Throws `cache_full` past the memory's limit. */
  grow(): void {
    const needed = this.#words[Word.needed] ?? 0;
    if (needed === 0) return;
    this.#words[Word.needed] = 0;
    const { count = 0, top = 0, end = 0 } = this.#head();
    if (count === this.#capacity) this.#growIds();
    if (end - top < needed) this.#growKeys(needed);
  }

  /** Id of a key; undefined when it is not there. `key` may be a view of the kernel's memory. */
  find(key: Uint8Array): number | undefined {
    const id = this.#kernel.exports.tableFind(this.at, this.#place(key), key.length);
    return id < 0 ? undefined : id;
  }

  /** The same for a key that lies in the memory. */
  findAt(at: number, lengthBytes: number): number | undefined {
    const id = this.#kernel.exports.tableFind(this.at, at, lengthBytes);
    return id < 0 ? undefined : id;
  }

  /** For a look at many keys: it holds until the memory grows. */
  reader(): KeyReader {
    const { pointers = 0 } = this.#head();
    return new KeyReader(this.#kernel.buffer, pointers);
  }

  /** Id of a key, given now when it is new. */
  intern(key: Uint8Array): number {
    for (;;) {
      const id = this.#kernel.exports.tableIntern(this.at, this.#place(key), key.length);
      if (id >= 0) return id;
      this.grow();
    }
  }

  /** The bytes of a key. A view: it holds until the memory grows. */
  key(id: number): Uint8Array {
    const record = this.#record(id);
    const [lengthBytes = 0] = this.#kernel.words(record, 1);
    return this.#kernel.bytes(record + recordHeadBytes, lengthBytes);
  }

  /** The two words of an id. */
  wordsOf(id: number): readonly [number, number] {
    const [, first = 0, second = 0] = this.#kernel.words(this.#record(id), 3);
    return [first, second];
  }

  /** Gives its memory back. */
  release(): void {
    const { heap } = this.#kernel;
    const { slots = 0, pointers = 0 } = this.#head();
    heap.free(slots, this.#slotBytes);
    heap.free(pointers, this.#capacity * 4);
    for (const { at, lengthBytes } of this.#rooms) heap.free(at, lengthBytes);
    heap.free(this.at, tableBytes);
  }

  #growIds(): void {
    const { heap, exports } = this.#kernel;
    const { slots = 0, pointers = 0 } = this.#head();
    const capacity = this.#capacity * 2;
    const slotBytes = capacity * 2 * 8;
    const freshSlots = heap.allocateZeroed(slotBytes);
    const freshPointers = this.#allocateBeside(freshSlots, slotBytes, capacity * 4);
    this.#kernel.bytes(freshPointers, this.#capacity * 4).set(this.#kernel.bytes(pointers, this.#capacity * 4)); // prettier-ignore
    const words = this.#words;
    words[Word.slots] = freshSlots;
    words[Word.mask] = capacity * 2 - 1;
    words[Word.pointers] = freshPointers;
    words[Word.capacity] = capacity;
    exports.tableRehash(this.at);
    heap.free(slots, this.#slotBytes);
    heap.free(pointers, this.#capacity * 4);
    this.#capacity = capacity;
    this.#slotBytes = slotBytes;
  }

  /** Of two blocks both are had or none. */
  #allocateBeside(at: number, heldBytes: number, lengthBytes: number): number {
    const { heap } = this.#kernel;
    try {
      return heap.allocate(lengthBytes);
    } catch (error) {
      heap.free(at, heldBytes);
      throw error;
    }
  }

  #growKeys(needed: number): void {
    this.#roomBytes = Math.min(this.#roomBytes * 2, keyBytesMost);
    const lengthBytes = Math.max(needed, this.#roomBytes);
    const at = this.#kernel.heap.allocate(lengthBytes);
    this.#rooms.push({ at, lengthBytes });
    const words = this.#words;
    words[Word.top] = at;
    words[Word.end] = at + lengthBytes;
  }

  #place(key: Uint8Array): number {
    if (key.buffer === this.#kernel.buffer) return key.byteOffset;
    const at = this.#kernel.scratch(key.length + 16);
    this.#kernel.bytes(at, key.length).set(key);
    return at;
  }

  #record(id: number): number {
    const { pointers = 0 } = this.#head();
    return this.#kernel.words(pointers, id + 1)[id] ?? 0;
  }

  get #words(): Uint32Array {
    return this.#kernel.words(this.at, tableBytes / 4);
  }

  #head(): { readonly [name in 'slots' | 'count' | 'pointers' | 'top' | 'end']?: number } {
    const [slots, , count, pointers, , top, end] = this.#words;
    return { slots, count, pointers, top, end } as Record<string, number>;
  }
}
