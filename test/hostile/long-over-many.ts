/** Long statements over many series and rows (P2): what has as many parts as both together is not kept, or is refused. */
import type { Attack } from './attack.ts';
import { checkAnswer } from './heavy-queries.ts';
import { makeDatabase, startOf, write } from './ask.ts';

const database = 'long_over_many';
const seriesCount = 2_000;
const rowCount = 5_000;
/** Each statement is of 100 to 300 kB. */
const termCount = 10_000;
/** Whoever gets more leaves. */
const lengthMax = 1 << 20;

function each(of: (i: number) => string, separator = ','): string {
  return Array.from({ length: termCount }, (_, i) => of(i)).join(separator);
}

const statements: readonly string[] = [
  `SELECT v FROM m WHERE ${each((i) => `v=${i}`, ' OR ')}`,
  `SELECT count(v) FROM m WHERE ${each((i) => `(h='h${i}' OR v>${i})`, ' AND ')}`,
  `SELECT count(v) FROM m WHERE ${each((i) => `(h='h${i}' AND v>${i})`, ' OR ')} GROUP BY h`,
  `SELECT v FROM m WHERE ${each((i) => `s='x${i}'`, ' OR ')}`,
  `SELECT v FROM m WHERE ${each((i) => `h=~/x${i}/`, ' OR ')}`,
  `SELECT count(v) FROM long WHERE ${each((i) => `v>${i}`, ' OR ')}`,
  `SELECT count(v) FROM long WHERE ${each((i) => `v+${i}>w`, ' OR ')}`,
  `SELECT mean(v) FROM m GROUP BY h,${each((i) => `t${i}`)}`,
  `SELECT ${each((i) => `v AS a${i}`)} FROM m`,
  `SELECT ${each((i) => `mean(v) AS a${i}`)} FROM long`,
  `SHOW SERIES FROM m WHERE ${each((i) => `h=~/x${i}/`, ' OR ')}`,
  `DELETE FROM m WHERE ${each((i) => `h='x${i}'`, ' OR ')}`,
];

export const longOverMany: Attack = {
  id: 'P2',
  title: `${statements.length} statements of ${termCount} parts over ${seriesCount} series`,
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const series = Array.from({ length: seriesCount }, (_, i) => `m,h=h${i} v=${i},s="a" ${i + 1}`);
    const rows = Array.from({ length: rowCount }, (_, i) => `long v=${i},w=${i}i ${i + 1}`);
    await write(url, database, [...series, ...rows].join('\n'));
    for (const statement of statements) {
      const answer = await startOf(url, statement, { db: database, lengthMax });
      const isWhole = answer.text.length <= lengthMax;
      if (isWhole) checkAnswer(answer, statement.slice(0, 60));
    }
  },
};
