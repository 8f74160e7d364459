import { must } from '../../base/assert.ts';
import { lowerBound } from '../../base/lower-bound.ts';
import type { ColumnType } from '../column.ts';
import { joinSummaries, sliceSummary } from '../exec/join-summaries.ts';
import { WindowAccumulator } from '../exec/window-accumulator.ts';
import type { WindowsBlock, WindowsTask, WindowSummary } from '../fragment.ts';
import { mergeNumbers } from './merge-numbers.ts';
import type { Pacer } from './pacer.ts';
import type { Steps } from './steps.ts';

/** So many windows of each summary are merged at once, as objects; a run of this many that is of one summary is copied. */
const stretchWindows = 4_096;

/**
 * Blocks of one tag set from all shards as one summary per field of the task, in slices: of windows by the second there are
 * millions. Where several have a window their parts are merged in the order of the blocks.
 */
export function* mergeSummaries(
  blocks: readonly WindowsBlock[],
  task: WindowsTask,
  pacer: Pick<Pacer, 'rest'>,
): Steps<readonly WindowSummary[]> {
  const [only] = blocks;
  if (blocks.length === 1 && only !== undefined) return only.fields;
  const merged: WindowSummary[] = [];
  for (const [i, { type }] of task.fields.entries()) {
    const parts = blocks.map(({ fields }) => must(fields[i], 'a summary per field'));
    const merge = new SummaryMerge(type, task, parts);
    const pieces: WindowSummary[] = [];
    for (let piece = merge.next(); piece !== undefined; piece = merge.next()) {
      pieces.push(piece);
      const rest = pacer.rest();
      if (rest !== undefined) yield rest;
    }
    merged.push(joinSummaries(pieces));
  }
  return merged;
}

/** Summaries of one field, whose windows ascend in each of them. */
class SummaryMerge {
  readonly #type: ColumnType;
  readonly #task: WindowsTask;
  readonly #parts: readonly WindowSummary[];
  /** The next window of each. */
  readonly #rows: number[];

  constructor(type: ColumnType, task: WindowsTask, parts: readonly WindowSummary[]) {
    this.#type = type;
    this.#task = task;
    this.#parts = parts;
    this.#rows = parts.map(() => 0);
  }

  /** Windows that follow those given before; undefined behind the last ones. */
  next(): WindowSummary | undefined {
    const [first, second] = this.#nearest();
    if (first === undefined) return undefined;
    const part = must(this.#parts[first], 'it has windows');
    const from = must(this.#rows[first], 'it has a place');
    const to =
      second === undefined ? part.startsNs.length : lowerBound(part.startsNs, second, from);
    if (second !== undefined && to - from < stretchWindows) return this.#stretch();
    this.#rows[first] = to;
    return sliceSummary(part, from, to);
  }

  /** Which has the next window, and where that of the next one of the others begins. */
  #nearest(): readonly [first: number | undefined, secondNs: bigint | undefined] {
    let first: number | undefined;
    let firstNs = 0n;
    let secondNs: bigint | undefined;
    for (const [i, { startsNs }] of this.#parts.entries()) {
      const startNs = startsNs[this.#rows[i] ?? 0];
      if (startNs === undefined) continue;
      if (first === undefined || startNs < firstNs) {
        if (first !== undefined) secondNs = firstNs;
        first = i;
        firstNs = startNs;
      } else if (secondNs === undefined || startNs < secondNs) secondNs = startNs;
    }
    return [first, secondNs];
  }

  /** The next windows of all of them, up to where the first one has given enough. */
  #stretch(): WindowSummary {
    const { intervalNs, offsetNs } = this.#task;
    const ends = this.#parts.flatMap(({ startsNs }, i) => startsNs[(this.#rows[i] ?? 0) + stretchWindows] ?? []); // prettier-ignore
    const endNs = ends.reduce<bigint | undefined>((low, one) => (low === undefined || one < low ? one : low), undefined); // prettier-ignore
    const slices: WindowSummary[] = [];
    for (const [i, part] of this.#parts.entries()) {
      const from = this.#rows[i] ?? 0;
      const to =
        endNs === undefined ? part.startsNs.length : lowerBound(part.startsNs, endNs, from);
      if (to > from) slices.push(sliceSummary(part, from, to));
      this.#rows[i] = to;
    }
    const numbers = mergeNumbers(slices);
    if (numbers !== undefined) return numbers;
    const merged = new WindowAccumulator(this.#type, { intervalNs, offsetNs, wholeStartNs: 0n });
    for (const slice of slices) merged.merge(slice);
    return merged.finish();
  }
}
