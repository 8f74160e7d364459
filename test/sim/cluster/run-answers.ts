import { isDbError } from '../../../src/base/errors.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import type { OutputSeries } from '../../../src/query/emit/result.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { freshData } from '../../conformance/fresh/random-data.ts';
import { freshStatements, type FreshStatement } from '../../conformance/fresh/random-statements.ts';
import { ClusterWorld } from './cluster-world.ts';
import { answersDiffer } from './compare-answers.ts';
import { ask } from './read-rows.ts';

/** The same points stored otherwise: on every node, on one node each, in shards of other lengths. */
export const layouts = {
  everywhere: 'REPLICATION 3 SHARD DURATION 1d',
  twice: 'REPLICATION 2 SHARD DURATION 7d',
  once: 'REPLICATION 1 SHARD DURATION 1d',
  finely: 'REPLICATION 1 SHARD DURATION 1h',
} as const;
export type Layout = keyof typeof layouts;
const layoutNames = Object.keys(layouts) as readonly Layout[];
/** Those that lose nothing with one node. */
const spareLayouts: readonly Layout[] = ['everywhere', 'twice'];

export interface AnswersResult {
  readonly compared: number;
  /** Answers with at least one series. */
  readonly full: number;
}

/** The type of a field is one of its shard: points of several types are taken by some layouts and refused by others. */
const isLayoutLine = (line: string): boolean => !line.startsWith('mixed');

/**
 * Statements that have one answer. As in the reference an OFFSET without LIMIT, and top() and bottom() with a LIMIT, look at
 * the first rows of each shard alone, so that they depend on where shards begin (trap 57).
 */
export function hasOneAnswer({ kind, text }: FreshStatement): boolean {
  const isLimited = /(?<!S)LIMIT/.test(text);
  const isOfShards = isLimited ? /(top|bottom)\(/.test(text) : / OFFSET /.test(text);
  // What is shown of a range of time is shown of its shards, and policies differ by design.
  const isOfLayout = kind === 'show' && /time [<>]|RETENTION|'2000|ON [*a-z]+\./.test(text);
  // Windows that begin where the clock is: it goes on from one question to the next.
  const isOfMoment = /time\([^)]*now\(/i.test(text);
  return kind !== 'invalid' && !isOfShards && !isOfLayout && !isOfMoment && parses(text);
}

/** What is wrong by its text alone is told by the parser, whatever the cluster. */
function parses(text: string): boolean {
  try {
    parseQuery(text);
    return true;
  } catch (error) {
    if (isDbError(error, 'parse_error')) return false;
    throw error;
  }
}

/** One run: each statement has the same answer from every node over every layout, before a node dies and after. */
export async function runAnswers(seed: number, count: number): Promise<AnswersResult> {
  const cluster = new ClusterWorld(seed);
  const { world } = cluster;
  await cluster.form();
  const { data } = cluster;
  const first = data.get('d1');
  if (first === undefined) throw new Error('d1 is down');
  for (const name of layoutNames) await fill(cluster, first, { name, seed });
  // Flushes and compactions of the small memtables come while statements are asked.
  await world.run(world.nowMs + 1_000);
  const statements = [...freshStatements(seed, count)].filter(hasOneAnswer);
  const half = statements.length >> 1;
  const before = await compare(cluster, statements.slice(0, half), layoutNames);
  cluster.crash('d3', 100_000_000);
  await world.run(world.nowMs + 5_000);
  const after = await compare(cluster, statements.slice(half), spareLayouts);
  return { compared: before.compared + after.compared, full: before.full + after.full };
}

export async function fill(
  { world, data }: ClusterWorld,
  node: DataNode,
  { name, seed, layout = layouts[name as Layout] }: { readonly name: string; readonly seed: number; readonly layout?: string }, // prettier-ignore
): Promise<void> {
  const say = async (text: string): Promise<void> => {
    const answer = await world.complete(ask(node, text, ''));
    if (typeof answer === 'string') throw new Error(`${text}: ${answer}`);
  };
  await say(`CREATE DATABASE ${name} WITH DURATION INF ${layout} NAME autogen`);
  await say(`CREATE RETENTION POLICY rp2 ON ${name} DURATION INF ${layout}`);
  await world.run(world.nowMs + 1_000);
  const random = world.random(`points of ${name}`);
  for (const { params, body } of freshData(seed).writes) {
    const lines = body.split('\n').filter(isLayoutLine);
    const writers = [...data.values()];
    const writer = writers[random.u32() % writers.length] ?? node;
    const request = {
      database: name,
      retentionPolicy: params['rp'] ?? '',
      body: new TextEncoder().encode(lines.join('\n')),
      stepNs: 1n,
      level: 'all',
      timeoutMs: 60_000,
    } as const;
    await world.complete(writer.writer.write(request));
  }
}

export async function compare(
  { world, data }: ClusterWorld,
  statements: readonly FreshStatement[],
  names: readonly Layout[],
): Promise<AnswersResult> {
  let compared = 0;
  let full = 0;
  for (const { text } of statements) {
    let right: readonly OutputSeries[] | string | undefined;
    for (const name of names)
      for (const [machine, node] of data) {
        const own = text.replaceAll(' ON fresh', ` ON ${name}`);
        const answer = await world.complete(ask(node, own, name));
        right ??= answer;
        const difference = answersDiffer(answer, right);
        if (difference !== undefined)
          throw new Error(`${text}: ${machine} over ${name} answers otherwise: ${difference}`);
        compared++;
      }
    if (typeof right === 'object' && right.length > 0) full++;
  }
  return { compared, full };
}
