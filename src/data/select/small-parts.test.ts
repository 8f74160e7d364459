import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { compileStatement } from '../../query/plan/compile-statement.ts';
import { SelectAccounts } from '../../query/run/select-limits.ts';
import { schemasMark } from '../engine/answers/answer-share.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import { mergeDescriptions } from '../engine/lists/describe-shards.ts';
import { BlockPacker } from '../engine/packed-blocks.ts';
import { encodeSentBlocks } from '../engine/sent-blocks.ts';
import type { MeasurementDescription, PlannedBlocks } from '../engine/shard-access.ts';
import { NodeFailure } from '../shards/node-failure.ts';
import type { Asking } from './answer-texts.ts';
import { gatheredParts } from './gathered-parts.ts';
import { KnownPlan } from './known-plans.ts';
import type { PreparedSelect } from './select-runner.ts';

const measurements: readonly MeasurementDescription[] = [{ name: 'm', fields: [['v', 'float']], tagKeys: ['h'] }]; // prettier-ignore
const mark = schemasMark(mergeDescriptions([measurements]));
const ofWorker = 'made by the worker';

function rowsAt(...timesNs: readonly bigint[]): Uint8Array {
  const packer = new BlockPacker({ isCopied: true });
  const values = Float64Array.from(timesNs, Number);
  packer.add({ kind: 'rows', group: [], timesNs: BigInt64Array.from(timesNs), columns: [{ type: 'float', values }] } as never); // prettier-ignore
  return encodeSentBlocks(packer);
}

type Sent = () => AsyncGenerator<PlannedBlocks>;

function sent(...pieces: readonly (PlannedBlocks | Error)[]): Sent {
  return async function* () {
    for (const piece of pieces) {
      await Promise.resolve();
      if (piece instanceof Error) throw piece;
      yield piece;
    }
  };
}

function piece(packed: Uint8Array, more: Partial<PlannedBlocks> = {}): PlannedBlocks {
  return { planned: mark, packed, isLast: true, ...more };
}

/** Asks the first of two nodes, of which either has a shard and sends what it is told to. */
function asker(own: Sent, other: Sent, text = 'SELECT v FROM d.autogen.m') {
  const signals: AbortSignal[] = [];
  const shards = {
    of: () => ({
      described: () => ({ measurements, lanes: [[2]] }),
      blocksFor: (_asked: unknown, { signal }: { signal: AbortSignal }) => {
        signals.push(signal);
        return other();
      },
      plannedBlocks: own,
      async *gather(): AsyncGenerator<AnswerPart> {
        await Promise.resolve();
        yield { bytes: Buffer.from(ofWorker), closing: '', isLast: true };
      },
    }),
  };
  const accounts = new SelectAccounts();
  const took = { ms: 0, turnCount: 0 };
  const clock = { monotonicMs: () => took.ms };
  const turn = () => {
    took.turnCount++;
    return Promise.resolve();
  };
  const context = { database: 'd', retentionPolicy: '', nowNs: 5n, bucketsMax: 0, signal: new AbortController().signal }; // prettier-ignore
  const ports = { meta: { nodeId: 1 }, shards, accounts, clock, turn };
  const asking = { form: { epochUnitNs: 1n }, context, ports };
  const [statement] = parseQuery(text) as SelectStatement[];
  if (statement === undefined) throw new Error('it is one');
  const compiled = compileStatement(statement, { nowNs: 5n });
  const places = [{ database: 'd', retentionPolicy: 'autogen', isParted: false, names: ['m'], shards: [{ id: 1, owners: [1] }, { id: 2, owners: [2] }] }]; // prettier-ignore
  const prepared: PreparedSelect = {
    compiled,
    range: compiled.range,
    places,
    plans: new KnownPlan(),
  };
  const owners = new Map([[1, [1]], [2, [2]]]); // prettier-ignore
  const parts = () => gatheredParts(prepared, [owners], asking as unknown as Asking);
  const ask = async (): Promise<string> => {
    let document = '';
    const asked = parts();
    for (let next = await asked?.next(); next?.done === false; next = await asked?.next())
      document += Buffer.from(next.value.bytes).toString();
    return document;
  };
  return { ask, parts, signals, accounts, took };
}

const document = '{"results":[{"statement_id":0,"series":[{"name":"m","columns":["time","v"],"values":[[1,1],[2,2],[3,3]]}]}]}\n'; // prettier-ignore

test('small parts: the thread that is asked merges what nodes send at once', async () => {
  const { ask, signals } = asker(sent(piece(rowsAt(1n, 3n))), sent(piece(rowsAt(2n))));
  expect(await ask()).toBe(document);
  expect(await ask()).toBe(document);
  expect(signals.some(({ aborted }) => aborted)).toBe(false);
});

test('small parts: a node without the measurement has nothing of it', async () => {
  const nothing = piece(new Uint8Array(), { planned: '' });
  expect(await asker(sent(piece(rowsAt(1n, 2n, 3n))), sent(nothing)).ask()).toBe(document);
});

test('small parts: waiting for nodes is no work to rest from', async () => {
  const slow: { of?: { ms: number } } = {};
  const late: Sent = async function* () {
    await Promise.resolve();
    if (slow.of !== undefined) slow.of.ms += 50;
    yield piece(rowsAt(2n));
  };
  const { ask, took } = asker(sent(piece(rowsAt(1n, 3n))), late);
  await ask();
  slow.of = took;
  took.turnCount = 0;
  expect(await ask()).toBe(document);
  expect(took).toEqual({ ms: 50, turnCount: 0 });
});

const many = piece(rowsAt(...Array.from({ length: 3_000 }, (_, i) => BigInt(i))));
const few = piece(rowsAt(1n));
const windows = "SELECT count(v) FROM d.autogen.m WHERE time >= 0 AND time < 8193000000000 GROUP BY time(1s)"; // prettier-ignore

test.each([
  ['more is to come', piece(rowsAt(1n), { isLast: false }), 'SELECT v FROM d.autogen.m'],
  ['they are long', many, 'SELECT v FROM d.autogen.m'],
  ['they were planned by other schemas', piece(rowsAt(1n), { planned: 'x' }), 'SELECT v FROM d.autogen.m'],
  ['windows would be many', few, windows],
])('small parts: where %s a worker merges, and others of the shape are not tried', async (_what, other, text) => {
  let askedCount = 0;
  const own = sent(few);
  const counted = () => {
    askedCount++;
    return own();
  };
  const { ask, signals } = asker(counted, sent(other), text);
  expect(await ask()).toBe(ofWorker);
  expect(signals[0]?.aborted).toBe(true);
  for (let i = 0; i < 4; i++) expect(await ask()).toBe(ofWorker);
  expect(askedCount).toBe(1);
  expect(await ask()).toBe(ofWorker);
  expect(askedCount).toBe(2);
}); // prettier-ignore

test('small parts: one at a time, and one that nobody reads takes no place', async () => {
  const { ask, parts, accounts } = asker(sent(piece(rowsAt(1n, 3n))), sent(piece(rowsAt(2n))));
  await parts()?.return?.(undefined);
  expect(await Promise.all([ask(), ask()])).toEqual([document, ofWorker]);
  expect(await ask()).toBe(document);
  expect(Number(accounts.shared.cell[0])).toBe(0);
});

test('small parts: a worker that cannot be asked keeps nobody from the next try', async () => {
  let isDown = true;
  const own = sent(piece(rowsAt(1n, 3n)));
  const down = (): ReturnType<Sent> => {
    if (isDown) throw new DbError('shutdown', 'the node has no engine workers');
    return own();
  };
  const { ask } = asker(down, sent(piece(rowsAt(2n))));
  await expect(ask()).rejects.toMatchObject({ code: 'shutdown' });
  isDown = false;
  expect(await ask()).toBe(document);
});

test('small parts: a node that fails is told, and the next one is tried again', async () => {
  const lost = new NodeFailure(2, new DbError('unavailable', 'the node is down'));
  const { ask, signals } = asker(sent(few), sent(lost));
  await expect(ask()).rejects.toBe(lost);
  expect(signals[0]?.aborted).toBe(true);
  await expect(ask()).rejects.toBe(lost);
});
