import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

let folder: string;
let node: OneNode;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'varve-stopping-api-'));
  node = await startOneNode(folder, { workerCount: 1 });
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const ping = 'GET /ping HTTP/1.1\r\nHost: a\r\n\r\n';
const form = 'Host: a\r\nContent-Type: application/x-www-form-urlencoded';

/** A connection with the first part of a request that the node has read, and what it then answers until it ends the connection. */
async function halfAsked(
  first: string,
): Promise<{ finish: (rest: string) => void; answer: () => Promise<string> }> {
  const socket = connect(Number(new URL(node.url).port), '127.0.0.1');
  const closed = once(socket, 'close');
  socket.write(`${ping}${first}`);
  await once(socket, 'data');
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => parts.push(part));
  const answer = async (): Promise<string> => {
    await closed;
    return Buffer.concat(parts).toString();
  };
  return { finish: (rest) => socket.write(rest), answer };
}

test('stop: a request that is under way is answered, and its connection is kept no longer', async () => {
  const { finish, answer } = await halfAsked(
    `POST /query HTTP/1.1\r\n${form}\r\nContent-Length: 16\r\n\r\nq=SHOW+`,
  );
  const closed = node.close();
  finish('DATABASES');
  const text = await answer();
  expect(text).toMatch(/^HTTP\/1.1 200 OK\r\n.*\r\nConnection: close\r\n/s);
  expect(text).toContain('{"results":[{"statement_id":0,"series":[{"name":"databases"');
  await closed;
});

test('stop: nothing that comes behind a request that is under way gets an answer of another kind', async () => {
  const { finish, answer } = await halfAsked(
    `POST /query HTTP/1.1\r\n${form}\r\nContent-Length: 16\r\n\r\nq=SHOW+`,
  );
  const closed = node.close();
  finish(`DATABASES${ping}`);
  expect(await answer()).not.toContain('Service Unavailable');
  await closed;
});
