import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openAccess } from '../../src/http/data/access/access-options.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-expecting-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, {
    workerCount: 1,
    access: { ...openAccess, isEnabled: true },
  });
  const made = [`CREATE USER root WITH PASSWORD 'pw' WITH ALL PRIVILEGES`, 'CREATE DATABASE d'];
  for (const q of made) {
    const body = new URLSearchParams({ q });
    expect((await fetch(`${node.url}/query?u=root&p=pw`, { method: 'POST', body })).status).toBe(
      200,
    );
  }
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

/** Sends the head of a write alone, and gives the first that comes back. */
async function asks(address: string, length: number): Promise<{ socket: Socket; first: string }> {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  socket.write(`POST ${address} HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: ${length}\r\n\r\n`); // prettier-ignore
  const [first] = (await once(socket, 'data')) as [Buffer];
  return { socket, first: first.toString() };
}

const allowed = '/write?db=d&u=root&p=pw';

test.each([
  { what: 'a wrong password', address: '/write?db=d&u=root&p=no', status: '401 Unauthorized', text: 'authorization failed' }, // prettier-ignore
  { what: 'a missing database', address: '/write?db=no&u=root&p=pw', status: '404 Not Found', text: 'database not found: \\"no\\"' }, // prettier-ignore
  { what: 'a body over the limit', address: allowed, length: 25_000_001, status: '413 Request Entity Too Large', text: 'Request Entity Too Large' }, // prettier-ignore
])(
  'expect: $what is told before the body is sent, and the connection ends',
  async ({ address, length = 7, status, text }) => {
    const { socket, first } = await asks(address, length);
    expect(first).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
    expect(first).toMatch(/\r\nconnection: close\r\n/i);
    expect(first).toContain(`{"error":"${text}"}`);
    await once(socket, 'close');
  },
);

test('expect: who may write is told to send the body', async () => {
  const { socket, first } = await asks(allowed, 7);
  expect(first).toBe('HTTP/1.1 100 Continue\r\n\r\n');
  socket.write('m f=1 1');
  const [answer] = (await once(socket, 'data')) as [Buffer];
  expect(answer.toString()).toMatch(/^HTTP\/1.1 204 No Content\r\n/);
  socket.destroy();
});

test('expect: one that is behind another request is told at its turn, and its answer stays whole', async () => {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const head = `POST ${allowed} HTTP/1.1\r\nHost: a\r\n`;
  const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n7\r\nm f=1 1\r\n0\r\n\r\n`;
  socket.write(
    `${chunked}${head}Connection: close\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nbad`,
  );
  await once(socket, 'close');
  const text = Buffer.concat(parts).toString();
  const [continued, answer = ''] = text.split('HTTP/1.1 100 Continue\r\n\r\n');
  expect(continued).toMatch(/^HTTP\/1.1 204 No Content\r\n[^]*\r\n\r\n$/);
  expect(answer).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*\r\n\r\n\{"error":"unable to parse 'bad': missing fields"\}\n$/); // prettier-ignore
});

test.each([
  { value: '', status: '204 No Content' },
  { value: 'tea', status: '417 Expectation Failed' },
])('expect: a header that says "$value" is answered as 1.12.4 answers it: $status', async ({ value, status }) => {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  const closes = value === '' ? 'Connection: close\r\n' : '';
  socket.write(`POST ${allowed} HTTP/1.1\r\nHost: a\r\n${closes}Expect: ${value}\r\nContent-Length: 7\r\n\r\nm f=1 1`); // prettier-ignore
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  await once(socket, 'close');
  expect(Buffer.concat(parts).toString()).toMatch(new RegExp(`^HTTP/1.1 ${status}\r\n`));
}); // prettier-ignore
