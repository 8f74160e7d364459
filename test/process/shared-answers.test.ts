import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorOfBroken } from '../support/broken-answer.ts';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

/** Each node has half of the series. */
const cluster = new DevCluster(16_300, '--metas', '1', '--data', '2');
const [first, second] = [1, 2];
const hostCount = 40;
const limitMs = 120_000;

beforeAll(async () => {
  await cluster.start();
  await cluster.query(first, 'CREATE DATABASE d WITH REPLICATION 1');
  const lines = Array.from({ length: 4_000 }, (_, i) => {
    const fields = `v=${(i * 7) % 1_000}.5,n=${i % 7}i,b=${i % 2 === 0},s="t ${i % 3} \\"<é"`;
    return `m,host=h${i % hostCount},zone=z${i % 2} ${fields} ${i}000000000`;
  });
  expect(await cluster.write(first, lines.join('\n'), 'all')).toBe('204');
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

async function answer(node: number, q: string, more = ''): Promise<string> {
  const url = `${cluster.url('data', node)}/query?db=d&epoch=ns${more}&q=${encodeURIComponent(q)}`;
  return (await fetch(url)).text();
}

test.each([
  'SELECT * FROM m WHERE time < 2h GROUP BY host',
  'SELECT v, s FROM m GROUP BY host ORDER BY time DESC LIMIT 3',
  'SELECT mean(v), max(n), count(s) FROM m WHERE time >= 0 AND time < 40m GROUP BY time(1m), host fill(linear)',
  'SELECT percentile(v, 95), median(v), mode(n) FROM m GROUP BY host',
  'SELECT percentile(v, 20) FROM m GROUP BY host',
  'SELECT last(v) FROM m GROUP BY *',
  `SELECT * FROM m WHERE host = 'h1'`,
  `SELECT * FROM m WHERE host = 'nobody'`,
  `SELECT max(v) FROM m WHERE (host = 'h1' OR host = 'h2' OR host = 'h3') AND time >= 0 AND time < 1h GROUP BY time(1m)`,
  'SELECT count(v) FROM m GROUP BY zone',
  'SELECT v FROM m GROUP BY host SLIMIT 3 SOFFSET 5',
  'SELECT mean(s) FROM m GROUP BY host',
  'SELECT derivative(max(v), 1m) FROM m WHERE time >= 0 AND time < 1h GROUP BY time(10m), host, zone',
  `SELECT count(v) FROM m WHERE time >= 0 AND time < 2d GROUP BY time(1d), host tz('Europe/Berlin')`,
  'SELECT * FROM m',
  'SELECT v, s FROM m LIMIT 10 OFFSET 3',
  'SELECT * FROM m WHERE v > 900 ORDER BY time DESC LIMIT 7',
  'SELECT mean(v), sum(n), max(v), first(s), count(b) FROM m WHERE time >= 0 AND time < 2h GROUP BY time(1m) fill(previous)',
  'SELECT percentile(v, 20), max(v) FROM m',
  'SELECT sum(m) FROM (SELECT max(v) AS m FROM m GROUP BY host)',
])('shared answers: two nodes answer together what one makes of all rows: %s', async (q) => {
  // With line breaks it is made of blocks, by whom it was asked.
  const expected: unknown = JSON.parse(await answer(first, q, '&pretty=true'));
  for (const node of [first, second])
    // The first one describes the other's shards; those behind it are bytes of both.
    for (let time = 0; time < 3; time++) expect(JSON.parse(await answer(node, q))).toEqual(expected);
}); // prettier-ignore

test('shared answers: what is written through one node is seen through the other at once', async () => {
  for (let i = 1; i <= 5; i++) {
    const lines = Array.from({ length: 8 }, (_, host) => `fresh,host=h${host} v=1,f${i}=2 ${i}`);
    expect(await cluster.write(first, lines.join('\n'), 'all')).toBe('204');
    // A series and a field of one node alone.
    expect(await cluster.write(second, `fresh,host=new${i} own${i}=1 ${i}`, 'all')).toBe('204');
    for (const node of [first, second]) {
      const all = await answer(node, 'SELECT * FROM fresh GROUP BY host');
      expect(JSON.parse(all)).toEqual(JSON.parse(await answer(node, 'SELECT * FROM fresh GROUP BY host', '&pretty=true'))); // prettier-ignore
      expect(all).toContain(`"host":"new${i}"`);
      expect(all).toContain(`"own${i}"`);
      expect(await answer(node, 'SELECT count(v) FROM fresh GROUP BY host')).toContain(`,${i}]]`);
    }
  }
});

test('shared answers: chunks of rows of two nodes have the rows of the whole answer', async () => {
  const valuesOf = (text: string): unknown[] =>
    (JSON.parse(text) as { results: { series: { values: unknown[] }[] }[] }).results.flatMap(({ series }) => series.flatMap(({ values }) => values)); // prettier-ignore
  const expected = valuesOf(await answer(first, 'SELECT * FROM m', '&pretty=true'));
  for (const node of [first, second]) {
    const chunks = (await answer(node, 'SELECT * FROM m', '&chunked=true&chunk_size=700')).trim().split('\n'); // prettier-ignore
    expect(chunks.length).toBe(6);
    expect(chunks.flatMap(valuesOf)).toEqual(expected);
  }
});

test('shared answers: an owner that is killed within its answer leaves JSON that names the error', async () => {
  const lines = (from: number): string =>
    Array.from({ length: 20_000 }, (_, i) => `long,host=h${i % hostCount} s="${'x'.repeat(40)}" ${from + i}`).join('\n'); // prettier-ignore
  for (let from = 0; from < 400_000; from += 20_000)
    expect(await cluster.write(first, lines(from), 'all')).toBe('204');
  for (const q of ['SELECT s FROM long', 'SELECT s FROM long GROUP BY host']) {
    await answer(first, `${q} LIMIT 1`);
    const whole = await answer(first, q);
    expect(whole).toBe(await answer(second, q));
    expect(whole.length).toBeGreaterThan(20_000_000);
    const url = `${cluster.url('data', first)}/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`;
    expect(await errorOfBroken(url, () => cluster.kill('data-2'))).toBeDefined();
    if (!q.endsWith('long')) break;
    cluster.startByHand('data-2');
    await eventually(() => fetch(`${cluster.url('data', second)}/ping`), limitMs);
  }
  expect(await answer(first, 'SELECT count(v) FROM m GROUP BY host')).toContain('"error"');
}, limitMs); // prettier-ignore
