import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import type {
  AnswerForm,
  AnswerPart,
  AnswerRequest,
  AskedAnswer,
} from '../engine/answers/answer-task.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { soleAnswer } from './sole-answer.ts';

/** Node 1 that asks, and two shards of nodes that a test names. */
async function asker(owners: readonly (readonly number[])[], lanes: number | undefined) {
  const meta = new MemoryMeta();
  for (const port of [1, 2, 3])
    await meta.execute({ kind: 'create-data-node', httpAddress: `h:${port}`, tcpAddress: `t:${port}`, dataNodesMax: 3 }); // prettier-ignore
  await meta.execute({ kind: 'create-database', name: 'd' });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const { databases } = meta.catalog;
  const [database] = [...databases];
  const [policy] = database?.retentionPolicies ?? [];
  const [group] = policy?.shardGroups ?? [];
  if (database === undefined || policy === undefined || group === undefined) throw new Error('it was made'); // prettier-ignore
  const shards = owners.map((of, i) => ({ id: i + 1, owners: of }));
  const placed = { ...database, retentionPolicies: [{ ...policy, shardGroups: [{ ...group, shards }] }] }; // prettier-ignore
  meta.catalog = { ...meta.catalog, databases: databases.with(placed) };
  const asked: { readonly nodeId: number; readonly statement?: string; readonly shardIds: readonly number[]; readonly isShare?: boolean }[] = []; // prettier-ignore
  async function* nothing(): AsyncGenerator<AnswerPart> {
    yield* await Promise.resolve([]);
  }
  const of = (nodeId: number) => ({
    answer: (shardIds: readonly number[], { isShare }: AnswerRequest) => {
      asked.push({ nodeId, shardIds, ...(isShare === true && { isShare }) });
      return nothing();
    },
    described: (shardIds: readonly number[]) =>
      lanes && { measurements: [], lanes: Array.from({ length: lanes }, () => shardIds) },
    answerFor: ({ statement, shardIds, isShare }: AskedAnswer) => {
      asked.push({ nodeId, statement, shardIds, ...(isShare === true && { isShare }) });
      return nothing();
    },
  });
  const limits = { pointsMax: 0, seriesMax: 0 };
  const ports = { meta, shards: { of, missedAt: () => 0 }, random: { u32: () => 0 }, accounts: { limits, open: () => ({ close: () => undefined }) } }; // prettier-ignore
  const context = { database: 'd', retentionPolicy: '', nowNs: 5n, bucketsMax: 0, signal: new AbortController().signal }; // prettier-ignore
  const ask = (text: string, more: Partial<SelectContext> = {}, form: AnswerForm = {}): boolean => {
    const [statement] = parseQuery(text) as SelectStatement[];
    if (statement === undefined) throw new Error('it is one');
    return soleAnswer(statement, form, { ...context, ...more }, ports as unknown as SelectPorts) !== undefined; // prettier-ignore
  };
  return { asked, ask };
}

test('sole answer: this node answers what it has, whoever has it too', async () => {
  const { asked, ask } = await asker([[2, 1], [1, 3]], 1); // prettier-ignore
  expect(ask('SELECT v FROM m')).toBe(true);
  expect(asked).toEqual([{ nodeId: 1, shardIds: [1, 2] }]);
});

test('sole answer: another node answers by itself what it alone has, on one worker as far as it is known', async () => {
  const { asked, ask } = await asker([[2], [2]], 1); // prettier-ignore
  expect(ask('SELECT v FROM m WHERE time > now() - 1h')).toBe(true);
  const statement = 'SELECT v FROM d.autogen.m WHERE time > now() - 1h';
  expect(asked).toEqual([{ nodeId: 2, statement, shardIds: [1, 2] }]);
});

test('sole answer: with one owner in common that node is asked', async () => {
  const { asked, ask } = await asker([[2, 3], [3]], 1); // prettier-ignore
  expect(ask('SELECT v FROM m', { pinnedNodeId: 3 })).toBe(true);
  expect(asked.map(({ nodeId }) => nodeId)).toEqual([3]);
});

test('sole answer: chunks are made by a worker of this node, and not asked of others', async () => {
  const own = await asker([[1], [1]], 1); // prettier-ignore
  expect(own.ask('SELECT v FROM m', {}, { chunkRowsMax: 5 })).toBe(true);
  const other = await asker([[2], [2]], 1); // prettier-ignore
  expect(other.ask('SELECT v FROM m', {}, { chunkRowsMax: 5 })).toBe(false);
  expect([own.asked.length, other.asked.length]).toEqual([1, 0]);
});

test('sole answer: several nodes are asked each for its own shards where groups may lie apart', async () => {
  const { asked, ask } = await asker([[1], [2], [1], [3]], 1);
  expect(ask("SELECT v FROM m WHERE host = 'a'")).toBe(true);
  const statement = "SELECT v FROM d.autogen.m WHERE host = 'a'";
  const share = { isShare: true };
  expect(asked).toEqual([
    { nodeId: 1, shardIds: [1, 3], ...share },
    { nodeId: 2, statement, shardIds: [2], ...share },
    { nodeId: 3, statement, shardIds: [4], ...share },
  ]);
  expect(ask("SELECT v FROM m WHERE host = 'a'", {}, { chunkRowsMax: 5 })).toBe(false);
});

const others: readonly [string, readonly (readonly number[])[], number | undefined, string][] = [
  ['several nodes have to', [[2], [3]], 1, 'SELECT v FROM m'],
  ['this node has a part', [[1], [2]], 1, 'SELECT v FROM m'],
  ['the other has several workers for it', [[2], [2]], 2, 'SELECT v FROM m'],
  ['nobody has asked the other yet', [[2], [2]], undefined, 'SELECT v FROM m'],
  ['nothing was ever written there', [], 1, 'SELECT v FROM m'],
  ['a window may end what follows it on other nodes', [[1], [2]], 1, "SELECT max(v) FROM m WHERE time > 0 AND time < 9 GROUP BY host, time(1s) tz('Europe/Berlin')"],
  ['a source is of another policy', [[2], [2]], 1, 'SELECT v FROM m, other..k'],
]; // prettier-ignore

test.each(others)('sole answer: none where %s', async (_why, owners, lanes, text) => {
  const { asked, ask } = await asker(owners, lanes);
  const answered = (() => {
    try {
      return ask(text);
    } catch {
      return false;
    }
  })();
  expect(answered).toBe(false);
  expect(asked).toEqual([]);
});
