import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';

const nodes = [
  new MemorySource([
    { measurement: 'm', tags: { host: 'a' }, fields: { v: 1, s: 'x', ok: true }, timeNs: 1n },
    { measurement: 'm', tags: { host: 'b' }, fields: { v: 2 }, timeNs: 2n },
  ]),
];

/** What 1.12.4 says: the type is told of what there is to read alone. */
test.each([
  ['SELECT sum(s) FROM m', 'unsupported sum iterator type: *query.stringInterruptIterator'],
  ['SELECT sum(ok) FROM m', 'unsupported sum iterator type: *query.booleanInterruptIterator'],
  ['SELECT sum(ok), mean(v) FROM m', 'unsupported sum iterator type: *query.booleanInterruptIterator'], // prettier-ignore
  ['SELECT sum(ok) FROM m WHERE v > 100', 'unsupported sum iterator type: *query.booleanInterruptIterator'], // prettier-ignore
  ['SELECT sum(v::string) FROM m', undefined],
  ['SELECT sum(v::boolean), mean(v) FROM m', undefined],
  ['SELECT sum(nosuch::string) FROM m', undefined],
  ['SELECT sum(a) FROM (SELECT s AS a FROM m)', 'unsupported sum iterator type: *query.stringInterruptIterator'], // prettier-ignore
  ['SELECT count(a) FROM (SELECT sum(ok) AS a FROM m)', 'unsupported sum iterator type: *query.booleanInterruptIterator'], // prettier-ignore
  ['SELECT top(s, host, 1) FROM m', 'unsupported max iterator type: *query.stringInterruptIterator'], // prettier-ignore
  ['SELECT bottom(s, host, 1) FROM m', 'unsupported min iterator type: *query.stringInterruptIterator'], // prettier-ignore
  ['SELECT top(s, 1) FROM m', 'unsupported top iterator type: *query.stringInterruptIterator'],
  ['SELECT bottom(ok, host, 1) FROM m', 'unsupported bottom iterator type: *query.booleanReduceBooleanIterator'], // prettier-ignore
  ['SELECT difference(distinct(s)) FROM m WHERE time < 10 GROUP BY time(5ns)', 'unsupported difference iterator type: *query.stringIntervalIterator'], // prettier-ignore
  ['SELECT moving_average(sample(ok, 2), 2) FROM m WHERE time < 10 GROUP BY time(5ns)', 'unsupported moving average iterator type: *query.booleanReduceBooleanIterator'], // prettier-ignore
  ['SELECT cumulative_sum(last(ok)) FROM m WHERE time < 10 GROUP BY time(5ns)', 'unsupported cumulative sum iterator type: *query.booleanInterruptIterator'], // prettier-ignore
  ['SELECT chande_momentum_oscillator(distinct(v), 2) FROM m WHERE time < 10 GROUP BY time(5ns)', 'aggregate function distinct() cannot be combined with other functions or fields'], // prettier-ignore
])('refusals: %s', async (query, error) => {
  expect((await runSelectOver(query, { nodes })).error).toBe(error);
});

test('refusals: a field that only some shard has in the type asked for is found when it is read', async () => {
  const nodes = [
    new MemorySource([{ measurement: 'm', tags: { host: 'a' }, fields: { v: 1 }, timeNs: 1n }]),
    new MemorySource([{ measurement: 'm', tags: { host: 'b' }, fields: { v: 'x' }, timeNs: 2n }]),
  ];
  const error = 'unsupported sum iterator type: *query.stringInterruptIterator';
  for (const list of ['sum(v::string)', 'sum(v::string), count(v)'])
    expect([list, (await runSelectOver(`SELECT ${list} FROM m`, { nodes })).error]).toEqual([list, error]); // prettier-ignore
  expect((await runSelectOver('SELECT sum(v::string) FROM m WHERE time < 2', { nodes })).series).toEqual([]); // prettier-ignore
});

test('refusals: a call that is refused has no value beside those that are answered', async () => {
  const { series } = await runSelectOver('SELECT sum(v::boolean), mean(v) FROM m', { nodes });
  expect(series).toMatchObject([{ values: [{ valid: Uint8Array.of(0) }, { values: Float64Array.of(1.5) }] }]); // prettier-ignore
});
