/**
 * Lists of indexes on their way from a worker as three pieces of memory: plain data would cost a microsecond for each text and
 * each measurement, on both sides.
 */
import { assert } from '../../../base/assert.ts';
import { KiB, MiB } from '../../../base/units.ts';
import { TextPile } from '../../../base/text-pile.ts';

/** Some texts of a list; those of one run may go on with the next part. */
export interface PackedList {
  /** Texts one behind the other as UTF-8, and where each ends. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly ends: Uint32Array<ArrayBuffer>;
  /** Three words for each run of texts: place of its measurement in the request, place of its key in `keys`, how many texts. */
  readonly runs: Uint32Array<ArrayBuffer>;
  /** Tags whose values, or types whose fields these are. */
  readonly keys: readonly string[];
}

export const runWords = 3;

/** Of texts: a part has about so many. */
const partBytesMax = 128 * KiB;
const partRunsMax = 4_096;
/** Memory that is kept for the next list. */
const keptBytesMax = MiB;

/** Gathers runs of texts, each in order of their bytes, and gives them away in parts. */
export class ListPacker {
  #pile = new TextPile();
  #runs: number[] = [];
  readonly #keys: string[] = [];
  readonly #keyNumbers = new Map<string, number>();
  /** Texts that are in runs. */
  #runTexts = 0;

  /** Texts of the run at hand are added to it. */
  get pile(): TextPile {
    return this.#pile;
  }

  /** Whether there is as much as a part takes; what was added since the last run ended does not count. */
  get isFull(): boolean {
    return this.#pile.start(this.#runTexts) >= partBytesMax || this.#runs.length >= partRunsMax * runWords; // prettier-ignore
  }

  get isEmpty(): boolean {
    return this.#runs.length === 0;
  }

  /** How many texts were added to the run at hand. */
  get openCount(): number {
    return this.#pile.count - this.#runTexts;
  }

  /** Texts that were added since the run before ended, in order, are one: of them `textsMax` stay. */
  endRun(at: number, key: string, textsMax = Infinity): void {
    assert(this.#pile.settle() === undefined, 'texts of a run are in order');
    if (this.openCount > textsMax) this.#pile.truncate(this.#runTexts + textsMax);
    const count = this.openCount;
    if (count === 0) return;
    let number = this.#keyNumbers.get(key);
    if (number === undefined) {
      number = this.#keys.push(key) - 1;
      this.#keyNumbers.set(key, number);
    }
    this.#runs.push(at, number, count);
    this.#runTexts = this.#pile.count;
  }

  /** All runs, in parts; the last one has ended. */
  *take(): Generator<PackedList> {
    assert(this.openCount === 0, 'texts of a run at hand are not given away');
    const pile = this.#pile;
    const runs = this.#runs;
    const textCount = this.#runTexts;
    let [run, taken, first] = [0, 0, 0];
    while (first < textCount) {
      const startBytes = pile.start(first);
      const partRuns: number[] = [];
      let end = first;
      while (run < runs.length && partRuns.length < partRunsMax * runWords) {
        const [at = 0, key = 0, count = 0] = [runs[run], runs[run + 1], runs[run + 2]];
        const runEnd = end + count - taken;
        const cut = this.#cutAt(end, runEnd, startBytes + partBytesMax);
        const until = cut === first ? cut + 1 : cut;
        if (until > end) partRuns.push(at, key, until - end);
        taken = until < runEnd ? taken + until - end : 0;
        end = until;
        if (until < runEnd) break;
        run += runWords;
      }
      const ends = pile.ends.slice(first, end);
      for (let i = 0; i < ends.length; i++) ends[i] = (ends[i] ?? 0) - startBytes;
      const bytes = new Uint8Array(pile.start(end) - startBytes);
      bytes.set(pile.bytes.subarray(startBytes, pile.start(end)));
      yield { bytes, ends, runs: Uint32Array.from(partRuns), keys: [...this.#keys] };
      first = end;
    }
    this.#forget();
  }

  /** The first text from `from` on that does not end within `bytesMax`, or `to`. */
  #cutAt(from: number, to: number, bytesMax: number): number {
    const pile = this.#pile;
    if (pile.start(to) <= bytesMax) return to;
    let [low, high] = [from, to];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (pile.start(middle + 1) <= bytesMax) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** What was given away. */
  #forget(): void {
    if (this.#pile.bytes.length > keptBytesMax) this.#pile = new TextPile();
    else this.#pile.clear();
    this.#runs = [];
    this.#runTexts = 0;
    this.#keys.length = 0;
    this.#keyNumbers.clear();
  }
}
