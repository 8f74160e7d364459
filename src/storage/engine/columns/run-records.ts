/**
 * What was found of many series in one file after the other, to be added series after series: a list for each slot, which is a
 * field of a series, in typed arrays.
 *
 * Invariant: what a list has ascends in time. Times are halves of an int64, the upper one signed, so that none costs a bigint.
 */
import type { PlacedRuns } from '../../../kernels/placed-runs.ts';

const words = 3;

export class RunRecords {
  readonly #recordsMax: number;
  /** By slot: its first and last record by number + 1, and where the times of that end. */
  readonly #first: Uint32Array;
  readonly #last: Uint32Array;
  readonly #endUpper: Int32Array;
  readonly #endLower: Uint32Array;
  /** By number + 1: where it lies, how long it is, where its values lie; and the next one of its slot. */
  readonly #records: Uint32Array;
  readonly #next: Uint32Array;
  #count = 0;
  #limit = 0;

  constructor(slotsMax: number, recordsMax: number) {
    this.#recordsMax = recordsMax;
    this.#first = new Uint32Array(slotsMax);
    this.#last = new Uint32Array(slotsMax);
    this.#endUpper = new Int32Array(slotsMax);
    this.#endLower = new Uint32Array(slotsMax);
    this.#records = new Uint32Array((recordsMax + 1) * words);
    this.#next = new Uint32Array(recordsMax + 1);
  }

  clear(): void {
    this.#count = 0;
    this.#first.fill(0);
    this.#last.fill(0);
  }

  /** What is added from now on has one of `parts` equal shares of the room. */
  share(parts: number): void {
    const most = this.#recordsMax;
    this.#limit = Math.min(most, this.#count + Math.floor(most / parts));
  }

  /** Whether a time is behind all that the slot has. */
  isBehind(slot: number, upper: number, lower: number): boolean {
    if (this.#last[slot] === 0) return true;
    return isBefore(this.#endUpper[slot] ?? 0, this.#endLower[slot] ?? 0, upper, lower);
  }

  /** A record as PlacedRuns.add() takes it; false when there is no room for it. */
  add(slot: number, ptr: number, length: number, valuesPtr: number): boolean {
    if (this.#count === this.#limit) return false;
    const number = ++this.#count;
    this.#records[number * words] = ptr;
    this.#records[number * words + 1] = length;
    this.#records[number * words + 2] = valuesPtr;
    this.#next[number] = 0;
    const last = this.#last[slot] ?? 0;
    if (last === 0) this.#first[slot] = number;
    else this.#next[last] = number;
    this.#last[slot] = number;
    return true;
  }

  /** The last time of what was added to the slot. */
  endsAt(slot: number, upper: number, lower: number): void {
    this.#endUpper[slot] = upper;
    this.#endLower[slot] = lower;
  }

  /** Adds those of a slot for a column. */
  addTo(runs: PlacedRuns, slot: number, column: number): void {
    const records = this.#records;
    for (let number = this.#first[slot] ?? 0; number !== 0; number = this.#next[number] ?? 0) {
      const at = number * words;
      runs.add(records[at] ?? 0, records[at + 1] ?? 0, column, records[at + 2] ?? 0);
    }
  }
}

/** Whether one time is less than another one. */
export function isBefore(
  upper: number,
  lower: number,
  otherUpper: number,
  otherLower: number,
): boolean {
  return upper === otherUpper ? lower < otherLower : upper < otherUpper;
}
