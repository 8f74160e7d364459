/**
 * `npm run soak -- [--minutes N]`: a cluster of two data nodes under an even load of small writes and queries beside heavy
 * queries and clients that leave. Ends with `N passed, N failed`, a line for each promise: no failed request, no failed
 * call between nodes, both replicas equal, small requests quick, memory and descriptors flat.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { makeDatabase, query } from '../test/hostile/ask.ts';
import { percentileOf, SoakLoad } from '../test/hostile/soak-load.ts';
import { rssMiBOf } from '../test/hostile/watch.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';

const portOffset = 13_000;
const database = 'soak';
const writesPerSecond = 500;
const queriesPerSecond = 100;
const p99MsMax = 50;
/** Growth from the middle of the run to its end that counts as flat: caches and points themselves take some. */
const rssGrowthMiBMax = 200;
const descriptorGrowthMax = 50;
const settleMsMax = 30_000;

const { values: options } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
process.exitCode = await soak(Number(options.minutes) * 60_000);

interface Usage {
  readonly rssMiB: number;
  readonly descriptors: number;
}

async function soak(durationMs: number): Promise<number> {
  const cluster = new DevCluster(portOffset, '--metas', '1', '--data', '2');
  const faults: string[][] = [];
  try {
    await cluster.start();
    const urls = [1, 2].map((number) => cluster.url('data', number));
    await makeDatabase(urls[0] ?? '', database, 2);
    await eventually(() => knows(urls[1] ?? ''), settleMsMax);
    const pids = ['data-1', 'data-2'].map((name) => cluster.pid(name));
    const load = new SoakLoad({ urls, database, writesPerSecond, queriesPerSecond });
    const running = load.run();
    await pause(durationMs / 2);
    const middle = pids.map(usageOf);
    await pause(durationMs / 2);
    const end = pids.map(usageOf);
    load.stop();
    await running;
    faults.push(load.failures.slice(0, 5));
    say(
      `requests answered: ${load.acknowledgedCount} writes, ${load.queryCount} queries, ${load.heavyCount} heavy`,
      faults[0],
    );
    const p99 = percentileOf(load.latenciesMs, 99);
    report(faults, `p99 of small requests ${p99.toFixed(1)} ms`, p99 > p99MsMax);
    const failed = failedCalls(cluster.dir);
    report(faults, `failed calls between nodes: ${failed.length}`, failed.length > 0, failed.slice(0, 5)); // prettier-ignore
    await equal(urls, load.acknowledgedCount, faults);
    flat(middle, end, faults);
  } finally {
    await cluster.stop();
  }
  const failedCount = faults.filter((some) => some.length > 0).length;
  print(`${faults.length - failedCount} passed, ${failedCount} failed`);
  return failedCount === 0 ? 0 : 1;
}

async function knows(url: string): Promise<void> {
  const { text } = await query(url, 'SHOW DATABASES');
  if (!text.includes(`"${database}"`)) throw new Error(`${url} does not know the database`);
}

/** Both owners hold the same, and all that was acknowledged. */
async function equal(urls: readonly string[], acknowledgedCount: number, faults: string[][]) {
  const q = 'SELECT count(v), sum(v) FROM p GROUP BY h';
  let answers: readonly string[] = [];
  const check = async (): Promise<void> => {
    answers = await Promise.all(urls.map(async (url) => (await query(url, q, { db: database })).text)); // prettier-ignore
    if (answers[0] !== answers[1]) throw new Error('the replicas differ');
  };
  try {
    await eventually(check, settleMsMax);
    const { text } = await query(urls[0] ?? '', 'SELECT count(v) FROM p', { db: database });
    const count = Number(/\[\[\d+,(\d+)\]\]/.exec(text)?.[1] ?? 0);
    report(faults, `replicas equal, ${count} points`, count < acknowledgedCount);
  } catch (error) {
    report(faults, error instanceof Error ? error.message : String(error), true);
  }
}

function flat(middle: readonly Usage[], end: readonly Usage[], faults: string[][]): void {
  end.forEach(({ rssMiB, descriptors }, i) => {
    const before = middle[i] ?? { rssMiB: 0, descriptors: 0 };
    const text = `data-${i + 1}: ${before.rssMiB.toFixed(0)} to ${rssMiB.toFixed(0)} MiB, ${before.descriptors} to ${descriptors} descriptors`;
    const grows =
      rssMiB - before.rssMiB > rssGrowthMiBMax ||
      descriptors - before.descriptors > descriptorGrowthMax;
    report(faults, text, grows);
  });
}

/** Lines of the nodes' logs that tell of a call to another node that failed. */
function failedCalls(dir: string): readonly string[] {
  return ['data-1', 'data-2'].flatMap((name) => {
    const lines = readFileSync(join(dir, name, 'influxd.log'), 'utf8').split('\n');
    return lines.filter((line) => /RST_STREAM|outcome_unknown|An owner did not|connection broke/i.test(line)); // prettier-ignore
  });
}

function usageOf(pid: number): Usage {
  return { rssMiB: rssMiBOf(pid), descriptors: readdirSync(`/proc/${pid}/fd`).length };
}

function report(faults: string[][], text: string, isFault: boolean, more: readonly string[] = []) {
  const own = isFault ? [text, ...more] : [];
  faults.push(own);
  say(text, own);
}

function say(text: string, own: readonly string[] = []): void {
  print(`${own.length === 0 ? 'held  ' : 'FAILED'}  ${text}`);
  for (const fault of own) if (fault !== text) print(`        ${fault}`);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
