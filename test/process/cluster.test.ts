import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const root = join(import.meta.dirname, '../..');
const cluster = new DevCluster(10_000);
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

async function ask(number: number, q: string): Promise<void> {
  const answer = await cluster.query(number, q);
  if (answer !== '{"results":[{"statement_id":0}]}\n') throw new Error(answer);
}

/** A data node hears of what another one has changed a moment later: its catalog is a copy (spec F16). */
async function hears(number: number, database: string): Promise<void> {
  await eventually(async () => {
    expect(await cluster.query(number, 'SHOW DATABASES')).toContain(`"${database}"`);
  }, 10_000);
}

test(
  'cluster: the main job of the README, over both data nodes',
  async () => {
    await ask(1, 'CREATE DATABASE demo WITH DURATION INF REPLICATION 2');
    await ask(1, 'CREATE DATABASE d WITH REPLICATION 2');
    await hears(2, 'd');
    const lines = readFileSync(join(root, 'examples/weather.lp'), 'utf8');
    const url = `${cluster.url('data', 1)}/write?db=demo&consistency=all`;
    expect((await fetch(url, { method: 'POST', body: lines })).status).toBe(204);
    const q = 'SELECT mean(temperature) FROM weather GROUP BY time(1h), city';
    const [one, two] = [await cluster.query(1, q, 'demo'), await cluster.query(2, q, 'demo')];
    expect(two).toContain('"tags":{"city":"Oslo"}');
    expect(two).toBe(one);
    const bind = ['-bind', cluster.url('meta', 2).replace('http://', '')];
    const ctl = (...args: string[]) => execFileSync(join(root, 'bin/influxd-ctl'), [...bind, ...args], { encoding: 'utf8' }); // prettier-ignore
    expect(ctl('show')).toMatch(/^4 {7}127.0.0.1:18088 /m);
    expect(ctl('show-shards')).toMatch(/demo +autogen +2 /);
    await eventually(async () => {
      expect(ctl('show').match(/v1\.12\.4/g)).toHaveLength(5);
      return Promise.resolve();
    }, 20_000);
  },
  limitMs,
);

test(
  'cluster: 8091 answers on every meta node, and sends what changes to the leader',
  async () => {
    const text = async (number: number, path: string) =>
      (await fetch(`${cluster.url('meta', number)}${path}`)).text();
    expect(await text(2, '/ping')).toMatch(/^127.0.0.1:18\d89$/);
    expect(await text(2, '/ping?all=1')).toBe(await text(1, '/ping'));
    expect(JSON.parse(await text(3, '/status'))).toMatchObject({ nodeType: 'meta', httpAddr: '127.0.0.1:18291' }); // prettier-ignore
    const statuses = await Promise.all(
      [1, 2, 3].map(async (number) => {
        const url = `${cluster.url('meta', number)}/lease?name=cq&nodeid=4`;
        return (await fetch(url, { redirect: 'manual' })).status;
      }),
    );
    expect(statuses.sort()).toEqual([200, 307, 307]);
    const other = await fetch(`${cluster.url('meta', 1)}/lease?name=cq&nodeid=5`);
    expect(other.status).toBe(409);
    expect(await other.json()).toMatchObject({ name: 'cq', owner: 4 });
    const extra = { method: 'POST', body: new URLSearchParams({ addr: '127.0.0.1:18088' }) };
    expect(await (await fetch(`${cluster.url('meta', 2)}/add-data`, extra)).json()).toMatchObject({
      id: 4,
    });
  },
  limitMs,
);

/** Status and text of a point for a database. */
async function writeTo(number: number, database: string): Promise<string> {
  const url = `${cluster.url('data', number)}/write?db=${database}`;
  const answer = await fetch(url, { method: 'POST', body: 'm f=1 1' });
  return `${answer.status} ${await answer.text()}`;
}

test(
  'cluster: a database that one node has just made is written to through another at once',
  async () => {
    const told = new Set<string>();
    for (let i = 0; i < 30; i++) {
      await ask(1, `CREATE DATABASE made${i}`);
      told.add(await writeTo(2, `made${i}`));
    }
    expect([...told]).toEqual(['204 ']);
    expect(await writeTo(2, 'never')).toBe('404 {"error":"database not found: \\"never\\""}\n');
  },
  limitMs,
);

test(
  'cluster: a data node dies and comes back',
  async () => {
    expect(await cluster.write(1, 'm f=1 1\nm f=2 2', 'all')).toBe('204');
    expect(await cluster.values(2, 'SELECT f FROM m')).toEqual([[1, 1], [2, 2]]); // prettier-ignore
    await cluster.kill('data-2');
    expect(await cluster.write(1, 'm f=3 3', 'one')).toBe('204');
    expect(await cluster.write(1, 'm f=4 4', 'all')).toBe('500 {"error":"partial write"}');
    expect(await cluster.write(1, 'm f=5 5', 'any')).toBe('204');
    expect(await cluster.values(1, 'SELECT count(f) FROM m')).toEqual([[0, 5]]);
    cluster.startByHand('data-2');
    await eventually(async () => {
      expect(await cluster.values(2, 'SELECT f FROM m WHERE time < 3')).toEqual([[1, 1], [2, 2]]); // prettier-ignore
    }, 30_000);
    expect(await cluster.write(2, 'm f=6 6', 'all')).toBe('204');
    expect(await cluster.values(1, 'SELECT f FROM m WHERE time = 6')).toEqual([[6, 6]]);
  },
  limitMs,
);

test(
  'cluster: without its leader the metas elect another; without any, data nodes go on with what they know',
  async () => {
    const leader = await (await fetch(`${cluster.url('meta', 1)}/ping`)).text();
    const number = 1 + [18_089, 18_189, 18_289].indexOf(Number(leader.split(':')[1]));
    await cluster.kill(`meta-${number}`);
    const tookMs = await eventually(() => ask(1, 'CREATE DATABASE after_failover'), 30_000);
    expect(tookMs).toBeLessThan(30_000);
    await hears(2, 'after_failover');
    for (const other of [1, 2, 3]) if (other !== number) await cluster.kill(`meta-${other}`);
    expect(await cluster.write(2, 'm f=7 7', 'all')).toBe('204');
    expect(await cluster.values(1, 'SELECT f FROM m WHERE time = 7')).toEqual([[7, 7]]);
    expect(await cluster.query(1, 'CREATE DATABASE never')).toContain('meta service unavailable');
    // Whether it is there nobody can say: a client that is told so drops what it writes.
    expect(await writeTo(2, 'never')).toBe('500 {"error":"meta service unavailable"}\n');
  },
  limitMs,
);
