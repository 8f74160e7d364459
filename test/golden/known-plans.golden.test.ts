import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-known-plans-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

async function run(q: string): Promise<void> {
  await runIn('', q);
}

async function runIn(db: string, q: string): Promise<void> {
  const body = new URLSearchParams({ db, q });
  const response = await fetch(`${node.url}/query`, { method: 'POST', body });
  expect(await response.text()).not.toContain('error');
}

async function write(lines: string): Promise<void> {
  const response = await fetch(`${node.url}/write?db=d`, { method: 'POST', body: lines });
  expect(response.status).toBe(204);
}

interface Answer {
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

const nothing: Answer = { columns: [], values: [] };

/** What the text answers, asked twice: the second answer is made with what is known of it. */
async function ask(q: string, parameters = ''): Promise<Answer> {
  const first = await textOf(q, parameters);
  expect(await textOf(q, parameters)).toBe(first);
  return answerOf(first);
}

async function textOf(q: string, parameters = ''): Promise<string> {
  const url = `${node.url}/query?db=d&epoch=s${parameters}&q=${encodeURIComponent(q)}`;
  return (await fetch(url)).text();
}

function answerOf(text: string): Answer {
  const { results } = JSON.parse(text) as { results: { error?: string; series?: Answer[] }[] };
  const [result] = results;
  expect(result?.error).toBeUndefined();
  const { columns, values } = result?.series?.[0] ?? nothing;
  return { columns, values };
}

const weekSeconds = 604_800;

test('known plans: a text asked again sees new fields, tags, types, shards, policies and databases', async () => {
  await run('CREATE DATABASE d');
  const all = 'SELECT * FROM m WHERE time >= 0 AND time < 100w';
  const means = 'SELECT mean(v) FROM m WHERE time >= 0 AND time < 2s GROUP BY time(1s)';
  expect(await ask(all)).toEqual(nothing);
  await write('m,host=a v=1 0');
  expect(await ask(all)).toEqual({ columns: ['time', 'host', 'v'], values: [[0, 'a', 1]] });
  expect((await ask(means)).values).toEqual([[0, 1], [1, null]]); // prettier-ignore
  await write('m,host=a w=2i 0');
  expect(await ask(all)).toEqual({ columns: ['time', 'host', 'v', 'w'], values: [[0, 'a', 1, 2]] });
  await write('m,zone=z v=3 1000');
  expect((await ask(all)).columns).toEqual(['time', 'host', 'v', 'w', 'zone']);
  expect((await ask(means)).values).toEqual([[0, 2], [1, null]]); // prettier-ignore
  await write(`m v=true ${weekSeconds * 3}000000000`);
  await write(`m v=7i ${weekSeconds * 5}000000000`);
  const late = [weekSeconds * 5, null, 7, null, null];
  expect((await ask(all)).values).toContainEqual(late);
  await run('CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1 DEFAULT');
  expect(await ask(all)).toEqual(nothing);
  expect((await ask(all, '&rp=autogen')).values).toContainEqual(late);
  await run('ALTER RETENTION POLICY autogen ON d DEFAULT');
  expect((await ask(all)).values).toContainEqual(late);
  await run('DROP DATABASE d');
  await run('CREATE DATABASE d');
  expect(await ask(all)).toEqual(nothing);
});

test('known plans: a text with now() is planned anew', async () => {
  const recent = 'SELECT count(v) FROM n WHERE time > now() - 1h AND time <= now()';
  // Its time is that of an hour ago, and another one a moment later.
  const countsOf = async (): Promise<readonly unknown[]> =>
    answerOf(await textOf(recent)).values.map(([, count]) => count);
  const counts: unknown[] = [await countsOf(), await countsOf()];
  for (let i = 0; i < 2; i++) {
    await write('n v=1');
    counts.push(await countsOf(), await countsOf());
  }
  expect(counts).toEqual([[], [], [1], [1], [2], [2]]);
});

test('listed lanes: SHOW asked again sees series that have come and gone, by whatever way', async () => {
  await write('s,host=a,zone=x v=1 0\ns,host=b v=1 0');
  const series = 'SHOW SERIES FROM s';
  const hosts = 'SHOW TAG VALUES FROM s WITH KEY = host';
  const keys = 'SHOW TAG KEYS FROM s';
  const textsOf = async (q: string) => (await ask(q)).values.map((row) => row[row.length - 1]);
  expect(await textsOf(series)).toEqual(['s,host=a,zone=x', 's,host=b']);
  expect(await textsOf(hosts)).toEqual(['a', 'b']);
  expect(await textsOf(keys)).toEqual(['host', 'zone']);
  // A new series of known tags: no schema grows.
  await write('s,host=c v=1 0');
  expect(await textsOf(series)).toEqual(['s,host=a,zone=x', 's,host=b', 's,host=c']);
  expect(await textsOf(hosts)).toEqual(['a', 'b', 'c']);
  // In another shard, of the other worker.
  await write(`s,host=d v=1 ${weekSeconds * 3}000000000`);
  expect(await textsOf(hosts)).toEqual(['a', 'b', 'c', 'd']);
  await write(`s,host=e v=1 ${weekSeconds * 3}000000000`);
  expect(await textsOf(hosts)).toEqual(['a', 'b', 'c', 'd', 'e']);
  await runIn('d', `DROP SERIES FROM s WHERE host = 'a'`);
  expect(await textsOf(series)).toEqual(['s,host=b', 's,host=c', 's,host=d', 's,host=e']);
  expect(await textsOf(hosts)).toEqual(['b', 'c', 'd', 'e']);
  await write('s,host=a,zone=x v=1 0');
  expect(await textsOf(hosts)).toEqual(['a', 'b', 'c', 'd', 'e']);
  await runIn('d', 'DROP MEASUREMENT s');
  expect(await textsOf(series)).toEqual([]);
});

test('known lists: a kept answer ends with each change of what it lists, and nothing else is told from one made anew', async () => {
  await run('CREATE DATABASE k');
  const lists = ['SHOW MEASUREMENTS', 'SHOW SERIES', 'SHOW FIELD KEYS', 'SHOW TAG KEYS', 'SHOW TAG VALUES WITH KEY = host']; // prettier-ignore
  const writeTo = async (lines: string): Promise<void> => {
    const response = await fetch(`${node.url}/write?db=k`, { method: 'POST', body: lines });
    expect(response.status).toBe(204);
  };
  const textOf = async (q: string, more = ''): Promise<string> =>
    (await fetch(`${node.url}/query?db=k${more}&q=${encodeURIComponent(q)}`)).text();
  const changes = [
    () => writeTo('m,host=a v=1 0'),
    () => writeTo('m,host=b v=1 0'),
    () => writeTo('m,host=b w=1i 0'),
    () => writeTo('n,host=c,zone=z v=1 0'),
    () => writeTo(`n,host=d v=1 ${weekSeconds * 3}000000000`),
    () => runIn('k', `DROP SERIES WHERE host = 'a'`),
    () => runIn('k', `DELETE FROM m`),
    () => runIn('k', 'CREATE RETENTION POLICY p ON k DURATION INF REPLICATION 1 DEFAULT'),
    () => runIn('k', 'DROP MEASUREMENT n'),
  ];
  for (const change of changes) {
    await change();
    for (const q of lists) {
      // Indented, an answer is made anew.
      const made = JSON.parse(await textOf(q, '&pretty=true')) as unknown;
      for (let time = 0; time < 4; time++) expect(JSON.parse(await textOf(q))).toEqual(made);
    }
  }
});

const timedQuestions: readonly ((from: string, to: string) => string)[] = [
  (from, to) => `SELECT max("v") FROM "t" WHERE ("host" = 'a') AND time >= ${from} and time < ${to} GROUP BY time(1w) fill(null)`, // prettier-ignore
  (from, to) => `SELECT * FROM t WHERE time > ${from} AND time <= ${to}`,
  (from, to) => `SELECT moving_average(mean(v), 2) FROM t WHERE time >= ${from} AND time <= ${to} GROUP BY time(1w), host ORDER BY time DESC`, // prettier-ignore
  (from, to) => `SELECT count(v) FROM t WHERE host =~ /a|b/ AND (time > ${from}) AND time < ${to} tz('Europe/Berlin')`, // prettier-ignore
  (from) => `SELECT last(v) FROM t WHERE time >= ${from} GROUP BY host`,
  (from) => `SELECT mean(v) FROM t WHERE time >= ${from} GROUP BY time(52w)`,
];
const timedBounds = [
  ['0s', '604800s'], ['0s', '2419200s'], ['604800000000000', '604800000000001'], ['5s', '1s'], ['1814400s', '1814401s'], ['1814399s', '4000000000s'],
  [`'1970-01-08'`, `'1970-01-22T00:00:00Z'`], [`'1970-01-01T00:00:01Z'`, `'1970-02-22T00:00:00Z'`], [`'no time'`, '5s'], ['99999999999w', '5s'],
  ['5s', `'2400-01-01'`], ['1ms', '999999999999999999'], ['0w', '7d'], [`'1970-01-08 01:02:03.5'`, '9w'],
] as const; // prettier-ignore

test('time templates: a text of another time answers as one that was parsed for itself', async () => {
  await run('CREATE DATABASE tt');
  const url = (q: string, more = '') => `${node.url}/query?db=tt&epoch=ns${more}&q=${encodeURIComponent(q)}`; // prettier-ignore
  // Shards of two workers, in which a field has two types.
  const lines = [0, 1, 2, 3].flatMap((week) => ['a', 'b'].map((host, i) => `t,host=${host} v=${week}.5,x=${i}${week % 2 === 0 ? 'i' : '.25'} ${week * weekSeconds + i}`)); // prettier-ignore
  const written = await fetch(`${node.url}/write?db=tt&precision=s`, { method: 'POST', body: lines.join('\n') }); // prettier-ignore
  expect(written.status).toBe(204);
  for (const question of timedQuestions) {
    // Of one that is asked the other way round the same template, and of texts with literals of other kinds others.
    for (const [from, to] of [
      ...timedBounds,
      ...timedBounds.map(([one, other]) => [other, one] as const),
    ]) {
      const q = question(from, to);
      const timed = await (await fetch(url(q))).text();
      // Asked again it is parsed; indented it is answered the general way.
      expect(JSON.parse(timed)).toEqual(await (await fetch(url(q, '&pretty=true'))).json());
      expect(await (await fetch(url(q))).text()).toBe(timed);
    }
  }
});
