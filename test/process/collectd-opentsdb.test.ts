/** collectd and OpenTSDB at a real node: what a live 1.12.4 was sent, and what it stored of it. */
import { spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { collectdAuthFile, collectdCases, collectdDiffers, collectdTypesDb } from '../support/collectd-cases.ts'; // prettier-ignore
import { eventually } from '../support/dev-cluster.ts';
import { inOrder, type GoldenPoint } from '../support/golden-points.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';
import { openTsdbCases, openTsdbDiffers } from '../support/opentsdb-cases.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const [metaPort, dataPort] = [28_300, 28_400];
const url = `http://127.0.0.1:${dataPort + 86}`;
const ports = { split: 29_826, join: 29_827, encrypt: 29_828, opentsdb: 8_342, secure: 8_343 };
const testdata = join(import.meta.dirname, '../../src/env/node/network/testdata');
/** Of a collectd that is not installed, as unpacked from its package. */
const collectdPlugins = process.env['COLLECTD_PLUGINS'];
const collectdTypes = process.env['COLLECTD_TYPES'] ?? '/usr/share/collectd/types.db';
const hasCollectd = spawnSync('collectd', ['-h']).error === undefined;
let data: LoneDaemon;

const section = (kind: string, database: string, port: number, ...more: readonly string[]) =>
  [`[[${kind}]]`, 'enabled = true', `bind-address = "127.0.0.1:${port}"`, `database = "${database}"`, 'batch-timeout = "50ms"', ...more].join('\n'); // prettier-ignore

function listeners(): string {
  const [types, auth] = [workshop.path('types.db'), workshop.path('auth')];
  const [certificate, key] = [workshop.path('cert.pem'), workshop.path('key.pem')];
  writeFileSync(types, collectdTypesDb + (existsSync(collectdTypes) ? readFileSync(collectdTypes, 'utf8') : '')); // prettier-ignore
  writeFileSync(auth, collectdAuthFile);
  copyFileSync(join(testdata, 'outbound-cert.pem'), certificate);
  copyFileSync(join(testdata, 'outbound-key.pem'), key);
  chmodSync(key, 0o600);
  const files = [`typesdb = "${types}"`, `auth-file = "${auth}"`];
  return [
    section('collectd', 'split', ports.split, ...files),
    section('collectd', 'join', ports.join, ...files, 'parse-multivalue-plugin = "join"'),
    section('collectd', 'encrypt', ports.encrypt, ...files, 'security-level = "encrypt"'),
    section('opentsdb', 'opentsdb', ports.opentsdb),
    section('opentsdb', 'secure', ports.secure, 'tls-enabled = true', `certificate = "${certificate}"`, `private-key = "${key}"`), // prettier-ignore
  ].join('\n');
}

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  workshop.start('influxd-meta', '-config', workshop.config({ port: metaPort, name: 'm' }));
  data = workshop.start('influxd', '-config', workshop.config({ port: dataPort, name: 'd', more: listeners() })); // prettier-ignore
  await eventually(() => fetch(`http://127.0.0.1:${metaPort + 91}/ping`), 30_000);
  await data.says(/Listening on TCP.*tls=true/);
  for (const [command, port] of [['add-meta', metaPort + 91], ['add-data', dataPort + 88]] as const) // prettier-ignore
    expect(run('influxd-ctl', '-bind', `127.0.0.1:${metaPort + 91}`, command, `127.0.0.1:${port}`)).toMatchObject({ status: 0 }); // prettier-ignore
}, limitMs);
afterAll(() => workshop.close(), limitMs);

interface Answer {
  readonly results: readonly [
    {
      readonly series?: readonly {
        readonly name: string;
        readonly tags?: Readonly<Record<string, string>>;
        readonly columns: readonly string[];
        readonly values: readonly (readonly unknown[])[];
      }[];
    },
  ];
}

async function ask(database: string, q: string): Promise<Answer> {
  const answer = await fetch(`${url}/query?db=${database}&epoch=ns&q=${encodeURIComponent(q)}`);
  // Times need all of their digits.
  const text = (await answer.text()).replaceAll(/\[(-?\d+),/g, '["$1",');
  return JSON.parse(text) as Answer;
}

async function stored(database: string): Promise<readonly GoldenPoint[]> {
  const { results } = await ask(database, 'SELECT * FROM /.*/ GROUP BY *');
  return (results[0].series ?? []).flatMap(({ name, tags = {}, columns, values }) =>
    values.map(([time, ...row]) => ({
      measurement: name,
      tags: Object.fromEntries(Object.entries(tags).filter(([, value]) => value !== '')),
      fields: Object.fromEntries(
        row.flatMap((value, i): [string, unknown][] => (value === null ? [] : [[columns[i + 1] ?? '', value === 0 ? 0 : value]])), // prettier-ignore
      ), // prettier-ignore
      time: String(time),
    })),
  );
}

/** Later points over earlier ones of their series and time. */
function together(cases: readonly { readonly points: readonly GoldenPoint[] }[]) {
  const points = new Map<string, GoldenPoint>();
  for (const point of cases.flatMap((one) => one.points))
    points.set(JSON.stringify([point.measurement, point.tags, point.time]), point);
  return inOrder([...points.values()]);
}

async function sendDatagrams(port: number, datagrams: readonly Uint8Array[]): Promise<void> {
  const socket = createSocket('udp4');
  for (const bytes of datagrams)
    await new Promise((resolve) => socket.send(bytes, port, '127.0.0.1', resolve));
  socket.close();
}

async function sent(socket: Socket, bytes: Uint8Array | string): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  socket.end(bytes);
  await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

test.each(['split', 'join', 'encrypt'] as const)(
  'collectd: what came to %s is stored as a live 1.12.4 stored it',
  async (target) => {
    const cases = collectdCases.filter(({ name, target: at }) => at === target && !(name in collectdDiffers) && !(`${target}: ${name}` in collectdDiffers) && !name.startsWith('state before')); // prettier-ignore
    await sendDatagrams(ports[target], cases.map(({ bytes }) => Buffer.from(bytes, 'base64'))); // prettier-ignore
    const wanted = together(cases);
    expect(wanted.length).toBeGreaterThan(target === 'encrypt' ? 5 : 30);
    await eventually(async () => {
      expect(inOrder(await stored(target))).toEqual(wanted);
    }, 20_000);
    const [statistics] = (await ask('', `SHOW STATS FOR 'collectd'`)).results[0].series?.filter(({ tags }) => tags?.['bind'] === `127.0.0.1:${ports[target]}`) ?? []; // prettier-ignore
    expect(statistics?.columns).toEqual(expect.arrayContaining(['batchesTx', 'pointsParseFail', 'droppedPointsInvalid'])); // prettier-ignore
  },
  limitMs,
);

test(
  'opentsdb: what came by telnet and by HTTP is stored as a live 1.12.4 stored it',
  async () => {
    const port = ports.opentsdb;
    // As there, HTTP makes no database, and telnet does.
    const early = await fetch(`http://127.0.0.1:${port}/api/put`, { method: 'POST', body: '[]' });
    expect([early.status, await early.text()]).toEqual([500, 'write series error: database not found: opentsdb\n']); // prettier-ignore
    const cases = openTsdbCases.filter(({ name }) => !(name in openTsdbDiffers) && !name.includes('conflict') && !name.includes('null in the list')); // prettier-ignore
    for (const { name, bytes, answer } of cases) {
      if (name.startsWith('http: before'))
        await eventually(async () => {
          expect(JSON.stringify(await ask('', 'SHOW DATABASES'))).toContain('opentsdb');
        }, 20_000);
      const got = await sent(connect(port, '127.0.0.1'), Buffer.from(bytes, 'base64'));
      const statusOf = (text: string) => text.match(/HTTP\/1.\d \d+/g);
      if (!name.endsWith('1.0')) expect([name, statusOf(got)]).toEqual([name, statusOf(answer)]);
    }
    const wanted = together(cases);
    expect(wanted.length).toBeGreaterThan(60);
    await eventually(async () => {
      expect(inOrder(await stored('opentsdb'))).toEqual(wanted);
    }, 20_000);
  },
  limitMs,
);

test(
  'opentsdb: with TLS both ways speak it, and what does not is closed',
  async () => {
    const secure = (): Socket => connectSecurely({ port: ports.secure, host: 'localhost', ca: readFileSync(join(testdata, 'outbound-cert.pem')) }); // prettier-ignore
    expect(await sent(secure(), 'version\nput m 1700000000 1 a=b\n')).toBe('InfluxDB TSDB proxy');
    await eventually(async () => {
      expect(await stored('secure')).toHaveLength(1);
    }, 20_000);
    const body = '{"metric":"m","timestamp":1700000001,"value":2,"tags":{"a":"b"}}';
    const request = `POST /api/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`; // prettier-ignore
    expect(await sent(secure(), request)).toContain('HTTP/1.1 204');
    expect(await sent(connect(ports.secure, '127.0.0.1'), request)).toBe('');
    expect((await stored('secure')).map(({ time }) => time)).toEqual(['1700000000000000000', '1700000001000000000']); // prettier-ignore
  },
  limitMs,
);

test.skipIf(!hasCollectd)(
  'collectd: the real one is understood, what it encrypts too',
  async () => {
    const config = workshop.path('collectd.conf');
    const places = collectdPlugins === undefined ? [] : [`PluginDir "${collectdPlugins}"`, `TypesDB "${collectdTypes}"`]; // prettier-ignore
    const lines = [
      ...['Hostname "real"', 'Interval 1', `BaseDir "${workshop.folder}"`, ...places],
      ...['LoadPlugin memory', 'LoadPlugin load', 'LoadPlugin network', '<Plugin network>'],
      ...[`<Server "127.0.0.1" "${ports.encrypt}">`, 'SecurityLevel Encrypt'],
      ...['Username "alice"', 'Password "wonderland"', '</Server>', '</Plugin>', ''],
    ];
    writeFileSync(config, lines.join('\n'));
    const sender = spawn('collectd', ['-f', '-C', config], { stdio: 'ignore' });
    try {
      await eventually(async () => {
        const points = (await stored('encrypt')).filter(({ tags }) => tags['host'] === 'real');
        const names = new Set(points.map(({ measurement }) => measurement));
        expect([...names].sort()).toEqual(['load_longterm', 'load_midterm', 'load_shortterm', 'memory_value']); // prettier-ignore
      }, 30_000);
    } finally {
      sender.kill();
    }
  },
  limitMs,
);
