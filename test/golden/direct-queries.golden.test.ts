/** Queries past Node's HTTP answer what those that go through it do, which is held to the reference by the other files here. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import { Wire } from '../support/wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-direct-queries-'));
let node: OneNode;
/** More than is held back, so that it leaves in parts. */
const rowCount = 150_000;
const weekSeconds = 604_800;
const waitMsMax = 10_000;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  await fetch(`${node.url}/query?q=CREATE+DATABASE+d`, { method: 'POST' });
  const lines = Array.from({ length: rowCount }, (_, i) => `m,t=a v=${i},s="some text" ${i}`);
  lines.push(`m v=1 ${weekSeconds * 2}`);
  const body = lines.join('\n');
  const response = await fetch(`${node.url}/write?db=d&precision=s`, { method: 'POST', body });
  expect(response.status).toBe(204);
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

/** Node's server answers what has this header. */
const notPlain = 'TE: trailers\r\n';

function get(q: string, parameters = '&db=d', headers = ''): string {
  return `GET /query?q=${encodeURIComponent(q)}${parameters} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`;
}

/** What a connection of its own answers to a request, twice. */
async function answersTo(request: string): Promise<string> {
  const wire = await Wire.open(node.url);
  wire.send(request);
  const first = await wire.answer();
  wire.send(request);
  expect(await wire.answer()).toBe(first);
  wire.close();
  return first;
}

function post(form: Record<string, string>, headers = ''): string {
  const body = new URLSearchParams(form).toString();
  const type = 'Content-Type: application/x-www-form-urlencoded\r\n';
  return `POST /query HTTP/1.1\r\nHost: a\r\n${type}${headers}Content-Length: ${body.length}\r\n\r\n${body}`;
}

const early = 'time < 1h';
const zipped = 'Accept-Encoding: gzip\r\nUser-Agent: Go-http-client/1.1\r\n';
const requests: [q: string, parameters?: string, headers?: string][] = [
  [`SELECT mean(v) FROM m WHERE ${early} GROUP BY time(10m)`],
  [`SELECT * FROM m WHERE ${early}`, '&db=d&epoch=ms'],
  [`SELECT * FROM m WHERE ${early}`, '&db=d', 'Accept: application/csv\r\n'],
  [`SELECT * FROM m WHERE ${early}`, '&db=d', 'Accept: application/x-msgpack\r\n'],
  [`SELECT * FROM m WHERE ${early}`, '&db=d&pretty=true'],
  [`SELECT * FROM m WHERE ${early}`, '&db=d&chunked=true&chunk_size=1000'],
  [`SELECT * FROM m WHERE ${early}`, '&db=d', zipped],
  [`SELECT mean(v) FROM m WHERE ${early} GROUP BY time(10m)`, '&db=d', zipped],
  [`SELECT * FROM m WHERE ${early}`, '&db=d&chunked=true&chunk_size=1000', zipped],
  ['SELECT * FROM m', '&db=d&epoch=ns', zipped],
  ['SELECT * FROM m', '&db=d&epoch=ns', 'Accept-Encoding: deflate\r\n'],
  ['SELECT mean(s) FROM m', '&db=d', zipped],
  ['SELECT v FROM m WHERE time < 3s', '&db=d&time_format=epoch'],
  ['SELECT v FROM m WHERE time < $t', '&db=d&params=%7B%22t%22%3A3000000000%7D'],
  ['SELECT v FROM m LIMIT 1', '&db=d&async=true'],
  ['SELECT v FROM m LIMIT 3', '&db=d&node_id=1'],
  ['SELECT v FROM m WHERE time < 1w', '&db=d&epoch=ns'],
  ['SELECT * FROM m', '&db=d&epoch=ns'],
  ['SELECT count(v) FROM m; SHOW TAG KEYS; SELECT nothing FROM m'],
  ['SHOW TAG VALUES WITH KEY = t'],
  ['SHOW DATABASES', ''],
  ['SELECT mean(s) FROM m'],
  ['SELECT v FROM m', ''],
  ['SELECT v FROM m', '&db=nobody'],
  ['SELEC v FROM m'],
  ['SELECT v INTO n FROM m LIMIT 1'],
  ['CREATE DATABASE d'],
  [''],
  ['SELECT v FROM m LIMIT 1', '&db=d&time_format=x'],
  ['SELECT v FROM m LIMIT 1', '&db=d&params=%7B'],
];

test.each(requests)(
  'direct queries: %s %s %s, answered as through Node',
  async (q, parameters = '&db=d', headers = '') => {
    const direct = await answersTo(get(q, parameters, headers));
    expect(direct).toMatch(/^HTTP\/1\.1 \d{3} /);
    const through = await answersTo(get(q, parameters, headers + notPlain));
    expect(direct === through, `${direct.slice(0, 600)}\n${through.slice(0, 600)}`).toBe(true);
  },
);

const forms: [form: Record<string, string>, headers?: string][] = [
  [{ q: 'SELECT v FROM m LIMIT 3', db: 'd', epoch: 'ms' }],
  [{ q: 'SELECT v FROM m LIMIT 3', db: 'd', pretty: 'true' }, zipped],
  [{ q: 'SELECT v FROM m LIMIT 3; SHOW DATABASES', db: 'd' }, zipped],
  [{ q: `SELECT v FROM m -- ${'x'.repeat(10_000)}`, db: 'd', chunked: 'true' }],
  [{ q: `SELECT v FROM m LIMIT 1 -- ${'x'.repeat(20_000)}`, db: 'd' }],
  [{ q: 'CREATE DATABASE d' }],
  [{ q: 'DROP MEASUREMENT nothing', db: 'd' }],
  [{ db: 'd' }],
  [{}],
];

test.each(forms)('direct queries: a form %j %s, answered as through Node', async (form, headers = '') => {
  const direct = await answersTo(post(form, headers));
  expect(direct).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(await answersTo(post(form, headers + notPlain))).toBe(direct);
}); // prettier-ignore

test('direct queries: an address of a POST, without a body', async () => {
  const request = get('SELECT v FROM m LIMIT 3').replace('GET', 'POST');
  const through = request.replace('Host: a\r\n', `Host: a\r\n${notPlain}`);
  expect(await answersTo(request)).toBe(await answersTo(through));
});

test('direct queries: a form that comes in pieces, one behind the other, is whole', async () => {
  const wire = await Wire.open(node.url);
  const request = post({ q: 'SELECT v FROM m LIMIT 3', db: 'd' });
  const whole = await answersTo(request);
  const cut = request.indexOf('\r\n\r\n') + 4;
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < request.length; at += at === 0 ? cut : 7) {
      wire.send(request.slice(at, at === 0 ? cut : at + 7));
      await new Promise((turn) => setImmediate(turn));
    }
    expect(await wire.answer()).toBe(whole);
  }
  wire.send(request + request.slice(0, -1));
  expect(await wire.answer()).toBe(whole);
  wire.send(request.slice(-1) + get('SHOW DATABASES', ''));
  expect(await wire.answer()).toBe(whole);
  expect(await wire.answer()).toContain('"name":"databases"');
  wire.close();
});

test.each(['', zipped])('direct queries: who asks for no more is answered, and left', async (headers) => {
  const answers: string[] = [];
  for (const more of ['', notPlain]) {
    const wire = await Wire.open(node.url);
    wire.send(get('SELECT v FROM m LIMIT 3', '&db=d', `Connection: close\r\n${headers}${more}`));
    answers.push(await wire.answer());
    await wire.closed();
  }
  expect(answers[0]).toMatch(/\r\nConnection: close\r\n/);
  expect(answers[1]).toBe(answers[0]);
}); // prettier-ignore

test('direct queries: writes and queries of one connection, in order', async () => {
  const wire = await Wire.open(node.url);
  const body = 'mixed v=1 1';
  const write = `POST /write?db=d HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (let round = 0; round < 2; round++) {
    wire.send(write + get('SELECT v FROM mixed', '&db=d&epoch=ns') + write);
    expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
    expect(await wire.answer()).toContain('"values":[[1,1]]');
    expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  }
  wire.close();
});

const counts = async (): Promise<Record<string, number>> => {
  const vars = (await (await fetch(`${node.url}/debug/vars`)).json()) as Record<
    string,
    { readonly name?: string; readonly values: Record<string, number> }
  >;
  return Object.values(vars).find(({ name }) => name === 'httpd')?.values ?? {};
};

test('direct queries: their ids and their counts', async () => {
  const before = await counts();
  const wire = await Wire.open(node.url);
  const request = get('SELECT v FROM m LIMIT 1', '&db=d', 'X-Request-Id: mine\r\n');
  wire.send(request + request);
  const [one, two] = [await wire.answer(), await wire.answer()];
  expect(two).toBe(one);
  const after = await counts();
  expect((after['queryReq'] ?? 0) - (before['queryReq'] ?? 0)).toBe(2);
  expect((after['queryRespBytes'] ?? 0) - (before['queryRespBytes'] ?? 0)).toBeGreaterThan(500);
  // That of /debug/vars itself.
  expect(after['reqActive']).toBe(1);
  // Nothing of a connection that says something else is lost.
  wire.send('GET /ping HTTP/1.1\r\nHost: a\r\n\r\n');
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  wire.close();
});

test('direct queries: a head that comes in pieces, and one behind it, are answered', async () => {
  const wire = await Wire.open(node.url);
  const request = get('SELECT v FROM m LIMIT 1');
  wire.send(request.slice(0, 40));
  wire.send(request.slice(40) + get('SHOW DATABASES', ''));
  expect(await wire.answer()).toContain('"name":"m"');
  expect(await wire.answer()).toContain('"name":"databases"');
  wire.close();
});

test('direct queries: one whose client has gone ends, and holds nothing', async () => {
  const wire = await Wire.open(node.url);
  wire.pause();
  wire.send(get('SELECT * FROM m, m, m, m', '&db=d&epoch=ns'));
  const running = async (): Promise<boolean> => {
    const text = await (await fetch(`${node.url}/query?q=SHOW+QUERIES`)).text();
    return text.includes('FROM m, m');
  };
  await eventually(async () => {
    expect(await running()).toBe(true);
  }, waitMsMax);
  wire.close();
  await eventually(async () => {
    expect(await running()).toBe(false);
  }, waitMsMax);
  expect((await counts())['reqActive']).toBe(1);
});
