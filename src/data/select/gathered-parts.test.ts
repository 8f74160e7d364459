import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from '../../query/plan/compile-statement.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import { NodeFailure } from '../shards/node-failure.ts';
import type { Asking } from './answer-texts.ts';
import { gatheredParts } from './gathered-parts.ts';
import type { PreparedSelect } from './select-runner.ts';

/** Two nodes with a shard each, of which the first one gathers and fails, before anything has left or behind it. */
function asker(failure: unknown, partsBefore: number) {
  async function* gather(): AsyncGenerator<AnswerPart> {
    for (let i = 0; i < partsBefore; i++)
      yield { bytes: Buffer.from('x'), closing: ']', isLast: false };
    await Promise.resolve();
    throw failure;
  }
  const of = () => ({
    described: () => ({ measurements: [], lanes: [[2]] }),
    blocksFor: () => gather(),
    gather,
  });
  const shards = { of };
  const accounts = { limits: { pointsMax: 0, seriesMax: 0 } };
  const context = { database: 'd', retentionPolicy: '', nowNs: 5n, bucketsMax: 0, signal: new AbortController().signal }; // prettier-ignore
  const asking = { form: {}, context, ports: { meta: { nodeId: 1 }, shards, accounts } };
  const [statement] = parseQuery('SELECT mean(v) FROM d.autogen.m') as SelectStatement[];
  if (statement === undefined) throw new Error('it is one');
  const compiled = compileStatement(statement, { nowNs: 5n });
  const names = ['m'];
  const places = [{ database: 'd', retentionPolicy: 'autogen', isParted: true, names, shards: [{ id: 1, owners: [1] }, { id: 2, owners: [2] }] }]; // prettier-ignore
  const prepared: PreparedSelect = { compiled, range: compiled.range, places, plans: undefined };
  const owners = new Map([[1, [1]], [2, [2]]]); // prettier-ignore
  return () => gatheredParts(prepared, [owners], asking as unknown as Asking);
}

/** The code that a try fails with, and whether the next one of its kind is tried so. */
async function outcomeOf(
  failure: unknown,
  partsBefore: number,
): Promise<readonly [string, boolean]> {
  const ask = asker(failure, partsBefore);
  const parts = ask();
  let code = '';
  try {
    for (let next = await parts?.next(); next?.done === false; next = await parts?.next());
  } catch (error) {
    code = error instanceof NodeFailure ? 'node failure' : (error as DbError).code;
  }
  return [code, ask() !== undefined];
}

const refusal = new DbError('invalid_argument', 'unsupported mean iterator type');
const lost = new NodeFailure(2, new DbError('unavailable', 'the node is down'));

test.each([
  ['that refuses what it knows a part of fails as one that is away, and is not tried again at once', refusal, 0, ['unavailable', false]],
  ['that refuses behind what has left is told as it is', refusal, 1, ['invalid_argument', true]],
  ['that plans by other schemas fails as one that is away', new DbError('schema_changed', 'other schemas'), 0, ['unavailable', false]],
  ['that is lost is told as it is', lost, 0, ['node failure', true]],
])('gathered parts: a node %s', async (_what, failure, partsBefore, outcome) => {
  expect(await outcomeOf(failure, partsBefore)).toEqual(outcome);
}); // prettier-ignore
