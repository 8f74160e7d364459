/** A node whose import a cluster does not take is no member of it: its shards have ids that the cluster gives to others. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type Finished, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const recorded = join(import.meta.dirname, '../golden/testdata/influx-folders/1.6.7');
const [metaPort, firstPort, secondPort] = [23_500, 23_600, 23_700];
const metaAddress = `127.0.0.1:${metaPort + 91}`;
const workshop = new Workshop();

const ctl = (...args: readonly string[]): Finished => run('influxd-ctl', '-bind', metaAddress, ...args); // prettier-ignore

async function ask(port: number, db: string, q: string): Promise<string> {
  const parameters = new URLSearchParams({ q, db, epoch: 'ns' });
  return (await fetch(`http://127.0.0.1:${port + 86}/query?${parameters.toString()}`)).text();
}

async function startData(config: string): Promise<LoneDaemon> {
  const data = workshop.start('influxd', '-config', config);
  await data.says(/Listening on HTTP/);
  return data;
}

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
  workshop.start('influxd-meta', '-config', workshop.config({ port: metaPort, name: 'm' }));
  await eventually(() => {
    const made = ctl('add-meta', metaAddress);
    if (made.status !== 0) throw new Error(made.stdout + made.stderr);
    return Promise.resolve();
  }, 30_000);
}, limitMs);

afterAll(() => workshop.close(), limitMs);

test(
  'an import with ids that the cluster has given: add-data says so, the node is no member, and is added once its ids are others',
  async () => {
    await startData(workshop.config({ port: firstPort, name: 'a' }));
    expect(ctl('add-data', `127.0.0.1:${firstPort + 88}`).status).toBe(0);
    const made = await fetch(`http://127.0.0.1:${firstPort + 86}/query`, { method: 'POST', body: new URLSearchParams({ q: 'CREATE DATABASE own' }) }); // prettier-ignore
    expect(made.status).toBe(200);
    const write = (times: readonly number[]) =>
      fetch(`http://127.0.0.1:${firstPort + 86}/write?db=own&precision=s`, { method: 'POST', body: times.map((time) => `m v=${time} ${time}`).join('\n') }); // prettier-ignore
    expect((await write([0, 3_000_000])).status).toBe(204);

    const config = workshop.config({ port: secondPort, name: 'b' });
    expect(run('influxd', 'import-oss', '-config', config, '-from', recorded).status).toBe(0);
    const second = await startData(config);
    const refused = ctl('add-data', `127.0.0.1:${secondPort + 88}`);
    expect(refused.status).toBe(1);
    expect(refused.stderr).toMatch(/shard ids up to [2-9] are taken in this cluster/);
    expect(ctl('show').stdout).not.toContain(`${secondPort + 88}`);
    // What the cluster makes now is not in the shards of the import.
    expect((await write([6_000_000, 9_000_000, 12_000_000])).status).toBe(204);
    const wanted = await ask(firstPort, 'own', 'SELECT * FROM /./');
    expect(wanted).not.toContain('cpu');
    second.child.kill('SIGTERM');
    expect(await second.ended).toBe(0);

    const again = run('influxd', 'import-oss', '-config', config, '-from', recorded, '-id-offset', '1000'); // prettier-ignore
    expect(again.stdout + again.stderr).toContain('is taken back');
    await startData(config);
    const added = ctl('add-data', `127.0.0.1:${secondPort + 88}`);
    expect(added.stderr).toBe('');
    expect(added.status).toBe(0);
    expect(await ask(secondPort, 'own', 'SELECT * FROM /./')).toBe(wanted);
    expect(await ask(firstPort, 'old', 'SHOW MEASUREMENTS')).toContain('cpu');
    expect(ctl('show-shards').stdout).toMatch(/^1001 /m);
  },
  limitMs,
);
