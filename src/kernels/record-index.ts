/**
 * Which records of the log there are of each shard, and where those lie that wait for it: a table in the kernel's memory, as records of
 * small writes are as many as points (assembly/records.ts has its layout).
 *
 * Invariants:
 * - Sequences of a shard are noted in the order of the log; those that do not follow each other are kept as runs.
 * - Records of a shard that wait are linked in that order; which bytes they are in the caller knows by their numbers.
 * - Of a shard whose records are handed to the caller none waits from then on.
 */
import { assert } from '../base/assert.ts';
import type { ScannedRecords } from './record-scan.ts';
import type { StoreKernel } from './store-kernel.ts';

const stateBytes = 64;
const entryBytes = 64;
const entriesFirst = 256;
const recordsFirst = 1_024;
const noEntry = 2 ** 32 - 1;
const halfWord = 2 ** 32;
const allSegments = 2 ** 32 - 1;
const breakWords = 6;
const stampWordsAt = 8;
/** Where a record has it. */
const shardIdAt = 8;

/** What becomes of records of a shard. */
export const RecordUse = { unwanted: 0, waits: 1, handed: 2 } as const;
export type RecordUse = (typeof RecordUse)[keyof typeof RecordUse];

/** Words of the state. */
const State = { slots: 0, mask: 1, entries: 2, entryCount: 3, next: 4, places: 5, recordsEnd: 6 };
/** Words of an entry. */
const Entry = { shard: 0, first: 2, last: 4, greatest: 6, segment: 8, offset: 9, use: 10, bytes: 11, firstRecord: 12, lastRecord: 13, inSegment: 14 }; // prettier-ignore

interface Block {
  readonly at: number;
  readonly lengthBytes: number;
}

export interface ShardRecords {
  /** First and last sequence of each run, ascending as they came. */
  readonly bounds: readonly number[];
  /** The highest one; 0 of a shard without records. */
  readonly greatest: number;
  /** Of the last record. */
  readonly segment: number;
  readonly offset: number;
  /** Of those that wait. */
  readonly bytes: number;
}

export interface KeptRecords {
  /** Copies, bitmap and payload of each padded to 8 bytes. */
  readonly bytes: Uint8Array;
  /** The number of the first of them; they are numbered on. */
  readonly first: number;
  readonly count: number;
  /** Numbers in the list of those that are the caller's. */
  readonly handed: readonly number[];
}

/** Of each shard one. */
export type Sequences = Iterable<readonly [shardId: number, sequence: number]>;

/** Thousands of them, of which few are ever looked at. */
class SequenceList implements Sequences {
  readonly #pairs: Float64Array;

  constructor(pairs: Float64Array) {
    this.#pairs = pairs;
  }

  *[Symbol.iterator](): Generator<readonly [shardId: number, sequence: number], undefined> {
    for (let i = 0; i < this.#pairs.length; i += 2)
      yield [this.#pairs[i] ?? 0, this.#pairs[i + 1] ?? 0];
    return undefined;
  }
}

export interface RecordIndexOptions {
  /** Asked once of each shard. */
  readonly useOf: (shardId: number) => RecordUse;
  /** Of one shard: what is beyond, and all that comes behind it, is handed to the caller. */
  readonly waitBytesMax: number;
}

export class RecordIndex {
  readonly kernel: StoreKernel;
  readonly #useOf: (shardId: number) => RecordUse;
  readonly #waitBytesMax: number;
  readonly #state: Block;
  #slots: Block;
  #entries: Block;
  #next: Block;
  #places: Block;
  /** Bounds of runs before the last one of a shard, by its entry. */
  readonly #runs = new Map<number, number[]>();

  constructor(kernel: StoreKernel, { useOf, waitBytesMax }: RecordIndexOptions) {
    this.kernel = kernel;
    this.#useOf = useOf;
    this.#waitBytesMax = waitBytesMax;
    this.#state = this.#allocate(stateBytes);
    kernel.bytes(this.#state.at, stateBytes).fill(0);
    this.#setState(State.recordsEnd, 1);
    this.#slots = this.#allocate(0);
    this.#entries = this.#allocate(entriesFirst * entryBytes);
    this.#next = this.#allocate(recordsFirst * 4);
    this.#places = this.#allocate(recordsFirst * 4);
    this.#setState(State.entries, this.#entries.at);
    this.#setState(State.next, this.#next.at);
    this.#setState(State.places, this.#places.at);
    this.#makeSlots();
  }

  /**
   * Notes the first `count` of a list in that segment, which begins `offset` before it. Answers which of them are vouches. Throws `cache_full` past the
   * limit of the kernel's memory.
   */
  note(
    { places, kernel }: ScannedRecords,
    count: number,
    { segment, offset }: { readonly segment: number; readonly offset: number },
  ): readonly number[] {
    this.#makeRoom(count);
    const before = this.#stateWord(State.entryCount);
    const said = kernel.exports.noteRecords(this.#state.at, places.rows, count, segment, offset, places.ofRows, places.work, places.listed); // prettier-ignore
    this.#keepRuns(places.work, Number(said & 0xffffffffn));
    this.#askUses(before);
    return [...kernel.words(places.listed, Number(said >> 32n))];
  }

  /** The same of a record that is in no list. Answers what becomes of it; what would wait is the caller's. */
  noteOne(
    shardId: number,
    sequence: number,
    { segment, offset }: { readonly segment: number; readonly offset: number },
  ): RecordUse {
    this.#makeRoom(1);
    const kernel = this.kernel;
    const at = kernel.scratch(128);
    const row = [0, 1, shardId % halfWord, Math.floor(shardId / halfWord), sequence % halfWord, Math.floor(sequence / halfWord), 0, 0]; // prettier-ignore
    kernel.words(at, row.length).set(row);
    const before = this.#stateWord(State.entryCount);
    const said = kernel.exports.noteRecords(this.#state.at, at, 1, segment, offset, at + 32, at + 40, at + 72); // prettier-ignore
    this.#keepRuns(at + 40, Number(said & 0xffffffffn));
    this.#askUses(before);
    const entry = kernel.words(at + 32, 1)[0] ?? 0;
    const use = this.#entryWord(entry, Entry.use) as RecordUse;
    if (use === RecordUse.waits) this.#setEntry(entry, Entry.use, RecordUse.handed);
    return use;
  }

  /** Has those of the list that was noted last wait that are to; the others that are wanted are the caller's. */
  keep({ places, kernel }: ScannedRecords, count: number): KeptRecords {
    const first = this.#stateWord(State.recordsEnd);
    const said = kernel.exports.keepRecords(this.#state.at, places.at, places.rows, count, places.ofRows, this.#waitBytesMax, places.out, places.listed); // prettier-ignore
    return {
      bytes: kernel.bytes(places.out, Number(said & 0xffffffffn)).slice(),
      first,
      count: this.#stateWord(State.recordsEnd) - first,
      handed: [...kernel.words(places.listed, Number(said >> 32n))],
    };
  }

  /** Whose the last records are of some that were kept, `count` of them at most, in order. */
  shardIdsOf(kept: KeptRecords, count: number): readonly number[] {
    const { buffer, byteOffset, length } = kept.bytes;
    const view = new DataView(buffer, byteOffset, length);
    const from = kept.first + Math.max(0, kept.count - count);
    return Array.from({ length: kept.first + kept.count - from }, (_, i) => {
      const at = this.kernel.allWords[(this.#places.at >>> 2) + from + i] ?? 0;
      return view.getUint32(at + shardIdAt, true) + view.getUint32(at + shardIdAt + 4, true) * halfWord; // prettier-ignore
    });
  }

  of(shardId: number): ShardRecords | undefined {
    const entry = this.#find(shardId);
    if (entry === noEntry) return undefined;
    const word = (at: number): number => this.#entryWord(entry, at);
    const number = (at: number): number => word(at) + word(at + 1) * halfWord;
    return {
      bounds: [...(this.#runs.get(entry) ?? []), number(Entry.first), number(Entry.last)],
      greatest: number(Entry.greatest),
      segment: word(Entry.segment),
      offset: word(Entry.offset),
      bytes: word(Entry.bytes),
    };
  }

  /** How many bytes wait of a shard. */
  bytesOf(shardId: number): number {
    const entry = this.#find(shardId);
    return entry === noEntry ? 0 : this.#entryWord(entry, Entry.bytes);
  }

  /** The highest sequence of each shard that has records in a segment, while that is the last one that was noted. */
  sequencesIn(segment: number): Sequences {
    return this.#sequences(Entry.inSegment, segment);
  }

  /** The highest sequence of each shard in all segments. */
  greatestSequences(): Sequences {
    return this.#sequences(Entry.greatest, allSegments);
  }

  /** By the kernel: thousands of shards in each of some segments are more than a loop that V8 has not compiled yet should do. */
  #sequences(word: number, segment: number): Sequences {
    const kernel = this.kernel;
    const out = kernel.scratch(this.#stateWord(State.entryCount) * 16);
    const count = kernel.exports.sequencesOfRecords(this.#state.at, segment, word * 4, out);
    return new SequenceList(new Float64Array(kernel.buffer, out, 2 * count).slice());
  }

  /** Shards that have records which wait, and how many bytes. */
  *waiting(): Generator<readonly [shardId: number, bytes: number]> {
    for (const [entry, shardId] of this.#shards()) {
      const bytes = this.#entryWord(entry, Entry.bytes);
      if (bytes > 0) yield [shardId, bytes];
    }
  }

  /** Numbers of the records that wait of a shard, in order, and where each begins in the bytes that it was kept with. */
  *chain(shardId: number): Generator<readonly [record: number, at: number]> {
    const entry = this.#find(shardId);
    if (entry === noEntry) return;
    let record = this.#entryWord(entry, Entry.firstRecord);
    while (record !== 0) {
      const at = (this.#places.at >>> 2) + record;
      yield [record, this.kernel.allWords[at] ?? 0];
      record = this.kernel.allWords[(this.#next.at >>> 2) + record] ?? 0;
    }
  }

  /** None of a shard waits any more; what comes of it is handed to the caller. */
  hand(shardId: number): void {
    const entry = this.#find(shardId);
    if (entry === noEntry) return;
    for (const word of [Entry.bytes, Entry.firstRecord, Entry.lastRecord])
      this.#setEntry(entry, word, 0);
    this.#setEntry(entry, Entry.use, RecordUse.handed);
  }

  /** The latest stamp of batches that have waited, as 16 bytes of them have it. */
  get latestStamp(): Uint8Array {
    return this.kernel.bytes(this.#state.at + stampWordsAt * 4, 16).slice();
  }

  /** Gives its memory back: it is not asked any more. */
  free(): void {
    for (const { at, lengthBytes } of [
      this.#state,
      this.#slots,
      this.#entries,
      this.#next,
      this.#places,
    ])
      // prettier-ignore
      this.kernel.heap.free(at, lengthBytes);
  }

  *#shards(): Generator<readonly [entry: number, shardId: number]> {
    const count = this.#stateWord(State.entryCount);
    for (let entry = 0; entry < count; entry++) {
      const low = this.#entryWord(entry, Entry.shard);
      yield [entry, low + this.#entryWord(entry, Entry.shard + 1) * halfWord];
    }
  }

  #find(shardId: number): number {
    const [low, high] = [shardId % halfWord, Math.floor(shardId / halfWord)];
    return this.kernel.exports.recordsOfShard(this.#state.at, low, high) >>> 0;
  }

  #keepRuns(at: number, count: number): void {
    const words = this.kernel.words(at, count * breakWords);
    for (let i = 0; i < words.length; i += breakWords) {
      const [entry = 0, , first = 0, firstHigh = 0, last = 0, lastHigh = 0] = words.subarray(i);
      const runs = this.#runs.get(entry) ?? [];
      runs.push(first + firstHigh * halfWord, last + lastHigh * halfWord);
      this.#runs.set(entry, runs);
    }
  }

  #askUses(from: number): void {
    const words = this.kernel.allWords;
    const count = this.#stateWord(State.entryCount);
    let at = (this.#entries.at + from * entryBytes) >>> 2;
    for (let entry = from; entry < count; entry++, at += entryBytes >>> 2)
      words[at + Entry.use] = this.#useOf(wideAt(words, at + Entry.shard));
  }

  /** For so many entries and records more. */
  #makeRoom(count: number): void {
    const entryCount = this.#stateWord(State.entryCount) + count;
    if (entryCount * entryBytes > this.#entries.lengthBytes) {
      this.#entries = this.#grown(this.#entries, entryCount * entryBytes);
      this.#setState(State.entries, this.#entries.at);
      this.#makeSlots();
    }
    const recordBytes = (this.#stateWord(State.recordsEnd) + count) * 4;
    if (recordBytes <= this.#next.lengthBytes) return;
    this.#next = this.#grown(this.#next, recordBytes);
    this.#places = this.#grown(this.#places, recordBytes);
    this.#setState(State.next, this.#next.at);
    this.#setState(State.places, this.#places.at);
  }

  /** Twice as many as there is room for entries. */
  #makeSlots(): void {
    const kernel = this.kernel;
    const slotCount = (2 * this.#entries.lengthBytes) / entryBytes;
    if (this.#slots.lengthBytes > 0) kernel.heap.free(this.#slots.at, this.#slots.lengthBytes);
    this.#slots = this.#allocate(slotCount * 4);
    kernel.bytes(this.#slots.at, slotCount * 4).fill(0);
    this.#setState(State.slots, this.#slots.at);
    this.#setState(State.mask, slotCount - 1);
    kernel.exports.slotRecords(this.#state.at);
  }

  #grown(block: Block, leastBytes: number): Block {
    let { lengthBytes } = block;
    while (lengthBytes < leastBytes) lengthBytes *= 2;
    const grown = this.#allocate(lengthBytes);
    const { heap } = this.kernel;
    this.kernel.bytes(grown.at, block.lengthBytes).set(this.kernel.bytes(block.at, block.lengthBytes)); // prettier-ignore
    heap.free(block.at, block.lengthBytes);
    return grown;
  }

  #allocate(lengthBytes: number): Block {
    assert(lengthBytes === 0 || Number.isInteger(Math.log2(lengthBytes)), 'blocks are powers of two'); // prettier-ignore
    return { at: lengthBytes === 0 ? 0 : this.kernel.heap.allocate(lengthBytes), lengthBytes };
  }

  #stateWord(word: number): number {
    return this.kernel.allWords[(this.#state.at >>> 2) + word] ?? 0;
  }

  #setState(word: number, value: number): void {
    this.kernel.allWords[(this.#state.at >>> 2) + word] = value;
  }

  #entryWord(entry: number, word: number): number {
    return this.kernel.allWords[((this.#entries.at + entry * entryBytes) >>> 2) + word] ?? 0;
  }

  #setEntry(entry: number, word: number, value: number): void {
    this.kernel.allWords[((this.#entries.at + entry * entryBytes) >>> 2) + word] = value;
  }
}

/** What two words hold. */
function wideAt(words: Uint32Array, at: number): number {
  return (words[at] ?? 0) + (words[at + 1] ?? 0) * halfWord;
}
