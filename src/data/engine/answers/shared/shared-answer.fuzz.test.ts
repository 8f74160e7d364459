import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { engineOptions } from '../../../../../test/support/engine-options.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import type { Env } from '../../../../env/env.ts';
import type { Engine, EnginePorts } from '../../../../env/engine-host.ts';
import type { Log } from '../../../../env/log.ts';
import type { SelectStatement } from '../../../../influxql/ast.ts';
import { parseQuery } from '../../../../influxql/parser.ts';
import { StorageEngine } from '../../storage-engine.ts';
import { taskText, type AnswerPart } from '../answer-task.ts';
import { HelpedAnswer } from './helped-answer.ts';
import type { ShareLimits } from './share-answer.ts';

/** All that can be shared is, in chunks of a group each or of little time. */
const eager: ShareLimits = { workUsLeast: 0, bytesLeast: 0, groupChunkUs: 1, timeChunkUs: 1, chunksMax: 6, lentShareMost: 1e9 }; // prettier-ignore
const tags = ['h=a', 'h=b', 'h=b,g=1', 'h=a\\ b,g=2', 'h=#!~#', 'h=ä,g=1', 'g=2', 'h=aa'];
const calls = ['f', '*', 'f, i', 'h, f', 'count(f)', 'mean(f), max(i)', 'sum(f)', 'percentile(f, 50)', 'percentile(f, 9)', 'last(i)', 'top(f, 2)', 'derivative(f, 1s)', 'distinct(i)', 'first(s), f', 'f + i', 'difference(mean(f))', 'moving_average(f, 2)']; // prettier-ignore
const conditions = ['', 'WHERE f > 3', "WHERE h = 'a' OR h = 'b'", 'WHERE h =~ /a/', "WHERE g != '1'", 'WHERE time >= 7 AND time < 31', "WHERE time > 3 AND s = 's2'"]; // prettier-ignore
const endings = [
  '',
  '',
  '',
  'LIMIT 2',
  'ORDER BY time DESC',
  'ORDER BY time DESC LIMIT 1',
  'SLIMIT 1',
  'fill(previous)',
  'fill(previous) ORDER BY time DESC LIMIT 3 OFFSET 1',
];

const round = fc.record({
  times: fc.uniqueArray(fc.nat(40), { minLength: 1, maxLength: 8 }),
  of: fc.uniqueArray(fc.constantFrom(...tags), { minLength: 1 }),
  after: fc.constantFrom('flush', 'flush', 'flush', 'flush', 'stay', 'compact', 'delete'),
});
const statement = fc.record({
  call: fc.constantFrom(...calls),
  condition: fc.constantFrom(...conditions),
  groupBy: fc.constantFrom('', 'GROUP BY h', 'GROUP BY h', 'GROUP BY g, h', 'GROUP BY *', 'GROUP BY h, time(9ns)', 'GROUP BY time(10ns)'), // prettier-ignore
  ending: fc.constantFrom(...endings),
});
const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
  statements: fc.array(statement, { minLength: 12, maxLength: 12 }),
  isFlushed: fc.constantFrom(true, true, true, false),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

/** Each row shows what the one before had. */
const previous: Question = {
  rounds: [{ times: [0, 1], of: ['h=a', 'h=b,g=1'], after: 'flush' }],
  statements: ['fill(previous)', 'fill(previous) ORDER BY time DESC'].map((ending) => ({ call: '*', condition: '', groupBy: '', ending })), // prettier-ignore
  isFlushed: true,
};

/** What has no answer for one group ends those of the groups behind it, as in the reference. */
const ending: Question = {
  rounds: [
    { times: [0, 1, 2, 3, 4, 5, 6, 7], of: ['h=a', 'h=b'], after: 'flush' },
    { times: [8], of: ['h=aa'], after: 'flush' },
  ],
  statements: ['percentile(f, 9)', 'percentile(f, 50)'].map((call) => ({ call, condition: '', groupBy: 'GROUP BY h', ending: '' })), // prettier-ignore
  isFlushed: true,
};

const tally = { shared: 0, byHome: 0, byHelper: 0, alone: 0 };

async function write({ disk, clock }: Env, { rounds, isFlushed }: Question): Promise<void> {
  const store = await openStore(disk, clock);
  for (const { times, of, after } of rounds) {
    const lines = times.flatMap((time) =>
      of.map(
        (own, i) => `m,${own} f=${time / 3 + i},i=${(time * 7) % 11}i,s="s${time % 4}" ${time}`,
      ),
    );
    await store.write(kept, batchOf(lines.join('\n')));
    if (after !== 'stay') await store.flush(kept.shardId);
    if (after === 'compact') await store.compact(kept.shardId);
    const range = { minTimeNs: 5n, maxTimeNs: 6n };
    if (after === 'delete') await store.deletePoints(kept.shardId, deleteOf('m,h=a', range, 9n));
  }
  if (isFlushed) await store.flush(kept.shardId);
  await store.close();
}

/** As between threads: all that is said is cloned. */
function linkTo(engine: Engine, see: (kind: string, body: unknown) => void) {
  return {
    async *stream(kind: string, body: unknown): AsyncGenerator<unknown, void, undefined> {
      for await (const reply of engine.stream(kind, structuredClone(body), {
        cancelled: () => false,
      })) {
        // prettier-ignore
        see(kind, reply.body);
        yield structuredClone(reply.body, { transfer: [...(reply.transfer ?? [])] });
      }
    },
  };
}

function see(kind: string, body: unknown): void {
  if (typeof body !== 'object' || body === null) return;
  if ('shared' in body) tally.shared++;
  if ('chunk' in body) tally[kind === 'assist' ? 'byHelper' : 'byHome']++;
}

async function textOf(parts: AsyncIterable<unknown>): Promise<string> {
  const texts: string[] = [];
  try {
    for await (const part of parts) texts.push(Buffer.from((part as AnswerPart).bytes).toString());
  } catch (error) {
    texts.push(String(error));
  }
  return texts.join('');
}

function requestOf(text: string) {
  const parsed = parseQuery(text)[0] as SelectStatement;
  const place = { database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  const range = { minNs: undefined, maxNs: undefined };
  const task = { statement: parsed, range, places: [place], ...limits, epochUnitNs: 1n };
  return { text: taskText(task) ?? '', nowNs: 60n, isKept: text.length % 2 === 0 };
}

async function compare(env: Env, asked: Question): Promise<void> {
  await write(env, asked);
  const { disk, clock, random } = env;
  const log = { info: () => undefined, error: () => undefined } as unknown as Log;
  const ports: EnginePorts = { disk, clock, random, log, turn: () => clock.sleep(0.05) };
  const options = { ...engineOptions, shareLimits: eager };
  const [helper, home] = await Promise.all(
    [0, 1].map((index) => StorageEngine.create({ index, count: 2, options }, ports)),
  );
  if (helper === undefined || home === undefined) throw new Error('two engines');
  const workers = { home: linkTo(home, see), helper: linkTo(helper, see) };
  const { signal } = new AbortController();
  for (const { call, condition, groupBy, ending } of asked.statements) {
    const text = `SELECT ${call} FROM db.autogen.m ${condition} ${groupBy} ${ending}`;
    const request = requestOf(text);
    const before = tally.shared;
    const alone = await textOf(workers.home.stream('answer', request));
    expect(await textOf(new HelpedAnswer(workers, request, signal)), text).toBe(alone);
    if (tally.shared === before) tally.alone++;
  }
  await helper.close();
  await home.close();
}

test('shared answers: two workers make the bytes that one makes, whatever is in the files', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 60, seed: 10001, examples: [[previous], [ending]] },
  );
  expect(tally.shared).toBeGreaterThan(150);
  expect(tally.byHome).toBeGreaterThan(300);
  expect(tally.byHelper).toBeGreaterThan(300);
  expect(tally.alone).toBeGreaterThan(100);
});
