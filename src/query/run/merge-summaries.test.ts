import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { WindowsBlock, WindowsTask, WindowSummary } from '../fragment.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import { WindowAccumulator } from '../exec/window-accumulator.ts';
import { mergeSummaries } from './merge-summaries.ts';

const unhurried = { rest: () => undefined };
const task = { kind: 'windows', intervalNs: 10n, offsetNs: 0n, fields: [{ name: 'v', type: 'float' }] } as unknown as WindowsTask; // prettier-ignore

function merged(parts: readonly WindowSummary[]): WindowSummary {
  const blocks = parts.map((summary): WindowsBlock => ({ kind: 'windows', group: [], fields: [summary] })); // prettier-ignore
  const step = mergeSummaries(blocks, task, unhurried).next();
  const [summary] = step.done === true ? step.value : [];
  if (summary === undefined) throw new Error('it waited');
  return summary;
}

function gathered(rows: readonly (readonly [window: number, value: number])[]): WindowSummary {
  const windows = new WindowAccumulator('float', { intervalNs: 10n, offsetNs: 0n, wholeStartNs: 0n }); // prettier-ignore
  const values = Float64Array.from(rows, ([, value]) => value);
  windows.add(BigInt64Array.from(rows, ([window]) => BigInt(window * 10)), { type: 'float', values }); // prettier-ignore
  return windows.finish();
}

function shown({ startsNs, counts, sums, maxs, lasts }: WindowSummary): unknown[] {
  return Array.from(startsNs, (startNs, i) => [
    startNs,
    counts[i],
    sums && cellValue(sums, i),
    maxs && [maxs.timesNs[i], cellValue(maxs.values, i)],
    lasts && [lasts.timesNs[i], cellValue(lasts.values, i)],
  ]);
}

/** Runs of windows, with gaps of any length between them: some longer than what is merged at once. */
const runs = fc
  .array(fc.tuple(fc.nat(6_000), fc.oneof(fc.nat(3), fc.nat(5_000))), { maxLength: 4 })
  .map((pieces) => {
    const rows: (readonly [number, number])[] = [];
    let at = 0;
    for (const [gap, length] of pieces) {
      at += gap;
      for (let i = 0; i < length; i++) rows.push([at++, (at * 7) % 13]);
    }
    return rows;
  });

test('summaries: those of several workers are merged window by window, in the order of the blocks', () => {
  let bothCount = 0;
  fc.assert(
    fc.property(fc.array(runs, { minLength: 2, maxLength: 4 }), (all) => {
      const parts = all.map(gathered);
      const whole = new WindowAccumulator('float', { intervalNs: 10n, offsetNs: 0n, wholeStartNs: 0n }); // prettier-ignore
      for (const part of parts) whole.merge(part);
      const wanted = shown(whole.finish());
      expect(shown(merged(parts))).toEqual(wanted);
      bothCount += parts.reduce((sum, { startsNs }) => sum + startsNs.length, 0) - wanted.length;
    }),
    { numRuns: 20, seed: 12 },
  );
  expect(bothCount).toBeGreaterThan(1_000);
});

test('summaries: windows of two workers may be more than two million', () => {
  const half = 1_100_000;
  const part = (from: number): WindowSummary => ({
    startsNs: BigInt64Array.from({ length: half }, (_, i) => BigInt(from + i) * 10n),
    counts: new BigInt64Array(half).fill(1n),
    sums: { type: 'float', values: new Float64Array(half).fill(0.5) },
    mins: undefined,
    maxs: undefined,
    firsts: undefined,
    lasts: undefined,
  });
  const { startsNs, sums } = merged([part(half), part(0)]);
  expect([startsNs.length, startsNs[0], startsNs[2 * half - 1]]).toEqual([2_200_000, 0n, 21_999_990n]); // prettier-ignore
  expect(sums && cellValue(sums, half)).toBe(0.5);
});
