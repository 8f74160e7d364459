import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';
import { rawCases, rawDatabase, sendRaw, type RawAnswer } from './raw-requests.ts';

/** Answers of a real 1.12.4; record-raw.ts records them anew. */
const recorded = new Map(
  readFileSync(join(import.meta.dirname, 'testdata/raw.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => {
      const { name, ...answer } = JSON.parse(line) as RawAnswer & { readonly name: string };
      return [name, answer] as const;
    }),
);

const folder = mkdtempSync(join(tmpdir(), 'varve-raw-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await fetch(`${node.url}/query?q=CREATE+DATABASE+${rawDatabase}`, { method: 'POST' });
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

function send(request: string): Promise<RawAnswer> {
  return sendRaw(Number(new URL(node.url).port), request);
}

test.each(rawCases)('raw request: $name', async ({ name, request, deviation }) => {
  const right = recorded.get(name);
  const ours = await send(request);
  expect(right).toBeDefined();
  if (deviation === undefined) expect(ours).toEqual(right);
  else expect(ours).not.toEqual(right);
});

test('raw request: gzip that becomes more than a body may have is refused, however little was sent', async () => {
  const { request } = rawCases.find(({ name }) => name === 'gzip past the limit') ?? {
    request: '',
  };
  expect(request.length).toBeLessThan(40_000);
  expect(await send(request)).toMatchObject({
    status: '413 Request Entity Too Large',
    body: '{"error":"Request Entity Too Large"}\n',
  });
});

test('raw request: UTF-8 in an address is taken on a connection that is at work, and in many at once', async () => {
  const address = `/query?db=${rawDatabase}&q=SHOW+TAG+\xc3\xa9`;
  const bad = `GET ${address} HTTP/1.1\r\nHost: x\r\n\r\n`;
  const pipelined = await send(`GET /ping HTTP/1.1\r\nHost: x\r\n\r\n${bad}`);
  expect(pipelined.status).toBe('204 No Content');
  expect(pipelined.body).toContain('found \xc3\xa9, expected KEY');
  const answers = await Promise.all(Array.from({ length: 50 }, () => send(bad)));
  for (const { body } of answers) expect(body).toContain('found \xc3\xa9, expected KEY');
});

test('raw request: no text of the framework reaches a client', async () => {
  for (const { request } of rawCases) {
    const { body } = await send(request);
    expect(body).not.toMatch(/FST_ERR|statusCode|Client Error/);
  }
});
