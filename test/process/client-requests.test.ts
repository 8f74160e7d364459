import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../src/base/assert.ts';
import { sendRaw } from '../golden/raw-requests.ts';
import { prepareServer } from '../golden/requests/all-requests.ts';
import { sendRequest } from '../golden/requests/http-request.ts';
import { programRequests } from '../golden/requests/program-requests.ts';
import { recordedAnswers } from '../golden/requests/recorded-answers.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

/** What programs that people have send, to the letter, and what they look for in the answer. */
const folder = mkdtempSync(join(tmpdir(), 'varve-clients-'));
const python = '/usr/bin/python3';
const hasPython = spawnSync(python, ['-c', 'import influxdb, msgpack']).status === 0;
if (!hasPython)
  process.stdout.write('no Python client (Debian: python3-influxdb): its test is skipped\n');
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

const port = (): number => Number(new URL(node.url).port);

function request(head: readonly string[], body: Buffer | string = ''): string {
  const bytes = Buffer.from(body);
  const length = bytes.length === 0 ? [] : [`Content-Length: ${bytes.length}`];
  const lines = [head[0] ?? '', `Host: 127.0.0.1:${port()}`, ...head.slice(1), ...length];
  return `${[...lines, 'Connection: close'].join('\r\n')}\r\n\r\n${bytes.toString('latin1')}`;
}

async function ask(head: readonly string[], body: Buffer | string = '') {
  const { status, type, body: text } = await sendRaw(port(), request(head, body));
  return { status, type, text };
}

function plain(text: string): unknown {
  return JSON.parse(Buffer.from(text, 'latin1').toString());
}

function zipped(text: string): unknown {
  return JSON.parse(gunzipSync(Buffer.from(text, 'latin1')).toString());
}

const telegrafAgent = 'User-Agent: Telegraf/1.30.0 Go/1.22.1';
const form = 'Content-Type: application/x-www-form-urlencoded';
const lines = [
  'cpu,cpu=cpu0,host=web-1 usage_user=1.5,usage_idle=98.5 1600000000000000000',
  'cpu,cpu=cpu0,host=web-1 usage_user=2.5,usage_idle=97.5 1600000010000000000',
  'mem,host=web-1 used=123i,used_percent=12.5,ok=true,note="a b" 1600000000000000000',
].join('\n');

test('telegraf: makes its database and writes zipped batches', async () => {
  const made = await ask(['POST /query HTTP/1.1', telegrafAgent, form, 'Accept-Encoding: gzip'], 'q=CREATE+DATABASE+%22telegraf%22'); // prettier-ignore
  expect(made).toMatchObject({ status: '200 OK', type: 'application/json' });
  expect(zipped(made.text)).toEqual({ results: [{ statement_id: 0 }] });
  const head = ['POST /write?consistency=any&db=telegraf HTTP/1.1', telegrafAgent, 'Content-Encoding: gzip', 'Content-Type: text/plain; charset=utf-8']; // prettier-ignore
  expect(await ask(head, gzipSync(lines))).toEqual({ status: '204 No Content', type: 'application/json', text: '' }); // prettier-ignore
  // The same in chunks, as its compressor hands them out.
  const parts = gzipSync(lines.replaceAll('web-1', 'web-2'));
  const chunks = [parts.subarray(0, 20), parts.subarray(20)].map((part) => `${part.length.toString(16)}\r\n${part.toString('latin1')}\r\n`); // prettier-ignore
  const chunked = `${[...head, `Host: x`, 'Transfer-Encoding: chunked', 'Connection: close'].join('\r\n')}\r\n\r\n${chunks.join('')}0\r\n\r\n`; // prettier-ignore
  expect(await sendRaw(port(), chunked)).toMatchObject({ status: '204 No Content' });
  // It takes these texts for points that will never fit, and goes on.
  const conflict = await ask(head.filter((one) => !one.includes('gzip')), 'cpu,cpu=cpu0,host=web-1 usage_user="x" 1600000020000000000'); // prettier-ignore
  expect(conflict.status).toBe('400 Bad Request');
  expect(conflict.text).toContain('partial write: field type conflict');
  const missing = await ask(['POST /write?db=gone HTTP/1.1', telegrafAgent], 'm v=1');
  expect(missing).toMatchObject({ status: '404 Not Found' });
  expect(missing.text).toBe('{"error":"database not found: \\"gone\\""}\n');
});

const panel = 'SELECT mean("usage_user") FROM "cpu" WHERE time >= 1600000000000ms and time <= 1600000020000ms GROUP BY time(10s), "host" fill(null)'; // prettier-ignore

test.each(['GET', 'POST'])('grafana, by its server: %s of a panel', async (method) => {
  const agent = ['User-Agent: Grafana/10.4.2', 'Accept-Encoding: gzip'];
  const q = `q=${encodeURIComponent(panel)}`;
  const target = '/query?db=telegraf&epoch=ms';
  const answer =
    method === 'GET'
      ? await ask([`GET ${target}&${q} HTTP/1.1`, ...agent])
      : await ask([`POST ${target} HTTP/1.1`, ...agent, form], q);
  expect(answer).toMatchObject({ status: '200 OK', type: 'application/json' });
  const series = (host: string) => ({
    name: 'cpu',
    tags: { host },
    columns: ['time', 'mean'],
    values: [
      [1_600_000_000_000, 1.5],
      [1_600_000_010_000, 2.5],
      [1_600_000_020_000, null],
    ],
  });
  expect(zipped(answer.text)).toEqual({ results: [{ statement_id: 0, series: ['web-1', 'web-2'].map(series) }] }); // prettier-ignore
});

test('grafana, by the browser: preflight, origin and the lists of its editor', async () => {
  const origin = 'Origin: http://grafana.example:3000';
  const headers = [origin, 'Accept: application/json, text/plain, */*'];
  const { body: preflight, status } = await sendRaw(port(), request(['OPTIONS /query HTTP/1.1', origin, 'Access-Control-Request-Method: GET'])); // prettier-ignore
  expect({ preflight, status }).toEqual({ preflight: '', status: '200 OK' });
  const cors = await fetch(`${node.url}/query?q=SHOW+DATABASES`, { headers: { Origin: 'http://grafana.example:3000' } }); // prettier-ignore
  expect(cors.headers.get('access-control-allow-origin')).toBe('http://grafana.example:3000');
  await cors.text();
  const values = async (q: string): Promise<unknown> => {
    const target = `/query?u=viewer&p=secret&db=telegraf&q=${encodeURIComponent(q)}&epoch=ms`;
    const answer = plain((await ask([`GET ${target} HTTP/1.1`, ...headers])).text);
    return (answer as { results: [{ series?: [{ values: unknown }] }] }).results[0].series?.[0].values; // prettier-ignore
  };
  expect(await values('SHOW RETENTION POLICIES on "telegraf"')).toHaveLength(1);
  expect(await values('SHOW MEASUREMENTS LIMIT 100')).toEqual([['cpu'], ['mem']]);
  expect(await values('SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)CP/ LIMIT 100')).toEqual([['cpu']]); // prettier-ignore
  expect(await values('SHOW TAG KEYS FROM "cpu"')).toEqual([['cpu'], ['host']]);
  expect(await values('SHOW TAG VALUES FROM "cpu" WITH KEY = "host"')).toEqual([['host', 'web-1'], ['host', 'web-2']]); // prettier-ignore
  expect(await values('SHOW FIELD KEYS FROM "cpu"')).toEqual([['usage_idle', 'float'], ['usage_user', 'float']]); // prettier-ignore
});

test('chronograf: finds out what it talks to, and what is there', async () => {
  const agent = 'User-Agent: Chronograf/1.10.3';
  const ping = await fetch(`${node.url}/ping`);
  expect(ping.status).toBe(204);
  expect(ping.headers.get('x-influxdb-build')).toBe('ENT');
  expect(ping.headers.get('x-influxdb-version')).toMatch(/^1\.12\.4-c1\.12\.4$/);
  const target = (q: string) => `GET /query?db=telegraf&epoch=ms&q=${encodeURIComponent(q)}&rp=autogen HTTP/1.1`; // prettier-ignore
  const databases = plain((await ask([target('SHOW DATABASES'), agent])).text);
  expect(JSON.stringify(databases)).toContain('["telegraf"]');
  const explore = 'SELECT mean("used_percent") AS "mean_used_percent" FROM "telegraf"."autogen"."mem" WHERE time > 1599999999999ms AND "host"=\'web-1\' GROUP BY time(10m) FILL(null) LIMIT 1'; // prettier-ignore
  expect(JSON.stringify(plain((await ask([target(explore), agent])).text))).toContain('"mean_used_percent"]'); // prettier-ignore
});

test('kapacitor: starts against it', async () => {
  const agent = 'User-Agent: KapacitorInfluxDBClient';
  expect(await ask(['GET /ping HTTP/1.1', agent])).toMatchObject({ status: '204 No Content' });
  for (const q of ['SHOW DATABASES', 'SHOW SUBSCRIPTIONS']) {
    const { status, text } = await ask([`POST /query?db=&q=${encodeURIComponent(q)} HTTP/1.1`, agent, form]); // prettier-ignore
    expect({ q, status }).toEqual({ q, status: '200 OK' });
    expect(text).not.toContain('"error"');
  }
});

test('chronograf, grafana, kapacitor, vmctl and panels of people: answers as 1.12.4 has recorded them', async () => {
  await prepareServer(node.url);
  const recorded = recordedAnswers('programs.jsonl');
  expect(recorded).toHaveLength(programRequests.length);
  for (const [i, request] of programRequests.entries()) {
    const { status, headers, body } = await sendRequest(node.url, request);
    const seen = { path: request.path, status, type: headers['content-type'], body };
    const told = must(recorded[i], 'as many answers as requests');
    expect(seen).toEqual({ path: request.path, status: told.status, type: told.headers['content-type'], body: told.body }); // prettier-ignore
  }
});

const pythonScript = `
import json, sys
from influxdb import InfluxDBClient
c = InfluxDBClient(host='127.0.0.1', port=int(sys.argv[1]))
c.create_database('py'); c.switch_database('py')
assert {'name': 'py'} in c.get_list_database()
c.write_points([{'measurement': 'm', 'tags': {'t': 'a b'}, 'time': '2020-01-01T00:00:00.123456Z', 'fields': {'f': 1.5, 'i': 9007199254740993, 's': 'x "y"', 'b': True}}])
c.write_points(['m,t=c f=2 1577836801000000000'], protocol='line')
r = c.query('SELECT * FROM m')
rows = list(r.get_points(measurement='m'))
r2 = list(c.query('SELECT mean(f) FROM m GROUP BY t').items())
r3 = list(c.query('SELECT f FROM m', epoch='ms').get_points())
try: c.query('SELEC'); err = 'none'
except Exception as e: err = str(e)
print(json.dumps({'rows': rows, 'means': [[k[1], list(g)] for k, g in r2], 'ms': r3, 'error': err, 'version': c.ping()}))
`;

test.runIf(hasPython)('python influxdb: writes, and reads MessagePack', async () => {
  const child = spawn(python, ['-c', pythonScript, `${port()}`], { stdio: ['ignore', 'pipe', 'pipe'] }); // prettier-ignore
  let [out, errors] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.stderr.on('data', (part: Buffer) => (errors += part.toString()));
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect({ code, errors }).toEqual({ code: 0, errors: '' });
  expect(out).toContain('"i": 9007199254740993');
  expect(JSON.parse(out)).toMatchObject({
    rows: [
      { time: '2020-01-01T00:00:00.123456Z', b: true, f: 1.5, s: 'x "y"', t: 'a b' },
      { time: '2020-01-01T00:00:01Z', b: null, f: 2, i: null, s: null, t: 'c' },
    ],
    ms: [
      { time: 1_577_836_800_123, f: 1.5 },
      { time: 1_577_836_801_000, f: 2 },
    ],
    version: '1.12.4-c1.12.4',
    error: expect.stringContaining('error parsing query: found SELEC') as string,
  });
});

const bad = "unable to parse 'bad': missing fields";
const packed = Buffer.from([0x81, 0xa5, ...Buffer.from('error'), 0xd9, bad.length, ...Buffer.from(bad)]).toString('latin1'); // prettier-ignore
const forms = [
  ['application/x-msgpack', packed],
  ['application/csv', `error\n${bad}\n`],
  ['text/csv', `error\n${bad}\n`],
  ['application/json', `{"error":"${bad}"}\n`],
  ['*/*', `{"error":"${bad}"}\n`],
] as const;

test.each(forms)('writes that ask for %s are refused in it', async (accept, text) => {
  await ask(['POST /query HTTP/1.1', form], 'q=CREATE+DATABASE+forms');
  const type = accept === '*/*' ? 'application/json' : accept;
  for (const path of ['/write?db=forms', '/api/v2/write?bucket=forms']) {
    const head = [`POST ${path} HTTP/1.1`, `Accept: ${accept}`];
    expect(await ask(head, 'bad')).toEqual({ status: '400 Bad Request', type, text });
    expect(await ask(head, 'm v=1')).toEqual({ status: '204 No Content', type, text: '' });
    // What comes in chunks takes another way through the node.
    const inChunks = `${[...head, 'Host: x', 'Transfer-Encoding: chunked', 'Connection: close'].join('\r\n')}\r\n\r\n3\r\nbad\r\n0\r\n\r\n`; // prettier-ignore
    expect(await sendRaw(port(), inChunks)).toMatchObject({ type, body: text });
  }
});

test.each([
  ['POST /api/v2/query', 'Flux query service disabled. Verify flux-enabled=true in the [http] section of the InfluxDB config.'], // prettier-ignore
  ['POST /api/v2/delete?bucket=gone', 'delete - database not found: "gone"'],
  ['GET /api/v2/buckets?name=gone', 'bucket not found: "gone"'],
  ['POST /api/v1/prom/read?db=forms', 'snappy: corrupt input'],
  ['POST /write', 'database is required'],
])('%s tells its error as CSV, and indented', async (what, error) => {
  const csv = await ask([`${what} HTTP/1.1`, 'Accept: application/csv'], 'x');
  const quoted = error.includes('"') ? `"${error.replaceAll('"', '""')}"` : error;
  expect(csv).toMatchObject({ type: 'application/csv', text: `error\n${quoted}\n` });
  const [, path = ''] = what.split(' ');
  const pretty = `${what}${path.includes('?') ? '&' : '?'}pretty=true`;
  const indented = await ask([`${pretty} HTTP/1.1`], 'x');
  expect(indented.text).toBe(`${JSON.stringify({ error }, undefined, 4)}\n`);
});

test('health checks: /ping and /health are one JSON document without a newline', async () => {
  expect((await ask(['GET /ping?verbose=true HTTP/1.1'])).text).toMatch(/^\{"version":"[^"]*"\}$/);
  expect((await ask(['GET /health HTTP/1.1'])).text).toMatch(/^\{"checks":.*\}$/);
});
