/**
 * `npm run bench:worker -- --only NAME`: the questions of `npm run bench:query` put to one engine in this thread, without HTTP and
 * without messages: what a worker takes from a task to the bytes of its document, in microseconds, fastest and median. For
 * `--cpu-prof`, and to compare two commits: `--bytes FILE` writes a hash of each answer, which must stay the same.
 */
import { createHash } from 'node:crypto';
import { Session } from 'node:inspector/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { MiB } from '../src/base/units.ts';
import { taskText, type AnswerPart } from '../src/data/engine/answers/answer-task.ts';
import { measurementsOf } from '../src/data/select/qualify-names.ts';
import type { Engine } from '../src/env/engine-host.ts';
import type { SelectStatement } from '../src/influxql/ast.ts';
import { parseQuery } from '../src/influxql/parser.ts';
import { qualifySelect } from '../src/influxql/qualify.ts';
import { compileStatement } from '../src/query/plan/compile-statement.ts';
import { shardRange } from '../src/query/plan/shard-range.ts';
import { context, LinesWriter, openEngine, place, settled } from './support/lone-engine.ts';
import { CpuLines } from './tsbs/cpu-lines.ts';
import {
  allRows,
  cpuQueries,
  dashboardQuery,
  rawExport,
  type BenchQuery,
} from './tsbs/cpu-queries.ts';

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '100' },
    hours: { type: 'string', default: '6' },
    state: { type: 'string', default: 'files' },
    only: { type: 'string', default: '' },
    'budget-ms': { type: 'string', default: '300' },
    bytes: { type: 'string' },
    profile: { type: 'string' },
    /** Large answers are cut for a worker that never comes: what cutting and lending cost. */
    shared: { type: 'boolean', default: false },
  },
});
const hosts = Number(values.hosts);
const hours = Number(values.hours);
const startSeconds = 1_704_067_200;
const rowCount = hosts * hours * 360;
const bodyRows = 5_000;
const roundsLeast = 5;
const budgetMs = Number(values['budget-ms']);
const nowNs = BigInt(startSeconds + hours * 3_600) * 1_000_000_000n;

const folder = mkdtempSync(join(tmpdir(), 'varve-worker-'));
const isMemtable = values.state === 'memtable';
const engine = await openEngine(folder, {
  snapshotBytes: (isMemtable ? 2_048 : 25) * MiB,
  snapshotColdMs: values.state === 'files' ? 500 : 36_000_000,
});
try {
  await load(engine);
  const asked = [...cpuQueries({ startSeconds, hours }).map(one), inTurn(), one(rawExport), one(allRows)]; // prettier-ignore
  const chosen = asked.filter(([{ name }]) => name.includes(values.only));
  const hashes: string[] = [];
  const session = new Session();
  if (values.profile !== undefined) await startProfile(session);
  for (const queries of chosen)
    if (queries[0].influx.startsWith('SELECT')) hashes.push(await time(queries));
  if (values.profile !== undefined)
    writeFileSync(values.profile, JSON.stringify((await session.post('Profiler.stop')).profile));
  if (values.bytes !== undefined) writeFileSync(values.bytes, hashes.join(''));
} finally {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
}

async function startProfile(session: Session): Promise<void> {
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: 200 });
  await session.post('Profiler.start');
}

async function load(to: Engine): Promise<void> {
  const source = new CpuLines({ hosts, startSeconds, seed: 42 });
  const writer = new LinesWriter(to, nowNs * 2n);
  for (let left = rowCount; left > 0; left -= bodyRows)
    await writer.write(new Uint8Array(Buffer.from(source.body(Math.min(bodyRows, left)))), nowNs);
  if (values.state === 'files') await settled(to);
  // Flushes that are under way end.
  else await new Promise((wake) => setTimeout(wake, 2_000));
}

type Questions = readonly [BenchQuery, ...BenchQuery[]];

function one(query: BenchQuery): Questions {
  return [query];
}

/** That of each host, one after the other: no two in a row read the same blocks. */
function inTurn(): Questions {
  const last = startSeconds + hours * 3_600;
  const [first, ...others] = Array.from({ length: hosts }, (_, host) => dashboardQuery(host, last));
  return [first as BenchQuery, ...others];
}

async function time(queries: Questions): Promise<string> {
  const texts = queries.map(textOf);
  const [query] = queries;
  let asked = 0;
  let fastestMs = Number.POSITIVE_INFINITY;
  const ask = async (see?: (bytes: Uint8Array) => void): Promise<void> => {
    const startMs = performance.now();
    const text = texts[asked++ % texts.length] ?? '';
    const request = { text, nowNs, isKept: true, ...(values.shared && { mayBeHelped: true }) };
    for await (const { body } of engine.stream('answer', request, context))
      if ('bytes' in (body as object)) see?.((body as AnswerPart).bytes);
    fastestMs = Math.min(fastestMs, performance.now() - startMs);
  };
  const cpuUs = (before?: NodeJS.CpuUsage): number => {
    const { user, system } = process.threadCpuUsage(before);
    return user + system;
  };
  // The first half warms up.
  const start = process.threadCpuUsage();
  for (let round = 0; round < roundsLeast || cpuUs(start) < budgetMs * 500; round++) await ask();
  const before = process.threadCpuUsage();
  let rounds = 0;
  for (; rounds < roundsLeast || cpuUs(before) < budgetMs * 500; rounds++) await ask();
  const shown = [cpuUs(before) / rounds, fastestMs * 1_000].map((us) => us.toFixed(0).padStart(8)); // prettier-ignore
  process.stdout.write(`${query.name.padEnd(24)} ${shown.join(' ')} us, ${rounds} times\n`);
  // Bytes of a long answer are there until the next ones are asked for.
  const hash = createHash('sha256');
  asked = 0;
  for (const _ of texts) await ask((bytes) => hash.update(bytes));
  return `${query.name} ${hash.digest('hex')}\n`;
}

function textOf({ influx }: BenchQuery): string {
  const [parsed] = parseQuery(influx);
  const names = { database: 'd', defaultPolicy: () => 'autogen' };
  const statement = qualifySelect(parsed as SelectStatement, names);
  const compiled = compileStatement(statement, { nowNs });
  const range = shardRange(compiled, 0);
  const named = measurementsOf(compiled.statement).map(({ name }) => name);
  const asked = { ...place, isParted: false, shardIds: [1], names: named };
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  return taskText({ statement: compiled.statement, range, places: [asked], ...limits, epochUnitNs: 1n }) ?? ''; // prettier-ignore
}
