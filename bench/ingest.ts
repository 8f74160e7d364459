/**
 * `npm run bench:ingest -- --kind narrow`: posts the same distinct bodies to our data node and, where installed, to influxd
 * and victoria-metrics, one server after the other; counts what is stored and prints rates, processor time and ratios. The
 * load generator shares the machine with the server.
 */
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import {
  startInfluxd,
  startVarve,
  startVictoriaMetrics,
  usageOf,
  type BenchServer,
} from './support/servers.ts';
import { workloads, type Workload } from './workloads.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'cpu' },
    bodies: { type: 'string', default: '200' },
    rows: { type: 'string', default: '5000' },
    series: { type: 'string' },
    clients: { type: 'string', default: '4' },
    servers: { type: 'string', default: 'varve,influxd,victoria-metrics' },
    'port-offset': { type: 'string', default: '13000' },
  },
});
const seriesOf: Readonly<Record<string, number>> = { cpu: 1_000, narrow: 100_000, mixed: 1_000 };
const make = workloads[values.kind];
if (make === undefined) throw new Error(`--kind is one of ${Object.keys(workloads).join(', ')}`);
const workload: Workload = make({
  bodies: Number(values.bodies),
  rows: Number(values.rows),
  series: Number(values.series ?? seriesOf[values.kind] ?? 0),
});
const megabytes = workload.bodies.reduce((sum, body) => sum + body.length, 0) / 1e6;
process.stdout.write(`${values.kind}: ${workload.bodies.length} bodies of ${values.rows} lines, ${workload.fieldCount} values a line, ${megabytes.toFixed(0)} MB, ${values.clients} clients\n`); // prettier-ignore

interface Figures {
  readonly linesPerSecond: number;
  readonly cpuPerMillion: number;
}

const offset = Number(values['port-offset']);
const starts = { varve: startVarve, influxd: startInfluxd, 'victoria-metrics': startVictoriaMetrics }; // prettier-ignore
const figures = new Map<string, Figures>();
for (const [name, start] of Object.entries(starts)) {
  if (!values.servers.split(',').includes(name)) continue;
  const server = await start(offset);
  if (server === undefined) continue;
  try {
    figures.set(server.name, await measure(server));
  } finally {
    await server.stop();
  }
}
const ours = figures.get('varve');
for (const [name, { linesPerSecond, cpuPerMillion }] of figures) {
  if (ours === undefined || name === 'varve') continue;
  const rate = (ours.linesPerSecond / linesPerSecond).toFixed(2);
  const cpu = (cpuPerMillion / ours.cpuPerMillion).toFixed(2);
  process.stdout.write(`varve / ${name}: ${rate} times the lines/s; per processor second ${cpu} times\n`); // prettier-ignore
}

async function measure(server: BenchServer): Promise<Figures> {
  const { bodies, lineCount, fieldCount, wanted } = workload;
  const agent = new Agent({ keepAlive: true, maxSockets: Number(values.clients) });
  const before = usageOf(server).cpuSeconds;
  let next = 0;
  const client = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++])
      await post(`${server.url}/write?db=d`, body, agent);
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  const seconds = (performance.now() - startMs) / 1_000;
  agent.destroy();
  const { cpuSeconds, peakBytes, diskBytes } = usageOf(server);
  const cpuPerMillion = ((cpuSeconds - before) / lineCount) * 1e6;
  let stored = await server.countPoints(workload);
  if (server.name === 'victoria-metrics') stored /= fieldCount;
  process.stdout.write(`${server.name}: ${(lineCount / seconds / 1e3).toFixed(0)} k lines/s, ${((lineCount * fieldCount) / seconds / 1e6).toFixed(2)} M values/s, ${seconds.toFixed(1)} s; ${cpuPerMillion.toFixed(2)} CPU s a million lines; peak ${(peakBytes / 1e6).toFixed(0)} MB, disk ${(diskBytes / 1e6).toFixed(0)} MB; stored ${stored} of ${wanted}\n`); // prettier-ignore
  const mayDiffer = workload.hasRepeats && server.name === 'victoria-metrics';
  if (stored !== wanted && !mayDiffer) process.exitCode = 1;
  return { linesPerSecond: lineCount / seconds, cpuPerMillion };
}

function post(url: string, body: Buffer, agent: Agent): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      url,
      { method: 'POST', agent, headers: { 'Content-Length': body.length } },
      (response) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => {
          if (response.statusCode === 204) resolve();
          else reject(new Error(`${response.statusCode} ${text}`));
        });
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}
