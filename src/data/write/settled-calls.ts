/**
 * Which calls to one other node carried batches of which copies are still under way, to whatever owner: once none is, the node need not
 * keep them for the case that this one dies (decision 137).
 *
 * Invariants:
 * - A call is settled once each copy of each of its batches is with its owner, in hinted handoff, or given up, which is logged.
 * - Calls are numbered from 1 in the order in which they are made; what is told is below which number all are settled.
 *
 * Not here: the other end (data/shards/unsettled-writes.ts).
 */
import type { WriteCall } from '../engine/shard-access.ts';

/** The copies of one batch, of all of its owners. */
export class BatchCopies {
  #leftCount: number;
  #calls: OpenCall[] = [];

  constructor(copyCount: number) {
    this.#leftCount = copyCount;
  }

  /** One of them is where it is to be. */
  settled(): void {
    if (--this.#leftCount > 0) return;
    const calls = this.#calls;
    this.#calls = [];
    for (const call of calls) call.oneSettled();
  }

  /** Whether it has to be waited for. */
  carriedBy(call: OpenCall): boolean {
    if (this.#leftCount <= 0) return false;
    this.#calls.push(call);
    return true;
  }
}

interface OpenCall {
  readonly number: number;
  readonly oneSettled: () => void;
}

/** Of one other node. */
export class SettledCalls {
  readonly #self: { readonly nodeId: () => number; readonly run: number };
  /** Those that are not settled, in their order. */
  readonly #open = new Set<OpenCall>();
  #lastNumber = 0;

  /** `run`: drawn by this process, as numbers begin anew with it. */
  constructor(self: { readonly nodeId: () => number; readonly run: number }) {
    this.#self = self;
  }

  /** Below this number all calls are settled. */
  get settledBelow(): number {
    for (const { number } of this.#open) return number;
    return this.#lastNumber + 1;
  }

  /** A call that is about to be made; undefined where none of its batches has other owners. */
  begin(carried: readonly (BatchCopies | undefined)[]): WriteCall | undefined {
    const copies = carried.filter((one) => one !== undefined);
    if (copies.length === 0) return undefined;
    let leftCount = 0;
    const call: OpenCall = {
      number: ++this.#lastNumber,
      oneSettled: () => {
        if (--leftCount === 0) this.#open.delete(call);
      },
    };
    for (const one of copies) if (one.carriedBy(call)) leftCount++;
    if (leftCount > 0) this.#open.add(call);
    const { nodeId, run } = this.#self;
    return { nodeId: nodeId(), run, number: call.number, settledBelow: this.settledBelow };
  }
}
