import { expect, test } from 'vitest';
import { answerDifference } from './compare-answers.ts';

interface Options {
  readonly type?: string;
  readonly kind?: string;
  readonly sort?: boolean;
  readonly mask?: readonly string[];
}

function isEqual(ours: string, theirs: string, options: Options = {}): boolean {
  const { type = 'application/json', kind = 'raw', ...rules } = options;
  const step = { status: 200, type, answer: theirs, ...rules };
  return answerDifference({ status: 200, type, text: ours }, step, kind) === undefined;
}

function rows(...values: readonly (readonly unknown[])[]): string {
  return seriesOf(['time', 'v'], values);
}

function seriesOf(
  columns: readonly string[],
  values: readonly (readonly unknown[])[],
  more: object = {},
): string {
  const series = [{ name: 'm', columns, values, ...more }];
  return JSON.stringify({ results: [{ statement_id: 0, series }] });
}

test('answers: status and content type count', () => {
  const step = { status: 200, type: 'application/json', answer: '{}' };
  expect(answerDifference({ status: 200, type: 'application/json', text: '{ }' }, step, 'raw')).toBeUndefined(); // prettier-ignore
  expect(answerDifference({ status: 400, type: 'application/json', text: '{}' }, step, 'raw')).toBe('status 400 not 200'); // prettier-ignore
  expect(answerDifference({ status: 200, type: 'text/csv', text: '{}' }, step, 'raw')).toBe('content type text/csv not application/json'); // prettier-ignore
});

test('answers: keys in any order, nothing left out and nothing added', () => {
  expect(isEqual('{"a":1,"b":"x"}', '{"b":"x","a":1}')).toBe(true);
  expect(isEqual('{"a":1}', '{"a":1,"b":"x"}')).toBe(false);
  expect(isEqual('{"a":1,"b":"x"}', '{"a":1}')).toBe(false);
  expect(isEqual('{"a":null}', '{"a":false}')).toBe(false);
  expect(isEqual('{"error":"x"}', '{"error":"y"}')).toBe(false);
});

test('answers: integers are exact, floats relative', () => {
  expect(isEqual('[9007199254740993]', '[9007199254740992]')).toBe(false);
  expect(isEqual('[3]', '[4]')).toBe(false);
  expect(isEqual('[1.0000000000001]', '[1]')).toBe(true);
  expect(isEqual('[1.00000001]', '[1]')).toBe(false);
  expect(isEqual('[1.00000001]', '[1]', { kind: 'holt' })).toBe(true);
  expect(isEqual('[1e+21]', '[1000000000000000000000]')).toBe(true);
  expect(isEqual('[-1.5]', '[1.5]')).toBe(false);
});

test('answers: rows of equal time in any order, others not', () => {
  expect(isEqual(rows([1, 'a'], [1, 'b']), rows([1, 'b'], [1, 'a']))).toBe(true);
  expect(isEqual(rows([1, 'a'], [1, 'a']), rows([1, 'b'], [1, 'a']))).toBe(false);
  expect(isEqual(rows([1, 'a'], [2, 'b']), rows([2, 'b'], [1, 'a']))).toBe(false);
  expect(isEqual(rows([1, 0.1], [1, 0.2]), rows([1, 0.2000000000000001], [1, 0.1]))).toBe(true);
  expect(isEqual(rows([1, 'a']), rows([1, 'a'], [1, 'a']))).toBe(false);
  const named = (...values: unknown[][]): string => seriesOf(['key'], values);
  expect(isEqual(named(['a'], ['b']), named(['b'], ['a']))).toBe(false);
  expect(isEqual(named(['a'], ['b']), named(['b'], ['a']), { sort: true })).toBe(true);
});

test('answers: equal times may cross a chunk, its size may not change', () => {
  const chunks = (...parts: unknown[][][]): string =>
    parts.map((values, i) => `${seriesOf(['time', 'v'], values, i < parts.length - 1 ? { partial: true } : {})}\n`).join(''); // prettier-ignore
  const theirs = chunks([[1, 'a'], [2, 'b']], [[2, 'c']]); // prettier-ignore
  expect(isEqual(chunks([[1, 'a'], [2, 'c']], [[2, 'b']]), theirs)).toBe(true); // prettier-ignore
  expect(isEqual(chunks([[1, 'a']], [[2, 'b'], [2, 'c']]), theirs)).toBe(false); // prettier-ignore
});

test('answers: masked columns compare by first appearance', () => {
  const shards = (...values: unknown[][]): string => seriesOf(['id', 'start'], values);
  const mask = ['id'];
  expect(isEqual(shards([7, 'a'], [9, 'b']), shards([1, 'a'], [2, 'b']), { mask })).toBe(true);
  expect(isEqual(shards([7, 'a'], [7, 'b']), shards([1, 'a'], [2, 'b']), { mask })).toBe(false);
  const other = shards([2, 'b'], [1, 'a']);
  expect(isEqual(shards([7, 'a'], [9, 'b']), other, { mask })).toBe(false);
  expect(isEqual(shards([7, 'a'], [9, 'b']), other, { mask, sort: true })).toBe(true);
});

test('answers: the number of a shard in a text is its own affair', () => {
  const error = (text: string): string => JSON.stringify({ error: text });
  expect(isEqual(error('shard 3: fields'), error('shard 571: fields'))).toBe(true);
  expect(isEqual(error('shard 3: fields'), error('shard 571: field'))).toBe(false);
});

test('answers: CSV cell by cell', () => {
  const type = 'text/csv';
  const csv = (...lines: string[]): string => ['name,tags,time,v', ...lines, ''].join('\n');
  expect(isEqual(csv('m,,1,0.1'), csv('m,,1,0.10000000000000001'), { type })).toBe(true);
  expect(isEqual(csv('m,,1,0.1'), csv('m,,1,0.2'), { type })).toBe(false);
  expect(isEqual(csv('m,,1,1', 'm,,1,2'), csv('m,,1,2', 'm,,1,1'), { type })).toBe(true);
  expect(isEqual(csv('m,,1,1', 'm,,2,2'), csv('m,,2,2', 'm,,1,1'), { type })).toBe(false);
  expect(isEqual(csv('m,,1,"a ""b"""'), csv('m,,1,"a ""c"""'), { type })).toBe(false);
  expect(isEqual(csv('m,,1,1'), csv('m,,1,"1"'), { type })).toBe(false);
});
