/** Clients that close their sending side behind their requests are answered as by a real 1.12.4; those that have left are not waited for. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-half-open-'));
const waitMsMax = 20_000;
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  await fetch(`${node.url}/query?q=CREATE+DATABASE+d`, { method: 'POST' });
  const body = Array.from({ length: 50_000 }, (_, i) => `m v=${i} ${i}`).join('\n');
  expect((await fetch(`${node.url}/write?db=d`, { method: 'POST', body })).status).toBe(204);
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

async function connected() {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** The status of each answer, in the order in which they came. */
async function statusesOf(text: string): Promise<readonly string[]> {
  const socket = await connected();
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(text);
  await once(socket, 'close');
  const all = Buffer.concat(parts).toString('latin1');
  return [...all.matchAll(/HTTP\/1\.[01] (\d+)/g)].map(([, status = '']) => status);
}

const write = 'POST /write?db=d HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\nw v=1 17';
const inChunks = 'POST /write?db=d HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nw v=1 17\r\n0\r\n\r\n'; // prettier-ignore
const ping = 'GET /ping HTTP/1.1\r\nHost: a\r\n\r\n';
const vars = 'GET /debug/vars HTTP/1.1\r\nHost: a\r\n\r\n';
const query = 'GET /query?db=d&q=SELECT+count(v)+FROM+m HTTP/1.1\r\nHost: a\r\n\r\n';
const slowQuery = 'GET /query?db=d&q=SELECT+count(v)+FROM+m HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n'; // prettier-ignore

test.each([
  ['a write', write, ['204']],
  ['a write in chunks', inChunks, ['204']],
  ['two of them', inChunks + inChunks, ['204', '204']],
  ['what the node counts', vars, ['200']],
  ['a query', query, ['200']],
  ['a query that Node reads', slowQuery, ['200']],
  ['a write and a ping', write + ping, ['204', '204']],
  ['a ping and a write', ping + write, ['204', '204']],
  ['a query and what the node counts', query + vars, ['200', '200']],
  ['fifty writes and two queries', write.repeat(50) + query + query, [...Array.from({ length: 50 }, () => '204'), '200', '200']], // prettier-ignore
  ['half a write', write.slice(0, -3), []],
] as const)('half-open: %s, and no more, has its answers', async (_, text, statuses) => {
  expect(await statusesOf(text)).toEqual(statuses);
});

/** Minutes of work, of which nothing is sent before its end. */
const longQuery = `SELECT count(x) FROM ${Array.from({ length: 1_000 }, () => '(SELECT v + 1 AS x FROM m)').join(', ')}`;

test.each([
  ['past Node', ''],
  ['by Node', 'TE: trailers\r\n'],
])('half-open: a long query %s ends soon after its client has left', async (_, headers) => {
  const socket = await connected();
  socket.write(`GET /query?db=d&q=${encodeURIComponent(longQuery)} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`); // prettier-ignore
  const isRunning = async (): Promise<boolean> => {
    const text = await (await fetch(`${node.url}/query?q=SHOW+QUERIES`)).text();
    return text.includes('AS x FROM m');
  };
  await eventually(async () => {
    expect(await isRunning()).toBe(true);
  }, waitMsMax);
  socket.destroy();
  await eventually(async () => {
    expect(await isRunning()).toBe(false);
  }, waitMsMax);
});
