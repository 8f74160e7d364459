import { mkdtempSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allRequests, prepareServer } from '../golden/requests/all-requests.ts';
import { expectedAnswer } from '../golden/requests/deviations.ts';
import { sendRequest } from '../golden/requests/http-request.ts';
import { recordedAnswers } from '../golden/requests/recorded-answers.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-one-node-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  await query('CREATE DATABASE d', { method: 'POST' });
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

async function query(q: string, init: RequestInit & { more?: string } = {}): Promise<string> {
  const response = await fetch(`${node.url}/query?db=d&q=${encodeURIComponent(q)}${init.more ?? ''}`, init); // prettier-ignore
  return response.text();
}

async function write(
  body: RequestInit['body'],
  more = '',
  headers: Record<string, string> = {},
): Promise<string> {
  // prettier-ignore
  const init = { method: 'POST', body: body ?? null, headers };
  const response = await fetch(`${node.url}/write?db=d${more}`, init);
  return `${response.status} ${await response.text()}`.trim();
}

test('data api: points of several weeks and series come back exact, through SELECT and SHOW', async () => {
  const lines = [
    'm,host=a i=9223372036854775807i,f=0.1,s="x y",b=t 1',
    'm,host=b f=2 700000000000000001',
    'm,host=a f=3 1400000000000000000',
    'n\\ o,t\\,k=v\\=w f=1 5',
  ];
  expect(await write(lines.join('\n'))).toBe('204');
  expect(await query('SELECT * FROM m', { more: '&epoch=ns' })).toBe(
    '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","b","f","host","i","s"],"values":[[1,true,0.1,"a",9223372036854775807,"x y"],[700000000000000001,null,2,"b",null,null],[1400000000000000000,null,3,"a",null,null]]}]}]}\n',
  );
  expect(await query('SELECT sum(f) FROM m GROUP BY host')).toContain('"values":[["1970-01-01T00:00:00Z",3.1]]'); // prettier-ignore
  const show = async (q: string) =>
    (
      JSON.parse(await query(q)) as { results: { series: { values: unknown[][] }[] }[] }
    ).results[0]?.series.map(({ values }) => values);
  expect(await show('SHOW MEASUREMENTS')).toEqual([[['m'], ['n o']]]);
  expect(await show('SHOW SERIES')).toEqual([[['m,host=a'], ['m,host=b'], ['n\\ o,t\\,k=v\\=w']]]);
  expect(await show('SHOW TAG KEYS')).toEqual([[['host']], [['t,k']]]);
  expect(await show('SHOW TAG VALUES WITH KEY = host')).toEqual([[['host', 'a'], ['host', 'b']]]); // prettier-ignore
  expect(await show("SHOW TAG VALUES WITH KEY = host WHERE host = 'b'")).toEqual([[['host', 'b']]]);
  expect(await show('SHOW FIELD KEYS FROM m')).toEqual([[['b', 'boolean'], ['f', 'float'], ['i', 'integer'], ['s', 'string']]]); // prettier-ignore
  expect(await show('SHOW SHARDS')).toHaveLength(1);
});

test('data api: a body is taken whatever its content type says, an empty one too', async () => {
  for (const type of ['', 'x', 'text/plain', 'application/json; charset=utf-8'])
    expect(await write('any f=1 1', '', { 'content-type': type })).toBe('204');
});

test('data api: each refusal of /write has the status and text of the reference', async () => {
  expect(await write('')).toBe('204');
  expect(await write('bad')).toBe('400 {"error":"unable to parse \'bad\': missing fields"}');
  expect(await write('p f=1 1\nbad')).toBe(
    '400 {"error":"partial write: unable to parse \'bad\': missing fields dropped=0 for database: d"}',
  );
  expect(await write('p f="text" 2')).toBe(
    '400 {"error":"partial write: field type conflict: input field \\"f\\" on measurement \\"p\\" is type string, already exists as type float dropped=1 for database: d for retention policy: autogen"}',
  );
  expect(await write('p f=1', '&precision=x')).toContain('invalid precision \\"x\\" (use n, u, ms');
  expect(await write('p f=1', '&consistency=x')).toContain(
    '400 {"error":"invalid consistency level"',
  );
  expect(await write('p f=1', '&rp=no')).toBe('500 {"error":"retention policy not found: no"}');
  expect(await write('p f=1\np', '&rp=no')).toContain('500 {"error":"retention policy not found');
  expect(await write('p f=1', '&rp=no&consistency=x')).toContain('400 {"error":"invalid cons');
  expect(await write('', '&rp=no')).toContain('500 {"error":"retention policy not found');
  expect(await write('p f=1 1.5', '&rp=no')).toBe("400 {\"error\":\"unable to parse 'p f=1 1.5': bad timestamp\"}"); // prettier-ignore
  const missing = await fetch(`${node.url}/write?db=no`, { method: 'POST', body: 'p f=1' });
  expect(`${missing.status} ${await missing.text()}`).toBe('404 {"error":"database not found: \\"no\\""}\n'); // prettier-ignore
  expect(missing.headers.get('x-influxdb-error')).toBe('database not found: "no"');
  const nowhere = await fetch(`${node.url}/write`, { method: 'POST', body: 'p f=1' });
  expect(await nowhere.text()).toBe('{"error":"database is required"}\n');
});

test('data api: points beyond the retention policy are dropped and named', async () => {
  await query('CREATE RETENTION POLICY short ON d DURATION 1h REPLICATION 1', { method: 'POST' });
  const answer = await write('old,h=a f=1 0\nold f=1', '&rp=short');
  expect(answer).toContain('partial write: dropped 1 points outside retention policy of duration 1h0m0s - oldest point old,h=a at 1970-01-01T00:00:00Z dropped because it violates a Retention Policy Lower Bound at '); // prettier-ignore
  expect(answer).toContain(' dropped=1 for database: d for retention policy: short"}');
  expect(await query('SELECT count(f) FROM short.old')).toContain(',1]]');
});

test('data api: gzip both ways, CSV, chunks, pretty, forms and bound parameters', async () => {
  const lines = Array.from({ length: 1_000 }, (_, i) => `z v=${i}i ${i}`).join('\n');
  expect(await write(gzipSync(lines), '', { 'content-encoding': 'gzip' })).toBe('204');
  expect(await query('SELECT count(v) FROM z')).toContain(',1000]]');
  const csv = { headers: { accept: 'application/csv' } };
  expect(await query('SELECT v FROM z LIMIT 1', csv)).toBe('name,tags,time,v\nz,,0,0\n');
  const chunks = (await query('SELECT v FROM z', { more: '&chunked=true&chunk_size=400&epoch=s' })).trim().split('\n'); // prettier-ignore
  expect(chunks.map((chunk) => /"partial":true/.test(chunk))).toEqual([true, true, false]);
  expect(await query('SELECT v FROM z LIMIT 1', { more: '&pretty=true' })).toContain(
    '\n    "results"',
  );
  const form = new URLSearchParams({ db: 'd', q: 'SELECT v FROM z WHERE v > $least', params: '{"least":998}' }); // prettier-ignore
  const posted = await fetch(`${node.url}/query`, { method: 'POST', body: form });
  expect(await posted.text()).toContain('"values":[["1970-01-01T00:00:00.000000999Z",999]]');
  const file = new FormData();
  file.append('q', new Blob(['SELECT count(v) FROM z']), 'query.txt');
  const uploaded = await fetch(`${node.url}/query?db=d`, { method: 'POST', body: file });
  expect(await uploaded.text()).toContain(',1000]]');
  const again = await fetch(`${node.url}/query?db=d&q=SHOW+USERS`, { method: 'POST', body: file });
  expect(await again.text()).toContain('"user"');
});

test('data api: errors of queries, and what comes after them', async () => {
  expect(await query('BAD')).toContain('{"error":"error parsing query: found BAD, expected SELECT');
  expect(await query('')).toBe('{"error":"missing required parameter \\"q\\""}\n');
  expect(await query('SELECT f FROM nosuch.rp.m; SHOW DATABASES')).toBe(
    '{"results":[{"statement_id":0,"error":"database not found: nosuch"},{"statement_id":1,"error":"not executed"}]}\n',
  );
  expect(await query('SHOW USERS')).toContain('"columns":["user","admin"]');
  expect(await query('CREATE DATABASE e')).toContain("deprecated use of 'CREATE DATABASE e' in a read only context"); // prettier-ignore
  expect(await query('DROP SERIES FROM gone')).toContain(
    "deprecated use of 'DROP SERIES FROM gone'",
  );
  expect(await query('EXPLAIN SELECT v INTO x FROM m')).not.toContain('deprecated');
  expect(await query('DELETE FROM gone')).toBe('{"results":[{"statement_id":0}]}\n');
  const made = await query('CREATE CONTINUOUS QUERY c ON e BEGIN SELECT v INTO x FROM m END');
  expect(made).toContain('BEGIN SELECT v INTO d.autogen.x FROM d.autogen.m END');
  expect(await query('KILL QUERY 999', { method: 'POST' })).toContain('no such query id: 999');
  expect(await query('SHOW QUERIES')).toContain('"SHOW QUERIES","d"');
});

test('data api: ping, health, unknown paths and wrong methods', async () => {
  const ping = await fetch(`${node.url}/ping`);
  expect([ping.status, ping.headers.get('x-influxdb-version'), ping.headers.get('x-influxdb-build')]).toEqual([204, '1.12.4-c1.12.4', 'ENT']); // prettier-ignore
  expect(await (await fetch(`${node.url}/health`)).text()).toContain('"status":"pass"');
  const lost = await fetch(`${node.url}/lost`);
  expect([lost.status, await lost.text()]).toEqual([404, '404 page not found\n']);
  const wrong = await fetch(`${node.url}/write`);
  expect([wrong.status, await wrong.text()]).toEqual([405, 'Method Not Allowed\n']);
  expect([lost, wrong].map(({ headers }) => headers.get('X-Content-Type-Options'))).toEqual(['nosniff', 'nosniff']); // prettier-ignore
});

test('data api: hundreds of requests have the status, headers and body of the recorded server', async () => {
  const place = mkdtempSync(join(tmpdir(), 'varve-recorded-'));
  const other = await startOneNode(place, { workerCount: 2 });
  try {
    await prepareServer(other.url);
    const recorded = recordedAnswers();
    expect(recorded.length).toBe(allRequests.length);
    for (const [i, request] of allRequests.entries()) {
      const { method, path, headers, body = '' } = request;
      const what = `#${i} ${method} ${path} ${JSON.stringify(headers ?? {})} ${body.slice(0, 200)}`;
      const want = expectedAnswer(request, recorded[i] ?? { status: 0, headers: {}, body: '' });
      expect(await sendRequest(other.url, request), what).toEqual(want);
    }
  } finally {
    await other.close();
    rmSync(place, { recursive: true });
  }
});

test('data api: a body over the limit is told after what is wrong with the place, and only of writes', async () => {
  const body = '#'.repeat(25_000_001);
  expect(await write(body)).toBe('413 {"error":"Request Entity Too Large"}');
  const missing = await fetch(`${node.url}/write?db=no`, { method: 'POST', body });
  expect(missing.status).toBe(404);
  const file = new FormData();
  file.append('q', new Blob([`SHOW DATABASES -- ${body}`]), 'query.txt');
  const asked = await fetch(`${node.url}/query`, { method: 'POST', body: file });
  expect(await asked.text()).toContain('"name":"databases"');
});

test('data api: headers of the reference are spelled as it spells them', async () => {
  const names = await new Promise<readonly string[]>((resolve, reject) => {
    get(`${node.url}/query?q=`, (response) => {
      response.resume();
      resolve(response.rawHeaders);
    }).on('error', reject);
  });
  for (const name of ['X-Influxdb-Version', 'X-Influxdb-Build', 'X-Request-Id', 'Request-Id'])
    expect(names).toContain(name);
});

/** Statements over two series, and what a 1.12.4 says of them: a part of the answer. */
const constantConditions: readonly (readonly [string, string])[] = [
  ['SHOW TAG VALUES FROM shown WITH KEY = h WHERE 1 = 1', '[["h","a"],["h","b"]]'],
  ["SHOW TAG VALUES FROM shown WITH KEY = h WHERE now() > '2000-01-01' AND h = 'b'", '[["h","b"]]'],
  ['SHOW TAG VALUES FROM shown WITH KEY = h WHERE 1 = 2', '{"statement_id":0}'],
  ["SHOW TAG KEYS FROM shown WHERE 'a' = 'a'", '[["h"]]'],
  ['SHOW TAG KEYS FROM shown WHERE h = now()', 'Expression too complex for metaquery: h = now()'],
  ['SHOW SERIES FROM shown WHERE 1 + 1 = 2', '[["shown,h=a"],["shown,h=b"]]'],
  ["SHOW SERIES FROM shown WHERE h::field = 'a'", '[["shown,h=a"]]'],
  ["SHOW SERIES EXACT CARDINALITY FROM shown WHERE '2000-01-01' < '2000-01-02'", '[[2]]'],
  ['SHOW SERIES EXACT CARDINALITY FROM shown WHERE time != 3', "SHOW SERIES EXACT CARDINALITY doesn't support time in WHERE clause"],
  ["SHOW TAG VALUES EXACT CARDINALITY FROM shown WITH KEY = h WHERE h::tag = 'a'", '[[1]]'],
  ["SHOW TAG VALUES EXACT CARDINALITY FROM shown WITH KEY = h WHERE _name != 'x'", '{"statement_id":0}'],
  ["SELECT count(v) FROM /^shown/ WHERE _name =~ /n$/ AND '2000-01-01' < now()", '[[0,2]]'],
]; // prettier-ignore

test('data api: constants of conditions are worked out before indexes or points are asked', async () => {
  expect(await write('shown,h=a v=1 1\nshown,h=b v=1 2')).toBe('204');
  for (const [text, part] of constantConditions)
    expect([text, await query(text, { more: '&epoch=ns' })]).toEqual([text, expect.stringContaining(part)]); // prettier-ignore
});
