import { spawnSync } from 'node:child_process';
import { InfluxDB } from 'influx';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(12_000, '--metas', '1');
const limitMs = 120_000;
const hasShell = spawnSync('influx', ['-version']).status === 0;
if (!hasShell)
  process.stdout.write('no influx shell (Debian: influxdb-client): its tests are skipped\n');

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

const address = (node: number) => ['-host', '127.0.0.1', '-port', new URL(cluster.url('data', node)).port]; // prettier-ignore

test.runIf(hasShell)(
  'influx shell: CREATE, USE, INSERT, SELECT and SHOW, executed and interactive',
  async () => {
    const execute = (node: number, text: string, ...more: string[]) =>
      spawnSync('influx', [...address(node), ...more, '-execute', text], { encoding: 'utf8' });
    expect(execute(1, 'CREATE DATABASE shell WITH REPLICATION 2')).toMatchObject({ status: 0, stderr: '' }); // prettier-ignore
    await eventually(() => {
      expect(execute(2, 'SHOW DATABASES').stdout).toContain('\nshell\n');
      return Promise.resolve();
    }, 10_000);
    const script =
      'USE shell\nINSERT cpu,host=a v=1.5,n=2i 1000\nINSERT cpu,host=b v=2 2000\nSELECT * FROM cpu\nSHOW SERIES\nSHOW FIELD KEYS\nexit\n';
    // The shell is interactive on a terminal only: script(1) lends it one.
    const command = ['influx', ...address(1)].join(' ');
    const interactive = spawnSync('script', ['-qec', command, '/dev/null'], { input: script, encoding: 'utf8' }); // prettier-ignore
    expect(interactive.stdout).toContain('Using database shell');
    expect(interactive.stdout).toMatch(/1000 +a +2 +1\.5/);
    expect(interactive.stdout).toContain('cpu,host=b');
    expect(interactive.stdout).toMatch(/v +float/);
    const json = execute(2, 'SELECT mean(v) FROM cpu', '-database', 'shell', '-format', 'json');
    expect(json.stdout).toContain('"values":[[0,1.75]]');
    const csv = execute(2, 'SELECT v FROM cpu', '-database', 'shell', '-format', 'csv');
    expect(csv.stdout).toBe('name,time,v\ncpu,1000,1.5\ncpu,2000,2\n');
    expect(execute(1, 'SELECT FROM', '-database', 'shell').stderr).toContain('error parsing query: found FROM'); // prettier-ignore
  },
  limitMs,
);

test(
  'npm client influx: write and read points over two hosts',
  async () => {
    const hosts = [1, 2].map((node) => {
      const { hostname, port } = new URL(cluster.url('data', node));
      return { host: hostname, port: Number(port) };
    });
    const influx = new InfluxDB({ hosts, database: 'client' });
    await influx.createDatabase('client');
    // The client writes at `one` and reads through the other host: only a single copy is sure to have it by then.
    const single = { duration: '0s', replication: 1, isDefault: true, database: 'client' };
    await influx.createRetentionPolicy('single', single);
    // A data node hears of what another one has changed a moment later.
    for (const node of [1, 2])
      await eventually(async () => {
        expect(await cluster.query(node, 'SHOW RETENTION POLICIES ON client')).toContain(
          '"single"',
        );
      }, 10_000);
    expect(await influx.getDatabaseNames()).toContain('client');
    await influx.writePoints([
      {
        measurement: 'm',
        tags: { t: 'a b' },
        fields: { f: 1.5, s: 'x "y"' },
        timestamp: new Date(1),
      },
      { measurement: 'm', tags: { t: 'c' }, fields: { f: 2 }, timestamp: new Date(2) },
    ]);
    const rows = await influx.query('SELECT * FROM m ORDER BY time');
    expect(rows.map((row) => ({ ...(row as object) }))).toMatchObject([
      { t: 'a b', f: 1.5, s: 'x "y"' },
      { t: 'c', f: 2 },
    ]);
    expect(await influx.getMeasurements()).toEqual(['m']);
    const pings = await influx.ping(5_000);
    expect(pings.map(({ online }) => online)).toEqual([true, true]);
  },
  limitMs,
);

test(
  'launcher: a second one on the same ports says which is taken; the nodes end with a killed launcher',
  async () => {
    const second = new DevCluster(12_000, '--metas', '1');
    await expect(second.start()).rejects.toThrow('port 20091 is taken');
    await second.stop();
    const pid = cluster.pid('data-1');
    const isAlive = (): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    expect(isAlive()).toBe(true);
    process.kill(cluster.launcherPid, 'SIGKILL');
    const end = performance.now() + 20_000;
    while (isAlive() && performance.now() < end) await new Promise((wake) => setTimeout(wake, 50));
    expect(isAlive()).toBe(false);
  },
  limitMs,
);
