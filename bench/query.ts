/**
 * `npm run bench:query`: loads the same TSBS cpu points into our data node and its peers, asks all the same questions in one
 * run, compares the answers of those that speak InfluxQL byte for byte, and prints medians and ratios. Servers take turns.
 * Once with the points in memtables, once in fresh files, once compacted; `--states tail` has the last hours in memory. `--quick` is a minute of it. With `--keep FOLDER` files
 * are loaded once and stay there for the next run (`--load-only`: for that alone).
 */
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { Asker } from './support/asker.ts';
import { KeptData, loadCpu, type CpuLoad, type PointsState } from './support/cpu-load.ts';
import { startInfluxd, startVarve, startVictoriaMetrics, usageOf, type BenchServer } from './support/servers.ts'; // prettier-ignore
import {
  allRows,
  cpuQueries,
  dashboardQuery,
  rawExport,
  type BenchQuery,
} from './tsbs/cpu-queries.ts';

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    hosts: { type: 'string', default: '100' },
    hours: { type: 'string' },
    states: { type: 'string' },
    /** Comma separated; an influxd may be another release: `--influxd PATH`. */
    peers: { type: 'string' },
    influxd: { type: 'string', default: 'influxd' },
    /** Names that contain this alone. */
    only: { type: 'string' },
    /** Where data of files stays for the next run. */
    keep: { type: 'string' },
    'load-only': { type: 'boolean', default: false },
    /** A query is asked for so long, of all servers together. */
    'budget-ms': { type: 'string' },
    /** A server is asked so often before it is the next one's turn; of several, the first does not count. */
    'in-a-row': { type: 'string', default: '1' },
    'port-offset': { type: 'string', default: '13000' },
  },
});
const { quick } = values;
const hosts = Number(values.hosts);
const hours = Number(values.hours ?? (quick ? 6 : 24));
const states = (values.states ?? (quick ? 'memtable,files' : 'memtable,files,compacted')).split(
  ',',
);
const peers = (values.peers ?? (quick ? 'influxd' : 'influxd,victoria-metrics'))
  .split(',')
  .filter((name) => name !== '');
const budgetMs = Number(values['budget-ms'] ?? (quick ? 500 : 4_000));
const inARow = Number(values['in-a-row']);
const offset = Number(values['port-offset']);
const startSeconds = 1_704_067_200;
const rowCount = hosts * hours * 360;
const roundsLeast = 3;
const roundsMost = 100;
const warmUpBudgets = 8;
const warmUpTurns = 3;
/** Less is the compiler's time more than a server's. */
const warmUpMsLeast = 12_000;
const throughputMsLeast = 1_500;

/** Settings of both, by what is to hold the points when the questions come. */
const settings: Readonly<Record<PointsState, Readonly<Record<string, string>>>> = {
  memtable: { CACHE_SNAPSHOT_MEMORY_SIZE: '2g', CACHE_SNAPSHOT_WRITE_COLD_DURATION: '10h' },
  /** As while points come: the last hours of a day are in memory. */
  tail: { CACHE_SNAPSHOT_WRITE_COLD_DURATION: '10h', COMPACT_FULL_WRITE_COLD_DURATION: '10h' },
  files: { CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1s', COMPACT_FULL_WRITE_COLD_DURATION: '10h' },
  compacted: { CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1s', COMPACT_FULL_WRITE_COLD_DURATION: '2s' },
};

const ratios = new Map<string, number[]>();
for (const state of states) await runState(state);
for (const [name, list] of ratios) {
  const mean = Math.exp(list.reduce((sum, one) => sum + Math.log(one), 0) / list.length);
  process.stdout.write(`geometric mean of ${list.length} ratios to ${name}: ${mean.toFixed(2)}, least ${Math.min(...list).toFixed(2)}\n`); // prettier-ignore
}

async function runState(state: string): Promise<void> {
  if (!isState(state)) throw new Error(`--states are some of ${Object.keys(settings).join(', ')}`);
  for (const [key, text] of Object.entries(settings[state])) process.env[`INFLUXDB_DATA_${key}`] = text; // prettier-ignore
  const servers: BenchServer[] = [];
  const load = { workload: { hosts, startSeconds, seed: 42 }, rowCount, state };
  try {
    for (const name of ['varve', ...peers]) {
      const server = await startLoaded(name, load);
      if (server !== undefined) servers.push(server);
    }
    if (values['load-only']) return;
    process.stdout.write(`== ${state}: ${hosts} hosts x ${hours} h (${servers.map(({ name }) => name).join(' / ')}, ms)\n`); // prettier-ignore
    const asker = new Asker(1);
    const asked = [...cpuQueries({ startSeconds, hours }), rawExport, allRows];
    const chosen = asked.filter(({ name }) => name.includes(values.only ?? ''));
    await warmUp(chosen, servers, asker);
    for (const query of chosen) await compare(query, servers, asker);
    asker.close();
    if ('8 connections'.includes(values.only ?? '')) await throughput(servers);
    for (const server of servers) {
      const { cpuSeconds, peakBytes } = usageOf(server);
      process.stdout.write(`${server.name}: ${cpuSeconds.toFixed(1)} CPU s in all, peak ${(peakBytes / 1e6).toFixed(0)} MB\n`); // prettier-ignore
    }
  } finally {
    for (const server of servers) await server.stop();
  }
}

function isState(state: string): state is PointsState {
  return state in settings;
}

/** A peer that is not installed is left out. */
async function startLoaded(name: string, load: CpuLoad): Promise<BenchServer | undefined> {
  const { keep } = values;
  const release = name === 'influxd' ? basename(values.influxd) : name;
  const isKept = keep !== undefined && (load.state === 'files' || load.state === 'compacted');
  const kept = isKept ? new KeptData(keep, release, load) : undefined;
  const server = await startPeer(name, kept?.folder);
  if (server === undefined || kept?.isLoaded === true) return server;
  try {
    await loadCpu(server, load);
  } catch (error) {
    await server.stop();
    throw error;
  }
  kept?.loaded();
  return server;
}

function startPeer(name: string, folder: string | undefined): Promise<BenchServer | undefined> {
  switch (name) {
    case 'varve':
      return startVarve(offset, folder);
    case 'influxd':
      return startInfluxd(offset, values.influxd, 'tsi1', folder);
    case 'victoria-metrics':
      return startVictoriaMetrics(offset, folder);
    default:
      throw new Error(`no peer is ${name}`);
  }
}

interface Measured {
  readonly server: BenchServer;
  readonly url: string;
  readonly times: number[];
  answer: Buffer;
}

/** `undefined` where a server cannot say it. */
function urlOf({ name, url }: BenchServer, { influx, victoria }: BenchQuery): string | undefined {
  if (name === 'victoria-metrics') return victoria && url + victoria;
  return `${url}/query?db=d&epoch=ns&q=${encodeURIComponent(influx)}`;
}

/**
 * Ours compiles what runs often, as a server at work has; the peers were compiled before. In turns of equal time, as a small
 * question has to be asked a thousand times before its code is what it stays.
 */
async function warmUp(
  queries: readonly BenchQuery[],
  [ours]: readonly BenchServer[],
  asker: Asker,
): Promise<void> {
  if (ours === undefined) return;
  const shareMs = Math.max(warmUpMsLeast, budgetMs * warmUpBudgets) / warmUpTurns;
  for (let turn = 0; turn < warmUpTurns; turn++)
    for (const query of queries) {
      const endMs = performance.now() + shareMs / queries.length;
      do await asker.get(urlOf(ours, query) ?? '');
      while (performance.now() < endMs);
    }
}

async function compare(
  query: BenchQuery,
  servers: readonly BenchServer[],
  asker: Asker,
): Promise<void> {
  const measured = servers.flatMap((server): Measured[] => {
    const url = urlOf(server, query);
    return url === undefined ? [] : [{ server, url, times: [], answer: Buffer.alloc(0) }];
  });
  const deadlineMs = performance.now() + budgetMs;
  // The first third does not count.
  const warmUntilMs = performance.now() + budgetMs / 3;
  for (let round = 0; round < roundsMost * 2; round++) {
    const countsRound = performance.now() > warmUntilMs || round >= roundsMost;
    for (const one of measured)
      for (let turn = 0; turn < inARow; turn++) {
        const startMs = performance.now();
        one.answer = await asker.get(one.url);
        // What the other servers left in the caches of the processor is the first one's to clear.
        const countsTurn = countsRound && (turn > 0 || inARow === 1);
        if (countsTurn || one.times.length === 0) one.times.push(performance.now() - startMs);
      }
    if (performance.now() > deadlineMs && (measured[0]?.times.length ?? 0) > roundsLeast) break;
  }
  report(query, measured);
}

function report({ name, mayDiffer }: BenchQuery, measured: readonly Measured[]): void {
  const medians = measured.map(({ times }) => median(times.slice(1)));
  const [ours = 0] = medians;
  const shown = measured.map(({ server }, i) => {
    const ratio = (medians[i] ?? 0) / ours;
    if (i > 0) note(server.name, ratio);
    return `${(medians[i] ?? 0).toFixed(2)}${i > 0 ? ` (${ratio.toFixed(1)}x)` : ''}`;
  });
  const firstMs = measured[0]?.times[0] ?? 0;
  const answers = measured.filter(({ server }) => server.name !== 'victoria-metrics');
  const [one, ...same] = answers.map(({ answer }) => answer);
  const isSame = same.every((other) => one?.equals(other) ?? false);
  const verdict =
    same.length === 0
      ? ''
      : isSame
        ? ', equal'
        : mayDiffer === true
          ? ', in another order'
          : ', answers DIFFER';
  process.stdout.write(`${name.padEnd(24)} ${shown.join(' / ').padEnd(36)} first ${firstMs.toFixed(0)}; ${one?.length ?? 0} bytes${verdict}\n`); // prettier-ignore
  if (!isSame && mayDiffer !== true) process.exitCode = 1;
}

function note(name: string, ratio: number): void {
  const list = ratios.get(name) ?? [];
  list.push(ratio);
  ratios.set(name, list);
}

function median(times: readonly number[]): number {
  return [...times].sort((a, b) => a - b)[times.length >> 1] ?? 0;
}

/** Questions a second of eight clients, each server alone. */
async function throughput(servers: readonly BenchServer[]): Promise<void> {
  const connections = 8;
  const runMs = Math.max(throughputMsLeast, budgetMs);
  const rates: number[] = [];
  for (const server of servers) {
    const asker = new Asker(connections);
    let asked = 0;
    let endMs = performance.now() + runMs;
    const client = async (): Promise<void> => {
      while (performance.now() < endMs) {
        const query = dashboardQuery(asked++ % hosts, startSeconds + hours * 3_600);
        await asker.get(urlOf(server, query) ?? '');
      }
    };
    const run = () => Promise.all(Array.from({ length: connections }, client));
    await run();
    const startMs = performance.now();
    [asked, endMs] = [0, startMs + runMs];
    await run();
    rates.push((asked * 1_000) / (performance.now() - startMs));
    asker.close();
  }
  const [ours = 1] = rates;
  const shown = rates.map((rate, i) => `${rate.toFixed(0)}${i > 0 ? ` (${(ours / rate).toFixed(1)}x)` : ''}`); // prettier-ignore
  process.stdout.write(`${'8 connections'.padEnd(24)} ${shown.join(' / ')} queries a second\n`);
}
