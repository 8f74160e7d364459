import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-deep-'));
let node: OneNode;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await answer('CREATE DATABASE d');
  await fetch(`${node.url}/write?db=d`, { method: 'POST', body: 'm,h=a7 v=7 7\nm,h=b v=8 8' });
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true });
});

async function answer(q: string): Promise<string> {
  const body = new URLSearchParams({ db: 'd', epoch: 'ns', q });
  return (await fetch(`${node.url}/query`, { method: 'POST', body })).text();
}

const many = (count: number, term: (i: number) => string, joint: string): string =>
  Array.from({ length: count }, (_, i) => term(i)).join(joint);
const nested = (count: number, open: string, core: string, close = ')'): string =>
  `${open.repeat(count)}${core}${close.repeat(count)}`;

/** Chains of thousands of terms, and what is nested as deep as the parser lets it: no walk of a tree may end the stack. */
const deep: readonly (readonly [string, string])[] = [
  [`SELECT v FROM m WHERE ${many(20_000, (i) => `h = 'a${i}'`, ' OR ')}`, '[[7,7]]'],
  [`SELECT v FROM m WHERE ${many(20_000, (i) => `v = ${i}`, ' OR ')}`, '[[7,7],[8,8]]'],
  [`SELECT v FROM m WHERE ${many(20_000, (i) => `v != ${i + 8}`, ' AND ')}`, '[[7,7]]'],
  [`SHOW SERIES WHERE ${many(20_000, (i) => `h = 'a${i}'`, ' OR ')}`, '[["m,h=a7"]]'],
  [`SHOW TAG VALUES WITH KEY = h WHERE ${many(20_000, (i) => `h = 'a${i}'`, ' OR ')}`, '[["h","a7"]]'], // prettier-ignore
  [`SHOW MEASUREMENTS WHERE ${many(20_000, (i) => `h = 'a${i}'`, ' OR ')}`, '[["m"]]'],
  [`SHOW SERIES EXACT CARDINALITY WHERE ${many(20_000, (i) => `h = 'a${i}'`, ' OR ')}`, '[[1]]'],
  [`SELECT v FROM m WHERE ${many(990, () => 'v', ' + ')} > 7500`, '[[8,8]]'],
  [`SELECT v FROM m WHERE ${nested(490, '(', 'v > 7')}`, '[[8,8]]'],
  [`SELECT v FROM m WHERE ${nested(490, '(v > 0 AND ', 'v > 7')}`, '[[8,8]]'],
  [`SELECT mean(v) FROM m WHERE ${nested(490, '(v < 0 OR ', 'v > 7')}`, '[[0,8]]'],
  [`SELECT ${nested(490, 'abs(', 'v')} FROM m`, '[[7,7],[8,8]]'],
  [nested(400, 'SELECT v FROM (', 'SELECT v FROM m'), '[[7,7],[8,8]]'],
  [`SHOW SERIES WHERE ${nested(490, '(', "h = 'b'")}`, '[["m,h=b"]]'],
];

test.each(
  deep.map(([statement, values], i) => ({
    statement,
    values,
    name: `${i} ${statement.slice(0, 60)}`,
  })),
)('deep statements: $name', async ({ statement, values }) => {
  expect(await answer(statement)).toContain(`"values":${values}`);
});
