/**
 * Questions about many measurements at once, of which each node has a part: every lane answers up to 64 of them in one stream
 * (decision 123). Each measurement has its own points in the answer, and all of them, also while a node goes down whose shards
 * have another owner; an answer that cannot be whole is an error.
 */
import type { OutputSeries } from '../../../src/query/emit/result.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { below, type Random } from '../../../src/env/random.ts';
import { joinPieces } from '../../support/join-pieces.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';

export interface ManyMeasurements {
  readonly compared: number;
  /** Answers while a node went down, and those of them that were an error. */
  readonly interrupted: number;
  readonly refused: number;
}

const database = 'many';
/** More than a lane is asked for at once. */
const measurementCount = 150;
const dayCount = 6;
const dayNs = 86_400_000_000_000n;
const interruptedCount = 16;
const names = Array.from({ length: measurementCount }, (_, i) => `m${String(i).padStart(3, '0')}`);

interface Question {
  readonly text: string;
  /** The rows of measurement `i`: a time in days, then values. */
  readonly rowsOf: (i: number) => readonly (readonly number[])[];
}

/** Some measurements have no point on some days: a lane has nothing of them then. */
function daysOf(i: number): readonly number[] {
  return Array.from({ length: dayCount }, (_, day) => day).filter((day) => (i + day) % 3 !== 0);
}

const valueOf = (i: number, day: number): number => i * 10 + day;
const sumOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);

const questions: readonly Question[] = [
  {
    text: 'SELECT v FROM /^m/',
    rowsOf: (i) => daysOf(i).map((day) => [day, valueOf(i, day)]),
  },
  {
    text: 'SELECT v FROM /^m/ ORDER BY time DESC LIMIT 1',
    rowsOf: (i) => daysOf(i).slice(-1).map((day) => [day, valueOf(i, day)]), // prettier-ignore
  },
  {
    text: `SELECT count(v), sum(v) FROM /^m/ WHERE time >= 0 AND time < ${dayNs * BigInt(dayCount)}`,
    rowsOf: (i) => [[0, daysOf(i).length, sumOf(daysOf(i).map((day) => valueOf(i, day)))]],
  },
  {
    text: 'SELECT first(v) - 1 FROM /^m/ WHERE time >= 0',
    rowsOf: (i) => daysOf(i).slice(0, 1).map((day) => [day, valueOf(i, day) - 1]), // prettier-ignore
  },
];

/** Rejects where an answer is not what was written. */
export async function runManyMeasurements(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<ManyMeasurements> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world, data } = cluster;
  await cluster.form();
  await fill(cluster);
  let compared = 0;
  for (const question of questions)
    for (const [machine, node] of data) {
      check(question, machine, await world.complete(ask(node, question.text, database)));
      compared++;
    }
  const random = world.random('interrupted');
  let refused = 0;
  for (let i = 0; i < interruptedCount; i++) {
    const question = questions[i % questions.length] as Question;
    if (!(await interrupted(cluster, question, random))) refused++;
    await world.run(world.nowMs + 8_000);
  }
  return { compared, interrupted: interruptedCount, refused };
}

async function fill({ world, data }: ClusterWorld): Promise<void> {
  const [node] = data.values();
  if (node === undefined) throw new Error('no node is up');
  const made = await world.complete(ask(node, `CREATE DATABASE ${database} WITH DURATION INF REPLICATION 2 SHARD DURATION 1d`, '')); // prettier-ignore
  if (typeof made === 'string') throw new Error(made);
  await world.run(world.nowMs + 1_000);
  const lines = names.flatMap((name, i) => daysOf(i).map((day) => `${name} v=${valueOf(i, day)}i ${BigInt(day) * dayNs}`)); // prettier-ignore
  const body = new TextEncoder().encode(lines.join('\n'));
  const request = { database, retentionPolicy: '', body, stepNs: 1n, level: 'all', timeoutMs: 60_000 } as const; // prettier-ignore
  await world.complete(node.writer.write(request));
}

/** A node goes down that is not asked, at any moment that the answer took before. False where the answer was an error. */
async function interrupted(
  cluster: ClusterWorld,
  question: Question,
  random: Random,
): Promise<boolean> {
  const { world, data } = cluster;
  const machines = [...data.keys()];
  const at = below(random, machines.length);
  const [asked = '', victim = ''] = [machines[at], machines[(at + 1 + below(random, machines.length - 1)) % machines.length]]; // prettier-ignore
  const node = data.get(asked) as DataNode;
  const startMs = world.nowMs;
  await world.complete(ask(node, question.text, database));
  world.schedule(below(random, Math.ceil(world.nowMs - startMs) + 1), () => {
    cluster.crash(victim, 1_000);
  });
  const answer = await world.complete(ask(node, question.text, database));
  if (typeof answer === 'string') return false;
  check(question, `${asked} while ${victim} went down`, answer);
  return true;
}

function check(question: Question, where: string, answer: readonly OutputSeries[] | string): void {
  if (typeof answer === 'string') throw new Error(`${question.text} at ${where}: ${answer}`);
  const given = new Map(joinPieces(answer).map((series) => [series.name, rowsIn(series)]));
  for (const [i, name] of names.entries()) {
    const [got, right] = [given.get(name), JSON.stringify(question.rowsOf(i))];
    if (got !== right) throw new Error(`${question.text} at ${where}: ${name} is ${got ?? 'left out'}, not ${right}`); // prettier-ignore
  }
}

function rowsIn(series: OutputSeries): string {
  if (series.kind !== 'columns') return series.kind;
  const { timesNs, values, start, end } = series;
  const rows: number[][] = [];
  for (let row = start; row < end; row++)
    rows.push([Number(timesNs[row]) / Number(dayNs), ...values.map((column) => ('offsets' in column.values ? NaN : Number(column.values[row])))]); // prettier-ignore
  return JSON.stringify(rows);
}
