import { expect, test } from 'vitest';
import { Subgroups, type PointBatch } from './batch.ts';
import { joinPoints, type StreamGaps } from './join-points.ts';

function points(...times: readonly number[]): PointBatch {
  const values = { type: 'float', values: Float64Array.from(times), valid: undefined } as const;
  return { timesNs: BigInt64Array.from(times, BigInt), values, aux: [], subgroups: undefined };
}

/** Two calls of a list, percentile(w, 33) and percentile(w, 20) over windows of 2, 1, 3, 1 and 3 points: one has no answer in the second. */
function joined(isAskedAgain: boolean): {
  readonly times: readonly number[];
  readonly isOver: boolean;
} {
  const gaps: readonly StreamGaps[] = [new Map([[1, 1], [2, 1]]), new Map([[0, 2], [1, 1]])]; // prettier-ignore
  const subgroups = new Subgroups([]);
  const order = { ascending: true, subgroups, gaps, isAskedAgain };
  const { timesNs, isOver } = joinPoints([points(0, 2, 4), points(2, 4)], order);
  return { times: Array.from(timesNs, Number), isOver };
}

test('join: where all calls have no answer the rows of an answer go on, as 1.12.4 asks once more', () => {
  expect(joined(true)).toEqual({ times: [0, 2, 4], isOver: false });
});

test('join: where all calls have no answer those of a subquery end', () => {
  expect(joined(false)).toEqual({ times: [0, 2], isOver: true });
});

test('join: nothing follows where nothing came before', () => {
  const gaps: readonly StreamGaps[] = [new Map([[0, 1]]), new Map([[0, 1]])];
  const order = { ascending: true, subgroups: new Subgroups([]), gaps, isAskedAgain: true };
  const { timesNs, isOver } = joinPoints([points(1), points(1)], order);
  expect([timesNs.length, isOver]).toEqual([0, true]);
});
