import { must } from '../../../src/base/assert.ts';
import { DbError } from '../../../src/base/errors.ts';
import { everyone } from '../../../src/data/statements/principal.ts';
import type { Clock } from '../../../src/env/clock.ts';
import { answerFormat } from '../../../src/http/data/answers/answer-format.ts';
import { startWhole } from '../../../src/http/data/answers/start-whole.ts';
import type { Statement } from '../../../src/influxql/ast.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { hostCount, spread, type SpreadOptions } from './run-grown-schemas.ts';

const roundCount = 5;
/** An answer is kept when it is asked for again, and given the third time. */
const askedCount = 3;
const format = answerFormat('application/json', { epochUnitNs: undefined, pretty: false });

/** A statement and the rows of its answer, as one text each, when `fields` of m and so many of its hosts have been written. */
interface List {
  readonly text: string;
  readonly rows: (fields: readonly string[], hostCount: number) => readonly string[];
}

const hosts = (count: number): readonly string[] => Array.from({ length: count }, (_, i) => `h${i}`).sort(); // prettier-ignore
const lists: readonly List[] = [
  // The first one asks for what only the schema tells: those behind it find it known.
  { text: 'SHOW FIELD KEYS', rows: (fields) => [...fields.map((field) => `${field},integer`), ...fields.slice(1).map(() => 'f0,integer')] },
  { text: 'SHOW FIELD KEYS FROM m', rows: (fields) => fields.map((field) => `${field},integer`) },
  { text: 'SHOW TAG VALUES FROM m WITH KEY = host', rows: (_fields, count) => hosts(count).map((host) => `host,${host}`) },
  { text: 'SHOW SERIES FROM m', rows: (_fields, count) => hosts(count).map((host) => `m,host=${host}`) },
  { text: "SHOW SERIES FROM m WHERE host =~ /h[0-9]+/", rows: (_fields, count) => hosts(count).map((host) => `m,host=${host}`) },
  { text: 'SHOW MEASUREMENTS', rows: (fields) => ['m', ...fields.slice(1).map((field) => `n${field}`)] },
  { text: 'SHOW TAG KEYS FROM m', rows: () => ['host'] },
  { text: 'SHOW TAG KEYS', rows: (fields) => fields.map(() => 'host') },
]; // prettier-ignore

/** Rejects where a list does not show what a write has brought that was acknowledged, through whichever node both went. */
export async function runGrownLists(options: SpreadOptions = {}): Promise<void> {
  const { world, at, nodeCount, write } = await spread(options);
  const { clock } = must(world.nodes[0], 'a node').env;
  // Known texts give the same statements again.
  const known = new Map(lists.map(({ text }) => [text, parseQuery(text)]));
  const listed = (node: DataNode, text: string): Promise<readonly string[]> => world.complete(rowsOf(node, known.get(text) ?? [], clock)); // prettier-ignore
  const check = async (fields: readonly string[], count: number): Promise<void> => {
    for (const { text, rows } of lists)
      for (let asked = 0; asked < nodeCount * askedCount; asked++) {
        const got = (await listed(at(asked), text)).join(' ');
        const wanted = rows(fields, count).join(' ');
        if (got !== wanted) throw new Error(`${text} at node ${(asked % nodeCount) + 1} is ${got}, not ${wanted}`); // prettier-ignore
      }
  };
  const fields = ['f0'];
  let count = hostCount;
  await world.complete(write(at(0), 'm', 'f0'));
  await check(fields, count);
  for (let round = 1; round < roundCount; round++) {
    // A series alone: no schema has grown.
    await world.complete(write(at(round), 'm', 'f0', [count++]));
    await check(fields, count);
    fields.push(`f${round}`);
    // In one shard alone: nodes without it have nothing of their own that would tell them.
    await world.complete(write(at(round + 1), 'm', `f${round}`, [round]));
    await world.complete(write(at(round + 1), `nf${round}`, 'f0', [round]));
    await check(fields, count);
  }
}

/** As a client gets them. */
async function rowsOf(
  { executor }: DataNode,
  statements: readonly Statement[],
  clock: Clock,
): Promise<readonly string[]> {
  const request = {
    ...{ statements, database: 'd', retentionPolicy: '', principal: everyone, isReadOnly: true },
    ...{ bucketsMax: 0, timeoutMs: 0, signal: new AbortController().signal },
  };
  const answer = await startWhole(request, format, { ports: { executor, clock }, rowsMax: 0 }); // prettier-ignore
  if (answer.kind !== 'whole') throw new Error('a short answer expected');
  const { results } = JSON.parse(answer.bytes.toString()) as Document;
  const [result] = results;
  if (result?.error !== undefined) throw new DbError('internal', result.error);
  return (result?.series ?? []).flatMap(({ values }) => values.map((row) => row.join()));
}

interface Document {
  readonly results: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[];
  }[];
}
