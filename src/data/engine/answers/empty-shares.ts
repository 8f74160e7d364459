/**
 * Shares of answers that had no group: no series of a worker's shards passes, whatever the time, and no write has said since that it
 * has more series. Of several nodes that are asked for one host all but one have nothing of it, each time that it is asked: so
 * none of their workers is woken. A write tells before it is acknowledged, as with lists/listed-lanes.ts.
 */
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { MiB } from '../../../base/units.ts';
import type { AnswerPart, AnswerRequest } from './answer-task.ts';

const keptMax = { countMax: 4_096, weightMax: 4 * MiB };

interface Kept {
  readonly part: AnswerPart;
  readonly seriesVersion: number;
}

export class EmptyShares {
  /** By what was asked, shards and all. */
  readonly #kept = new RecentMap<string, Kept>(keptMax);
  #clearCount = 0;

  /** What a worker answers of which no later version was heard; it is asked unless it would say that there is nothing. */
  of(
    { text, isKept }: AnswerRequest,
    versionHeard: number,
    ask: () => AsyncIterable<AnswerPart>,
  ): AsyncIterable<AnswerPart> {
    const kept = this.#kept.get(text);
    if (kept !== undefined && kept.seriesVersion >= versionHeard) return once(kept.part);
    return isKept ? this.#noted(text, ask()) : ask();
  }

  /** The same parts, of which the first one is kept where it says that it holds. */
  #noted(text: string, parts: AsyncIterable<AnswerPart>): AsyncIterable<AnswerPart> {
    const clearCount = this.#clearCount;
    const note = (first: IteratorResult<AnswerPart>): IteratorResult<AnswerPart> => {
      // Shards may have become others since.
      const holds = first.done !== true && clearCount === this.#clearCount;
      const seriesVersion = holds ? first.value.share?.emptyAt : undefined;
      if (seriesVersion !== undefined) this.#kept.set(text, { part: first.value as AnswerPart, seriesVersion }, text.length); // prettier-ignore
      return first;
    };
    return {
      [Symbol.asyncIterator]: () => {
        const all = parts[Symbol.asyncIterator]();
        let isFirst = true;
        return {
          next: () => {
            if (!isFirst) return all.next();
            isFirst = false;
            return all.next().then(note);
          },
          return: async () => (await all.return?.()) ?? { done: true, value: undefined },
        };
      },
    };
  }

  /** Shards are others, or may not be read. */
  clear(): void {
    this.#clearCount++;
    this.#kept.clear();
  }
}

function once(part: AnswerPart): AsyncIterable<AnswerPart> {
  let isTaken = false;
  const next = (): Promise<IteratorResult<AnswerPart>> => {
    if (isTaken) return Promise.resolve({ done: true, value: undefined });
    isTaken = true;
    return Promise.resolve({ done: false, value: part });
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
