import { expect, test } from 'vitest';
import { batchOf, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { encodeBlock } from '../../codec/block.ts';
import type { Disk } from '../../env/disk.ts';
import { FieldType } from '../../models/field-value.ts';
import { TsmWriter } from '../tsm/tsm-writer.ts';

/** As from elsewhere: values of a field that is of another type in the shard's own files. */
async function putIntegers(disk: Disk, timesNs: readonly bigint[]): Promise<void> {
  const writer = new TsmWriter(await disk.open('data/db/autogen/7/000000009-000000001.tsm', 'create')); // prettier-ignore
  const [minTimeNs = 0n, maxTimeNs = 0n] = [timesNs[0], timesNs.at(-1)];
  const block = { type: FieldType.integer, timesNs: BigInt64Array.from(timesNs), values: BigInt64Array.from(timesNs) }; // prettier-ignore
  const bytes = encodeBlock(block);
  writer.add({ key: Buffer.from('m,h=a#!~#v'), type: block.type, minTimeNs, maxTimeNs, bytes });
  await writer.finish();
}

test('store: of files that have a field in two types who reads both is told that the shard is damaged', async () => {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  await world.complete(
    (async () => {
      const first = await openStore(disk, clock);
      await first.write(kept, batchOf('m,h=a v=1,i=1i 1\nm,h=a v=3,i=3i 3'));
      await first.flush(7);
      await first.close();
      await putIntegers(disk, [2n, 4n]);
      const store = await openStore(disk, clock);
      expect(() => readField(store, 'm', 'v')).toThrow('shard 7 is damaged');
      expect(readField(store, 'm', 'i').map(({ time }) => String(time))).toEqual(['1', '3']);
      await store.close();
    })(),
  );
});
