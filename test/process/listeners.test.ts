import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(3_000, '--metas', '1', '--data', '1');
const [udpPort, graphitePort] = [21_089, 21_003];
const limitMs = 120_000;
/** What a stop has to write, and no test waits for. */
const batchTimeout = '200ms';

beforeAll(async () => {
  await cluster.start({
    INFLUXDB_UDP_ENABLED: 'true',
    INFLUXDB_UDP_BIND_ADDRESS: `127.0.0.1:${udpPort}`,
    INFLUXDB_UDP_BATCH_TIMEOUT: batchTimeout,
    INFLUXDB_GRAPHITE_ENABLED: 'true',
    INFLUXDB_GRAPHITE_BIND_ADDRESS: `127.0.0.1:${graphitePort}`,
    INFLUXDB_GRAPHITE_BATCH_TIMEOUT: batchTimeout,
    INFLUXDB_GRAPHITE_TEMPLATES: 'servers.* .host.measurement*,measurement.field*',
    INFLUXDB_GRAPHITE_TAGS: 'region=north',
  });
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

async function sender(): Promise<Socket> {
  const socket = connect({ port: graphitePort, host: '127.0.0.1', noDelay: true });
  // Who is in the way of a limit is closed.
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** Once all that is asked for is there. */
async function shows(
  q: string,
  database: string,
  rows: unknown,
  before?: () => void,
): Promise<void> {
  await eventually(async () => {
    before?.();
    const text = await cluster.query(1, q, database);
    const { results } = JSON.parse(text) as { results: [{ series?: [{ values: unknown }] }] };
    expect(results[0].series?.[0].values).toEqual(rows);
  }, 20_000);
}

/** Once so many lines of Graphite have come since the node's start. */
async function hasCome(count: number): Promise<void> {
  await eventually(async () => {
    const shown = await cluster.query(1, "SHOW STATS FOR 'graphite'");
    const { results } = JSON.parse(shown) as { results: [{ series: [{ columns: string[]; values: [number[]] }] }] }; // prettier-ignore
    const [{ columns, values }] = results[0].series;
    expect(values[0][columns.indexOf('pointsRx')]).toBeGreaterThanOrEqual(count);
  }, 20_000);
}

const rssBytes = (): number => {
  const [, kilobytes = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${cluster.pid('data-1')}/status`, 'utf8')) ?? []; // prettier-ignore
  return Number(kilobytes) * 1_024;
};

test('listeners: points by UDP and by Graphite are in their databases, counted where everything else is', async () => {
  const socket = createSocket('udp4');
  socket.send('m,t=a f=1 1500000000000000000\nm,t=b f=2 1500000000000000000', udpPort, '127.0.0.1');
  const graphite = await sender();
  graphite.write('servers.h1.cpu.load 0.5 1500000000\ndisk.free.bytes 7 1500000000\nbad\n');
  await shows('SELECT f, t FROM m', 'udp', [[1_500_000_000e9, 1, 'a'], [1_500_000_000e9, 2, 'b']]); // prettier-ignore
  await shows('SELECT value, host, "region" FROM "cpu.load"', 'graphite', [[1_500_000_000e9, 0.5, 'h1', 'north']]); // prettier-ignore
  await shows('SELECT "free.bytes" FROM disk', 'graphite', [[1_500_000_000e9, 7]]);
  const tables = await cluster.query(1, `SHOW DIAGNOSTICS FOR 'graphite:tcp:127.0.0.1:${graphitePort}'`); // prettier-ignore
  expect(tables).toContain('"columns":["local","remote","connect time"]');
  expect(tables).toContain(`127.0.0.1:${graphite.localPort ?? 0}`);
  const settings = await cluster.query(1, "SHOW DIAGNOSTICS FOR 'config-graphite'");
  expect(settings).toContain(`[true,"127.0.0.1:${graphitePort}","tcp","graphite","",5000,10,"200ms"]`); // prettier-ignore
  const metrics = await (await fetch(`${cluster.url('data', 1)}/metrics`)).text();
  expect(metrics).toContain(`influxdb_graphite_points_parse_fail{proto="tcp",bind="127.0.0.1:${graphitePort}"} 1`); // prettier-ignore
  const vars = (await (await fetch(`${cluster.url('data', 1)}/debug/vars`)).json()) as Record<string, { values: unknown }>; // prettier-ignore
  expect(vars[`udp:127.0.0.1:${udpPort}`]?.values).toMatchObject({ pointsRx: 2, pointsTx: 2 });
  graphite.end();
  socket.close();
});

test('listeners: hostile senders leave the node as it was, and the next one is served', async () => {
  const beforeBytes = rssBytes();
  const endless = await sender();
  const part = Buffer.alloc(1_000_000, 'x');
  for (let i = 0; i < 100; i++) if (!endless.write(part)) await once(endless, 'drain');
  endless.write('\nafter.endless 1 1500000000\n');
  const many: Socket[] = [];
  for (let i = 0; i < 500; i++) many.push(await sender());
  for (const socket of many) socket.write('half.a.line 1 15000');
  for (const socket of many) socket.resetAndDestroy();
  const garbage = await sender();
  garbage.end(Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, i) => (i * 7_919) % 256)));
  const socket = createSocket('udp4');
  for (let i = 0; i < 1_000; i++) {
    const bytes = Buffer.from(Uint8Array.from({ length: 500 }, (_, j) => (i * j * 31) % 256));
    await new Promise((resolve) => socket.send(bytes, udpPort, '127.0.0.1', resolve));
  }
  await shows('SELECT f FROM m WHERE time >= 1500000003s', 'udp', [[1_500_000_003e9, 3]], () => {
    // One of the first may be among those for which the system has no room.
    socket.send('m f=3 1500000003000000000', udpPort, '127.0.0.1');
  });
  await shows('SELECT "endless" FROM after', 'graphite', [[1_500_000_000e9, 1]]);
  await shows('SELECT count("a.line") FROM half', 'graphite', undefined);
  const shown = await cluster.query(1, "SHOW STATS FOR 'graphite'");
  expect(shown).toMatch(/"connsHandled"/);
  expect(rssBytes() - beforeBytes).toBeLessThan(300e6);
  endless.destroy();
  socket.close();
});

test('listeners: a stop writes what has come; a port that is taken ends the start; the points are there after the next', async () => {
  const graphite = await sender();
  const lines = Array.from({ length: 3_000 }, (_, i) => `last.words ${i} ${1_500_000_000 + i}\n`);
  graphite.write(lines.join(''));
  await hasCome(3_000);
  await cluster.stopNode('data-1');
  const inTheWay = createSocket('udp4').bind(udpPort, '127.0.0.1');
  await once(inTheWay, 'listening');
  const refused = await cluster.runByHand('data-1');
  expect(refused.text).toContain(`run: open server: open service: listen udp 127.0.0.1:${udpPort}: bind: address already in use`); // prettier-ignore
  expect(refused.code).toBe(1);
  inTheWay.close();
  cluster.startByHand('data-1');
  await shows('SELECT count("words") FROM last', 'graphite', [[0, 3_000]]);
});

test('listeners: a stop does not wait for metas that stand still, where points lack their database', async () => {
  await cluster.query(1, 'DROP DATABASE graphite');
  await cluster.stopNode('data-1');
  cluster.startByHand('data-1');
  await eventually(async () => {
    expect(await cluster.query(1, 'SHOW DATABASES')).toContain('databases');
  }, 20_000);
  process.kill(cluster.pid('meta-1'), 'SIGSTOP');
  try {
    const graphite = await sender();
    graphite.end('last.words 1 1500000000\n');
    await hasCome(1);
    await cluster.stopNode('data-1');
    const log = readFileSync(join(cluster.dir, 'data-1.log'), 'utf8');
    expect(log.lastIndexOf('msg=Stopped ')).toBeGreaterThan(log.lastIndexOf('msg=Stopping '));
  } finally {
    process.kill(cluster.pid('meta-1'), 'SIGCONT');
  }
});
