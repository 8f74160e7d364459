import { readFileSync } from 'node:fs';
import { makeDatabase, query, write } from './ask.ts';
import type { Attack } from './attack.ts';

const database = 'slow_forms';
const [smallBytes, factor] = [12_500, 8];
/** Whoever takes the square of the length takes `factor` times more than this allows. */
const growthMax = factor * 4;
/** A tick of the clock of processes is 10 ms, and others work on the node: less is not compared. */
const comparedMs = 150;

/** A statement, or a body of lines, of about so many bytes. */
interface SlowForm {
  readonly name: string;
  readonly of: (bytes: number) => string;
}

function list(head: string, item: (i: number) => string, rest: { sep?: string; tail?: string } = {}) {
  const { sep = ',', tail = '' } = rest;
  return (bytes: number): string => {
    const count = Math.ceil(bytes / (item(1_000).length + sep.length));
    return `${head}${Array.from({ length: count }, (_, i) => item(i)).join(sep)}${tail}`;
  };
} // prettier-ignore

const from = ' FROM m';
/** Each was linear when it was added, and some had not been: the table is to grow with what is found. */
const statements: readonly SlowForm[] = [
  { name: 'tags of GROUP BY', of: list('SELECT mean(f) FROM m GROUP BY ', (i) => `t${i}`) },
  { name: 'patterns of GROUP BY', of: list('SELECT mean(f) FROM m GROUP BY ', (i) => `/x${i}/`) },
  { name: 'terms about tags', of: list('SELECT f FROM m WHERE ', (i) => `h='${i}'`, { sep: ' OR ' }) },
  { name: 'terms about fields', of: list('SELECT f FROM m WHERE ', (i) => `f=${i}`, { sep: ' OR ' }) },
  { name: 'terms about times', of: list('SELECT f FROM m WHERE ', (i) => `time>${i}`, { sep: ' AND ' }) },
  { name: 'patterns', of: list('SELECT f FROM m WHERE ', (i) => `h=~/x${i}/`, { sep: ' OR ' }) },
  { name: 'a pattern of many names', of: list('SELECT f FROM m WHERE h=~/^(', (i) => `host${i}`, { sep: '|', tail: ')$/' }) },
  { name: 'a pattern of stars', of: list('SELECT f FROM m WHERE h=~/', () => 'a*', { sep: '', tail: '/' }) },
  { name: 'columns', of: list('SELECT ', (i) => `f${i}`, { tail: from }) },
  { name: 'calls', of: list('SELECT ', (i) => `percentile(f,${i % 100})`, { tail: from }) },
  { name: 'sources', of: list('SELECT f FROM ', (i) => `m${i}`) },
  { name: 'the same source', of: list('SELECT f FROM ', () => 'm') },
  { name: 'the same source of SHOW SERIES', of: list('SHOW SERIES FROM ', () => 'm') },
  { name: 'subqueries', of: list('SELECT f FROM ', (i) => `(SELECT f FROM m${i})`) },
  { name: 'patterns of sources', of: list('SELECT f FROM ', (i) => `/x${i}/`) },
  { name: 'series of a condition', of: list('SHOW SERIES WHERE ', (i) => `h='${i}'`, { sep: ' OR ' }) },
  { name: 'keys of a list', of: list('SHOW TAG VALUES WITH KEY IN (', (i) => `k${i}`, { tail: ')' }) },
  { name: 'deletes', of: list('DELETE FROM m WHERE ', (i) => `h='x${i}'`, { sep: ' OR ' }) },
  { name: 'comments', of: list('SELECT f FROM m ', () => '/**/', { sep: '' }) },
  { name: 'passwords', of: list('SELECT f FROM m; ', () => 'password for ', { sep: '' }) },
  { name: 'addresses', of: list(`SELECT f FROM m; '`, () => '://a:', { sep: '' }) },
]; // prettier-ignore

const time = 1_000_000_000;
const bodies: readonly SlowForm[] = [
  { name: 'rows of one measurement with a field of their own', of: list('', (i) => `w,h=a own${i}=1 ${time + i}`, { sep: '\n' }) },
  { name: 'rows with some of thirty fields', of: list('', (i) => `s,h=a ${someOf(i)} ${time + i}`, { sep: '\n' }) },
  { name: 'measurements', of: list('', (i) => `n${i} f=1 ${time}`, { sep: '\n' }) },
  { name: 'series', of: list('', (i) => `c,h=${i} f=1 ${time}`, { sep: '\n' }) },
  { name: 'fields of a row', of: list('r ', (i) => `f${i}=1`) },
  { name: 'the same field', of: list('r ', () => 'same=1') },
]; // prettier-ignore

function someOf(i: number): string {
  const bits = (i * 2_654_435_761) >>> 0;
  const own = Array.from({ length: 30 }, (_, at) => at).filter((at) => (bits & (1 << at)) !== 0);
  return [30, ...own].map((at) => `f${at}=1`).join(',');
}

/** P1: a form that is eight times as long takes no more than four times its share of the processor. */
export const slowForms: Attack = {
  id: 'P1',
  title: `${statements.length + bodies.length} forms of statements and bodies, at two lengths`,
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    await write(url, database, 'm,h=a f=1 1\nm,h=b f=2 2');
    const pid = await pidOf(url);
    const faults: string[] = [];
    const compare = async (name: string, take: (bytes: number) => Promise<unknown>) => {
      const spent: number[] = [];
      for (const bytes of [smallBytes, smallBytes * factor]) {
        const before = processorMs(pid);
        await take(bytes);
        spent.push(processorMs(pid) - before);
      }
      const [small = 0, large = 0] = spent;
      if (large > comparedMs * factor && large > Math.max(small, comparedMs / 4) * growthMax)
        faults.push(`${name}: ${small} ms of processor, and ${large} ms for ${factor} times as much`); // prettier-ignore
    };
    for (const { name, of } of statements)
      await compare(name, (bytes) => query(url, of(bytes), { db: database }));
    for (const { name, of } of bodies)
      await compare(name, (bytes) => write(url, database, of(bytes)));
    if (faults.length > 0) throw new Error(faults.join('; '));
  },
};

async function pidOf(url: string): Promise<number> {
  const { text } = await query(url, `SHOW DIAGNOSTICS FOR 'system'`);
  const { results } = JSON.parse(text) as {
    results: { series: { columns: string[]; values: unknown[][] }[] }[];
  };
  const [series] = results[0]?.series ?? [];
  return Number(series?.values[0]?.[series.columns.indexOf('PID')]);
}

/** Of all threads of a process of this machine. */
function processorMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
