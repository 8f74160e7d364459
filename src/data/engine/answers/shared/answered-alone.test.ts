import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import type { Clock } from '../../../../env/clock.ts';
import { must } from '../../../../base/assert.ts';
import { MiB } from '../../../../base/units.ts';
import type { SelectStatement } from '../../../../influxql/ast.ts';
import { parseQuery } from '../../../../influxql/parser.ts';
import { regexCache } from '../../../../influxql/regex.ts';
import { FieldType } from '../../../../models/field-value.ts';
import { stampBatch } from '../../../../models/stamp.ts';
import { SelectAccounts } from '../../../../query/run/select-limits.ts';
import type { ShardView } from '../../../../storage/engine/shard-view.ts';
import type { Store } from '../../../../storage/store/store.ts';
import { IdleKernels } from '../../idle-kernels.ts';
import { AnswerRunner } from '../answer-runner.ts';
import { taskText } from '../answer-task.ts';

const shareLimits = { workUsLeast: 0, bytesLeast: 0, groupChunkUs: 1, timeChunkUs: 1, chunksMax: 6, lentShareMost: 1e9 }; // prettier-ignore
const always = { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };

interface Asked {
  readonly queryBytesMax?: number;
  /** One for each answer, opened before; it is released. */
  readonly opened?: readonly ShardView[];
  /** Of the schemas, between the plan and the first chunk. */
  readonly growth?: number;
}

/** What a worker says that may be helped, and one that may not. */
async function bothAnswers(
  store: Store,
  clock: Clock,
  text: string,
  { queryBytesMax = 0, opened, growth = 0 }: Asked,
): Promise<{ readonly helped: string; readonly alone: string }> {
  const statement = parseQuery(text)[0] as SelectStatement;
  const place = { database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  const range = { minNs: undefined, maxNs: undefined };
  const task = { statement, range, places: [place], ...limits, epochUnitNs: 1n };
  const request = { text: taskText(task) ?? '', nowNs: 60n, isKept: false };
  const accounts = SelectAccounts.of({ queryBytesMax, totalBytesMax: 0, pointsMax: 0, seriesMax: 0 }); // prettier-ignore
  const answer = async (mayBeHelped: boolean): Promise<string> => {
    let grown = 0;
    const view = opened === undefined ? undefined : must(opened[Number(mayBeHelped)], 'one each');
    const views = (): readonly ShardView[] => [view ?? store.view(kept.shardId)].flatMap((one) => one ?? []); // prettier-ignore
    const runner = new AnswerRunner({
      ...{ clock, turn: () => Promise.resolve(), matcher: regexCache(), lent: store.borrowed },
      ...{ accounts, kernels: new IdleKernels({ bytesMax: 16 * MiB }), shareLimits, views },
      whenOpen: () => Promise.resolve(),
      schemaVersion: () => store.schemaVersion + growth * grown++,
      seriesVersion: () => store.seriesVersion,
    });
    const texts: string[] = [];
    for await (const { body } of runner.run(
      { ...request, mayBeHelped },
      { cancelled: () => false },
    )) {
      if ('shared' in (body as object)) return 'shared';
      texts.push(Buffer.from((body as { bytes: Uint8Array }).bytes).toString());
    }
    return texts.join('');
  };
  const said = { helped: await answer(true), alone: await answer(false) };
  expect(accounts.bytes).toBe(0);
  return said;
}

async function withStore(work: (store: Store, clock: Clock) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const all = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await work(store, clock);
    await store.close();
  };
  await world.complete(all(), 1_000_000);
}

function rows(count: number): string {
  return Array.from({ length: count }, (_, time) => `m,h=${time % 4} f=${time} ${time}`).join('\n');
}

const halves = 'SELECT percentile(f, 50) FROM db.autogen.m GROUP BY h';

test('answered alone: a limit of memory that is enough for one worker is kept where another one may help', async () => {
  await withStore(async (store, clock) => {
    await store.write(kept, batchOf(rows(20_000)));
    expect((await bothAnswers(store, clock, halves, { queryBytesMax: 4 * MiB })).helped).toBe('shared'); // prettier-ignore
    const { helped, alone } = await bothAnswers(store, clock, halves, { queryBytesMax: 200_000 });
    expect(helped).toBe(alone);
    expect(helped).toContain('[9998,9998]');
  });
});

test('answered alone: rows that were lent in vain, as schemas have grown, take nothing of the limit', async () => {
  await withStore(async (store, clock) => {
    await store.write(kept, batchOf(rows(20_000)));
    const asked = { queryBytesMax: 500_000, growth: 1 };
    const { helped, alone } = await bothAnswers(store, clock, halves, asked);
    expect(helped).toBe(alone);
  });
});

test('answered alone: a field that comes back with another type while rows are lent is no error', async () => {
  await withStore(async (store, clock) => {
    await store.write(kept, batchOf('m,h=a f=1 1\nm,h=b f=2 2'));
    const opened = [1, 2].flatMap(() => store.view(kept.shardId) ?? []);
    for (const host of ['a', 'b']) await store.deletePoints(kept.shardId, deleteOf(`m,h=${host}`, always, 9n)); // prettier-ignore
    const later = batchOf('m,h=a f=true 3\nm,h=b f=true 4');
    stampBatch(later, 20n);
    await store.write(kept, later);
    const asked = 'SELECT f FROM db.autogen.m GROUP BY h';
    const { helped, alone } = await bothAnswers(store, clock, asked, { opened });
    expect(helped).toBe(alone);
    const now = store.view(kept.shardId);
    expect(now?.index.fields('m').get('f')).toBe(FieldType.boolean);
    now?.release();
  });
});
