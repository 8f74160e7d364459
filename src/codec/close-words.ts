/**
 * How many integers each word of simple8b takes, so that there are as few words as can be: taking as many as fit from the first one on
 * leaves short words behind, mostly at the end, where all places of a word have to be used (decision 87). Twin: planWords of
 * kernels/assembly/close-words.ts.
 */
import { wordBits, wordCounts } from './simple8b.ts';

/** Selectors 0 and 1 are runs of ones, which are not written. */
const selectorFirst = 2;
/** Of the selectors that take the values from one on, so many are tried, of most values first. All fourteen save 0.04 % more. */
const choices = 4;
const runMax = 255;

/** Of each of values[from...], in [0, 2^53), the selector of a word that begins with it. */
export function planWords(values: Float64Array, from: number): Uint8Array {
  const count = values.length - from;
  const plan = new Uint8Array(count);
  const words = new Uint32Array(count + 1);
  /** Of each selector: how many values from here on a word of it would take. */
  const runs = new Uint8Array(wordCounts.length);
  for (let i = count - 1; i >= 0; i--) {
    lengthen(runs, values[from + i] ?? 0);
    let best = Number.POSITIVE_INFINITY;
    for (
      let selector = selectorFirst, tried = 0;
      selector < runs.length && tried < choices;
      selector++
    ) {
      const taken = wordCounts[selector] ?? 1;
      if ((runs[selector] ?? 0) < taken) continue;
      tried++;
      const rest = words[i + taken] ?? 0;
      if (rest >= best) continue;
      best = rest;
      plan[i] = selector;
    }
    words[i] = best + 1;
  }
  return plan;
}

/** By a value before those of the runs. */
function lengthen(runs: Uint8Array, value: number): void {
  for (let selector = selectorFirst; selector < runs.length; selector++) {
    const fits = value < 2 ** (wordBits[selector] ?? 60);
    runs[selector] = fits ? Math.min(runMax, (runs[selector] ?? 0) + 1) : 0;
  }
}
