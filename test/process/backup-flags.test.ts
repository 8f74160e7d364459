/** Every flag of `influxd-ctl backup` and `restore` (spec F82 to F86) on a live cluster: what is said, the exit code, and what there is then. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DevCluster, type Ran } from '../support/dev-cluster.ts';

const limitMs = 240_000;
const root = join(import.meta.dirname, '../..');
const places = mkdtempSync(join(tmpdir(), 'varve-backup-flags-'));
const cluster = new DevCluster(23_000, '--metas', '1', '--data', '2');
const nodes = [1, 2] as const;
const address = (node: number): string => `127.0.0.1:${8088 + 23_000 + 100 * (node - 1)}`;
const daySeconds = 86_400;

beforeAll(async () => {
  await cluster.start();
  for (const statement of [
    'CREATE DATABASE a WITH REPLICATION 2 SHARD DURATION 1d',
    'CREATE RETENTION POLICY two ON a DURATION INF REPLICATION 2 SHARD DURATION 1d',
    'CREATE DATABASE "näme 日本"',
    "CREATE USER bob WITH PASSWORD 'secret'",
    'GRANT READ ON a TO bob',
    'CREATE CONTINUOUS QUERY c ON a BEGIN SELECT mean(v) INTO a.two.m FROM a.autogen.cpu GROUP BY time(1h) END',
  ])
    expect(await cluster.query(1, statement)).not.toContain('error');
  // Shards 1 to 3 are days of a.autogen, 4 is of a.two, 5 of the other database.
  for (let day = 0; day < 3; day++) {
    const lines = Array.from({ length: 100 * (day + 1) }, (_, i) => `cpu,host=h${i % 9} v=${i} ${BigInt(day * daySeconds + i) * 1_000_000_000n}`); // prettier-ignore
    expect(await cluster.write(1, lines.join('\n'), 'all', 'a')).toBe('204');
  }
  expect(await cluster.write(1, 'cpu v=1 1\ncpu v=2 2', 'all', 'a&rp=two')).toBe('204');
  expect(await cluster.write(1, 'm v=1 1', 'all', encodeURIComponent('näme 日本'))).toBe('204');
}, limitMs);
afterAll(async () => {
  await cluster.stop();
  rmSync(places, { recursive: true });
}, limitMs);

/** `DIR` in arguments is the folder of places. */
function ctl(args: readonly string[]): Promise<Ran> {
  return cluster.ctl(args.map((arg) => arg.replace('DIR', places)));
}

const backedUp = (shards: readonly number[]): RegExp => {
  const said = '(Backing up node [\\d.:]+, db .+, rp \\w+, shard \\d+\\.\\.\\. Done\\. Backed up in [\\d.]+[mµ]?s, \\d+ bytes transferred\\n)'; // prettier-ignore
  return new RegExp(`^Backing up meta data\\.\\.\\. Done\\. \\d+ bytes transferred\\n${said}{${shards.length}}Backed up to \\S+ in [\\d.]+m?s, transferred \\d+ bytes\\n$`); // prettier-ignore
};

/** Command line, shards that it says it takes: in any order, as some are taken at a time. */
const backups: readonly (readonly [string, readonly number[]])[] = [
  ['DIR/inc', [1, 2, 3, 4, 5]],
  ['DIR/inc', []],
  ['-strategy incremental -staleness-threshold 10m DIR/inc', []],
  ['-strategy full DIR/inc', [1, 2, 3, 4, 5]],
  ['-full DIR/full', [1, 2, 3, 4, 5]],
  ['-full=false -strategy only-meta DIR/meta', []],
  ['-strategy only-meta -db a DIR/meta', []],
  ['-strategy full -db a DIR/a', [1, 2, 3, 4]],
  ['-db a -rp two DIR/two', [4]],
  ['-db a -rp autogen -shard 2 DIR/one', [2]],
  ['-shard 3 DIR/three', [3]],
  ['-start 1970-01-02T00:00:00Z -end 1970-01-02T23:59:59Z -db a DIR/day', [2]],
  ['-start 1970-01-02T02:00:00+02:00 -db a DIR/from', [2, 3]],
  ['-end 1970-01-02T00:00:00Z -db a DIR/to', [1, 2, 4]],
  ['-gzipCompressionLevel none -gzipBlockCount 1 -gzipBlockSize 1000 -bufsize 10 -db a DIR/none', [1, 2, 3, 4]], // prettier-ignore
  ['-gzipCompressionLevel speedy -db a DIR/speedy', [1, 2, 3, 4]],
  ['-gzipCompressionLevel full -gzipBlockCount 3 -db a DIR/most', [1, 2, 3, 4]],
  ['-cpuprofile DIR/one.cpuprofile -shard 1 DIR/profiled', [1]],
  [`-from ${address(1)} -full -db a DIR/first`, [1, 2, 3, 4]],
  [`-from ${address(2)} -full -db a DIR/second`, [1, 2, 3, 4]],
];

const refusedBackups: readonly (readonly [string, string])[] = [
  ['-db none DIR/x', 'database not found: none'],
  ['-db a -rp none DIR/x', 'retention policy not found: none'],
  ['-shard 99 DIR/x', 'shard not found for id: 99'],
  ['-db a -rp two -shard 1 DIR/x', 'shard not found for id: 1'],
  ['-from nobody:8088 DIR/x', 'data node "nobody:8088" does not exist'],
];

describe('what is backed up', () => {
  test.each(backups)(
    'backup %s',
    async (line, shards) => {
      const { code, text } = await ctl(['backup', ...line.split(' ')]);
      expect(text).toMatch(backedUp(shards));
      expect(code).toBe(0);
      const said = [...text.matchAll(/, shard (\d+)\.\.\. /g)].map(([, id]) => Number(id));
      expect(said.sort((a, b) => a - b)).toEqual(shards);
      const [, from] = /-from (\S+)/.exec(line) ?? [];
      if (from !== undefined) expect(text.split(`node ${from}, `).length).toBe(shards.length + 1);
      const place = line.slice(line.lastIndexOf(' ') + 1);
      expect(await ctl(['backup', 'verify', place])).toMatchObject({ code: 0 });
    },
    limitMs,
  );

  test.each(refusedBackups)(
    'backup %s is refused, and nothing is there then',
    async (line, text) => {
      expect(await ctl(['backup', ...line.split(' ')])).toEqual({ code: 1, text: `backup: ${text}\n` }); // prettier-ignore
      expect(readdirSync(places)).not.toContain('x');
    },
  );

  test('an estimate is of what would be moved, and moves nothing', async () => {
    const { code, text } = await ctl(['backup', '-estimate', 'DIR/x']);
    expect(code).toBe(0);
    expect(text).toMatch(/^Meta data: \d+ bytes\n(Node \S+, db .+, rp \w+, shard \d+: \d+ bytes\n){5}Estimated: 5 shards, \d+ bytes\n$/); // prettier-ignore
    expect(readdirSync(places)).not.toContain('x');
    expect((await ctl(['backup', '-estimate', 'DIR/inc'])).text).toMatch(/\nEstimated: 0 shards, \d+ bytes\n$/); // prettier-ignore
    expect(statSync(join(places, 'one.cpuprofile')).size).toBeGreaterThan(1_000);
  });
});

interface Wanted {
  readonly database: string;
  /** Of `cpu` in the default policy. */
  readonly points: number;
  /** Name, duration, copies, and whether it is the default one. */
  readonly policies: readonly (readonly [string, string, number, boolean])[];
}

const both = [['autogen', '0s', 2, true], ['two', '0s', 2, false]] as const; // prettier-ignore
const restores: readonly (readonly [string, number, Wanted])[] = [
  ['-db a -newdb a1 DIR/inc/', 4, { database: 'a1', points: 600, policies: both }],
  ['-db a -newdb a2 -full DIR/full/MANIFEST', 4, { database: 'a2', points: 600, policies: both }],
  ['-db a -rp two -newdb a3 -newrp twice -newduration 5000w -newrf 1 DIR/inc', 1, { database: 'a3', points: 2, policies: [['twice', '840000h0m0s', 1, true]] }], // prettier-ignore
  ['-db a -rp two -newdb a4 -newduration 0s DIR/two', 1, { database: 'a4', points: 2, policies: [['two', '0s', 2, true]] }], // prettier-ignore
  ['-db a -newdb a5 -shard 2 DIR/inc', 1, { database: 'a5', points: 200, policies: both }],
  ['-db a -newdb a6 -newrf 9 DIR/inc', 4, { database: 'a6', points: 600, policies: both }],
  ['-db a -newdb a7 DIR/day', 1, { database: 'a7', points: 200, policies: both }],
  ['-db a -newdb a8 -rp autogen DIR/one', 1, { database: 'a8', points: 200, policies: [['autogen', '0s', 2, true]] }], // prettier-ignore
  ['-db a -newdb a9 DIR/meta', 0, { database: 'a9', points: 0, policies: both }],
  ['-db a -newdb b1 DIR/none', 4, { database: 'b1', points: 600, policies: both }],
  ['-db a -newdb b2 DIR/most', 4, { database: 'b2', points: 600, policies: both }],
  ['-db a -newdb b3 DIR/speedy', 4, { database: 'b3', points: 600, policies: both }],
];

const refusedRestores: readonly (readonly [string, string])[] = [
  ['DIR/inc', 'operation exited with error: problem setting snapshot: database already exists'],
  ['-db a DIR/inc', 'operation exited with error: problem setting snapshot: database already exists'],
  ['-db a -newdb x/y DIR/inc', 'operation exited with error: problem setting snapshot: invalid name'],
  ['-db a -newdb c1 -rp two -newduration 1m DIR/inc', 'operation exited with error: problem setting snapshot: retention policy duration must be at least 1h0m0s'],
  ['-db none DIR/inc', 'database not found: none'],
  ['-db a -rp none DIR/inc', 'retention policy not found: none'],
  ['-db a -newdb c1 -shard 5 DIR/inc', 'shard not found for id: 5'],
  ['-db a -newdb c1 -rp autogen DIR/two', 'retention policy not found: autogen'],
  ['-shard 1 -newshard 99 DIR/inc', 'shard not found for id: 99'],
  ['-shard 2 -newshard 1 DIR/inc', 'shard 1 is not of the time of shard 2 of the backup'],
  ['-shard 1 -newshard 1 DIR/inc', 'shard 1 has points already'],
  ['DIR/nowhere', 'no manifest files found in: DIR/nowhere'],
  ['-full DIR/inc', 'read DIR/inc: is a directory'],
  ['DIR/inc/MANIFEST', 'DIR/inc/MANIFEST is a manifest: give it with -full'],
]; // prettier-ignore

/** `MANIFEST` is the first one of its folder. */
function restoreArguments(line: string): readonly string[] {
  const [, folder = ''] = /DIR\/(\w+)\/MANIFEST/.exec(line) ?? [];
  const manifest = folder === '' ? '' : (readdirSync(join(places, folder)).find((name) => name.endsWith('.manifest')) ?? ''); // prettier-ignore
  return ['restore', ...line.replace('MANIFEST', manifest).split(' ')];
}

describe('what is restored', () => {
  test.each(restores)(
    'restore %s',
    async (line, shardCount, { database, points, policies }) => {
      const { code, text } = await ctl(restoreArguments(line));
      expect(text).toMatch(/^Using (backup directory|manifest): \S+\nUsing meta backup: \d{8}T\d{6}Z\.meta\nRestoring meta data\.\.\. Done\. Restored in \S+, \d+ shards mapped\n/); // prettier-ignore
      const copied = policies[0]?.[2] === 1 ? '{1}' : '{2}';
      const each = new RegExp(`Restoring db a, rp \\w+, shard \\d+ to shard \\d+\\.\\.\\.\\n(Copying data to [\\d.:]+\\.\\.\\. )${copied}Done\\. Restored shard \\d+ into shard \\d+ in \\S+, \\d+ bytes transferred\\n`, 'g'); // prettier-ignore
      expect([...text.matchAll(each)].length).toBe(shardCount);
      expect(text).toMatch(/\nRestored from \S+ in \S+, transferred \d+ bytes\n$/);
      expect(code).toBe(0);
      for (const node of nodes) {
        const counted = await cluster.query(node, 'SELECT count(v) FROM cpu', database);
        if (points === 0) expect(counted).not.toContain('series');
        else expect(counted).toContain(`[0,${points}]`);
      }
      const answer = await cluster.query(1, `SHOW RETENTION POLICIES ON ${database}`);
      const { values } = (JSON.parse(answer) as { results: { series: { values: [string, string, string, number, string, string, boolean][] }[] }[] }).results[0]?.series[0] ?? { values: [] }; // prettier-ignore
      expect(values.map(([name, duration, , copies, , , isDefault]) => [name, duration, copies, isDefault])).toEqual(policies); // prettier-ignore
    },
    limitMs,
  );

  test.each(refusedRestores)('restore %s is refused', async (line, text) => {
    const before = await cluster.query(1, 'SHOW DATABASES');
    const args = restoreArguments(line);
    const ran = await ctl(args);
    const manifest = args.at(-1)?.split('/').at(-1) ?? '';
    const wanted = text.replaceAll('DIR', places).replace('MANIFEST', manifest);
    expect(ran.text.split('\n').at(-2)).toBe(`restore: ${wanted}`);
    expect(ran.code).toBe(1);
    expect(await cluster.query(1, 'SHOW DATABASES')).toBe(before);
    for (const node of nodes)
      expect(await cluster.query(node, 'SELECT count(v) FROM cpu', 'a')).toContain('[0,600]');
  });

  test('a name of other letters; a shard alone comes with its database; another shard takes one', async () => {
    const other = ['restore', '-db', 'näme 日本', '-newdb', 'neu 日本', 'DIR/inc'];
    expect(await ctl(other)).toMatchObject({ code: 0 });
    expect(await cluster.query(2, 'SELECT * FROM m', 'neu 日本')).toContain('[1,1]');
    expect(await cluster.query(1, 'DROP DATABASE "näme 日本"')).not.toContain('error');
    expect(await ctl(['restore', '-shard', '5', 'DIR/inc'])).toMatchObject({ code: 0 });
    expect(await cluster.query(2, 'SELECT * FROM m', 'näme 日本')).toContain('[1,1]');
    // a9 has the days without points.
    const shown = await (await fetch(`${cluster.url('meta', 1)}/show-shards`)).json() as { id: number; database: string; 'start-time': string }[]; // prettier-ignore
    const empty = shown.find((one) => one.database === 'a9' && one['start-time'].startsWith('1970-01-02')); // prettier-ignore
    const taken = await ctl(['restore', '-shard', '2', '-newshard', `${empty?.id}`, 'DIR/three']);
    expect(taken.text).toContain('\nrestore: the backup has no points of shard 2\n');
    expect(taken.code).toBe(1);
    const ran = await ctl(['restore', '-shard', '2', '-newshard', `${empty?.id}`, 'DIR/inc']);
    expect(ran.text).toContain(`Done. Restored shard 2 into shard ${empty?.id} in `);
    for (const node of nodes)
      expect(await cluster.query(node, 'SELECT count(v) FROM cpu', 'a9')).toContain('[0,200]');
  }, limitMs); // prettier-ignore

  test('an overwrite of what the cluster knows; nobody keeps what the backup has not', async () => {
    await cluster.query(1, 'DROP USER bob');
    await cluster.query(1, 'DROP CONTINUOUS QUERY c ON a');
    await cluster.query(1, 'ALTER RETENTION POLICY two ON a DURATION 52w');
    const { code, text } = await ctl(['restore', '-meta-only-overwrite-force', 'DIR/meta']);
    expect(text).toMatch(/^Using backup directory: \S+\nUsing meta backup: \S+\nRestoring meta data\.\.\. Done\. Restored in \S+, 5 shards mapped\nRestored from \S+ in \S+, transferred \d+ bytes\n$/); // prettier-ignore
    expect(code).toBe(0);
    expect(await cluster.query(1, 'SHOW GRANTS FOR bob')).toContain('["a","READ"]');
    expect(await cluster.query(2, 'SHOW CONTINUOUS QUERIES')).toContain('INTO a.two.m');
    expect(await cluster.query(1, 'SHOW RETENTION POLICIES ON a')).toContain('["two","0s"');
    expect(await cluster.query(1, 'SHOW DATABASES')).not.toContain('a1');
    for (const node of nodes)
      expect(await cluster.query(node, 'SELECT count(v) FROM cpu', 'a')).toContain('[0,600]');
  }, limitMs); // prettier-ignore
});

const hasShell = spawnSync('influx', ['-version']).status === 0;
if (!hasShell) process.stdout.write('no influx: the test of its -import is skipped\n');

test.skipIf(!hasShell)(
  'what influx_inspect exports of a node is imported by the shell of an InfluxDB (F86)',
  async () => {
    const [folder, out] = [join(cluster.dir, 'data-1'), join(places, 'lines.gz')];
    const args = ['export', '-datadir', join(folder, 'data'), '-waldir', join(folder, 'wal'), '-database', 'a', '-compress', '-out', out]; // prettier-ignore
    expect(spawnSync(join(root, 'bin/influx_inspect'), args, { encoding: 'utf8' }).status).toBe(0);
    expect(await cluster.query(1, 'DROP DATABASE a')).not.toContain('error');
    const port = new URL(cluster.url('data', 2)).port;
    const child = spawn('influx', ['-port', port, '-import', '-compressed', '-path', out]);
    const code = await new Promise((resolve) => child.on('close', resolve));
    expect(code).toBe(0);
    for (const node of nodes) {
      expect(await cluster.query(node, 'SELECT count(v), sum(v) FROM cpu', 'a')).toContain('[0,600,69700]'); // prettier-ignore
      expect(await cluster.query(node, 'SELECT v FROM two.cpu', 'a')).toContain('[[1,1],[2,2]]');
    }
  },
  limitMs,
);
