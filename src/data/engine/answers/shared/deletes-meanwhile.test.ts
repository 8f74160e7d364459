import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import type { EngineReply } from '../../../../env/engine-host.ts';
import { MiB } from '../../../../base/units.ts';
import type { SelectStatement } from '../../../../influxql/ast.ts';
import { parseQuery } from '../../../../influxql/parser.ts';
import { regexCache } from '../../../../influxql/regex.ts';
import { SelectAccounts } from '../../../../query/run/select-limits.ts';
import { IdleKernels } from '../../idle-kernels.ts';
import { AnswerRunner } from '../answer-runner.ts';
import { taskText } from '../answer-task.ts';

const shareLimits = { workUsLeast: 0, bytesLeast: 0, groupChunkUs: 1, timeChunkUs: 1, chunksMax: 6, lentShareMost: 1e9 }; // prettier-ignore
const forAll = { minTimeNs: 0n, maxTimeNs: 99n };
const noContext = { cancelled: () => false };

function requestOf(text: string) {
  const statement = parseQuery(text)[0] as SelectStatement;
  const place = { database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }; // prettier-ignore
  const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
  const range = { minNs: undefined, maxNs: undefined };
  const task = { statement, range, places: [place], ...limits, epochUnitNs: 1n };
  return { text: taskText(task) ?? '', nowNs: 60n, isKept: false };
}

test.each([forAll, { minTimeNs: 2n, maxTimeNs: 2n }])(
  'deletes meanwhile: a shared answer shows all that there was when it was cut (%o)',
  async (range) => {
    const world = new World(1);
    const { disk, clock } = world.addNode('a').env;
    const told: string[] = [];
    const after: string[] = [];
    const work = async (): Promise<void> => {
      const store = await openStore(disk, clock);
      await store.write(kept, batchOf('m,h=a f=1 1\nm,h=b f=2 2\nm,h=b f=3 3'));
      await store.flush(kept.shardId);
      const runner = new AnswerRunner({
        ...{ clock, turn: () => Promise.resolve(), matcher: regexCache(), lent: store.borrowed },
        accounts: new SelectAccounts(),
        kernels: new IdleKernels({ bytesMax: 16 * MiB }),
        whenOpen: () => Promise.resolve(),
        views: (shardIds) => shardIds.flatMap((shardId) => store.view(shardId) ?? []),
        ...{ schemaVersion: () => store.schemaVersion, seriesVersion: () => store.seriesVersion },
        shareLimits,
      });
      const request = requestOf('SELECT f FROM db.autogen.m GROUP BY h');
      const parts = runner.run({ ...request, mayBeHelped: true }, noContext);
      const first = (await parts.next()) as IteratorResult<EngineReply, undefined>;
      expect(first.value?.body).toHaveProperty('shared');
      await store.deletePoints(kept.shardId, deleteOf('m,h=b', range, 9n));
      for await (const { body } of parts)
        told.push(Buffer.from((body as { bytes: Uint8Array }).bytes).toString());
      for await (const { body } of runner.run(request, noContext))
        after.push(Buffer.from((body as { bytes: Uint8Array }).bytes).toString());
      await store.close();
    };
    await world.complete(work(), 1_000_000);
    expect(told.join('')).toContain('[2,2],[3,3]');
    expect(after.join('')).not.toContain('[2,2]');
  },
);
