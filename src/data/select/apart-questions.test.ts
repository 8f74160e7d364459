import { expect, test } from 'vitest';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from '../../query/plan/compile-statement.ts';
import { holdsItsPoints } from '../engine/answers/own-groups.ts';
import { ApartMemory, apartQuestion } from './apart-questions.ts';

function question(text: string): string | undefined {
  const statement = parseQuery(text)[0] as SelectStatement;
  return apartQuestion(compileStatement(statement, { nowNs: 0n }));
}

test.each([
  'SELECT mean(v), max(v) + 1 FROM d.r.m WHERE time > 0 GROUP BY time(1h), host',
  "SELECT * FROM d.r.m WHERE host = 'a' LIMIT 3",
  'SELECT percentile(v, 50) FROM d.r.m GROUP BY host',
  'SELECT percentile(v, 99.9) FROM d.r.m GROUP BY *',
  'SELECT derivative(mean(v), 1s) FROM d.r.m WHERE time > 0 AND time < 9 GROUP BY time(1s), /ho/',
  'SELECT count(distinct(v)) FROM d.r.m GROUP BY host',
])('apart questions: nodes may answer for groups of their own: %s', (text) => {
  expect(question(text)).toBeDefined();
});

test.each([
  ['has rows of all nodes in its one group', 'SELECT mean(v) FROM d.r.m WHERE time > 0 GROUP BY time(1h)'],
  ['chooses by a field', 'SELECT * FROM d.r.m WHERE v > 90'],
  ['counts series', 'SELECT v FROM d.r.m GROUP BY host SLIMIT 2'],
  ['passes series over', 'SELECT v FROM d.r.m GROUP BY host SOFFSET 2'],
  ['reads another one', 'SELECT max(v) FROM (SELECT mean(v) AS v FROM d.r.m GROUP BY host) GROUP BY host'],
  ['reads several measurements', 'SELECT v FROM d.r.m, d.r.k GROUP BY host'],
  ['reads measurements of a pattern', 'SELECT v FROM d.r./m/ GROUP BY host'],
  ['may end with a group of few points', 'SELECT percentile(v, 20) FROM d.r.m GROUP BY host'],
  ['may end with a group without a forecast', 'SELECT holt_winters(mean(v), 2, 2) FROM d.r.m WHERE time > 0 AND time < 90 GROUP BY time(1s), host'],
])('apart questions: a statement that %s is answered by one', (_what, text) => {
  expect(question(text)).toBeUndefined();
}); // prettier-ignore

const last = 'time <= 9223372036854775806';
test.each([
  ['of an hour', 'time > 0 AND time < 9 GROUP BY time(1h, 5m)', true],
  ['up to now', 'time > 0 GROUP BY time(1h)', true],
  ['of a clock that changes', `time > 0 AND time < 9 GROUP BY time(1h) tz('Europe/Berlin')`, false],
  ['of such a clock, but of all time', `time > 0 GROUP BY host tz('Europe/Berlin')`, true],
  // As 1.12.4 does, what comes behind that one is not answered.
  ['with the last point of all', `${last} GROUP BY time(1h)`, false],
  ['of all time with that point', `${last} GROUP BY host`, true],
  ['from the first time on, that begin later', 'time < 9 GROUP BY time(1h, 5m)', false],
  ['from the first time on', 'time < 9 GROUP BY time(1h)', true],
])('apart questions: windows %s hold their points: %s %s', (_what, rest, holds) => {
  const statement = parseQuery(`SELECT distinct(v) FROM d.r.m WHERE ${rest}`)[0] as SelectStatement;
  expect(holdsItsPoints(compileStatement(statement, { nowNs: 0n }))).toBe(holds);
}); // prettier-ignore

test('apart questions: those of other bounds of time and other values of the same tags are one', () => {
  const [one, other, more] = [`host = 'a' AND time > 5`, `host = 'b'`, `host = 'a' OR host = 'b'`];
  const of = (condition: string) => question(`SELECT v FROM d.r.m WHERE ${condition}`);
  expect(of(one)).toBe(of(other));
  expect(of(more)).not.toBe(of(one));
});

test('apart memory: what lay together is asked again later each time, and at once when it has come apart', () => {
  const memory = new ApartMemory();
  const passed = (): number => {
    let count = 0;
    while (!memory.isWorth('q')) count++;
    return count;
  };
  expect(passed()).toBe(0);
  const counts = Array.from({ length: 14 }, () => {
    memory.wereNotApart('q');
    return passed();
  });
  expect(counts).toEqual([4, 8, 16, 32, 64, 128, 256, 512, 1_024, 2_048, 4_096, 4_096, 4_096, 4_096]); // prettier-ignore
  expect(memory.isWorth('another')).toBe(true);
  memory.wereApart('q');
  memory.wereNotApart('q');
  expect(passed()).toBe(4);
});
