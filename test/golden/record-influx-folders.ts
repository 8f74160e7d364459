/**
 * Writes `testdata/influx-folders/<version>/`: what a real influxd leaves when it is stopped, with files, tombstones, a log
 * that is not in files yet, users, a continuous query and a subscription, and what it answered before. One run per program:
 * `node test/golden/record-influx-folders.ts 1.6.7 influxd`.
 */
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ReferenceServer } from '../support/reference-server.ts';

/** What is asked of a server that has the folders, real or not. */
export const folderQuestions: readonly { readonly q: string; readonly db?: string }[] = [
  { q: 'SHOW DATABASES' },
  { q: 'SHOW RETENTION POLICIES ON old' },
  { q: 'SHOW RETENTION POLICIES ON "my.db"' },
  { q: 'SHOW USERS' },
  { q: 'SHOW GRANTS FOR reader' },
  { q: 'SHOW CONTINUOUS QUERIES' },
  { q: 'SHOW SUBSCRIPTIONS' },
  { q: 'SHOW SERIES', db: 'old' },
  { q: 'SHOW FIELD KEYS', db: 'old' },
  { q: 'SELECT * FROM cpu GROUP BY host', db: 'old' },
  { q: 'SELECT * FROM "odd m"', db: 'old' },
  { q: 'SELECT * FROM "weekly"."cpu"', db: 'old' },
  { q: 'SELECT count(*) FROM many', db: 'old' },
  {
    q: `SELECT sum(v), mean(v), last(v) FROM many WHERE time >= 1600000000000000000 AND time < 1600090000000000000 GROUP BY time(1h), t`,
    db: 'old',
  },
  { q: 'SELECT * FROM gone', db: 'old' },
  { q: 'SELECT * FROM m', db: 'my.db' },
];

const start = 1_600_000_000_000_000_000n;
const minute = 60_000_000_000n;
const at = (minutes: number): bigint => start + BigInt(minutes) * minute;

/** Written before the files are made. */
const early = [
  ...Array.from({ length: 6 }, (_, i) => `cpu,host=a v=${i}.5,n=${i}i ${at(i)}`),
  ...Array.from({ length: 6 }, (_, i) => `cpu,host=b v=${i / 3},b=${i % 2 === 0} ${at(i)}`),
  `cpu,host=c s="a \\"quoted\\" \\\\ text é" ${at(0)}`,
  String.raw`odd\ m,t\,1=x\ y\=z,u=é f\ 1=-1.5e-7,g\=2=9007199254740993i ${at(1)}`,
  ...Array.from({ length: 1_500 }, (_, i) => `many,t=${i % 3} v=${(i * 7919) % 1000} ${at(i)}`),
  `gone v=1 ${at(0)}`,
  // Another shard.
  `cpu,host=a v=7 ${at(20_000)}`,
].join('\n');

/** Written when they are there, and left in the log. */
const late = [
  `cpu,host=a v=100.5 ${at(2)}`,
  `cpu,host=d v=1e21,s="late",b=F ${at(7)}`,
  `cpu,host=e v=1 ${at(8)}`,
  `fresh v=5i ${at(9)}`,
].join('\n');

if (process.argv[1]?.endsWith('record-influx-folders.ts') === true) await record();

async function record(): Promise<void> {
  const [, , version = '', program = 'influxd'] = process.argv;
  const server = await ReferenceServer.start(
    program,
    '  cache-snapshot-write-cold-duration = "1s"',
  );
  const target = join(import.meta.dirname, 'testdata/influx-folders', version);
  const ask = async (q: string, db = ''): Promise<string> => {
    const body = await server.query({ q, db, epoch: 'ns' });
    if (body.includes('"error"')) throw new Error(`${q}: ${body}`);
    return body;
  };
  await ask('CREATE DATABASE old');
  await ask(
    'CREATE DATABASE "my.db" WITH DURATION 520w REPLICATION 1 SHARD DURATION 1d NAME "p-q"',
  );
  await ask('CREATE RETENTION POLICY weekly ON old DURATION INF REPLICATION 1 SHARD DURATION 1d');
  await ask(`CREATE USER boss WITH PASSWORD 'secret' WITH ALL PRIVILEGES`);
  await ask(`CREATE USER reader WITH PASSWORD 'other'`);
  await ask('GRANT READ ON old TO reader');
  await ask('GRANT ALL ON "my.db" TO reader');
  await ask('CREATE CONTINUOUS QUERY cq ON old RESAMPLE EVERY 2h BEGIN SELECT mean(v) INTO weekly.means FROM cpu GROUP BY time(1h) END'); // prettier-ignore
  await ask(`CREATE SUBSCRIPTION sub ON old.autogen DESTINATIONS ANY 'udp://127.0.0.1:22999'`);
  await server.write('old', early);
  const weekly = `cpu,host=w v=1 ${at(0)}\ncpu,host=w v=2 ${at(1)}`;
  await fetch(`${server.url}/write?db=old&rp=weekly`, { method: 'POST', body: weekly });
  await server.write('my.db', `m v=1 ${BigInt(Date.now() - 3_600_000) * 1_000_000n}`);
  await until(() => files(server.folder, '.tsm') >= 4);
  // Of what is in files: tombstones.
  await ask(`DELETE FROM cpu WHERE host = 'b' AND time >= ${at(2)} AND time <= ${at(3)}`, 'old');
  await ask('DROP MEASUREMENT gone', 'old');
  await server.write('old', late);
  await ask(`DROP SERIES FROM cpu WHERE host = 'e'`, 'old');
  await server.write('old', `cpu,host=b v=42 ${at(3)}`);
  const answers: string[] = [];
  for (const { q, db } of folderQuestions) answers.push((await ask(q, db)).trim());
  rmSync(target, { recursive: true, force: true });
  await server.restart((folder) => {
    for (const name of ['data', 'wal', 'meta']) {
      const filter = (path: string): boolean => !/_series|\/index(\/|$)/.test(path);
      cpSync(join(folder, name), join(target, name), { recursive: true, filter });
    }
  });
  writeFileSync(join(target, 'answers.json'), `${JSON.stringify(answers, null, 1)}\n`);
  await server.stop();
}

function files(folder: string, ending: string): number {
  return readdirSync(folder, { recursive: true }).filter((name) => String(name).endsWith(ending))
    .length;
}

async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !holds(); i++) await new Promise((resolve) => setTimeout(resolve, 50));
}
