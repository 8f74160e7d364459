import { expect, test } from 'vitest';
import { parseQuery } from '../../../influxql/parser.ts';
import type { SelectStatement } from '../../../influxql/ast.ts';
import { taskOf, taskText, type AnswerTask } from './answer-task.ts';

function task(text: string): AnswerTask {
  const [statement] = parseQuery(text);
  const range = { minNs: -5n, maxNs: undefined };
  const places = [{ database: 'd', retentionPolicy: 'r', isParted: false, shardIds: [3], names: ['m'] }]; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 7, pointsMax: 9 };
  return { statement: statement as SelectStatement, range, places, ...limits, epochUnitNs: 1_000n };
}

test('answer task: a text gives the task again', () => {
  const asked = task(`SELECT mean(v) + 9223372036854775807 FROM d.r.m WHERE h =~ /a|b/ AND time > 1700000000000000000 GROUP BY time(10m, -3s), * fill(2.5) tz('Europe/Berlin')`); // prettier-ignore
  const text = taskText(asked);
  expect(text === undefined ? undefined : taskOf(text)).toEqual(asked);
});

test('answer task: what JSON has no word for, and what is too long, is left to others', () => {
  const { statement, ...rest } = task('SELECT v FROM d.r.m');
  const minusZero = { ...statement, limit: -0 };
  expect(taskText({ statement: minusZero, ...rest })).toBeUndefined();
  const shardIds = Array.from({ length: 200_000 }, (_, i) => i);
  const places = rest.places.map((place) => ({ ...place, shardIds }));
  expect(taskText({ ...rest, statement, places })).toBeUndefined();
});

test('answer task: a statement of ten thousand measurements has a text', () => {
  const { places, ...rest } = task('SELECT mean(v) FROM d.r././');
  const names = Array.from({ length: 10_000 }, (_, i) => `node_network_receive_bytes_total_${i}`);
  const asked = { ...rest, places: places.map((place) => ({ ...place, names })) };
  const text = taskText(asked);
  expect(text === undefined ? undefined : taskOf(text)).toEqual(asked);
});
