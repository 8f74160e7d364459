/**
 * `npm run bench:beside`: how long questions and small writes wait while a server takes cpu lines at a rate that all can bear,
 * flushes and compactions under way. The same bodies, questions and pace for this server and for InfluxDB, one after the other, first with
 * nothing beside them and then beside the load; each is timed from when it was due.
 */
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { Asker } from './support/asker.ts';
import { FreshWrites, ingest } from './support/cluster-load.ts';
import { pacedCalls, waitsText, type TimedCall } from './support/paced-calls.ts';
import { RawClient } from './support/raw-client.ts';
import { startInfluxd, startVarve, usageOf, type BenchServer } from './support/servers.ts';
import { workloads, type Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    /** Of the load. */
    'lines-a-second': { type: 'string', default: '40000' },
    seconds: { type: 'string', default: '30' },
    hosts: { type: 'string', default: '1000' },
    /** A memtable of so many bytes becomes a file. */
    'snapshot-bytes': { type: 'string', default: '25m' },
    influxd: { type: 'string', default: 'influxd' },
    peers: { type: 'string', default: 'influxd' },
    'port-offset': { type: 'string', default: '13000' },
  },
});

const rows = 5_000;
const firstSeconds = 1_704_067_200;
const hosts = Number(values.hosts);
const lengthMs = Number(values.seconds) * 1_000;
const everyMs = (rows / Number(values['lines-a-second'])) * 1_000;
/** Before anything is timed: an hour and a half of 1,000 hosts. */
const loadedCount = 110;
const loadCount = Math.ceil(lengthMs / everyMs) + 1;
/** Code that has not run yet is compiled, files of the load before are written. */
const settleMs = 3_000;

process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_MEMORY_SIZE'] = values['snapshot-bytes'];
const cpu = must(workloads['cpu'], 'a kind of load');
const workload = cpu({ bodies: loadedCount + loadCount, rows, series: hosts, passes: 1 });

interface Question {
  readonly name: string;
  readonly everyMs: number;
  /** Of the hour that ends there; each has hosts of its own. */
  readonly text: (lastSeconds: number, number: number) => string;
}

const questions: readonly Question[] = [
  {
    name: 'one host, one hour',
    everyMs: 20,
    text: (last, number) =>
      `SELECT max(usage_user) FROM cpu WHERE hostname = 'host_${number % hosts}' AND ${hourBefore(last)} GROUP BY time(1m)`,
  },
  {
    name: 'eight hosts, five fields',
    everyMs: 50,
    text: (last, number) => {
      const named = Array.from(
        { length: 8 },
        (_, i) => `hostname = 'host_${(number * 8 + i) % hosts}'`,
      );
      return `SELECT max(usage_user), max(usage_system), max(usage_idle), max(usage_nice), max(usage_iowait) FROM cpu WHERE (${named.join(' OR ')}) AND ${hourBefore(last)} GROUP BY time(1m)`;
    },
  },
  {
    name: 'mean of each host',
    everyMs: 500,
    text: (last) =>
      `SELECT mean(usage_user) FROM cpu WHERE ${hourBefore(last)} GROUP BY time(1h), hostname`,
  },
];

for (const start of [startVarve, ...(values.peers === '' ? [] : [startPeer])]) {
  const server = await start(Number(values['port-offset']));
  if (server === undefined) throw new Error('no influxd is installed');
  try {
    await measure(server);
  } finally {
    await server.stop();
  }
}

function startPeer(offset: number): Promise<BenchServer | undefined> {
  return startInfluxd(offset, values.influxd, 'tsi1');
}

async function measure(server: BenchServer): Promise<void> {
  const { url, name } = server;
  await ingest({ urls: [url], consistency: 'one', clients: 4 }, workload, 0, loadedCount);
  const fresh = new FreshWrites(url, { firstNs: 1_704_067_200_000_000_000n, consistency: 'one' });
  const progress = { sentCount: loadedCount };
  const asked = (until: Promise<unknown>) => timed(url, fresh, progress, until);
  await asked(passed(settleMs));
  print(name, 'nothing beside them', await asked(passed(lengthMs)));
  const before = usageOf(server).cpuSeconds;
  const load = paced(url, workload, progress);
  print(name, `beside ${values['lines-a-second']} lines/s`, await asked(load));
  const bodies = await load;
  const { cpuSeconds, peakBytes } = usageOf(server);
  tell(`  bodies of the load: ${waitsText(bodies)}; ${((cpuSeconds - before) / (lengthMs / 1_000)).toFixed(2)} processors, ${(peakBytes / 1_048_576).toFixed(0)} MiB at most`); // prettier-ignore
  const { field, measurement } = workload;
  const wanted = progress.sentCount * rows;
  const stored = await server.countPoints({ measurement, field });
  if (stored !== wanted) throw new Error(`${name} has ${stored} of ${wanted} points`);
}

/** The load's bodies, at their pace. */
async function paced(
  url: string,
  { bodyAt }: Workload,
  progress: { sentCount: number },
): Promise<readonly TimedCall[]> {
  const target = new URL(`${url}/write?db=d`);
  const clients = await Promise.all(Array.from({ length: 4 }, () => RawClient.connect(target)));
  try {
    return await pacedCalls(clients, everyMs, passed(lengthMs), async (client, number) => {
      if (number >= loadCount) return;
      await client.post(bodyAt(loadedCount + number));
      progress.sentCount++;
    });
  } finally {
    for (const client of clients) client.close();
  }
}

type Timed = ReadonlyMap<string, readonly TimedCall[]>;

/** All questions and small writes at once. */
async function timed(
  url: string,
  fresh: FreshWrites,
  progress: { readonly sentCount: number },
  until: Promise<unknown>,
): Promise<Timed> {
  const result = new Map<string, readonly TimedCall[]>();
  const write = fresh.until(until).then((writes) => result.set('write of one point', writes));
  const ask = questions.map(async (question) => {
    const askers = Array.from({ length: 4 }, () => new Asker(1));
    const calls = await pacedCalls(askers, question.everyMs, until, async (asker, number) => {
      const last = firstSeconds + Math.floor((progress.sentCount * rows) / hosts) * 10;
      const q = encodeURIComponent(question.text(last, number));
      const answer = await asker.get(`${url}/query?db=d&epoch=ns&q=${q}`);
      if (!answer.includes('"series"')) throw new Error(answer.toString('utf8', 0, 500));
    });
    for (const asker of askers) asker.close();
    result.set(question.name, calls);
  });
  await Promise.all([write, ...ask]);
  return result;
}

function hourBefore(lastSeconds: number): string {
  return `time >= ${lastSeconds - 3_600}s AND time < ${lastSeconds}s`;
}

function print(server: string, when: string, of: Timed): void {
  tell(`${server}, ${when}`);
  for (const [name, calls] of of) tell(`  ${name}: ${waitsText(calls)}`);
}

function passed(ms: number): Promise<void> {
  return new Promise((wake) => setTimeout(wake, ms));
}

function tell(line: string): void {
  process.stdout.write(`${line}\n`);
}
