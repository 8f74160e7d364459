import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { answersOf, requestOf } from '../../../../../test/support/store-answers.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import type { EngineReply } from '../../../../env/engine-host.ts';

const shareLimits = { workUsLeast: 0, bytesLeast: 0, groupChunkUs: 1, timeChunkUs: 1, chunksMax: 6, lentShareMost: 1e9 }; // prettier-ignore
const forAll = { minTimeNs: 0n, maxTimeNs: 99n };
const noContext = { cancelled: () => false };

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
      const runner = answersOf(store, clock, shareLimits);
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
