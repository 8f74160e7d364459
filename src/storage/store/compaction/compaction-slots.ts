/**
 * How many compactions the workers of a node run at once, in memory that all of them see: `max-concurrent-compactions` and
 * `max-concurrent-optimized-compactions`.
 *
 * Invariants:
 * - never more than the limit are at work, and never more of the last level's files than the limit of those;
 * - a worker that was refused goes before the one that ran last, which stands back once for it: nobody starves;
 * - Nobody waits here: who is refused asks again soon, for a while (compactor.ts).
 *
 * Layout: of int32 the plans at work; those of them that merge files of the last level; the worker that began the last one, plus
 * one; of each worker whether it was refused and nobody has stood back for it.
 */
import { assert } from '../../../base/assert.ts';
import type { CompactionKind } from '../../engine/compaction/compaction-plan.ts';

const Word = { running: 0, optimizing: 1, last: 2, refused: 3 } as const;

/** Both at least 1, the second no more than the first. */
export interface CompactionLimits {
  readonly concurrentMax: number;
  readonly optimizedMax: number;
}

export function sharedCompactionSlots(workerCount: number): Int32Array {
  return new Int32Array(new SharedArrayBuffer((Word.refused + workerCount) * 4));
}

/**
 * What the configuration means on a machine, as in the reference: 0 is half of the cores and 1, and no more run than there are
 * cores.
 */
export function compactionLimits(
  asked: { readonly concurrent: number; readonly optimized: number },
  coreCount: number,
): CompactionLimits {
  const half = Math.max(1, Math.floor(coreCount / 2));
  const concurrentMax = asked.concurrent === 0 ? half : Math.min(asked.concurrent, coreCount);
  const optimizedMax = Math.min(Math.max(1, asked.optimized), concurrentMax);
  return { concurrentMax, optimizedMax };
}

/** Of StoreOptions. */
interface SlotOptions {
  readonly compactionSlots?: Int32Array | undefined;
  readonly compaction?: { readonly limits?: CompactionLimits | undefined } | undefined;
  readonly worker: number;
}

/** Undefined where nothing is limited. */
export function slotsOf({
  compactionSlots,
  compaction,
  worker,
}: SlotOptions): CompactionSlots | undefined {
  const limits = compaction?.limits;
  if (limits === undefined) return undefined;
  return new CompactionSlots(compactionSlots ?? sharedCompactionSlots(worker + 1), worker, limits);
}

/** As one worker sees them. */
export class CompactionSlots {
  readonly #cells: Int32Array;
  readonly #worker: number;
  readonly #limits: CompactionLimits;

  constructor(cells: Int32Array, worker: number, limits: CompactionLimits) {
    assert(worker < cells.length - Word.refused, 'a worker has a cell');
    this.#cells = cells;
    this.#worker = worker;
    this.#limits = limits;
  }

  /** Whether a plan may run; give() is to be called once it has. */
  tryTake(kind: CompactionKind): boolean {
    const { concurrentMax, optimizedMax } = this.#limits;
    const isTaken =
      !this.#standsBack() &&
      this.#tryAdd(Word.running, concurrentMax) &&
      (!isOptimized(kind) || this.#tryAdd(Word.optimizing, optimizedMax, Word.running));
    if (isTaken) Atomics.store(this.#cells, Word.last, this.#worker + 1);
    Atomics.store(this.#cells, Word.refused + this.#worker, isTaken ? 0 : 1);
    return isTaken;
  }

  give(kind: CompactionKind): void {
    if (isOptimized(kind)) Atomics.sub(this.#cells, Word.optimizing, 1);
    Atomics.sub(this.#cells, Word.running, 1);
  }

  /** For who is refused and asks seldom, or has just begun to wait. */
  #standsBack(): boolean {
    if (Atomics.load(this.#cells, Word.last) !== this.#worker + 1) return false;
    let refusedCount = 0;
    for (let at: number = Word.refused; at < this.#cells.length; at++)
      if (at !== Word.refused + this.#worker) refusedCount += Atomics.exchange(this.#cells, at, 0);
    return refusedCount > 0;
  }

  /** `takenBack`: what was counted before, and is not when this fails. */
  #tryAdd(word: number, most: number, takenBack?: number): boolean {
    if (Atomics.add(this.#cells, word, 1) < most) return true;
    Atomics.sub(this.#cells, word, 1);
    if (takenBack !== undefined) Atomics.sub(this.#cells, takenBack, 1);
    return false;
  }
}

function isOptimized(kind: CompactionKind): boolean {
  return kind === 'optimize';
}
