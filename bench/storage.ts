/**
 * `npm run bench:storage`: writes the same points of `--series` new series to our data node and to influxd, lets both bring
 * them to files and compact them, kills them with -9 and starts them again. Prints bytes on disk and in TSM files a value, the
 * time from the start to the first answered query, and what the processor spent and memory held before and after. With `--kind shards` a shard is an hour.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Agent, request } from 'node:http';
import { startInfluxd, startVarve, usageOf, type BenchServer } from './support/servers.ts';
import { workloads, type Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    /** Of `bench:ingest`: fresh is a new series a line; shards are as many as `--series`. */
    kind: { type: 'string', default: 'fresh' },
    series: { type: 'string', default: '1000000' },
    rows: { type: 'string', default: '5000' },
    bodies: { type: 'string' },
    /** The bodies come again with later times so often: of narrow, `--series 1000000 --passes 20` is 20 values a series. */
    passes: { type: 'string', default: '1' },
    restarts: { type: 'string', default: '3' },
    servers: { type: 'string', default: 'varve,influxd' },
    /** An influxd may be another release. */
    influxd: { type: 'string', default: 'influxd' },
    /** Its index: with 5,000 shards of tsi1 it has not descriptors enough. */
    index: { type: 'string', default: 'tsi1' },
    /** How long a shard has no write before its points go to a file: longer than the run, they are in the log at the restart. */
    cold: { type: 'string', default: '2s' },
    'port-offset': { type: 'string', default: '13000' },
    /** A folder that stays: what was written there is not written again, so that restarts can be timed by themselves. */
    keep: { type: 'string' },
  },
});
const rows = Number(values.rows);
const bodies = Number(values.bodies ?? Math.ceil(Number(values.series) / rows));
const make = workloads[values.kind];
if (make === undefined) throw new Error(`--kind is one of ${Object.keys(workloads).join(', ')}`);
/** Anew for each server: the times of bodies that come again are written into them. */
const newWorkload = (): Workload =>
  make({ bodies, rows, series: Number(values.series), passes: Number(values.passes) });
let workload = newWorkload();
const offset = Number(values['port-offset']);
// Both bring everything to files at once, unless told otherwise, and compact what is cold.
process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION'] = values.cold;
process.env['INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION'] = '2s';
const starts: Readonly<Record<string, () => Promise<BenchServer | undefined>>> = {
  varve: () => startVarve(offset, keptFolder('varve')),
  influxd: () =>
    startInfluxd(
      offset,
      values.influxd,
      values.index === 'inmem' ? 'inmem' : 'tsi1',
      keptFolder('influxd'),
    ),
};
const [firstTimeNs = '0'] = /\d{19}/.exec(workload.bodies[0]?.toString('latin1') ?? '') ?? [];

for (const name of values.servers.split(',')) {
  const isThere = existsSync(keptFolder(name) ?? '');
  workload = newWorkload();
  const server = await starts[name]?.();
  if (server === undefined) continue;
  try {
    await run(server, isThere);
  } finally {
    await server.stop();
  }
}

function keptFolder(name: string): string | undefined {
  return values.keep === undefined ? undefined : join(values.keep, name);
}

async function run(server: BenchServer, isWritten: boolean): Promise<void> {
  if (!isWritten) {
    if (values.kind === 'shards') await alter(server, 'SHARD DURATION 1h');
    await writeAll(server);
  }
  const settledBytes = await settled(server);
  const valueCount = workload.wanted * workload.fieldCount;
  const perValue = settledBytes / valueCount;
  const ofTsm = (tsmBytesOf(server) / valueCount).toFixed(3);
  const before = spentBy(server.pid);
  process.stdout.write(`${server.name}: ${workload.wanted} points; ${(settledBytes / 1e6).toFixed(1)} MB, ${perValue.toFixed(2)} bytes a value, ${ofTsm} in TSM files; ${before}\n`); // prettier-ignore
  for (let i = 0; i < Number(values.restarts); i++) {
    const startMs = performance.now();
    const pid = (await server.restart?.()) ?? 0;
    await firstAnswer(server);
    const ms = performance.now() - startMs;
    process.stdout.write(`${server.name}: ${ms.toFixed(0)} ms from kill -9 to the first answer; ${spentBy(pid)}\n`); // prettier-ignore
  }
}

async function writeAll(server: BenchServer): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  let next = 0;
  const client = async (): Promise<void> => {
    while (next < workload.bodies.length * workload.passes)
      await written(`${server.url}/write?db=d`, workload.bodyAt(next++), agent);
  };
  await Promise.all(Array.from({ length: 4 }, client));
  agent.destroy();
}

/** Again where shards of many hours were not made in time, as clients do. */
async function written(url: string, body: Buffer, agent: Agent): Promise<void> {
  for (;;) {
    const said = await post(url, body, agent);
    if (said === '') return;
    if (!said.includes('timeout')) throw new Error(`${url}: ${said}`);
  }
}

/** '' when it was taken. */
function post(url: string, body: Buffer, agent: Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent }, (response) => {
      const pieces: Buffer[] = [];
      response.on('data', (piece: Buffer) => pieces.push(piece));
      response.once('end', () => {
        const isTaken = response.statusCode === 204;
        resolve(isTaken ? '' : `${response.statusCode} ${Buffer.concat(pieces).toString()}`);
      });
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

async function alter({ url }: BenchServer, to: string): Promise<void> {
  const body = new URLSearchParams({ q: `ALTER RETENTION POLICY autogen ON d ${to}` });
  const text = await (await fetch(`${url}/query`, { method: 'POST', body })).text();
  if (text.includes('error')) throw new Error(text);
}

/** What InfluxDB keeps beside them is mostly room that it has not used yet. */
function tsmBytesOf({ folder }: BenchServer): number {
  const args = [join(folder, 'data'), '-path', '*/d/*', '-name', '*.tsm', '-printf', '%s\\n'];
  const { stdout } = spawnSync('find', args, { encoding: 'utf8', maxBuffer: 1 << 26 });
  return stdout.split('\n').reduce((sum, size) => sum + Number(size), 0);
}

/** Bytes of the data folder once it has been the same for some seconds and the processor is idle. */
async function settled(server: BenchServer): Promise<number> {
  const state = (): { bytes: number; cpuSeconds: number } => {
    const out = spawnSync('du', ['-sb', join(server.folder, 'data')], { encoding: 'utf8' }).stdout;
    return { bytes: Number(out.split('\t')[0]), cpuSeconds: usageOf(server).cpuSeconds };
  };
  let last = state();
  for (let same = 0; same < 5;) {
    await new Promise((wake) => setTimeout(wake, 1_000));
    const now = state();
    const isQuiet = now.bytes === last.bytes && now.cpuSeconds - last.cpuSeconds < 0.2;
    same = isQuiet ? same + 1 : 0;
    last = now;
  }
  return last.bytes;
}

/** A query of one series by the values of its tags, of which the answer is looked at. */
async function firstAnswer(server: BenchServer): Promise<void> {
  const { measurement, field } = workload;
  const line = workload.bodies[0]?.toString('latin1').split('\n', 1)[0] ?? '';
  const tags = line.slice(0, line.indexOf(' ')).split(',').slice(1);
  const where = tags.map((tag) => tag.replace(/^([^=]*)=(.*)$/, `"$1" = '$2'`)).join(' AND ');
  const q = `SELECT "${field}" FROM "${measurement}" WHERE ${where} AND time = ${firstTimeNs}`;
  for (;;) {
    try {
      const response = await fetch(`${server.url}/query?db=d&q=${encodeURIComponent(q)}`);
      const answer = (await response.json()) as { results?: { series?: unknown[] }[] };
      if (answer.results?.[0]?.series !== undefined) return;
    } catch {
      // It does not listen yet.
    }
    await new Promise((wake) => setTimeout(wake, 5));
  }
}

function spentBy(pid: number): string {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  const cpuSeconds = (Number(user) + Number(system)) / 100;
  const mb = (name: string): string => (Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) / 1_024).toFixed(0); // prettier-ignore
  return `${cpuSeconds.toFixed(2)} CPU s, ${mb('VmRSS')} MiB in memory, ${mb('VmHWM')} at most`;
}
