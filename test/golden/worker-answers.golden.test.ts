import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-worker-answers-'));
let node: OneNode;
const rowCount = 3_000;
const weekSeconds = 604_800;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  const made = await fetch(`${node.url}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q: 'CREATE DATABASE d' }),
  });
  expect(made.status).toBe(200);
  const lines = Array.from({ length: rowCount }, (_, i) => {
    const fields = `v=${i * 1.5},n=${i % 7}i,b=${i % 2 === 0},s="t ${i % 3} \\"<"`;
    return `m,host=h${i % 5},zone=z${i % 2} ${fields} ${i}\nk u=${i} ${i}`;
  });
  // Of the next shard, which is home on the other worker.
  lines.push(`late,host=x v=1 ${weekSeconds * 2}`, `m,host=x v=2.5 ${weekSeconds * 2}`);
  const response = await fetch(`${node.url}/write?db=d&precision=s`, {
    method: 'POST',
    body: lines.join('\n'),
  });
  expect(response.status).toBe(204);
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const statements = [
  'SELECT * FROM m WHERE time < 1h',
  'SELECT * FROM m',
  'SELECT v, s FROM m GROUP BY host ORDER BY time DESC',
  'SELECT mean(v), max(n), count(s) FROM m WHERE time >= 0 AND time < 40m GROUP BY time(1m), host fill(linear)',
  'SELECT last(v) FROM m GROUP BY *',
  'SELECT top(v, host, 3), s FROM m WHERE time < 1h',
  'SELECT derivative(mean(v), 1s) FROM m WHERE time >= 0 AND time < 40m GROUP BY time(2m)',
  'SELECT max(d) FROM (SELECT difference(v) AS d FROM m WHERE time < 1h GROUP BY host) GROUP BY zone',
  'SELECT percentile(v, 95), mode(n) FROM m WHERE time < 1h GROUP BY host SLIMIT 2 SOFFSET 1',
  "SELECT v FROM /m|k|late/ WHERE time < 1h AND (host = 'h1' OR v > 100) LIMIT 4 OFFSET 2",
  'SELECT count(v), u FROM m, k WHERE time < 1h',
  'SELECT mean(s) FROM m WHERE time < 1h',
  'SELECT v FROM nothing WHERE time < 1h',
  'SELECT v FROM m WHERE time < 1h AND time > 2h',
  'SELECT v + nothing FROM m WHERE time < 1h GROUP BY time(1m)',
  "SELECT count(v) FROM m WHERE time >= 0 AND time < 2d GROUP BY time(1d) tz('Europe/Berlin')",
  'SELECT v FROM m WHERE time > now() - 100w LIMIT 1',
];

/** An answer that is to be indented is made the general way, whoever has the shards. */
test.each(statements)('worker answers: as the general way answers: %s', async (q) => {
  for (const epoch of ['', '&epoch=ns', '&epoch=ms']) {
    const url = `${node.url}/query?db=d${epoch}&q=${encodeURIComponent(q)}`;
    const expected = JSON.parse(await (await fetch(`${url}&pretty=true`)).text()) as unknown;
    // The second one is made with what is known of the first.
    for (let time = 0; time < 3; time++) {
      const response = await fetch(url);
      expect(response.headers.get('content-type')).toBe('application/json');
      expect(JSON.parse(await response.text())).toEqual(expected);
    }
  }
});

test('worker answers: a query that took its way is counted, and is listed no more', async () => {
  const shown = await (await fetch(`${node.url}/query?q=SHOW%20QUERIES`)).json();
  const { results } = shown as {
    results: { series: { columns: string[]; values: unknown[][] }[] }[];
  };
  const [{ columns, values } = { columns: [], values: [] }] = results[0]?.series ?? [];
  expect(values.map((row) => row[columns.indexOf('query')])).toEqual(['SHOW QUERIES']);
});
