import { expect, test } from 'vitest';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { taskOf, type AnswerTask } from '../engine/answers/answer-task.ts';
import { AskedAnswers, askedOf } from './asked-answer.ts';
import { answerMethod } from './shard-methods.ts';

function task(text: string, more: Partial<AnswerTask> = {}): AnswerTask {
  const statement = parseQuery(text)[0] as SelectStatement;
  const places = [{ database: 'd', retentionPolicy: 'r', isParted: true, shardIds: [3, 7], names: ['m'] }]; // prettier-ignore
  const limits = { bucketsMax: 5, seriesMax: 7, pointsMax: 9, epochUnitNs: 1_000n };
  return { statement, range: { minNs: -5n, maxNs: undefined }, places, ...limits, ...more };
}

const texts = [
  'SELECT max(usage_user) FROM d.r.m WHERE host = \'h\' AND time >= 1700000000000000000 GROUP BY time(1m)',
  `SELECT mean(v) + 9223372036854775807 FROM d.r.m WHERE h =~ /a|b\\/c/ AND time > now() - 1h GROUP BY time(10m, -3s), * fill(2.5) tz('Europe/Berlin')`,
  `SELECT top("a \\"b", 3), v::float FROM (SELECT * FROM d.r.m WHERE s = 'it\\'s' LIMIT 4 OFFSET 2) ORDER BY time DESC SLIMIT 2`,
  'SELECT v FROM d.r./m|k/ WHERE b = true AND (x > -1.5 OR x < 2)',
]; // prettier-ignore

test.each(texts)(
  'asked answer: what crosses to another node is the task again there: %s',
  (text) => {
    const asked = askedOf(task(text));
    expect(asked).toBeDefined();
    if (asked === undefined) return;
    const { request } = answerMethod;
    const sent = request.decode(request.encode({ ...asked, nowNs: 11n }));
    const made = new AskedAnswers().requestOf(sent);
    expect(taskOf(made.text)).toEqual(task(text));
    expect(made.nowNs).toBe(11n);
  },
);

test('asked answer: bounds and names that are absent stay so', () => {
  const places = [{ database: 'd', retentionPolicy: 'r', isParted: false, shardIds: [1] }];
  const bare = task('SELECT v FROM d.r.m', { places, epochUnitNs: undefined, range: { minNs: undefined, maxNs: undefined } }); // prettier-ignore
  const asked = askedOf(bare);
  const { request } = answerMethod;
  const sent = request.decode(request.encode({ ...asked, nowNs: 0n } as never));
  expect(taskOf(new AskedAnswers().requestOf(sent).text)).toEqual(bare);
});

test('asked answer: a text that would be another statement there is not sent', () => {
  const { statement, ...rest } = task('SELECT v FROM d.r.m');
  const odd = { ...statement, limit: Number.NaN } as SelectStatement;
  expect(askedOf({ ...rest, statement: odd })).toBeUndefined();
  const into = task('SELECT v INTO d.r.k FROM d.r.m');
  expect(askedOf(into)).toBeUndefined();
  const twoPlaces = task('SELECT v FROM d.r.m', { places: [...rest.places, ...rest.places] });
  expect(askedOf(twoPlaces)).toBeUndefined();
});

test('asked answer: a statement that another node would refuse for its length is not sent', () => {
  const lengthOf = (length: number) => askedOf(task(`SELECT v FROM d.r.m WHERE host = '${'h'.repeat(length)}'`)); // prettier-ignore
  const around = (lengthOf(0)?.statement ?? '').length;
  const { request } = answerMethod;
  const longest = lengthOf(65_536 - around);
  if (longest === undefined) throw new Error('it is sent');
  expect(request.decode(request.encode({ ...longest, nowNs: 0n })).statement).toBe(longest.statement); // prettier-ignore
  expect(lengthOf(65_537 - around)).toBeUndefined();
});

test.each(['DROP DATABASE d', 'SELECT v INTO k FROM m', 'SELECT v FROM m; SELECT v FROM m', 'SELECT (', ''])(
  'asked answer: no worker is asked for %j',
  (statement) => {
    const asked = { statement, database: 'd', retentionPolicy: 'r', shardIds: [1], isParted: false };
    const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0, nowNs: 0n };
    expect(() => new AskedAnswers().requestOf({ ...asked, ...limits })).toThrow('no worker answers');
  },
); // prettier-ignore

test('asked answer: one that is asked again is kept by the worker, and they are bounded', () => {
  const answers = new AskedAnswers();
  const ask = (i: number) => {
    const asked = askedOf(task(`SELECT v FROM d.r.m WHERE v > ${i}`));
    if (asked === undefined) throw new Error('it can be asked');
    return answers.requestOf({ ...asked, nowNs: BigInt(i) });
  };
  expect(ask(0).isKept).toBe(false);
  expect(ask(0).isKept).toBe(true);
  for (let i = 1; i <= 2_048; i++) ask(i);
  expect(ask(2_048).isKept).toBe(true);
  expect(ask(0).isKept).toBe(false);
});

test('asked answer: a share is asked with the times of its own statement, and its template is kept', () => {
  const asked = askedOf(task('SELECT v FROM d.r.m WHERE time > 5'));
  if (asked === undefined) throw new Error('it can be asked');
  const answers = new AskedAnswers();
  const ask = (minNs: bigint) => {
    const ownTimes = { minNs, maxNs: undefined };
    const { request } = answerMethod;
    const all = { ...asked, minTimeNs: minNs, nowNs: 0n, isShare: true, ownTimes };
    return answers.requestOf(request.decode(request.encode(all)));
  };
  const first = ask(6n);
  expect(first).toMatchObject({ isShare: true, isKept: false, times: { own: { minNs: 6n, maxNs: undefined }, shards: { minNs: 6n } } }); // prettier-ignore
  expect(ask(7n)).toMatchObject({ text: first.text, isKept: true, times: { own: { minNs: 7n } } });
});

test('asked answer: what a share says beside its bytes comes as it was said', () => {
  const { reply } = answerMethod;
  const share = { head: Uint8Array.of(1, 2, 3), spans: Uint32Array.of(0, 7, 4_000_000_000) };
  const part = { bytes: Uint8Array.of(9), closing: ']', isLast: false, share };
  expect(reply.decode(reply.encode(part))).toEqual(part);
  const { share: _share, ...plain } = part;
  expect(reply.decode(reply.encode(plain))).toEqual(plain);
});
