import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-series-order-'));
let node: OneNode;
const series = [
  'm,host=x',
  'm,host1=x',
  'm,host=a,z=1',
  'm,host=a!b',
  'm,host=a\\ b',
  'm,host=aZ',
  'm,host=a',
  'm,a!=1',
  'm,a=1',
  'm,a\\ b=1',
  'm',
  'm,ho=1,host=x',
  'm,host=é',
  'm,host=a\\,b',
  'm1,a=1',
  'm!,a=1',
  'm\\ 1,a=1',
];

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  await fetch(`${node.url}/query`, { method: 'POST', body: new URLSearchParams({ q: 'CREATE DATABASE d' }) }); // prettier-ignore
  const weekNs = 604_800_000_000_000n;
  // Of two shards that have all of them, so that their lists are merged.
  const lines = series.flatMap((key) => [`${key} v=1 1`, `${key} v=1 ${weekNs * 2n}`]);
  const response = await fetch(`${node.url}/write?db=d`, { method: 'POST', body: lines.join('\n') }); // prettier-ignore
  expect(response.status).toBe(204);
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Recorded of a server of release 1.12.4 with these lines. */
const ofM = ['m', 'm,a=1', 'm,a\\ b=1', 'm,a!=1', 'm,ho=1,host=x', 'm,host=a', 'm,host=a,z=1', 'm,host=a\\ b', 'm,host=a!b', 'm,host=a\\,b', 'm,host=aZ', 'm,host=x', 'm,host=é', 'm,host1=x']; // prettier-ignore
const timed = ['m', 'm,a!=1', 'm,a=1', 'm,a\\ b=1', 'm,ho=1,host=x', 'm,host1=x', 'm,host=a', 'm,host=a!b', 'm,host=a,z=1', 'm,host=aZ', 'm,host=a\\ b', 'm,host=a\\,b', 'm,host=x', 'm,host=é']; // prettier-ignore
const answers: readonly (readonly [string, readonly string[]])[] = [
  ['SHOW SERIES', [...ofM, 'm\\ 1,a=1', 'm!,a=1', 'm1,a=1']],
  ['SHOW SERIES LIMIT 6', ofM.slice(0, 6)],
  ['SHOW SERIES FROM m WHERE host =~ /a/ LIMIT 3', ['m,host=a', 'm,host=a,z=1', 'm,host=a\\ b']],
  ['SHOW SERIES FROM m1, m', [...ofM, 'm1,a=1']],
  ['SHOW SERIES FROM m WHERE time > 0 AND time < 10', timed],
];

test.each(answers)('series order: %s', async (q, keys) => {
  const response = await fetch(`${node.url}/query?db=d&q=${encodeURIComponent(q)}`);
  const { results } = (await response.json()) as { readonly results: readonly [{ readonly series: readonly [{ readonly values: readonly unknown[] }] }] }; // prettier-ignore
  expect(results[0].series[0].values).toEqual(keys.map((key) => [key]));
});
