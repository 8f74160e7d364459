import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually, type Ran } from '../support/dev-cluster.ts';
import { ReferenceServer } from '../support/reference-server.ts';

const limitMs = 240_000;
const places = mkdtempSync(join(tmpdir(), 'varve-backup-'));
const old = new DevCluster(10_100, '--metas', '1');
const fresh = new DevCluster(10_300, '--metas', '1', '--data', '3');
afterAll(async () => {
  await old.stop();
  await fresh.stop();
  rmSync(places, { recursive: true });
}, limitMs);

const questions = [
  'SELECT count(v), sum(v), min(v), max(v) FROM cpu',
  'SELECT mean(v) FROM cpu GROUP BY host',
  'SELECT last(v), s FROM cpu GROUP BY *',
  'SELECT sum(v) FROM cpu WHERE time >= 0 AND time < 20d GROUP BY time(1d), host',
  'SELECT * FROM two.m',
  'SHOW SERIES',
  'SHOW FIELD KEYS',
  'SHOW TAG VALUES WITH KEY = host',
  'SHOW RETENTION POLICIES',
  'SHOW CONTINUOUS QUERIES',
];

async function answers(
  cluster: DevCluster,
  node: number,
  database = 'q',
): Promise<readonly string[]> {
  // prettier-ignore
  const all: string[] = [];
  for (const question of questions) all.push(await cluster.query(node, question, database));
  return all;
}

async function fill(cluster: DevCluster): Promise<void> {
  for (const statement of [
    'CREATE DATABASE d WITH REPLICATION 2',
    'CREATE DATABASE q WITH REPLICATION 2 SHARD DURATION 1d',
    'CREATE RETENTION POLICY two ON q DURATION INF REPLICATION 2',
    "CREATE USER bob WITH PASSWORD 'secret'",
    'GRANT READ ON q TO bob',
    'CREATE CONTINUOUS QUERY c ON q BEGIN SELECT mean(v) INTO m FROM cpu GROUP BY time(1h) END',
    "CREATE SUBSCRIPTION s ON q.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'",
  ])
    expect(await cluster.query(1, statement)).not.toContain('error');
  const lines = Array.from({ length: 5_000 }, (_, i) => `cpu,host=h${i % 9} v=${i},s="t${i % 7}" ${BigInt(i) * 300_000_000_000n}`); // prettier-ignore
  for (const [to, body] of [['q', lines.join('\n')], ['q&rp=two', 'm v=1i 5\nm v=2i 6']] as const) {
    const url = `${cluster.url('data', 1)}/write?db=${to}&consistency=all`;
    expect((await fetch(url, { method: 'POST', body })).status).toBe(204);
  } // prettier-ignore
  // What is deleted stays so.
  expect(await cluster.query(1, 'DELETE FROM cpu WHERE time < 600s', 'q')).not.toContain('error');
}

/** Writes until it is told to end; answers the times that were acknowledged, by then at the latest. */
function load(
  cluster: DevCluster,
  measurement = 'm',
): { readonly acknowledged: number[]; end(): Promise<void> } {
  const acknowledged: number[] = [];
  const ending = new AbortController();
  const run = (async () => {
    for (let i = 0; !ending.signal.aborted; i++) {
      const times = Array.from({ length: 50 }, (_, k) => i * 50 + k);
      const lines = times
        .map((time) => `${measurement},c=c${time % 5} f=${time} ${time}`)
        .join('\n');
      if ((await cluster.write(1, lines, 'one')) === '204') acknowledged.push(...times);
    }
  })();
  return {
    acknowledged,
    end: () => {
      ending.abort();
      return run;
    },
  };
}

test(
  'a cluster under load is backed up, lost, and restored into a new one: it answers the same',
  async () => {
    await old.start();
    await fill(old);
    const before = await answers(old, 1);
    const writing = load(old);
    await eventually(() => {
      if (writing.acknowledged.length < 1_000) throw new Error('a little more');
      return Promise.resolve();
    }, 60_000);
    const place = join(places, 'whole');
    const known = [...writing.acknowledged];
    const first = await old.ctl(['backup', place]);
    expect(first.text).toMatch(/Backed up to \S+ in \S+, transferred \d+ bytes\n$/);
    expect(first.code).toBe(0);
    await writing.end();
    // Nothing was written to what is at rest; the one that was under load is taken again.
    const second = await old.ctl(['backup', place]);
    expect(second.text.match(/Backing up node .* db d, /g)?.length).toBe(1);
    expect(second.text).not.toContain('db q');
    const third = await old.ctl(['backup', place]);
    expect(third.text).not.toContain('Backing up node');
    // An owner that dies while it gives: the other one has what it had.
    const half = join(places, 'half');
    let isKilled: Promise<void> | undefined;
    const full = await old.ctl(['backup', '-strategy', 'full', half], (text) => {
      if (text.includes('meta data... Done')) isKilled ??= old.kill('data-2');
    });
    await isKilled;
    expect(full.text).toMatch(/Backed up to /);
    for (const each of [place, half])
      expect(await old.ctl(['backup', 'verify', each])).toMatchObject({ code: 0 });
    const [manifest = ''] = readdirSync(place).filter((name) => name.endsWith('.manifest'));
    await old.killAll();

    await fresh.start();
    // Clients that have not stopped: their database comes back under them.
    const late = load(fresh, 'late');
    const restored = await fresh.ctl(['restore', place]);
    expect(restored.text).toMatch(/Restored from \S+ in \S+, transferred \d+ bytes\n$/);
    expect(restored.code).toBe(0);
    await eventually(() => {
      if (late.acknowledged.length === 0) throw new Error('a little more');
      return Promise.resolve();
    }, 60_000);
    await late.end();
    for (const node of [1, 2, 3]) {
      expect(await answers(fresh, node)).toEqual(before);
      const stored = new Set((await fresh.values(node, 'SELECT f FROM m')).map(([time]) => time));
      expect(writing.acknowledged.filter((time) => !stored.has(time))).toEqual([]);
      const isLate = new Set(
        (await fresh.values(node, 'SELECT f FROM late')).map(([time]) => time),
      );
      expect(late.acknowledged.filter((time) => !isLate.has(time))).toEqual([]);
    }
    expect(await fresh.query(1, 'SHOW USERS')).toContain('["bob",false]');
    expect(await fresh.query(1, 'SHOW GRANTS FOR bob')).toContain('["q","READ"]');
    expect(await fresh.query(1, 'SHOW SUBSCRIPTIONS')).not.toContain('udp');

    // The first moment, under another name: all that was acknowledged before it.
    const one = ['restore', '-full', '-db', 'd', '-newdb', 'then', join(place, manifest)];
    expect(await fresh.ctl(one)).toMatchObject({ code: 0 });
    const then = JSON.parse(await fresh.query(2, 'SELECT f FROM m', 'then')) as { results: { series: { values: unknown[][] }[] }[] }; // prettier-ignore
    const stored = new Set(then.results[0]?.series[0]?.values.map(([time]) => time));
    expect(known.filter((time) => !stored.has(time))).toEqual([]);
    expect(await fresh.ctl(['restore', '-db', 'q', half])).toEqual({
      code: 1,
      text: expect.stringMatching(/Restoring meta data\.\.\. Error\.\nrestore: operation exited with error: problem setting snapshot: database already exists\n$/) as string,
    }); // prettier-ignore
    expect(await fresh.ctl(['restore', '-db', 'q', '-newdb', 'q2', half])).toMatchObject({ code: 0 }); // prettier-ignore
    const again = await answers(fresh, 3, 'q2');
    // Those of all databases are another matter.
    expect(again.slice(0, 9)).toEqual(before.slice(0, 9));
    await fresh.query(1, 'DROP USER bob');
    expect(await fresh.ctl(['backup', '-strategy', 'only-meta', join(places, 'meta')])).toMatchObject({ code: 0 }); // prettier-ignore
    await fresh.query(1, 'DROP CONTINUOUS QUERY c ON q');
    expect(await fresh.ctl(['restore', '-meta-only-overwrite-force', join(places, 'meta')])).toMatchObject({ code: 0 }); // prettier-ignore
    expect(await answers(fresh, 2)).toEqual(await answers(fresh, 1));
    expect((await answers(fresh, 1)).slice(0, 9)).toEqual(before.slice(0, 9));
    const other = await fresh.ctl(['restore', '-meta-only-overwrite-force', place]);
    expect(other.text).toContain('the backup is of another cluster');
  },
  limitMs,
);

test(
  'straight to an object store, and from there',
  async () => {
    const server = new S3rver({
      port: 0,
      address: '127.0.0.1',
      silent: true,
      directory: join(places, 's3'),
      configureBuckets: [{ name: 'backups', configs: [] }],
    });
    const { port } = await server.run();
    const environment = {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
      AWS_ACCESS_KEY_ID: 'S3RVER',
      AWS_SECRET_ACCESS_KEY: 'S3RVER',
    };
    const run = (...args: readonly string[]): Promise<Ran> =>
      fresh.ctl(args, undefined, environment);
    try {
      const place = 's3://backups/of/fresh';
      expect((await run('backup', '-db', 'q', place)).text).toContain(`Backed up to ${place} in`);
      expect((await run('backup', '-db', 'q', place)).text).not.toContain('Backing up node');
      expect(await run('backup', 'verify', place)).toMatchObject({ code: 0 });
      const restored = await run('restore', '-db', 'q', '-newdb', 'q3', place);
      expect(restored).toMatchObject({ code: 0 });
      const [was, is] = [await answers(fresh, 1, 'q'), await answers(fresh, 2, 'q3')];
      expect(is.slice(0, 9)).toEqual(was.slice(0, 9));
      const wrong = { ...environment, AWS_ACCESS_KEY_ID: 'nobody' };
      const refused = await fresh.ctl(['backup', '-db', 'q', place], undefined, wrong);
      expect(refused.code).toBe(1);
    } finally {
      await server.close();
    }
  },
  limitMs,
);

/**
 * Backups of a real influxd in one place, of one database, of another, and of the first again, after more was written each time: what
 * `influxd restore -portable` takes of each, and what we take.
 */
async function severalInOnePlace(
  reference: ReferenceServer,
  influxd: (...args: readonly string[]) => unknown,
): Promise<void> {
  const place = join(places, 'several');
  const host = ['-portable', '-host', reference.rpcAddress];
  const dayNs = 86_400_000_000_000n;
  const write = async (database: string, from: number): Promise<void> => {
    const lines = Array.from({ length: 500 }, (_, i) => `cpu,host=h${i % 9} v=${from + i} ${BigInt(from + i) * (dayNs / 50n)}`); // prettier-ignore
    expect((await reference.write(database, lines.join('\n'))).status).toBe(204);
  };
  const question = 'SELECT count(v), sum(v), first(v), last(v) FROM cpu GROUP BY host';
  let restoreCount = 0;
  const comparesEqual = async (database: string, count: number): Promise<void> => {
    const name = `${database}_${++restoreCount}`;
    influxd('restore', ...host, '-db', database, '-newdb', name, place);
    const said = await fresh.ctl(['restore', '-db', database, '-newdb', name, place]);
    expect(said).toMatchObject({ code: 0 });
    await eventually(async () => {
      const wanted = await reference.query({ q: question, db: name, epoch: 'ns' });
      const all = await reference.query({ q: 'SELECT count(v) FROM cpu', db: name, epoch: 'ns' });
      expect(all).toContain(`[0,${count}]`);
      for (const node of [1, 2, 3])
        expect(JSON.parse(await fresh.query(node, question, name))).toEqual(JSON.parse(wanted));
    }, 30_000);
  };
  /** Backups of one second have one name: the later would take the place of the one before. */
  const backUp = async (database: string): Promise<void> => {
    const second = (): string => new Date().toISOString().replace(/[-:]|\.\d+/g, '');
    await eventually(() => {
      const taken = existsSync(place) && readdirSync(place).includes(`${second()}.manifest`);
      expect(taken).toBe(false);
      return Promise.resolve();
    }, 30_000);
    influxd('backup', ...host, '-db', database, place);
  };
  await reference.query({ q: 'CREATE DATABASE one' });
  await write('one', 0);
  await backUp('one');
  await write('one', 500);
  await reference.query({ q: 'CREATE DATABASE two' });
  await write('two', 100);
  await backUp('two');
  await comparesEqual('one', 500);
  await comparesEqual('two', 500);
  await backUp('one');
  await comparesEqual('one', 1_000);
  await comparesEqual('two', 500);
}

const hasInfluxd = spawnSync('influxd', ['version']).status === 0;
if (!hasInfluxd) process.stdout.write('no influxd: the test of its backups is skipped\n');

test.skipIf(!hasInfluxd)(
  'influxd backup -portable of a real influxd is restored, and ours by influxd restore -portable',
  async () => {
    const reference = await ReferenceServer.start();
    try {
      await reference.query({ q: 'CREATE DATABASE oss' });
      const lines = Array.from({ length: 3_000 }, (_, i) => `cpu,host=h${i % 9} v=${i} ${BigInt(i) * 600_000_000_000n}`); // prettier-ignore
      expect((await reference.write('oss', lines.join('\n'))).status).toBe(204);
      const taken = join(places, 'oss');
      const influxd = (...args: readonly string[]) => spawnSync('influxd', args, { encoding: 'utf8' }); // prettier-ignore
      influxd('backup', '-portable', '-host', reference.rpcAddress, '-db', 'oss', taken);
      expect(await fresh.ctl(['restore', '-newrf', '2', '-db', 'oss', taken])).toMatchObject({ code: 0 }); // prettier-ignore
      const question = 'SELECT count(v), sum(v) FROM cpu GROUP BY host';
      const wanted = await reference.query({ q: question, db: 'oss', epoch: 'ns' });
      for (const node of [1, 2, 3])
        expect(JSON.parse(await fresh.query(node, question, 'oss'))).toEqual(JSON.parse(wanted));
      await severalInOnePlace(reference, influxd);
      const ours = join(places, 'ours');
      expect(await fresh.ctl(['backup', '-db', 'oss', ours])).toMatchObject({ code: 0 });
      influxd('restore', '-portable', '-host', reference.rpcAddress, '-db', 'oss', '-newdb', 'back', ours); // prettier-ignore
      // It opens a shard that it has restored a moment later.
      await eventually(async () => {
        const back = JSON.parse(await reference.query({ q: question, db: 'back', epoch: 'ns' })) as unknown; // prettier-ignore
        expect(back).toEqual(JSON.parse(wanted));
      }, 30_000);
      const [name = ''] = readdirSync(ours).filter((one) => one.endsWith('.manifest'));
      expect(JSON.parse(readFileSync(join(ours, name), 'utf8'))).toMatchObject({ limited: true, database: 'oss' }); // prettier-ignore
    } finally {
      await reference.stop();
    }
  },
  limitMs,
);
