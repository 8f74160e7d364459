/** A shard.json that failed may be on the disk all the same: a segment that it lists has to be there then. */
import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { batchOf, kept, openStore, readField, silent } from '../../../../test/support/store-script.ts'; // prettier-ignore
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';

const callsMax = 1_000;

/** What a start says of a shard, and shows of it, after a flush and a merge that failed at call n, and a crash; undefined where nothing failed. */
async function after(n: number): Promise<string | undefined> {
  const world = new World(1);
  const node = world.addNode('a');
  const disk = new FailingDisk(node.env.disk, {
    failAt: Infinity,
    replaces: true,
  });
  const work = async (): Promise<void> => {
    const store = await openStore(disk, node.env.clock);
    await store.write(kept, batchOf('m,h=a v=1 1'));
    await store.flush(kept.shardId);
    await store.write(kept, batchOf('m,h=b v=2 2'));
    disk.failIn(n);
    try {
      await store.flush(kept.shardId);
      await store.compact(kept.shardId);
    } catch (error) {
      if (!isDbError(error, 'io_error')) throw error;
    }
  };
  await world.complete(work());
  if (!disk.hasFailed) return undefined;
  node.crash();
  node.restart();
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const shown = async (): Promise<string> => {
    const store = await openStore(node.env.disk, node.env.clock, {
      log: { ...silent, warn },
    });
    const rows = readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`);
    return [...rows, ...warnings].join(' ');
  };
  return world.complete(shown());
}

test('store: whatever the disk fails at in a flush and a merge of segments, no index is damaged after a crash', async () => {
  for (let n = 1; n < callsMax; n++) {
    const shown = await after(n);
    if (shown === undefined) return;
    expect(shown, `call ${n}`).toBe('1:1 2:2');
  }
});
