/**
 * `npm run bench:query`: loads the same TSBS cpu points into our data node and influxd, asks both the same queries in one
 * run, compares the answers byte for byte, and prints the medians and what the first answers took. Queries alternate
 * between the servers.
 */
import { parseArgs } from 'node:util';
import { startInfluxd, startVarve, usageOf, type BenchServer } from './support/servers.ts';
import { CpuLines } from './tsbs/cpu-lines.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '100' },
    hours: { type: 'string', default: '24' },
    rounds: { type: 'string', default: '100' },
    // Both servers answer each query so often before it counts: ours compiles what runs often, as a server at work has.
    warmup: { type: 'string', default: '40' },
  },
});
const hosts = Number(values.hosts);
const startSeconds = 1_704_067_200;
const rowCount = hosts * Number(values.hours) * 360;
const at = (hours: number) => new Date((startSeconds + hours * 3_600) * 1_000).toISOString();
const between = (from: number, to: number) => `time >= '${at(from)}' AND time < '${at(to)}'`;

const queries: Readonly<Record<string, string>> = {
  'single-groupby-1-1-1': `SELECT max(usage_user) FROM cpu WHERE hostname = 'host_7' AND ${between(3, 4)} GROUP BY time(1m)`,
  'double-groupby-1': `SELECT mean(usage_user) FROM cpu WHERE ${between(0, 12)} GROUP BY time(1h), hostname`,
  'high-cpu-1': `SELECT * FROM cpu WHERE usage_user > 90.0 AND hostname = 'host_7' AND ${between(0, 12)}`,
  'raw export': `SELECT usage_user, usage_system FROM cpu WHERE hostname = 'host_7'`,
};

const servers: BenchServer[] = [await startVarve()];
const reference = await startInfluxd();
if (reference !== undefined) servers.push(reference);
try {
  for (const server of servers) await load(server);
  for (const [name, q] of Object.entries(queries)) await compare(name, q);
  for (const server of servers) {
    const { cpuSeconds, peakBytes } = usageOf(server);
    process.stdout.write(`${server.name}: ${cpuSeconds.toFixed(1)} CPU s in all, peak ${(peakBytes / 1e6).toFixed(0)} MB\n`); // prettier-ignore
  }
} finally {
  for (const server of servers) await server.stop();
}

async function load(server: BenchServer): Promise<void> {
  const source = new CpuLines({ hosts, startSeconds, seed: 42 });
  for (let left = rowCount; left > 0; left -= 5_000) {
    const body = source.body(Math.min(5_000, left));
    const response = await fetch(`${server.url}/write?db=d`, { method: 'POST', body });
    if (response.status !== 204) throw new Error(await response.text());
  }
  const stored = await server.countPoints({ measurement: 'cpu', field: 'usage_user' });
  if (stored !== rowCount) throw new Error(`${server.name} stored ${stored} of ${rowCount}`);
}

async function compare(name: string, q: string): Promise<void> {
  const times = servers.map((): number[] => []);
  let answers: string[] = [];
  const firstMs: number[] = [];
  for (let round = -Number(values.warmup); round < Number(values.rounds); round++) {
    answers = [];
    for (const [i, server] of servers.entries()) {
      const startMs = performance.now();
      const response = await fetch(`${server.url}/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`);
      answers.push(await response.text());
      const tookMs = performance.now() - startMs;
      firstMs[i] ??= tookMs;
      if (round >= 0) times[i]?.push(tookMs);
    }
  }
  const medians = times.map((list) => list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? 0);
  const shown = servers.map(
    ({ name: server }, i) =>
      `${server} ${(medians[i] ?? 0).toFixed(2)} ms (first ${(firstMs[i] ?? 0).toFixed(0)})`,
  );
  const [ours = 0, theirs] = medians;
  const ratio = theirs === undefined ? '' : `, ratio ${(theirs / ours).toFixed(1)}`;
  const [one, other = one] = answers;
  const isSame = one === other;
  process.stdout.write(`${name}: ${shown.join(', ')}${ratio}; ${one?.length ?? 0} bytes, answers ${isSame ? 'equal' : 'DIFFER'}\n`); // prettier-ignore
  if (!isSame) process.exitCode = 1;
}
