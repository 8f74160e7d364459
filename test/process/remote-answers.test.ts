import { afterAll, beforeAll, expect, test } from 'vitest';
import { errorOfBroken } from '../support/broken-answer.ts';
import { DevCluster } from '../support/dev-cluster.ts';

/** The second node owns nothing: the first answers all that it is asked. */
const cluster = new DevCluster(19_200, '--metas', '1', '--data', '1', '--passive', '1');
const [owner, asker] = [1, 2];
const rowCount = 2_000;
const limitMs = 120_000;

beforeAll(async () => {
  await cluster.start();
  await cluster.query(asker, 'CREATE DATABASE d WITH REPLICATION 1');
  const lines = Array.from({ length: rowCount }, (_, i) => {
    const fields = `v=${i * 1.5},n=${i % 7}i,b=${i % 2 === 0},s="t ${i % 3} \\"<é"`;
    return `m,host=h${i % 5},zone=z${i % 2} ${fields} ${i}000000000`;
  });
  expect(await cluster.write(asker, lines.join('\n'), 'all')).toBe('204');
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

const statements = [
  'SELECT * FROM m WHERE time < 1h',
  'SELECT v, s FROM m GROUP BY host ORDER BY time DESC',
  'SELECT mean(v), max(n), count(s) FROM m WHERE time >= 0 AND time < 40m GROUP BY time(1m), host fill(linear)',
  'SELECT last(v) FROM m GROUP BY *',
  `SELECT v FROM /m|k/ WHERE host = 'h1' OR s = 't 1 "<é' LIMIT 4 OFFSET 2`,
  'SELECT max(d) FROM (SELECT difference(v) AS d FROM m WHERE time < 1h GROUP BY host) GROUP BY zone',
  'SELECT v FROM m WHERE time > now() - 3000w LIMIT 1',
  'SELECT mean(s) FROM m',
  'SELECT v FROM nothing',
  `SELECT count(v) FROM m WHERE time >= 0 AND time < 2d GROUP BY time(1d) tz('Europe/Berlin')`,
];

async function answer(node: number, q: string, more = ''): Promise<string> {
  const url = `${cluster.url('data', node)}/query?db=d${more}&q=${encodeURIComponent(q)}`;
  return (await fetch(url)).text();
}

test.each(statements)('remote answers: a node without shards answers as their owner does: %s', async (q) => {
  for (const epoch of ['', '&epoch=ms']) {
    const expected = await answer(owner, q, epoch);
    // The first one describes the owner's shards; those behind it are the owner's own bytes.
    for (let time = 0; time < 4; time++) expect(await answer(asker, q, epoch)).toBe(expected);
  }
}); // prettier-ignore

test('remote answers: what is written through the one is seen through the other at once', async () => {
  const [all, count] = ['SELECT * FROM fresh', 'SELECT count(v) FROM fresh'];
  for (let i = 1; i <= 5; i++) {
    // A new field each time, so that no plan holds.
    expect(await cluster.write(owner, `fresh,host=a v=1,f${i}=2 ${i}`, 'all')).toBe('204');
    expect(await answer(asker, count)).toContain(`,${i}]]`);
    expect(await answer(asker, all)).toBe(await answer(owner, all));
    expect(await answer(asker, all)).toContain(`"f${i}"`);
  }
});

test('remote answers: an owner that is killed within its answer leaves JSON that names the error', async () => {
  const lines = (from: number): string =>
    Array.from({ length: 20_000 }, (_, i) => `long,host=h${i % 9} s="${'x'.repeat(40)}" ${from + i}`).join('\n'); // prettier-ignore
  for (let from = 0; from < 400_000; from += 20_000)
    expect(await cluster.write(owner, lines(from), 'all')).toBe('204');
  const q = 'SELECT s FROM long';
  await answer(asker, `${q} LIMIT 1`);
  const url = `${cluster.url('data', asker)}/query?db=d&q=${encodeURIComponent(q)}`;
  // Asked once so that the owner is known to have all on one worker.
  expect((await (await fetch(url)).text()).length).toBeGreaterThan(20_000_000);
  expect(await errorOfBroken(url, () => cluster.kill('data-1'))).toBeDefined();
  // Nobody has the shards: the general way says so.
  expect(await answer(asker, 'SELECT count(v) FROM m')).toContain('"error"');
  cluster.startByHand('data-1');
}, limitMs); // prettier-ignore
