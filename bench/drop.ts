/**
 * `npm run bench:drop -- --kind measurement`: a data node has a million series of one point each in files and takes a point
 * each few milliseconds; these series are dropped meanwhile. Prints p50, p99 and the longest of these writes before, and from the
 * statement on until some seconds after its answer. A write counts from the time at which it was due, whoever kept it waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { must } from '../src/base/assert.ts';
import { ingest, pacedWrites } from './support/cluster-load.ts';
import { quantile } from './support/quantile.ts';
import { startVarve, usageOf, type BenchServer } from './support/servers.ts';
import { threadTimes } from './support/thread-times.ts';
import { workloads } from './workloads.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'measurement' },
    series: { type: 'string', default: '1000000' },
    'before-ms': { type: 'string', default: '8000' },
    /** What goes on behind the answer is measured too. */
    'after-ms': { type: 'string', default: '4000' },
    'every-ms': { type: 'string', default: '5' },
    'port-offset': { type: 'string', default: '13000' },
  },
});

const weekNs = 7n * 24n * 3_600n * 1_000_000_000n;
const dropped = 'requests';
const rows = 5_000;
/** What is dropped, where the writes beside it go, and how much later their times are. */
interface Kind {
  readonly statement: (server: BenchServer, firstNs: bigint) => Promise<string>;
  readonly database: 'd' | 'other';
  readonly laterNs: bigint;
}
const kinds: Readonly<Record<string, Kind>> = {
  measurement: {
    statement: () => Promise.resolve(`DROP MEASUREMENT ${dropped}`),
    database: 'd',
    laterNs: 0n,
  },
  delete: {
    // All but the first seconds.
    statement: (_, firstNs) =>
      Promise.resolve(`DELETE FROM ${dropped} WHERE time > ${firstNs + 10_000_000_000n}`),
    database: 'd',
    laterNs: 0n,
  },
  series: {
    statement: () => Promise.resolve(`DROP SERIES FROM ${dropped} WHERE region =~ /r1?[0-9]/`),
    database: 'd',
    laterNs: 0n,
  },
  shard: {
    statement: async (server) => `DROP SHARD ${await firstShard(server)}`,
    database: 'd',
    laterNs: 4n * weekNs,
  },
  database: { statement: () => Promise.resolve('DROP DATABASE d'), database: 'other', laterNs: 0n },
};
const kind = kinds[values.kind];
if (kind === undefined) throw new Error(`--kind is one of ${Object.keys(kinds).join(', ')}`);
// What is dropped is in files.
process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION'] = '2s';
process.env['INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION'] = '2s';
const server = await startVarve(Number(values['port-offset']));
try {
  await run(server, kind);
} finally {
  await server.stop();
}

async function run(server: BenchServer, { statement, database, laterNs }: Kind): Promise<void> {
  await query(server, 'CREATE DATABASE other WITH REPLICATION 1');
  const firstNs = await writeSeries(server);
  await quiet(server);
  const paced = (until: Promise<unknown>): Promise<readonly number[]> =>
    pacedWrites(server.url, Number(values['every-ms']), until, {
      database,
      firstNs: firstNs + laterNs,
    });
  // The first ones make the shard, and warm it up.
  await paced(sleep(3_000));
  const before = await paced(sleep(Number(values['before-ms'])));
  const threadsBefore = threadTimes(server.pid);
  const startMs = performance.now();
  let answeredMs = 0;
  const drop = async (): Promise<void> => {
    await query(server, await statement(server, firstNs));
    answeredMs = performance.now() - startMs;
    await sleep(Number(values['after-ms']));
  };
  const beside = await paced(drop());
  const text = (list: readonly number[]): string => `p50 ${quantile(list, 0.5).toFixed(1)}, p99 ${quantile(list, 0.99).toFixed(1)}, most ${Math.max(...list).toFixed(0)} ms of ${list.length}`; // prettier-ignore
  const ratio = quantile(beside, 0.99) / quantile(before, 0.99);
  process.stdout.write(`${values.kind}: answered after ${answeredMs.toFixed(0)} ms; writes before: ${text(before)}; beside it: ${text(beside)}; p99 ${ratio.toFixed(2)} times\n`); // prettier-ignore
  for (const [name, seconds] of threadTimes(server.pid)) {
    const spent = seconds - (threadsBefore.get(name) ?? 0);
    if (spent > 0.05) process.stdout.write(`  ${name.padEnd(16)} ${spent.toFixed(2)} CPU s\n`);
  }
}

/** Answers the time of the first point. */
async function writeSeries({ url }: BenchServer): Promise<bigint> {
  const series = Number(values.series);
  const bodies = Math.ceil(series / rows);
  const workload = must(workloads['fresh'], 'a kind of load')({ bodies, rows, series, passes: 1 });
  await ingest({ urls: [url], consistency: 'one', clients: 4 }, workload, 0, bodies);
  return BigInt(/\d{19}/.exec(workload.bodies[0]?.toString('latin1') ?? '')?.[0] ?? 0);
}

/** Resolves once flushes and compactions are over. */
async function quiet(server: BenchServer): Promise<void> {
  let last = usageOf(server).cpuSeconds;
  for (let same = 0; same < 3;) {
    await sleep(1_000);
    const now = usageOf(server).cpuSeconds;
    same = now - last < 0.1 ? same + 1 : 0;
    last = now;
  }
}

async function firstShard(server: BenchServer): Promise<number> {
  const answer = JSON.parse(await query(server, 'SHOW SHARDS')) as {
    results: { series: { name: string; values: (string | number)[][] }[] }[];
  };
  const ofD = answer.results[0]?.series.find(({ name }) => name === 'd');
  return Number(ofD?.values[0]?.[0]);
}

async function query({ url }: BenchServer, q: string): Promise<string> {
  const response = await fetch(`${url}/query?db=d`, { method: 'POST', body: new URLSearchParams({ q }) }); // prettier-ignore
  const text = await response.text();
  if (text.includes('error')) throw new Error(text);
  return text;
}
