import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-odd-addresses-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  const body = new URLSearchParams({ q: 'CREATE DATABASE d' });
  expect((await fetch(`${node.url}/query`, { method: 'POST', body })).status).toBe(200);
});
afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

/** The first line of the answer. */
async function ask(line: string, body = ''): Promise<string> {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  socket.write(`${line} HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
  const [answer] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  return answer.toString().split('\r\n', 1)[0] ?? '';
}

// As a real 1.12.4 answers each.
test.each([
  ['POST http://a:8086/write?db=d', 'm f=1 1', 'HTTP/1.1 204 No Content'],
  ['GET http://a/query?q=SHOW+DATABASES', '', 'HTTP/1.1 200 OK'],
  ['POST /%77rite?db=d', 'm f=1 1', 'HTTP/1.1 404 Not Found'],
  ['GET /%71uery?q=SHOW+DATABASES', '', 'HTTP/1.1 404 Not Found'],
  ['GET /%70ing', '', 'HTTP/1.1 404 Not Found'],
])('address: %s', async (line, body, status) => {
  expect(await ask(line, body)).toBe(status);
});
