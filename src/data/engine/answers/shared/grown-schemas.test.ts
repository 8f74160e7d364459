import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { batchOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import { MiB } from '../../../../base/units.ts';
import type { SelectStatement } from '../../../../influxql/ast.ts';
import { parseQuery } from '../../../../influxql/parser.ts';
import { regexCache } from '../../../../influxql/regex.ts';
import { SelectAccounts } from '../../../../query/run/select-limits.ts';
import type { QueryKernel } from '../../../../kernels/query-kernel.ts';
import { IdleKernels } from '../../idle-kernels.ts';
import { AnswerRunner } from '../answer-runner.ts';
import { taskText, type AnswerRequest } from '../answer-task.ts';

/** Cutting begins where a kernel is first taken. */
class WatchedKernels extends IdleKernels {
  readonly #onTake: () => void;

  constructor(onTake: () => void) {
    super({ bytesMax: 16 * MiB });
    this.#onTake = onTake;
  }

  override take(): QueryKernel {
    this.#onTake();
    return super.take();
  }
}

function requestOf(text: string): AnswerRequest {
  const statement = parseQuery(text)[0] as SelectStatement;
  const place = { database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  const range = { minNs: undefined, maxNs: undefined };
  const task = { statement, range, places: [place], ...limits, epochUnitNs: 1n };
  return { text: taskText(task) ?? '', nowNs: 60n, isKept: false, mayBeHelped: true };
}

/** Whether the answer is shared when schemas have grown by `growth` since it was planned. */
async function isShared(growth: number): Promise<boolean> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  let hasShared = false;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m,h=a f=1 1\nm,h=b f=2 2'));
    await store.flush(kept.shardId);
    let version = store.schemaVersion;
    const runner = new AnswerRunner({
      ...{ clock, turn: () => Promise.resolve(), matcher: regexCache(), lent: store.borrowed },
      accounts: new SelectAccounts(),
      kernels: new WatchedKernels(() => (version += growth)),
      whenOpen: () => Promise.resolve(),
      views: (shardIds) => shardIds.flatMap((shardId) => store.view(shardId) ?? []),
      schemaVersion: () => version,
      seriesVersion: () => store.seriesVersion,
      shareLimits: {
        workUsLeast: 0,
        bytesLeast: 0,
        groupChunkUs: 1,
        timeChunkUs: 1,
        chunksMax: 6,
        lentShareMost: 1e9,
      },
    });
    const request = requestOf('SELECT * FROM db.autogen.m GROUP BY h');
    for await (const { body } of runner.run(request, { cancelled: () => false }))
      if ('shared' in (body as object)) hasShared = true;
    await store.close();
  };
  await world.complete(work());
  return hasShared;
}

test('shared answers: where schemas have grown since it was planned one worker answers, as the other would plan otherwise', async () => {
  expect(await isShared(0)).toBe(true);
  expect(await isShared(1)).toBe(false);
});
