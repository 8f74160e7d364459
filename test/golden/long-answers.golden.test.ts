import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

/** Some 12 MB as JSON: three times what is held back before anything leaves. */
const rowCount = 600_000;
const bodyRows = 50_000;
const folder = mkdtempSync(join(tmpdir(), 'varve-long-answers-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await fetch(`${node.url}/query`, { method: 'POST', body: new URLSearchParams({ q: 'CREATE DATABASE d' }) }); // prettier-ignore
  for (let first = 0; first < rowCount; first += bodyRows) {
    const lines = Array.from({ length: bodyRows }, (_, i) => `m v=${first + i}i ${first + i}`);
    const response = await fetch(`${node.url}/write?db=d`, { method: 'POST', body: lines.join('\n') }); // prettier-ignore
    expect(response.status).toBe(204);
  }
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

function wanted(): string {
  const hash = createHash('sha256');
  hash.update(
    '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[',
  );
  for (let i = 0; i < rowCount; i++) hash.update(`${i > 0 ? ',' : ''}[${i},${i}]`);
  hash.update(']}]}]}\n');
  return hash.digest('hex');
}

/** Takes what is there, and lets all others do what they have to before it takes more: what is sent waits in the sockets. */
async function hashOf(body: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of body) {
    hash.update(piece as Buffer);
    await new Promise((turn) => setImmediate(turn));
  }
  return hash.digest('hex');
}

function ask(headers: Record<string, string>): Promise<IncomingMessage> {
  const url = `${node.url}/query?db=d&epoch=ns&q=${encodeURIComponent('SELECT v FROM m')}`;
  return new Promise((resolve, reject) => {
    request(url, { headers, agent: false }, resolve).on('error', reject).end();
  });
}

const ways: readonly (readonly [string, Record<string, string>])[] = [
  ['plainly', {}],
  ['zipped', { 'accept-encoding': 'gzip' }],
  // What is no plain request goes to Node's server.
  ['past the plain way', { expect: '100-continue' }],
];

test.each(ways)(
  'long answers: several readers at once get all of it, in order, %s',
  async (_how, headers) => {
    const answers = await Promise.all([1, 2, 3].map(() => ask(headers)));
    const bodies = answers.map((answer) => answer.headers['content-encoding'] === 'gzip' ? answer.pipe(createGunzip()) : answer); // prettier-ignore
    expect(answers.map(({ statusCode }) => statusCode)).toEqual([200, 200, 200]);
    const right = wanted();
    expect(await Promise.all(bodies.map(hashOf))).toEqual([right, right, right]);
  },
  120_000,
);
