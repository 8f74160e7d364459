import { expect, test } from 'vitest';
import { maxTimeNs } from '../../base/units.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from './compile-statement.ts';
import { shardRange } from './shard-range.ts';

const hourNs = 3_600_000_000_000n;

function rangeOf(text: string, bucketsMax = 0) {
  const [statement] = parseQuery(text);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  return shardRange(compileStatement(statement, { nowNs: 100n * hourNs }), bucketsMax);
}

test('shard range: the bounds of the statement, where nothing looks beyond them', () => {
  expect(rangeOf('SELECT v FROM m')).toEqual({ minNs: undefined, maxNs: undefined });
  expect(rangeOf('SELECT difference(v) FROM m WHERE time >= 10h')).toEqual({ minNs: 10n * hourNs, maxNs: undefined }); // prettier-ignore
  expect(rangeOf('SELECT mean(v) FROM m WHERE time >= 10h AND time <= 20h GROUP BY time(1h)')).toEqual({ minNs: 10n * hourNs, maxNs: 20n * hourNs }); // prettier-ignore
});

test('shard range: a transformation of windows reads one more, which may stand in another shard', () => {
  const of = (rest: string) => `SELECT difference(mean(v)) FROM m WHERE time >= 10h AND time <= 20h GROUP BY time(1h)${rest}`; // prettier-ignore
  expect(rangeOf(of(''))).toEqual({ minNs: 9n * hourNs, maxNs: 20n * hourNs });
  expect(rangeOf(of(' ORDER BY time DESC'))).toEqual({ minNs: 10n * hourNs, maxNs: 21n * hourNs });
  expect(rangeOf(`SELECT sum(d) FROM (SELECT difference(mean(v)) AS d FROM m) WHERE time >= 10h GROUP BY time(2h)`).minNs).toBe(10n * hourNs); // prettier-ignore
});

test('shard range: names of tags are those of one window more also where none of its rows count', () => {
  const of = (call: string) => rangeOf(`SELECT ${call} FROM m WHERE time >= 10h AND time <= 20h GROUP BY time(1h), *`); // prettier-ignore
  expect(of('cumulative_sum(first(v))').minNs).toBe(9n * hourNs);
  expect(of('holt_winters(first(v), 2, 0)').minNs).toBe(10n * hourNs);
});

test('shard range: max-select-buckets leaves out what no window of its could reach', () => {
  const { minNs } = rangeOf('SELECT mean(v) FROM m WHERE time < 20h GROUP BY time(1h)', 5);
  expect(minNs).toBe(15n * hourNs);
  expect(rangeOf('SELECT mean(v) FROM m GROUP BY time(1h)', 5).minNs).toBe(
    ((maxTimeNs - 1n) / hourNs - 4n) * hourNs,
  );
  expect(rangeOf('SELECT v FROM m WHERE time < 20h', 5).minNs).toBeUndefined();
});
