import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { splitCondition } from './split-condition.ts';

function rangeOf(condition: string) {
  const [statement] = parseQuery(`SELECT v FROM m WHERE ${condition}`);
  if (statement?.kind !== 'select') throw new Error('a SELECT expected');
  return splitCondition(statement.condition, 0n).range;
}

test('split condition: points of time beyond int64 are refused, named by their seconds', () => {
  const check = (condition: string, text: string) => {
    expect(() => rangeOf(condition)).toThrow(text);
  };
  check("time < '3000-01-01T00:00:00Z'", 'time 3000-01-01T00:00:00Z overflows time literal');
  check("time > '1500-01-01'", 'time 1500-01-01T00:00:00Z underflows time literal');
  check("time < '2262-04-11T00:00:00Z' + 10w", 'time 2262-06-20T00:00:00Z overflows time literal');
  expect(rangeOf("time < '2262-04-11T23:47:16Z'").maxNs).toBe(9223372035999999999n);
});
