import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const folder = mkdtempSync(join(tmpdir(), 'varve-list-answers-'));
const weekSeconds = 604_800;
const longCount = 12_000;
let node: OneNode;

async function post(q: string): Promise<void> {
  const body = new URLSearchParams({ q, db: 'd' });
  const response = await fetch(`${node.url}/query`, { method: 'POST', body });
  expect(await response.text()).not.toContain('error');
}

async function write(lines: readonly string[]): Promise<void> {
  const body = lines.join('\n');
  const response = await fetch(`${node.url}/write?db=d&precision=s`, { method: 'POST', body });
  expect(response.status).toBe(204);
}

/** Shards of three weeks, which are home on two workers. */
beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 2 });
  await post('CREATE DATABASE d');
  const values = ['a', 'a\\ b', 'a\\,b', 'a\\=b', 'a!', 'aZ', '"q"', '<&>', 'é', '\u2028', '\u{1f388}', '\uff5e', 'back\\slash', 'a-b']; // prettier-ignore
  for (let week = 0; week < 3; week++) {
    const seconds = week * weekSeconds;
    await write([
      ...values.map((value) => `odd,h=${value},h1=${week} v=1 ${seconds}`),
      ...values.slice(week, week + 6).map((value) => `odd,z\\ z=${value} v=1 ${seconds}`),
      ...Array.from({ length: 60 }, (_, i) => `many_${i % 30},host=h${i * (week + 1)},job=j${i % 3} v=${i} ${seconds}`), // prettier-ignore
      `types,host=x n=${week === 0 ? '1i' : week === 1 ? '1' : '"t"'},é=1,\u{1f388}=2,\uff5e=3,same=${week}i ${seconds}`, // prettier-ignore
      `bare v=1 ${seconds}`,
    ]);
  }
  await write(Array.from({ length: longCount }, (_, i) => `long,id=value_number_${i % 2 === 0 ? i : longCount * 2 - i} v=1 ${(i % 2) * weekSeconds}`)); // prettier-ignore
  await write(Array.from({ length: longCount }, (_, i) => `sole,id=value_number_${i} v=1 0`));
  await post("DROP SERIES FROM many_7 WHERE host = 'h7'");
  await post('DROP MEASUREMENT many_9');
});

afterAll(async () => {
  await node.close();
  rmSync(folder, { recursive: true, force: true });
});

const statements = [
  'SHOW TAG VALUES WITH KEY = h',
  'SHOW TAG VALUES WITH KEY IN (host, job, h1)',
  'SHOW TAG VALUES WITH KEY =~ /./',
  'SHOW TAG VALUES FROM odd WITH KEY = "z z"',
  'SHOW TAG VALUES FROM /many/ WITH KEY =~ /host|job/ LIMIT 3 OFFSET 1',
  'SHOW TAG VALUES FROM /many/ WITH KEY != host LIMIT 2',
  'SHOW TAG VALUES FROM odd WITH KEY =~ /h/ OFFSET 4',
  "SHOW TAG VALUES WITH KEY = host WHERE job = 'j1'",
  'SHOW TAG VALUES WITH KEY = host WHERE job =~ /1|2/ LIMIT 2',
  "SHOW TAG VALUES WITH KEY IN (host, job) WHERE value =~ /1$/ AND _name = 'many_1'",
  "SHOW TAG VALUES WITH KEY = host WHERE v = 1 AND job = 'j1'",
  'SHOW TAG VALUES WITH KEY = host WHERE a = b',
  'SHOW TAG VALUES FROM long WITH KEY = id',
  'SHOW TAG VALUES FROM sole WITH KEY = id',
  'SHOW TAG VALUES FROM long WITH KEY = id LIMIT 5 OFFSET 11998',
  'SHOW TAG VALUES FROM nothing WITH KEY = host',
  'SHOW TAG VALUES ON nowhere WITH KEY = host',
  'SHOW TAG VALUES WITH KEY = host WHERE time > 0',
  'SHOW TAG KEYS',
  'SHOW TAG KEYS FROM /many/ LIMIT 1 OFFSET 1',
  "SHOW TAG KEYS WITH KEY =~ /o/ WHERE _name = 'many_3'",
  "SHOW TAG KEYS FROM odd WHERE h = 'a'",
  'SHOW FIELD KEYS',
  'SHOW FIELD KEYS FROM types',
  'SHOW FIELD KEYS FROM types LIMIT 3 OFFSET 1',
  'SHOW FIELD KEYS FROM /many/',
  'SHOW SERIES',
  'SHOW SERIES FROM odd',
  'SHOW SERIES FROM odd LIMIT 7 OFFSET 3',
  'SHOW SERIES FROM /many|bare/ LIMIT 11 OFFSET 2',
  "SHOW SERIES WHERE job = 'j2'",
  'SHOW SERIES FROM odd WHERE h =~ /a/',
  'SHOW SERIES WHERE h > 1',
  'SHOW SERIES FROM long',
  'SHOW SERIES FROM sole LIMIT 3 OFFSET 11000',
  'SHOW SERIES WHERE time > 700000s',
  'SHOW MEASUREMENTS',
];

/** What is to be indented is made the general way, by rows. */
test.each(statements)('list answers: as by rows, byte for byte: %s', async (q) => {
  const url = `${node.url}/query?db=d&q=${encodeURIComponent(q)}`;
  const pretty = await (await fetch(`${url}&pretty=true`)).text();
  for (let time = 0; time < 4; time++) {
    const response = await fetch(url);
    expect(response.headers.get('content-type')).toBe('application/json');
    const text = await response.text();
    expect(JSON.parse(text)).toEqual(JSON.parse(pretty));
    expect(text).toBe(unindented(pretty));
  }
});

test('list answers: a series that came since is in the list at once', async () => {
  const url = `${node.url}/query?db=d&q=${encodeURIComponent('SHOW TAG VALUES FROM grown WITH KEY = id')}`;
  for (let i = 0; i < 40; i++) {
    await write([`grown,id=${String(i).padStart(2, '0')} v=1 ${(i % 3) * weekSeconds}`]);
    const { results } = (await (await fetch(url)).json()) as { results: { series: { values: string[][] }[] }[] }; // prettier-ignore
    expect(results[0]?.series[0]?.values.length).toBe(i + 1);
  }
});

/** Escapes stay as they are. */
function unindented(text: string): string {
  return `${text.trim().replaceAll(/("(?:[^"\\]|\\.)*")|\s+/g, '$1')}\n`;
}
