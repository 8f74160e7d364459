/**
 * Questions whose answers a worker makes at once by itself: whether another one could help is not looked for each time, which costs
 * as much as a part of the answer. There may be more to be read by and by.
 */
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { KiB } from '../../../base/units.ts';
import type { AnswerRequest } from './answer-task.ts';

/** So many questions go by until it is looked for again. */
const passedMax = 63;
/** Spans of time that a text asks for, by their logarithm. */
type Counts = Map<number, number>;
/** A text is kept with its statement anyway. */
const weightEach = 1;
const anyTime = -1;

export class AloneAnswers {
  /** How many questions go by. */
  readonly #left = new RecentMap<string, Counts>({ countMax: 2 * KiB, weightMax: 2 * KiB });

  note(request: AnswerRequest): void {
    if (!request.isKept) return;
    const counts = this.#left.get(request.text);
    const span = spanOf(request);
    if (counts === undefined) this.#left.set(request.text, new Map([[span, passedMax]]), weightEach);
    else counts.set(span, passedMax);
  }

  mayBeHelped(request: AnswerRequest): boolean {
    if (!request.isKept) return true;
    const counts = this.#left.get(request.text);
    const span = spanOf(request);
    const left = counts?.get(span) ?? 0;
    if (left > 0) counts?.set(span, left - 1);
    return left === 0;
  }
} // prettier-ignore

/** The same text may ask for an hour, or for a year. */
function spanOf({ times }: AnswerRequest): number {
  const { minNs, maxNs } = times?.shards ?? {};
  return minNs === undefined || maxNs === undefined ? anyTime : Math.round(Math.log2(Number(maxNs - minNs) + 1)); // prettier-ignore
}
