import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import { packDatabase, packLines } from './pack-requests.ts';

interface Recorded {
  readonly parameters: Readonly<Record<string, string>>;
  readonly status: number;
  readonly type: string;
  readonly base64: string;
}

/** Answers of a real 1.12.4; record-pack.ts records them anew. */
const recorded = readFileSync(join(import.meta.dirname, 'testdata/pack.jsonl'), 'utf8')
  .trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

const folder = mkdtempSync(join(tmpdir(), 'varve-pack-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  const q = `CREATE DATABASE ${packDatabase} WITH DURATION INF SHARD DURATION 5200w`;
  await fetch(`${node.url}/query?q=${encodeURIComponent(q)}`, { method: 'POST' });
  const write = await fetch(`${node.url}/write?db=${packDatabase}`, { method: 'POST', body: packLines }); // prettier-ignore
  expect(write.status).toBe(204);
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

test.each(recorded)('msgpack: $parameters', async ({ parameters, status, type, base64 }) => {
  const query = new URLSearchParams({ db: packDatabase, ...parameters }).toString();
  const headers = { Accept: 'application/x-msgpack' };
  const response = await fetch(`${node.url}/query?${query}`, { headers });
  const body = Buffer.from(await response.arrayBuffer());
  expect([response.status, response.headers.get('content-type')]).toEqual([status, type]);
  const right = Buffer.from(base64, 'base64');
  expect(body.toString('latin1')).toBe(right.toString('latin1'));
});
