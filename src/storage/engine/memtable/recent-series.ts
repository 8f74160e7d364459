/**
 * Which of the remembered batches have a series: a late batch is compared with those alone that share one with it. Each of thousands of
 * small ones was compared with thousands otherwise, and a worker that was brought hints stood still for minutes.
 *
 * Invariants:
 * - Series are told apart by a hash: one that has the same is given in vain, and none is left out.
 * - Batches that are wide are in no list, as an entry for each of their series would be as large as they are; they are all given.
 * - What is forgotten is not given any more, and leaves its lists as they are looked at.
 */
import { hashBytes } from '../../../base/hash-bytes.ts';
import { seriesOfBatch, type TextColumn } from '../../../models/point-batch.ts';

/** Of more series a batch is wide. */
const listedSeriesMax = 64;

export interface ListedBatch {
  readonly payload: Uint8Array;
  readonly isForgotten: boolean;
}

export class RecentSeries<Batch extends ListedBatch> {
  readonly #lists = new Map<number, Batch[]>();
  #wide: Batch[] = [];

  /** In order of arrival. */
  add(batch: Batch): void {
    const hashes = hashesOf(seriesOfBatch(batch.payload));
    if (hashes.size > listedSeriesMax) {
      this.#wide.push(batch);
      return;
    }
    for (const hash of hashes) {
      const list = this.#lists.get(hash);
      if (list === undefined) this.#lists.set(hash, [batch]);
      else list.push(batch);
    }
  }

  /** Each once, of each series the latest to arrive first. */
  *sharing(series: TextColumn): Generator<Batch> {
    const given = new Set<Batch>();
    for (const hash of hashesOf(series))
      for (const batch of this.#listOf(hash).toReversed()) {
        if (given.has(batch)) continue;
        given.add(batch);
        yield batch;
      }
    this.#wide = withoutForgotten(this.#wide);
    yield* this.#wide.toReversed();
  }

  #listOf(hash: number): readonly Batch[] {
    const list = this.#lists.get(hash);
    if (list === undefined) return [];
    const left = withoutForgotten(list);
    if (left.length === 0) this.#lists.delete(hash);
    else if (left !== list) this.#lists.set(hash, left);
    return left;
  }
}

/** The oldest are forgotten first. */
function withoutForgotten<Batch extends ListedBatch>(list: Batch[]): Batch[] {
  const kept = list.findIndex(({ isForgotten }) => !isForgotten);
  if (kept === 0) return list;
  return kept < 0 ? [] : list.slice(kept);
}

function hashesOf({ offsets, bytes }: TextColumn): Set<number> {
  const hashes = new Set<number>();
  for (let i = 0; i + 1 < offsets.length; i++)
    hashes.add(hashBytes(bytes, offsets[i] ?? 0, offsets[i + 1] ?? 0));
  return hashes;
}
