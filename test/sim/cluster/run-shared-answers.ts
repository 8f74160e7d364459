import { Buffer } from 'node:buffer';
import { everyone } from '../../../src/data/statements/principal.ts';
import type { Statement } from '../../../src/influxql/ast.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import { writeJson } from '../../../src/query/emit/json-writer.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { RandomChoice } from '../../conformance/fresh/random-choice.ts';
import { freshMeasurements, middleNs } from '../../conformance/fresh/random-data.ts';
import { freshStatements } from '../../conformance/fresh/random-statements.ts';
import { joinPieces } from '../../support/join-pieces.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { ask } from './read-rows.ts';
import { fill, hasOneAnswer } from './run-answers.ts';

/** Nodes have shards of their own in each of them; by days a series is on several. */
const layouts = {
  once: 'REPLICATION 1 SHARD DURATION 5200w',
  twice: 'REPLICATION 2 SHARD DURATION 5200w',
  daily: 'REPLICATION 1 SHARD DURATION 1d',
};
const names = Object.keys(layouts) as readonly (keyof typeof layouts)[];
const interruptedCount = 16;
const epochUnitNs = 1n;
const heldBytes = 1 << 20;
/** Sums that were added up in another order differ in their last digits. */
const relativeMax = 1e-9;

export interface SharedAnswers {
  /** Answers that workers made by themselves, and that the coordinator made of blocks as well. */
  readonly compared: number;
  /** Those of a layout in which no node has all. */
  readonly shared: number;
  /** Those of rows that lie on all nodes. */
  readonly gathered: number;
  /** Answers while a node went down. */
  readonly interrupted: number;
}

/** Of this time each node has one shard in the first two layouts: on one worker. */
const during = "time >= '1999-11-01' AND time < '2000-03-01'";

/** By groups that lie on one node each, and by some that do not; those of one tag's values, too. */
const questions = freshMeasurements
  .filter(({ name }) => name !== 'mixed')
  .flatMap(({ name, tags, fields }) => {
    const [[field] = ['v']] = fields;
    return [
      `SELECT * FROM "${name}" WHERE ${during} GROUP BY *`,
      `SELECT * FROM "${name}" WHERE ${during} GROUP BY * ORDER BY time DESC LIMIT 2`,
      `SELECT percentile("${field}", 95), median("${field}") FROM "${name}" WHERE ${during} GROUP BY *, time(1w) fill(none)`,
      `SELECT last("${field}") FROM "${name}" WHERE ${during} GROUP BY *`,
      ...tags.map((key) => `SELECT count(*) FROM "${name}" WHERE ${during} GROUP BY "${key}"`),
      ...tags.map((key) => `SELECT * FROM "${name}" WHERE "${key}" = 'a' AND ${during}`),
    ];
  });

/** Of rows that lie on all nodes: the one that is asked merges what the others send. */
const gatheredQuestions = freshMeasurements
  .filter(({ name }) => name !== 'mixed')
  .flatMap(({ name, fields }) => {
    const [[field] = ['v']] = fields;
    return [
      `SELECT * FROM "${name}" WHERE ${during}`,
      `SELECT * FROM "${name}" WHERE ${during} ORDER BY time DESC LIMIT 3 OFFSET 1`,
      `SELECT count(*), first("${field}"), last("${field}") FROM "${name}" WHERE ${during}`,
      `SELECT sum("${field}"), max("${field}"), min("${field}") FROM "${name}" WHERE ${during} GROUP BY time(1w) fill(previous)`,
      `SELECT mean("${field}") FROM "${name}" WHERE ${during} GROUP BY time(1d) ORDER BY time DESC LIMIT 4`,
    ];
  });

/** Of a measurement of which each series has fields of its own. */
const unevenLines = ['a', 'b', 'c', 'd'].map((host) => `uneven,host=${host} ${host}=1 ${middleNs}`);
const unevenQuestions = ['a', 'b', 'c', 'd'].flatMap((host) => [
  `SELECT * FROM uneven WHERE host = '${host}' AND ${during}`,
  // What is wrong is told with the type, which not all nodes know.
  `SELECT mean(${host}) & 1.5 FROM uneven WHERE host = '${host}' AND ${during}`,
  `SELECT mean(${host}) & 1.5 FROM uneven WHERE ${during}`,
]);

function linesOf(
  database: string,
  lines: readonly string[],
): Parameters<DataNode['writer']['write']>[0] {
  return {
    ...{ database, retentionPolicy: '', body: new TextEncoder().encode(lines.join('\n')) },
    ...{ stepNs: 1n, level: 'all', timeoutMs: 60_000 },
  };
}

/**
 * What workers of one or several nodes answer by themselves is what a coordinator makes of blocks, whatever lies where, and also
 * while a node goes down. Rejects where it is not.
 */
export async function runSharedAnswers(
  seed: number,
  count: number,
  options: { readonly plant?: Plant } = {},
): Promise<SharedAnswers> {
  const cluster = new ClusterWorld(seed, options);
  const { world, data } = cluster;
  await cluster.form();
  const first = data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const name of names) {
    await fill(cluster, first, { name, seed, layout: layouts[name] });
    await world.complete(first.writer.write(linesOf(name, unevenLines)));
  }
  await checkLate(cluster);
  const random = new RandomChoice(seed, 'interrupted');
  for (let i = 0; i < interruptedCount; i++) {
    await interrupted(cluster, random);
    await world.run(world.nowMs + 8_000);
  }
  const fresh = [...freshStatements(seed, count)].filter(hasOneAnswer).map(({ text }) => text);
  let [compared, shared, gathered] = [0, 0, 0];
  for (const text of [...unevenQuestions, ...questions, ...gatheredQuestions, ...fresh].filter(
    isSelect,
  ))
    for (const name of names)
      for (const [machine, node] of data) {
        const own = text.replaceAll(' ON fresh', ` ON ${name}`);
        const right = await world.complete(blocksAnswer(node, own, name));
        for (const got of await world.complete(twoAnswers(node, own, name))) {
          if (got === undefined) continue;
          compared++;
          if (name !== 'twice') shared++;
          if (name === 'once' && gatheredQuestions.includes(text)) gathered++;
          if (!isSame(got, right)) throw new Error(`${text}: ${machine} over ${name} answers ${got}, not ${right}`); // prettier-ignore
        }
      }
  return { compared, shared, gathered, interrupted: interruptedCount };
}

const lateCount = 4;
const askedCount = 3;

/** A series that no node has had is seen at once when it has come, also where it was asked for in vain. */
async function checkLate({ world, data }: ClusterWorld): Promise<void> {
  const nodes = [...data.entries()];
  for (let i = 0; i < lateCount; i++) {
    // The same statements each time, as a known text has them.
    const text = `SELECT n FROM cpu WHERE host = 'late${i}' AND ${during}`;
    const statements = parseQuery(text);
    // Nodes that were described once answer by themselves.
    for (const [, node] of nodes) await world.complete(blocksAnswer(node, text, 'once'));
    const asked = async (): Promise<readonly string[]> => {
      const answers: string[] = [];
      for (let time = 0; time < askedCount; time++)
        for (const [, node] of nodes) answers.push((await world.complete(workersAnswer(node, statements, 'once'))) ?? ''); // prettier-ignore
      return answers;
    };
    const before = await asked();
    if (before.some((answer) => answer.includes('"series"'))) throw new Error(`late${i} is there before it was written`); // prettier-ignore
    const [, writer] = nodes[i % nodes.length] ?? [];
    await world.complete(writer?.writer.write(linesOf('once', [`cpu,host=late${i} n=1i ${middleNs}`])) ?? Promise.resolve()); // prettier-ignore
    const after = await asked();
    if (after.every((answer) => answer === '')) throw new Error('no worker answers by itself');
    const unseen = after.findIndex((answer) => answer !== '' && !answer.includes(`[[${middleNs},1]]`)); // prettier-ignore
    if (unseen >= 0) throw new Error(`${nodes[unseen % nodes.length]?.[0] ?? ''} answers late${i}, which was written, with ${after[unseen] ?? ''}`); // prettier-ignore
  }
}

function isSelect(text: string): boolean {
  const [statement, ...others] = parseQuery(text);
  return statement?.kind === 'select' && statement.target === undefined && others.length === 0;
}

/** A node goes down that is not asked, at any moment that the answer took before; its shards have another owner. */
async function interrupted(cluster: ClusterWorld, random: RandomChoice): Promise<void> {
  const { world, data } = cluster;
  const [asked = '', victim = ''] = random.shuffled([...data.keys()]);
  const node = data.get(asked);
  if (node === undefined || data.get(victim) === undefined) throw new Error('two nodes are down');
  const text = random.of([...questions, ...gatheredQuestions]);
  const right = await world.complete(blocksAnswer(node, text, 'twice'));
  const startMs = world.nowMs;
  await world.complete(twoAnswers(node, text, 'twice'));
  world.schedule(random.integer(0, Math.ceil(world.nowMs - startMs)), () => {
    cluster.crash(victim, 1_000);
  });
  const [one, other] = await world.complete(twoAnswers(node, text, 'twice'));
  for (const answer of [one, other]) {
    const got = answer ?? (await world.complete(blocksAnswer(node, text, 'twice')));
    if (!isSame(got, right)) throw new Error(`${text} at ${asked} while ${victim} went down: ${got}, not ${right}`); // prettier-ignore
  }
}

/** At once: small answers of several nodes are made by the main thread one at a time, and by a worker meanwhile. */
function twoAnswers(
  node: DataNode,
  text: string,
  database: string,
): Promise<readonly [string | undefined, string | undefined]> {
  const answer = () => workersAnswer(node, text, database);
  return Promise.all([answer(), answer()]);
}

/** What a coordinator makes of the blocks of all shards. */
async function blocksAnswer(node: DataNode, text: string, database: string): Promise<string> {
  const answer = await ask(node, text, database);
  const [series, error] = typeof answer === 'string' ? [[], answer] : [joinPieces(answer), undefined]; // prettier-ignore
  return writeJson([{ statementId: 0, series, ...(error !== undefined && { error }) }], { epochUnitNs }).toString(); // prettier-ignore
}

/** What workers answer; undefined where they do not. */
async function workersAnswer(
  { executor }: DataNode,
  asked: string | readonly Statement[],
  database: string,
): Promise<string | undefined> {
  const statements = typeof asked === 'string' ? parseQuery(asked) : asked;
  const request = {
    ...{ statements, database, retentionPolicy: '' },
    ...{ principal: everyone, isReadOnly: true, bucketsMax: 0, timeoutMs: 0 },
    ...{ heldBytesMax: heldBytes, signal: new AbortController().signal },
  };
  const answer = await executor.answer(request, { epochUnitNs });
  if (answer === undefined) return undefined;
  if (answer.kind === 'whole') return answer.bytes.toString();
  const parts: Buffer[] = [];
  for await (const part of answer.parts) parts.push(Buffer.from(part));
  return Buffer.concat([...answer.taken, ...parts]).toString();
}

/** The same text, but for the last digits of floats. */
function isSame(left: string, right: string): boolean {
  return left === right || areClose(JSON.parse(left), JSON.parse(right));
}

function areClose(left: unknown, right: unknown): boolean {
  if (typeof left === 'number' && typeof right === 'number')
    return Math.abs(left - right) <= relativeMax * Math.max(Math.abs(left), Math.abs(right));
  if (typeof left !== 'object' || typeof right !== 'object' || left === null || right === null)
    return left === right;
  const [keys, others] = [Object.keys(left), Object.keys(right)];
  return (
    keys.length === others.length &&
    keys.every((name, i) => name === others[i] && areClose((left as Tree)[name], (right as Tree)[name])) // prettier-ignore
  );
}

type Tree = Readonly<Record<string, unknown>>;
