import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 180_000;
const workshop = new Workshop();
const [metaPort, firstPort, secondPort] = [27_100, 27_200, 27_300];
const dataPorts = [firstPort, secondPort];
const at = (port: number, offset: number) => `127.0.0.1:${port + offset}`;
const secret = 'of nodes';
let meta: LoneDaemon;

function startMeta(): LoneDaemon {
  return workshop.start('influxd-meta', '-config', workshop.path(`m${metaPort}.conf`));
}

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  const more = '  auth-enabled = true\n';
  const secrets = { INFLUXDB_META_AUTH_ENABLED: 'true', INFLUXDB_META_INTERNAL_SHARED_SECRET: secret, INFLUXDB_META_META_AUTH_ENABLED: 'true', INFLUXDB_META_META_INTERNAL_SHARED_SECRET: secret }; // prettier-ignore
  Object.assign(process.env, secrets);
  workshop.config({ port: metaPort, name: `m${metaPort}`, more });
  meta = startMeta();
  for (const port of dataPorts)
    workshop.start('influxd', '-config', workshop.config({ port, name: `d${port}`, more }));
  for (const url of [at(metaPort, 91), ...dataPorts.map((port) => at(port, 86))])
    await eventually(() => fetch(`http://${url}/ping`), 30_000);
  const ctl = (...command: readonly string[]) => run('influxd-ctl', '-bind', at(metaPort, 91), '-timeout', '30s', '-auth-type', 'jwt', '-secret', secret, ...command); // prettier-ignore
  expect(ctl('add-meta', at(metaPort, 91)).stdout).toMatch(/^Added meta node/);
  for (const port of dataPorts) expect(ctl('add-data', at(port, 88)).stdout).toMatch(/^Added data node/); // prettier-ignore
}, limitMs);
afterAll(async () => {
  for (const name of [
    'INFLUXDB_META_AUTH_ENABLED',
    'INFLUXDB_META_INTERNAL_SHARED_SECRET',
    'INFLUXDB_META_META_AUTH_ENABLED',
    'INFLUXDB_META_META_INTERNAL_SHARED_SECRET',
  ])
    // prettier-ignore
    Reflect.deleteProperty(process.env, name);
  await workshop.close();
}, limitMs);

const authorization = (user: string) => `Basic ${Buffer.from(`${user}:${user}`).toString('base64')}`; // prettier-ignore

async function query(
  port: number,
  user: string,
  q: string,
  more: Readonly<Record<string, string>> = {},
): Promise<string> {
  // prettier-ignore
  const body = new URLSearchParams({ q, ...more });
  const answer = await fetch(`http://${at(port, 86)}/query`, { method: 'POST', body, headers: user === '' ? {} : { authorization: authorization(user) } }); // prettier-ignore
  return `${answer.status} ${await answer.text()}`;
}

async function write(port: number, user: string, lines: string): Promise<number> {
  const answer = await fetch(`http://${at(port, 86)}/write?db=d`, { method: 'POST', body: lines, headers: { authorization: authorization(user) } }); // prettier-ignore
  await answer.text();
  return answer.status;
}

async function acl(method: 'GET' | 'POST' | 'DELETE', path: string, user: string, body?: object) {
  const headers = user === '' ? {} : { authorization: authorization(user) };
  const answer = await fetch(`http://${at(metaPort, 91)}/influxdb/v2/acl/${path}`, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) }); // prettier-ignore
  const text = await answer.text();
  return { status: answer.status, document: (text === '' ? {} : JSON.parse(text)) as { id?: string } }; // prettier-ignore
}

/** A database has shards at both nodes, one copy each. */
const hours = [0, 1, 2, 3, 4, 5];
const lineAt = (dc: string, hour: number) => `network,dc=${dc} bytes=${hour + 1}i ${BigInt(hour) * 3_600_000_000_000n}`; // prettier-ignore
const sum = 'SELECT sum(bytes) FROM network GROUP BY dc';
const both = ['read', 'write'];
const network = { database: { match: 'exact', value: 'd' }, measurement: { match: 'exact', value: 'network' } }; // prettier-ignore

/** The sums that a user gets, by the same answer of both nodes. */
async function sums(user: string): Promise<readonly string[]> {
  const answers = await Promise.all(dataPorts.map((port) => query(port, user, sum, { db: 'd' })));
  expect(answers[1]).toBe(answers[0]);
  return [...(answers[0] ?? '').matchAll(/"dc":"(\w+)"/g)].map(([, dc = '']) => dc);
}

test(
  'restrictions: each node of a cluster keeps to them, also of what it reads at another',
  async () => {
    await eventually(async () => {
      expect(await query(firstPort, '', "CREATE USER root WITH PASSWORD 'root' WITH ALL PRIVILEGES")).toMatch(/^200 /); // prettier-ignore
    }, 20_000);
    for (const q of [
      'CREATE DATABASE d WITH DURATION INF REPLICATION 1 SHARD DURATION 1h NAME r',
      "CREATE USER east WITH PASSWORD 'east'",
      'GRANT ALL ON d TO east',
    ])
      // prettier-ignore
      expect(await query(firstPort, 'root', q)).toMatch(/^200 (?!.*error)/);
    const lines = hours.flatMap((hour) => ['east', 'west'].map((dc) => lineAt(dc, hour)));
    expect(await write(firstPort, 'root', lines.join('\n'))).toBe(204);
    await eventually(async () => {
      expect(await sums('east')).toEqual(['east', 'west']);
    }, 20_000);
    expect((await acl('GET', 'restrictions', '')).status).toBe(401);
    expect((await acl('POST', 'restrictions', 'east', { ...network, permissions: both })).status).toBe(403); // prettier-ignore
    for (const dc of ['east', 'west'])
      expect((await acl('POST', 'restrictions', 'root', { ...network, tags: [{ match: 'exact', key: 'dc', value: dc }], permissions: both })).status).toBe(200); // prettier-ignore
    await eventually(async () => {
      expect(await sums('east')).toEqual([]);
    }, 10_000);
    const granted = await acl('POST', 'grants', 'root', { ...network, tags: [{ match: 'exact', key: 'dc', value: 'east' }], permissions: both, users: [{ name: 'east' }] }); // prettier-ignore
    expect(granted.status).toBe(200);
    await eventually(async () => {
      expect(await sums('east')).toEqual(['east']);
    }, 10_000);
    expect(await sums('root')).toEqual(['east', 'west']);
    for (const port of dataPorts) {
      for (const hour of hours) {
        expect(await write(port, 'east', lineAt('west', hour))).toBe(403);
        expect(await write(port, 'east', lineAt('east', hour))).toBe(204);
      }
      expect(await query(port, 'east', 'SHOW SERIES', { db: 'd' })).toContain('[["network,dc=east"]]'); // prettier-ignore
    }
    expect(await query(secondPort, 'east', 'DELETE FROM network', { db: 'd' })).toMatch(/^200 (?!.*error)/); // prettier-ignore
    expect(await sums('root')).toEqual(['west']);
    expect(await write(secondPort, 'east', hours.map((hour) => lineAt('east', hour)).join('\n'))).toBe(204); // prettier-ignore
    expect(await sums('root')).toEqual(['east', 'west']);
    expect((await acl('DELETE', `grants/${granted.document.id ?? ''}`, 'root')).status).toBe(204);
  },
  limitMs,
);

test(
  'restrictions: a meta node that was killed has them, and data nodes keep to them meanwhile',
  async () => {
    await eventually(async () => {
      expect(await sums('east')).toEqual([]);
    }, 10_000);
    const before = await acl('GET', 'restrictions', 'root');
    meta.child.kill('SIGKILL');
    await meta.ended;
    expect(await sums('east')).toEqual([]);
    expect(await write(firstPort, 'east', lineAt('east', 0))).toBe(403);
    meta = startMeta();
    await eventually(async () => {
      expect(await acl('GET', 'restrictions', 'root')).toEqual(before);
    }, 30_000);
    expect(await sums('east')).toEqual([]);
  },
  limitMs,
);

test(
  'restrictions: queries and writes while a grant comes and goes are whole or refused',
  async () => {
    const seen = new Set<string>();
    const statuses = new Set<number>();
    const asking = (async () => {
      for (let i = 0; i < 60; i++) {
        // Each answer is of one catalog: all of the series of a measurement that may be read, or none.
        const text = await query(secondPort, 'east', 'SELECT sum(bytes) FROM network', { db: 'd' });
        seen.add(text.includes('error') ? text : (/"values":\[\[.*?,(\d+)\]\]/.exec(text)?.[1] ?? '-')); // prettier-ignore
        statuses.add(await write(firstPort, 'east', lineAt('east', 0)));
      }
    })();
    for (let i = 0; i < 20; i++) {
      const { document } = await acl('POST', 'grants', 'root', { ...network, permissions: both, users: [{ name: 'east' }] }); // prettier-ignore
      await acl('DELETE', `grants/${document.id ?? ''}`, 'root');
    }
    await asking;
    expect([...seen].filter((one) => !['-', '42'].includes(one))).toEqual([]);
    expect([...statuses].filter((status) => ![204, 403].includes(status))).toEqual([]);
  },
  limitMs,
);
