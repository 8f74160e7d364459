import { expect, test } from 'vitest';
import { World } from '../../../../../test/sim/world/world.ts';
import { answersOf, requestOf } from '../../../../../test/support/store-answers.ts';
import { batchOf, kept, openStore } from '../../../../../test/support/store-script.ts';
import type { ShareLimits } from './share-answer.ts';
import type { SharingStart } from './shared-answer.ts';

const free = { workUsLeast: 0, bytesLeast: 0, groupChunkUs: 1, chunksMax: 512, lentShareMost: 1 };
const rowsInBlock = 1_000;

/** When chunks of `SELECT f FROM m` begin, of a series whose row `n` is of time `n`. */
async function chunkStarts(rowCount: number, limits: ShareLimits): Promise<readonly bigint[]> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<readonly bigint[]> => {
    const store = await openStore(disk, clock);
    const rows = Array.from({ length: rowCount }, (_, row) => `m f=${row} ${row}`);
    await store.write(kept, batchOf(rows.join('\n')));
    await store.flush(kept.shardId);
    const request = { ...requestOf('SELECT f FROM db.autogen.m'), mayBeHelped: true };
    const parts = answersOf(store, clock, limits).run(request, { cancelled: () => false });
    const first = await parts.next();
    await parts.return(undefined);
    await store.close();
    const { cut } = ((first.value as { body: unknown }).body as SharingStart).shared;
    return cut.kind === 'times' ? [...cut.minTimesNs] : [];
  };
  return await world.complete(work(), 1_000_000);
}

test('cut times: chunks begin where blocks do, so that no block is read twice', async () => {
  // A little more than is worth a chunk for each block.
  const starts = await chunkStarts(8_640, { ...free, timeChunkUs: 40 });
  expect(starts).toEqual(Array.from({ length: 9 }, (_, block) => BigInt(block * rowsInBlock)));
});

test('cut times: chunks are parts of blocks where few blocks are long', async () => {
  const starts = await chunkStarts(2_000, { ...free, timeChunkUs: 10 });
  expect(starts.length).toBeGreaterThan(4);
});
