import { expect, test } from 'vitest';
import { isDbError } from '../base/errors.ts';
import { encodeMessage } from '../rpc/message.ts';
import type { Column } from './column.ts';
import type { RowsBlock, WindowsBlock } from './fragment.ts';
import { decodeBlocks, decodePlan, decodePredicate, encodeBlocks, encodePlan, encodePredicate, predicateDepthMax, type FragmentPlan } from './fragment-codec.ts'; // prettier-ignore
import type { Predicate } from './predicate.ts';

const predicate: Predicate = {
  kind: 'and',
  left: {
    kind: 'compare',
    operator: '>=',
    left: { kind: 'field', name: 'i' },
    right: { kind: 'constant', value: 2n ** 53n + 1n },
  },
  right: { kind: 'match', operand: { kind: 'tag', name: 'host' }, pattern: '^a', negated: true },
};

const plan: FragmentPlan = {
  version: 1,
  measurement: 'cpu',
  minTimeNs: -(2n ** 63n),
  maxTimeNs: 2n ** 63n - 1n,
  ascending: false,
  groupBy: ['host'],
  predicate,
  task: {
    kind: 'windows',
    fields: [{ name: 'v', type: 'float', parts: ['count', 'sum'] }],
    intervalNs: 10n,
    offsetNs: -3n,
  },
};
const program: Extract<Predicate, { kind: 'program' }> = {
  kind: 'program',
  program: {
    steps: [
      { kind: 'input', index: 0 },
      { kind: 'math', name: 'abs', count: 1, isUnsigned: false },
      { kind: 'input', index: 1 },
      { kind: 'binary', operator: '>=', left: 'integer', right: 'float', isFloatDivision: false },
      { kind: 'input', index: 2 },
      { kind: 'match', pattern: '^a', negated: true },
      { kind: 'constant', value: null },
      { kind: 'binary', operator: 'OR', left: 'boolean', right: undefined, isFloatDivision: false },
      {
        kind: 'binary',
        operator: 'AND',
        left: 'boolean',
        right: 'boolean',
        isFloatDivision: false,
      },
    ],
    type: 'boolean',
    isMissingFalse: false,
  },
  inputs: [
    { kind: 'field', name: 'i', type: 'integer' },
    { kind: 'constant', value: -0.5 },
    { kind: 'tag', name: 'host' },
  ],
};
const limited = { shardRowsMax: 3, seriesRowsMax: 4, neededColumn: 0, showsSeries: true };
const rowsTask = { kind: 'rows', columns: [{ kind: 'field', name: 'v', type: 'string' }, { kind: 'tag', name: 'host' }], rowsMax: 5 } as const; // prettier-ignore

test('fragment codec: a plan comes back the same', () => {
  for (const one of [plan, { ...plan, predicate: undefined, task: rowsTask }])
    expect(decodePlan(encodePlan(one))).toEqual(one);
  const whole = {
    ...plan,
    predicate: program,
    seriesMax: 1,
    pointsMax: 2,
    task: { ...rowsTask, ...limited },
  };
  expect(decodePlan(encodePlan(whole))).toEqual(whole);
  expect(decodePredicate(encodePredicate(predicate))).toEqual(predicate);
});

test('fragment codec: constants are as wide as int64 and uint64 together', () => {
  const withValue = (value: bigint): Predicate => ({
    kind: 'compare',
    operator: '<',
    left: { kind: 'field', name: 'i' },
    right: { kind: 'constant', value },
  });
  const sent = (value: bigint) => decodePredicate(encodePredicate(withValue(value)));
  for (const value of [-(2n ** 63n), 2n ** 63n, 2n ** 64n - 1n])
    expect(sent(value)).toEqual(withValue(value));
  for (const value of [-(2n ** 63n) - 1n, 2n ** 64n])
    expect(() => sent(value)).toThrow('beyond 64 bits');
});

function programOf(change: object): unknown {
  return { ...program, program: { ...program.program, ...change } };
}

test.each<[string, unknown]>([
  ['reads beyond its inputs', { ...program, inputs: [] }],
  [
    'takes more than there is',
    programOf({ steps: [{ kind: 'match', pattern: 'a', negated: false }] }),
  ],
  ['does not leave one value', programOf({ steps: [] })],
  [
    'does not leave one value',
    programOf({
      steps: [
        { kind: 'constant', value: 1 },
        { kind: 'constant', value: 1 },
      ],
    }),
  ],
  [
    'is no function of numbers',
    programOf({ steps: [{ kind: 'math', name: 'eval', count: 0, isUnsigned: false }] }),
  ],
  ['of a kind that is not known', programOf({ steps: [{ kind: 'jump', to: 0 }] })],
])('fragment codec: a program that %s is refused', (why, given) => {
  expect(() => decodePredicate(encodeMessage(given))).toThrow(why);
});

const texts: Column = { type: 'string', values: { offsets: Uint32Array.of(0, 1, 3), bytes: Uint8Array.of(97, 98, 99) } }; // prettier-ignore
const rows: RowsBlock = {
  kind: 'rows',
  group: ['a'],
  timesNs: BigInt64Array.of(1n, 2n),
  columns: [texts, { type: 'float', values: Float64Array.of(1, NaN), valid: Uint8Array.of(1, 0) }],
};
const ofSeries: RowsBlock = {
  ...rows,
  series: { keys: ['cpu,a=b', 'cpu'], at: Uint32Array.of(1, 0) },
};
const selected = { timesNs: BigInt64Array.of(4n), values: { type: 'integer', values: BigInt64Array.of(-1n) } } as const; // prettier-ignore
const windows: WindowsBlock = {
  kind: 'windows',
  group: [],
  fields: [
    {
      startsNs: BigInt64Array.of(0n),
      counts: BigInt64Array.of(1n),
      sums: { type: 'float', values: Float64Array.of(2.5) },
      mins: undefined,
      maxs: undefined,
      firsts: selected,
      lasts: selected,
    },
  ],
};

test('fragment codec: blocks come back the same, columns as views wherever they lie', () => {
  const bytes = encodeBlocks([rows, windows, ofSeries]);
  for (let shift = 0; shift < 8; shift++) {
    const moved = new Uint8Array(bytes.length + shift);
    moved.set(bytes, shift);
    expect(decodeBlocks(moved.subarray(shift))).toEqual([rows, windows, ofSeries]);
  }
});

test('fragment codec: columns of a message are not copied one by one', () => {
  const bytes = encodeBlocks([rows, windows]);
  const [first] = decodeBlocks(bytes);
  expect((first as RowsBlock).timesNs.buffer).toBe(bytes.buffer);
});

function chain(length: number): Predicate {
  let all: Predicate = { kind: 'constant', value: true };
  for (let i = 1; i < length; i++) all = { kind: 'or', left: all, right: { kind: 'constant', value: false } }; // prettier-ignore
  return all;
}

test('fragment codec: a predicate may be deep, but not without end', () => {
  expect(decodePredicate(encodePredicate(chain(2_000)))).toEqual(chain(2_000));
  const deep = chain(predicateDepthMax + 1);
  const refused = (() => {
    try {
      decodePredicate(encodePredicate(deep));
      return undefined;
    } catch (error) {
      return error;
    }
  })();
  expect(isDbError(refused) || refused instanceof RangeError).toBe(true);
});

/** Each leaf and branch of a good plan replaced by what does not belong there. */
function* spoiled(value: unknown): Generator {
  for (const wrong of [null, 'x', -1.5, 1e300, [], {}, true, 2n ** 70n, Uint8Array.of(1)])
    yield wrong;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return;
  for (const [key, part] of Object.entries(value))
    for (const wrong of spoiled(part))
      yield Array.isArray(value)
        ? value.map((one, i) => (String(i) === key ? wrong : (one as unknown)))
        : { ...value, [key]: wrong };
}

test('fragment codec: what is spoiled anywhere is an error of the message, or still a message', () => {
  let refusedCount = 0;
  const attempt = (decode: (bytes: Uint8Array) => unknown, value: unknown): void => {
    try {
      decode(encodeMessage(value));
    } catch (error) {
      expect(isDbError(error, 'invalid_argument') || isDbError(error, 'corrupt'), String(error)).toBe(true); // prettier-ignore
      refusedCount++;
    }
  };
  for (const bad of spoiled(plan)) attempt(decodePlan, bad);
  for (const bad of spoiled({ ...plan, predicate: program, task: { ...rowsTask, ...limited } }))
    attempt(decodePlan, bad);
  for (const bad of spoiled([rows, windows, ofSeries])) attempt(decodeBlocks, bad);
  expect(refusedCount).toBeGreaterThan(500);
});

test.each<[string, unknown]>([
  ['series of other rows', [{ ...rows, series: { keys: ['a'], at: Uint32Array.of(0) } }]],
  ['rows of no series', [{ ...rows, series: { keys: ['a'], at: Uint32Array.of(0, 1) } }]],
  ['uneven columns', [{ ...rows, timesNs: BigInt64Array.of(1n) }]],
  ['marks for other rows', [{ ...rows, columns: [{ ...rows.columns[1], valid: Uint8Array.of(1) }] }]], // prettier-ignore
  ['values of another type', [{ ...rows, columns: [{ type: 'integer', values: Float64Array.of(1) }] }]], // prettier-ignore
  ['values of another type', [{ ...rows, columns: [{ type: 'string', values: { offsets: Uint32Array.of(0, 9), bytes: new Uint8Array(1) } }] }]], // prettier-ignore
])('fragment codec: %s are refused', (why, blocks) => {
  expect(() => decodeBlocks(encodeMessage(blocks))).toThrow(why);
});
