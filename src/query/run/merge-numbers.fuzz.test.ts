import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from '../column.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import { sliceSummary } from '../exec/join-summaries.ts';
import { WindowAccumulator } from '../exec/window-accumulator.ts';
import type { SelectedValues, WindowSummary } from '../fragment.ts';
import { mergeNumbers } from './merge-numbers.ts';

const bounds = { intervalNs: 10n, offsetNs: 0n, wholeStartNs: 0n };
const types = ['float', 'integer', 'unsigned'] as const;

/** Few values and times, so that many are equal. */
const rows = fc.array(fc.tuple(fc.integer({ min: -60, max: 60 }), fc.nat(3)), { maxLength: 30 });

/** Many are zeros of either sign. */
function zeroOr(value: number): number {
  if (Math.abs(value) > 9) return value / 10;
  return value < 0 ? -0 : 0;
}

function columnOf(type: (typeof types)[number], values: readonly number[]): Column {
  // Floats of two parts that are added up in another order differ; integers wrap.
  if (type === 'float') return { type, values: Float64Array.from(values, zeroOr) };
  if (type === 'integer') return { type, values: BigInt64Array.from(values, (value) => BigInt(value) * (2n ** 61n)) }; // prettier-ignore
  return { type, values: BigUint64Array.from(values, (value) => BigInt(value) * 2n ** 62n) };
}

function summaryOf(
  type: (typeof types)[number],
  points: readonly (readonly [number, number])[],
): WindowSummary {
  // prettier-ignore
  const sorted = [...points].sort(([left], [right]) => left - right);
  const windows = new WindowAccumulator(type, bounds);
  windows.add(BigInt64Array.from(sorted, ([time]) => BigInt(time)), columnOf(type, sorted.map(([, value]) => value))); // prettier-ignore
  return windows.finish();
}

function selected(part: SelectedValues | undefined, i: number): unknown {
  return part && [part.timesNs[i], cellValue(part.values, i)];
}

function shown({ startsNs, counts, sums, mins, maxs, firsts, lasts }: WindowSummary): unknown[] {
  return Array.from(startsNs, (startNs, i) => [startNs, counts[i], sums && cellValue(sums, i), ...[mins, maxs, firsts, lasts].map((part) => selected(part, i))]); // prettier-ignore
}

test('summaries of numbers: columns are merged to what windows one by one are, to the last bit', () => {
  let [equalCount, differingCount] = [0, 0];
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.array(rows, { minLength: 1, maxLength: 4 }), fc.boolean(), (type, lists, isSame) => {
      const all = isSame ? lists.map(() => lists[0] ?? []) : lists;
      const parts = all.map((points) => summaryOf(type, points));
      const whole = new WindowAccumulator(type, bounds);
      for (const part of parts) whole.merge(part);
      const got = mergeNumbers(parts);
      expect(got && shown(got)).toStrictEqual(shown(whole.finish()));
      if (isSame) equalCount++;
      else differingCount++;
    }),
    { numRuns: 300, seed: 107 },
  );
  expect(Math.min(equalCount, differingCount)).toBeGreaterThan(50);
}); // prettier-ignore

test('summaries of numbers: which points stand for a window does not hang on the order of its parts', () => {
  fc.assert(
    fc.property(fc.constantFrom(...types), fc.array(rows, { minLength: 1, maxLength: 4 }), (type, lists) => {
      // prettier-ignore
      const merged = (all: typeof lists): unknown[] => {
        const parts = all.map((points) => summaryOf(type, points));
        const whole = new WindowAccumulator(type, bounds);
        for (const part of parts) whole.merge(part);
        return [mergeNumbers(parts), whole.finish()].map((one) => one && shown({ ...one, sums: undefined }));
      };
      expect(merged(lists)).toStrictEqual(merged(lists.toReversed()));
    }),
    { numRuns: 300, seed: 164 },
  );
}); // prettier-ignore

test('summaries of numbers: only the columns that were asked for come', () => {
  const whole = summaryOf('float', [[1, 2], [12, 3]]); // prettier-ignore
  const { startsNs, counts, maxs } = whole;
  const part = { startsNs, counts, maxs } as WindowSummary;
  const merged = mergeNumbers([part, sliceSummary(part, 1, 2)]);
  expect(Object.entries(merged ?? {}).filter(([, value]) => value !== undefined).map(([name]) => name)).toEqual(['startsNs', 'counts', 'maxs']); // prettier-ignore
  expect(merged?.counts).toEqual(BigInt64Array.of(1n, 2n));
});

test('summaries of numbers: texts, nulls and ranks are not merged so', () => {
  const numbers = summaryOf('float', [[1, 2]]); // prettier-ignore
  const values = { type: 'string', values: { offsets: Uint32Array.of(0, 0), bytes: new Uint8Array() } } as const; // prettier-ignore
  const texts = { ...numbers, firsts: { timesNs: BigInt64Array.of(1n), values } };
  expect(mergeNumbers([texts, texts])).toBeUndefined();
  expect(mergeNumbers([numbers, texts])).toBeUndefined();
  const nulls = { ...numbers, sums: { type: 'float', values: Float64Array.of(0), valid: Uint8Array.of(0) } } as const; // prettier-ignore
  expect(mergeNumbers([numbers, nulls])).toBeUndefined();
  expect(mergeNumbers([numbers, { ...numbers, ranked: numbers.sums }])).toBeUndefined();
});

test('summaries of numbers: windows of another node that are not in order are an error, not a wait without end', () => {
  const numbers = summaryOf('float', [[1, 2], [12, 3]]); // prettier-ignore
  const reversed = { ...numbers, startsNs: numbers.startsNs.slice().reverse() };
  expect(() => mergeNumbers([numbers, reversed])).toThrow('are not in order');
});
