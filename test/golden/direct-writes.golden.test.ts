/** Writes past Node's HTTP answer what those that go through it do, which is held to the reference by the other files here. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import { Wire } from '../support/wire.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-direct-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await fetch(`${node.url}/query?q=CREATE+DATABASE+d`, { method: 'POST' });
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

const settleMsMax = 10_000;
const notPlain = 'TE: trailers\r\n';

function post(url: string, body: string, headers = ''): string {
  const length = Buffer.byteLength(body);
  return `POST ${url} HTTP/1.1\r\nHost: a\r\n${headers}Content-Length: ${length}\r\n\r\n${body}`;
}

const counts = async (of = node): Promise<Record<string, number>> => {
  const vars = (await (await fetch(`${of.url}/debug/vars`)).json()) as Record<
    string,
    { readonly name?: string; readonly values: Record<string, number> }
  >;
  return Object.values(vars).find(({ name }) => name === 'httpd')?.values ?? {};
};

const requests: readonly (readonly [string, string, string])[] = [
  ['points', '/write?db=d', 'm,t=a v=1 1\nm,t=b v=2 2\n'],
  ['points of a bucket', '/api/v2/write?bucket=d/autogen&precision=s', 'm,t=a v=1 1'],
  ['lines that are none', '/write?db=d', 'm v=\nx'],
  ['a line that is none among others', '/write?db=d', 'm v=1 3\nm v= 4\n'],
  ['another type', '/write?db=d', 'm,t=a v="a" 5\nm,t=a v=1 6\n'],
  ['a text beyond ASCII in the error', '/write?db=d', 'm,t=ü v=ä 5'],
  ['no body', '/write?db=d', ''],
  ['no database', '/write', 'm v=1'],
  ['an unknown database', '/write?db=nobody', 'm v=1'],
  ['an unknown policy', '/write?db=d&rp=none', 'm v=1'],
  ['an unknown precision', '/write?db=d&precision=x', 'm v=1'],
  ['an unknown consistency', '/write?db=d&consistency=x', 'm v=1'],
  ['more than may be', '/write?db=d', `m v="${'a'.repeat(25_000_000)}"`],
];

test.each(requests)('direct writes: %s, answered as through Node', async (_what, url, body) => {
  const answers: string[] = [];
  for (const headers of ['', notPlain]) {
    const wire = await Wire.open(node.url);
    wire.send(post(url, body, headers));
    answers.push(await wire.answer());
    wire.close();
  }
  expect(answers[0]).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(answers[0]).toBe(answers[1]);
});

const bodies: readonly (readonly [string, Buffer])[] = [
  ['lines', gzipSync('zipped v=1 1\nzipped v=2 2')],
  ['lines that are none', gzipSync('zipped v=')],
  ['no gzip', Buffer.from('zipped v=3 3')],
  ['little', Buffer.from('zip')],
  ['half of it', gzipSync('zipped v=4 4\n'.repeat(1_000)).subarray(0, 30)],
  ['two members', Buffer.concat([gzipSync('zipped v=5 5\n'), gzipSync('zipped v=6 6\n')])],
  ['what becomes more than may be', gzipSync(Buffer.alloc(26_000_000, '#'))],
];

test.each(bodies)('direct writes: gzip of %s, answered as through Node', async (_what, body) => {
  const answers: string[] = [];
  for (const headers of ['', notPlain]) {
    const wire = await Wire.open(node.url);
    const head = `Host: a\r\nContent-Encoding: gzip\r\n${headers}Content-Length: ${body.length}`;
    wire.send(Buffer.concat([Buffer.from(`POST /write?db=d HTTP/1.1\r\n${head}\r\n\r\n`), body]));
    answers.push(await wire.answer());
    // The connection goes on.
    wire.send(post('/write?db=d', 'zipped v=0 0'));
    expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
    wire.close();
  }
  expect(answers[0]).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(answers[0]).toBe(answers[1]);
});

test('direct writes: what came as gzip is there, and its client is left where it asks for that', async () => {
  const wire = await Wire.open(node.url);
  wire.send(post('/write?db=d', 'left v=1 1', 'Connection: close\r\n'));
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 [^]*\r\nConnection: close\r\n/);
  await wire.closed();
  const q = encodeURIComponent('SELECT sum(v) FROM zipped');
  const answer = await (await fetch(`${node.url}/query?db=d&q=${q}`)).text();
  expect(answer).toContain('[["1970-01-01T00:00:00Z",14]]');
});

test('direct writes: small bodies at once, right and wrong, are each answered as alone, and no point is missed', async () => {
  const kinds = [
    (i: number) => `once,i=${i} v=1`,
    (i: number) => `once,i=${i} v=1 ${i + 1}`,
    (i: number) => `# nothing ${i}`,
    (i: number) => `once,i=${i} v="text" 9`,
    (i: number) => `once,i=${i} v=1 ${i + 1}\nonce v= 5`,
    (i: number) => `once,time=${i} v=1 7`,
    () => 'once,i="',
  ];
  const right = kinds.slice(0, 3);
  const wires = await Promise.all(Array.from({ length: 42 }, () => Wire.open(node.url)));
  const askAll = (of: typeof kinds, headers: string) =>
    Promise.all(
      wires.map((wire, i) => {
        wire.send(post('/write?db=once', (of[i % of.length] ?? String)(i), headers));
        return wire.answer();
      }),
    );
  const alone = async (): Promise<readonly string[]> => {
    const wire = await Wire.open(node.url);
    const answers: string[] = [];
    for (const [i] of wires.entries()) {
      wire.send(post('/write?db=once', (kinds[i % kinds.length] ?? String)(i), notPlain));
      answers.push(await wire.answer());
    }
    wire.close();
    return answers;
  };
  const count = async (): Promise<string> => {
    const q = encodeURIComponent('SELECT count(v) FROM once');
    return (await fetch(`${node.url}/query?db=once&q=${q}`)).text();
  };
  const runs: unknown[] = [];
  for (const ask of [() => askAll(kinds, ''), alone]) {
    await fetch(`${node.url}/query?q=CREATE+DATABASE+once`, { method: 'POST' });
    // Groups are written from the first on, and the type of the field is known.
    await askAll([(i) => `once v=1 ${i + 1}`], '');
    const answers = await ask();
    runs.push({ answers, text: await count() });
    await fetch(`${node.url}/query?q=DROP+DATABASE+once`, { method: 'POST' });
  }
  expect(runs[0]).toEqual(runs[1]);
  expect((runs[0] as { readonly text: string }).text).toContain(`,${42 + 18}]`);
  await fetch(`${node.url}/query?q=CREATE+DATABASE+once`, { method: 'POST' });
  const before = await counts();
  expect(new Set(await askAll(right, ''))).toHaveLength(1);
  expect(await count()).toContain(',28]');
  const after = await counts();
  const grown = ['pointsWrittenOK', 'valuesWrittenOK', 'writeReq', 'reqActive'].map((name) => (after[name] ?? 0) - (before[name] ?? 0)); // prettier-ignore
  expect(grown).toEqual([28, 28, 42, 0]);
  for (const wire of wires) wire.close();
});

test('direct writes: their ids and their counts', async () => {
  const before = await counts();
  const { hostname, port } = new URL(node.url);
  const socket = connect({ host: hostname, port: Number(port) });
  socket.write(post('/write?db=d', 'm,t=a v=1 7\nm v=x 8', 'X-Request-Id: mine\r\n'));
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toContain('\r\nX-Request-Id: mine\r\nRequest-Id: mine\r\n');
  socket.destroy();
  const after = await counts();
  const grown = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
  // The question for the counts is a request too.
  expect(grown('req')).toBe(2);
  expect(grown('reqActive')).toBe(0);
  expect(grown('writeReq')).toBe(1);
  expect(grown('writeReqActive')).toBe(0);
  expect(grown('writeReqBytes')).toBe(19);
  expect(grown('pointsWrittenOK')).toBe(1);
  expect(grown('clientError')).toBe(1);
  expect(grown('writeReqDurationNs')).toBeGreaterThan(0);
});

test('direct writes: bytes are those of lines that came, by whatever address and way', async () => {
  const grownBy = async (path: string, body: Buffer | string, headers = {}) => {
    const before = await counts();
    const answer = await fetch(`${node.url}${path}`, { method: 'POST', body, headers });
    await answer.text();
    const after = await counts();
    const names = ['writeReq', 'writeReqBytes', 'promWriteReq', 'promReadReq'];
    return [answer.status, ...names.map((name) => (after[name] ?? 0) - (before[name] ?? 0))];
  };
  const lines = 'counted v=1 1\n'.repeat(20);
  const zipped = { 'Content-Encoding': 'gzip' };
  expect(await grownBy('/write?db=d', gzipSync(lines), zipped)).toEqual([204, 1, 280, 0, 0]);
  // An origin goes through Node's HTTP.
  const other = { ...zipped, Origin: 'http://a' };
  expect(await grownBy('/write?db=d', gzipSync(lines), other)).toEqual([204, 1, 280, 0, 0]);
  expect(await grownBy('/api/v2/write?bucket=d/', lines)).toEqual([204, 1, 280, 0, 0]);
  expect(await grownBy('/write?db=none', lines)).toEqual([404, 1, 0, 0, 0]);
  expect(await grownBy('/api/v1/prom/write?db=d', 'x')).toEqual([400, 1, 1, 1, 0]);
  expect(await grownBy('/api/v1/prom/read?db=d', 'x')).toEqual([400, 0, 0, 0, 1]);
});

test('direct writes: a connection that asks something else goes on with Node, in order', async () => {
  const wire = await Wire.open(node.url);
  const ping = 'GET /ping HTTP/1.1\r\nHost: a\r\n\r\n';
  const count = encodeURIComponent('SELECT count(v) FROM pipelined');
  const query = `GET /query?db=d&q=${count} HTTP/1.1\r\nHost: a\r\n\r\n`;
  wire.send(post('/write?db=d', 'pipelined v=1 1\n') + post('/write?db=d', 'pipelined v=2 2') + query + ping + post('/write?db=d', 'pipelined v=')); // prettier-ignore
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  expect(await wire.answer()).toContain('"values":[["1970-01-01T00:00:00Z",2]]');
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 400 /);
  wire.send(post('/write?db=d', 'pipelined v=3 3'));
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  wire.close();
});

test('direct writes: a body in many pieces, one behind the other, is whole', async () => {
  const wire = await Wire.open(node.url);
  const body = Array.from({ length: 400 }, (_, i) => `pieces,t=${i % 7} v=${i}i ${i}\n`).join('');
  const request = Buffer.from(post('/write?db=d', body));
  for (let round = 0; round < 2; round++) {
    for (let at = 0; at < request.length; at += 97) {
      wire.send(request.subarray(at, at + 97));
      await new Promise((turn) => setImmediate(turn));
    }
    expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  }
  wire.close();
  const count = encodeURIComponent('SELECT count(v), sum(v) FROM pieces');
  const answer = await (await fetch(`${node.url}/query?db=d&q=${count}`)).text();
  expect(answer).toContain('"values":[["1970-01-01T00:00:00Z",400,79800]]');
});

test('direct writes: a large body that comes alone is whole', async () => {
  const wire = await Wire.open(node.url);
  const lines = Array.from({ length: 60_000 }, (_, i) => `large,t=${i % 100} v="${'x'.repeat(60)}",n=${i}i ${i}`); // prettier-ignore
  const body = `${lines.join('\n')}\n`;
  wire.send(post('/write?db=d', body));
  expect(await wire.answer()).toMatch(/^HTTP\/1\.1 204 /);
  wire.close();
  const sum = encodeURIComponent('SELECT sum(n) FROM large');
  const answer = await (await fetch(`${node.url}/query?db=d&q=${sum}`)).text();
  expect(answer).toContain(`[["1970-01-01T00:00:00Z",${(60_000 * 59_999) / 2}]]`);
});

test('direct writes: a client that leaves in its body is counted as gone, and nothing of it is written', async () => {
  const wire = await Wire.open(node.url);
  wire.send(post('/write?db=d', `gone v=1 1\n${'#'.repeat(500_000)}`).slice(0, 200_000));
  await eventually(async () => {
    expect((await counts())['writeReqActive']).toBe(1);
  }, settleMsMax);
  wire.close();
  await eventually(async () => {
    expect((await counts())['writeReqActive']).toBe(0);
  }, settleMsMax);
  const answer = await (await fetch(`${node.url}/query?db=d&q=SELECT+v+FROM+gone`)).text();
  expect(answer).toBe('{"results":[{"statement_id":0}]}\n');
});

test('direct writes: the node ends while connections are idle, unused and at work', async () => {
  const other = await startOneNode(`${folder}/other`, { workerCount: 1 });
  await fetch(`${other.url}/query?q=CREATE+DATABASE+d`, { method: 'POST' });
  const [idle, unused, busy] = await Promise.all(
    [other, other, other].map((of) => Wire.open(of.url)),
  );
  idle?.send(post('/write?db=d', 'm v=1'));
  expect(await idle?.answer()).toMatch(/^HTTP\/1\.1 204 /);
  busy?.send(post('/write?db=d', 'm v=1').slice(0, -1));
  await eventually(async () => {
    expect((await counts(other))['writeReqActive']).toBe(1);
  }, settleMsMax);
  const ended = other.close();
  await Promise.all([idle?.closed(), unused?.closed()]);
  busy?.send('1');
  expect(await busy?.answer()).toMatch(/^HTTP\/1\.1 204 [^]*\r\nConnection: close\r\n/);
  await Promise.all([busy?.closed(), ended]);
});
