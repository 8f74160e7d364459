import type { StackSample } from './pprof.ts';

/** Places beyond these are counted as one: code has so many, recursion without an end has more. */
const stacksMax = 50_000;

/** Samples that go on to come, each stack once with the sums of its values. */
export class StackTotals {
  readonly #totals = new Map<string, StackSample>();

  add(samples: readonly StackSample[]): void {
    for (const sample of samples) {
      const key = keyOf(sample);
      const isKept = this.#totals.has(key) || this.#totals.size < stacksMax;
      if (isKept) this.#addTo(key, sample);
      else this.#addTo('', { ...sample, frames: [otherPlaces], thread: undefined });
    }
  }

  list(): readonly StackSample[] {
    return [...this.#totals.values()];
  }

  #addTo(key: string, sample: StackSample): void {
    const before = this.#totals.get(key)?.values;
    const values = sample.values.map((value, i) => value + (before?.[i] ?? 0));
    this.#totals.set(key, { ...sample, values });
  }
}

const otherPlaces = { functionName: '(other places)', url: '', lineNumber: 0 };

function keyOf({ frames, thread }: StackSample): string {
  const places = frames.map(({ functionName, url, lineNumber }) => `${functionName}\t${url}\t${lineNumber}`); // prettier-ignore
  return [thread, ...places].join('\n');
}
