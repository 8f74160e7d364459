/**
 * Queries that cost far more than they look (rows B4, B5, B6, B12, O1): each is answered, refused with a text, or ended,
 * while the node goes on serving others.
 */
import type { Attack, HostileTarget } from './attack.ts';
import { makeDatabase, query, quiet, runningQueries, startOf, write, type Answer } from './ask.ts';

/** What a client that left, or KILL, may take to end a query. */
const endMs = 1_000;
const rowsPerBody = 50_000;
/** Of an answer of billions of rows a client reads so much before it leaves. */
const lengthReadMax = 100_000_000;

function first({ dataUrls }: HostileTarget): string {
  return dataUrls[0] ?? '';
}

/** An answer that is whole: JSON, and of a status that the reference has. */
export function checkAnswer({ status, text }: Answer, what: string): void {
  if (status !== 200 && status !== 400) throw new Error(`${what}: status ${status} ${text.slice(0, 200)}`); // prettier-ignore
  try {
    JSON.parse(text);
  } catch {
    throw new Error(`${what}: no JSON: ${text.slice(0, 200)}`);
  }
  if (/call stack|internal error|heap|undefined is not|not a function/i.test(text))
    throw new Error(`${what}: ${text.slice(0, 200)}`);
}

export const wideRows: Attack = {
  id: 'B4',
  title: 'SELECT *, count(*) and long lists over 20,000 fields',
  async run(target) {
    const url = first(target);
    await makeDatabase(url, 'b4', 1);
    const names = Array.from({ length: 20_000 }, (_, i) => `f${i}`);
    for (let at = 0; at < names.length; at += 2_000)
      await write(url, 'b4', `m,h=a ${names.slice(at, at + 2_000).map((name) => `${name}=1`).join()} 1000`); // prettier-ignore
    const list = names.slice(0, 10_000);
    for (const fields of [
      '*',
      'count(*)',
      'mean(/f.*/)',
      list.join(),
      list.map((name) => `max(${name})`).join(),
    ])
      checkAnswer(await query(url, `SELECT ${fields} FROM m`, { db: 'b4' }), fields.slice(0, 20));
  },
};

/** 2 M rows over 200 series, 10 s apart. */
async function fillRows(url: string, db: string): Promise<void> {
  await makeDatabase(url, db, 1);
  const rows = 2_000_000;
  for (let at = 0; at < rows; at += rowsPerBody) {
    const lines: string[] = [];
    for (let i = at; i < at + rowsPerBody; i++)
      lines.push(`m,h=h${i % 200} v=${i}i,w=${i % 7} ${1_600_000_000 + Math.floor(i / 200) * 10}000000000`); // prettier-ignore
    await write(url, db, lines.join('\n'));
  }
}

export const largeAnswers: Attack = {
  id: 'B5',
  title: 'SELECT * of 2 M rows, three at once, plain and chunked, and clients that leave',
  async run(target) {
    const url = first(target);
    await fillRows(url, 'b5');
    const ask = async (): Promise<void> => {
      checkAnswer(await query(url, 'SELECT * FROM m', { db: 'b5' }), 'SELECT *');
    };
    await Promise.all([ask(), ask(), ask()]);
    for (const path of ['&chunked=true', '']) {
      const leaving = new AbortController();
      const q = encodeURIComponent('SELECT * FROM m GROUP BY *');
      const asked = fetch(`${url}/query?db=b5&q=${q}${path}`, { signal: leaving.signal });
      asked.catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 300));
      leaving.abort();
      await quiet(url, endMs);
    }
  },
};

export const manyWindows: Attack = {
  id: 'B6',
  title: 'GROUP BY time of tens of millions of windows',
  async run(target) {
    const url = first(target);
    await makeDatabase(url, 'b6', 1);
    const lines = Array.from({ length: 2_000 }, (_, i) => `m,h=h${i} v=1 ${1_600_000_000 + i}000000000`); // prettier-ignore
    lines.push(`m,h=h0 v=1 1602592000000000000`);
    await write(url, 'b6', lines.join('\n'));
    const range = "time >= '2020-09-13T00:00:00Z' AND time < '2020-10-14T00:00:00Z'";
    for (const tail of [
      'time(1s), *',
      'time(1s), * fill(0)',
      'time(100ms)',
      'time(1ms) fill(previous)',
    ]) {
      const q = `SELECT mean(v), max(v) FROM m WHERE ${range} GROUP BY ${tail}`;
      const answer = await startOf(url, q, { db: 'b6', lengthMax: lengthReadMax });
      if (answer.text.length <= lengthReadMax) checkAnswer(answer, tail);
      else if (!answer.text.startsWith('{"results":[{"statement_id":0,"series":[{"name":"m",'))
        throw new Error(`${tail}: ${answer.text.slice(0, 200)}`);
      await quiet(url, endMs);
    }
  },
};

export const killed: Attack = {
  id: 'B6-kill',
  title: 'KILL QUERY ends a heavy query, and is answered meanwhile',
  async run(target) {
    const url = first(target);
    const range = "time >= '2020-09-13T00:00:00Z' AND time < '2020-10-14T00:00:00Z'";
    const heavy = query(url, `SELECT mean(v) FROM m WHERE ${range} GROUP BY time(1s), * fill(linear)`, { db: 'b6' }); // prettier-ignore
    heavy.catch(() => undefined);
    await new Promise((resolve) => setTimeout(resolve, 200));
    const [running = ''] = await runningQueries(url);
    const id = /^(\d+),.*SELECT mean/.exec(running)?.[1];
    if (id === undefined) throw new Error(`not running: ${running}`);
    await query(url, `KILL QUERY ${id}`);
    await quiet(url, endMs);
    const { text } = await heavy;
    if (!text.endsWith('"error":"query interrupted"}]}\n')) throw new Error(`a killed query: ${text.slice(-200)}`); // prettier-ignore
  },
};

export const deepTrees: Attack = {
  id: 'B12',
  title: 'conditions and nesting of thousands of levels',
  async run(target) {
    const url = first(target);
    await makeDatabase(url, 'b12', 1);
    await write(url, 'b12', 'm,h=a v=1 1000');
    const terms = Array.from({ length: 8_000 }, (_, i) => `h = 'x${i}'`);
    const queries: readonly (readonly [string, string])[] = [
      ['OR chain', `SELECT v FROM m WHERE ${terms.join(' OR ')}`],
      ['AND chain', `SELECT v FROM m WHERE ${terms.join(' AND ')}`],
      ['field chain', `SELECT v FROM m WHERE ${terms.map((_, i) => `v > ${i}`).join(' OR ')}`],
      ['parentheses', `SELECT v FROM m WHERE ${'('.repeat(20_000)}v = 1${')'.repeat(20_000)}`],
      ['sum', `SELECT ${Array.from({ length: 8_000 }, () => 'v').join(' + ')} FROM m`],
      ['minus', `SELECT ${'-'.repeat(20_000)}1 FROM m`],
      ['subqueries', `${'SELECT v FROM ('.repeat(2_000)}SELECT v FROM m${')'.repeat(2_000)}`],
      ['calls', `SELECT ${'abs('.repeat(10_000)}v${')'.repeat(10_000)} FROM m`],
      ['show', `SHOW TAG VALUES WITH KEY = h WHERE ${terms.join(' OR ')}`],
      ['delete', `DELETE FROM m WHERE ${terms.join(' OR ')}`],
    ];
    for (const [what, q] of queries) checkAnswer(await query(url, q, { db: 'b12' }), what);
  },
};
