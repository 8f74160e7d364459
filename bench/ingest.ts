/**
 * `npm run bench:ingest`: posts the same distinct bodies of TSBS cpu lines to our data node and, where installed, to
 * influxd and victoria-metrics, one server after the other; counts what is stored and prints rates and ratios. Time
 * advances from body to body, so no point comes twice. The load generator shares the machine with the server.
 */
import { Agent, request } from 'node:http';
import { parseArgs } from 'node:util';
import { CpuLines, cpuFields } from './tsbs/cpu-lines.ts';
import {
  startInfluxd,
  startVarve,
  startVictoriaMetrics,
  usageOf,
  type BenchServer,
} from './support/servers.ts';

const { values } = parseArgs({
  options: {
    bodies: { type: 'string', default: '400' },
    rows: { type: 'string', default: '5000' },
    hosts: { type: 'string', default: '100' },
    clients: { type: 'string', default: '4' },
  },
});
const rows = Number(values.rows);
const source = new CpuLines({ hosts: Number(values.hosts), startSeconds: 1_704_067_200, seed: 42 });
const bodies = Array.from({ length: Number(values.bodies) }, () => Buffer.from(source.body(rows)));
const megabytes = bodies.reduce((sum, body) => sum + body.length, 0) / 1e6;
process.stdout.write(`${bodies.length} bodies of ${rows} lines, ${cpuFields.length} values a line, ${megabytes.toFixed(0)} MB, ${values.clients} clients\n`); // prettier-ignore

const rates = new Map<string, number>();
for (const start of [startVarve, startInfluxd, startVictoriaMetrics]) {
  const server = await start();
  if (server === undefined) continue;
  try {
    rates.set(server.name, await measure(server));
  } finally {
    await server.stop();
  }
}
const ours = rates.get('varve') ?? 0;
for (const [name, rate] of rates)
  if (name !== 'varve') process.stdout.write(`varve / ${name}: ${(ours / rate).toFixed(1)}\n`);

async function measure(server: BenchServer): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: Number(values.clients) });
  let next = 0;
  const client = async (): Promise<void> => {
    for (let body = bodies[next++]; body !== undefined; body = bodies[next++])
      await post(`${server.url}/write?db=d`, body, agent);
  };
  const startMs = performance.now();
  await Promise.all(Array.from({ length: Number(values.clients) }, client));
  const seconds = (performance.now() - startMs) / 1_000;
  agent.destroy();
  const usage = usageOf(server);
  const wanted = bodies.length * rows;
  let stored = await server.countPoints('usage_user');
  if (server.name === 'victoria-metrics') stored /= cpuFields.length;
  const rate = (wanted * cpuFields.length) / seconds;
  const { cpuSeconds, peakBytes, diskBytes } = usage;
  process.stdout.write(`${server.name}: ${(rate / 1e6).toFixed(2)} M values/s, ${(wanted / seconds / 1e3).toFixed(0)} k lines/s, ${seconds.toFixed(1)} s; stored ${stored} of ${wanted} lines; ${cpuSeconds.toFixed(1)} CPU s, peak ${(peakBytes / 1e6).toFixed(0)} MB, disk ${(diskBytes / 1e6).toFixed(0)} MB\n`); // prettier-ignore
  if (stored !== wanted) process.exitCode = 1;
  return rate;
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
