/** Files that a flush or a compaction had put in place before the disk failed hold points that later deletes do not know of. */
import { expect, test } from 'vitest';
import { FailingDisk } from '../../../../test/support/failing-disk.ts';
import { finished } from '../../../../test/support/finished.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { isDbError } from '../../../base/errors.ts';
import type { Disk } from '../../../env/disk.ts';
import type { Env } from '../../../env/env.ts';
import type { Store } from '../store.ts';
import type { PointDelete } from './point-deletes.ts';

const callsMax = 1_000;

/** The two of the earliest points. */
const early: PointDelete = {
  range: { minTimeNs: 1n, maxTimeNs: 2n },
  async *select(view) {
    yield await Promise.resolve({
      measurement: 'm',
      seriesIds: finished(view.seriesIds('m')),
    });
  },
};

function shown(store: Store): string {
  return readField(store, 'm', 'v')
    .map(({ time, value }) => `${time}:${value}`)
    .join(' ');
}

interface Failure {
  readonly of: 'flush' | 'compact';
  readonly stays: boolean;
  readonly isTriedAgain: boolean;
}

/** What is shown after a restart, of points of which the two earliest were deleted; whether the disk failed at call n. */
async function afterFailure(
  n: number,
  { of, stays, isTriedAgain }: Failure,
): Promise<{ readonly shown: string; readonly hasFailed: boolean }> {
  const world = new World(n);
  const node = world.addNode('a');
  const disk = new FailingDisk(node.env.disk, { failAt: Infinity, stays });
  const run = { hasFailed: false, shown: '' };
  const work = async (env: Env): Promise<void> => {
    const store = await openStore(disk, env.clock);
    for (const time of [1, 2, 3]) {
      await store.write(kept, batchOf(`m v=${time} ${time}`));
      if (of === 'compact') await store.flush(kept.shardId);
    }
    disk.failIn(n);
    await store[of](kept.shardId).catch((error: unknown) => {
      if (!isDbError(error, 'io_error')) throw error;
    });
    run.hasFailed = disk.hasFailed;
    disk.failIn(Infinity);
    if (isTriedAgain) await store[of](kept.shardId);
    await store.deletePoints(kept.shardId, early);
    await store.write(kept, batchOf('m v=4 4'));
    await store.flush(kept.shardId);
    expect(shown(store)).toBe('3:3 4:4');
  };
  await world.complete(work(node.env));
  node.crash();
  node.restart();
  run.shown = await world.complete(shownByNext(node.env.disk, node.env));
  return run;
}

async function shownByNext(disk: Disk, { clock }: Env): Promise<string> {
  for (const isLast of [false, true]) {
    const store = await openStore(disk, clock);
    const rows = shown(store);
    if (isLast || rows !== '3:3 4:4') return rows;
    // What comes to be now is there at the next start, whatever its file is called.
    await store.write(kept, batchOf('m v=5 3'));
    await store.flush(kept.shardId);
    await store.close();
  }
  return '';
}

test.each([
  ...(['flush', 'compact'] as const).flatMap((of) =>
    [false, true].flatMap((stays) =>
      [false, true].map((isTriedAgain) => ({ of, stays, isTriedAgain })),
    ),
  ),
])(
  'store: whatever the disk fails at, points deleted after a failed $of stay deleted (stays: $stays, tried again: $isTriedAgain)',
  async (failure) => {
    for (let n = 1; ; n++) {
      const { shown: rows, hasFailed } = await afterFailure(n, failure).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      expect(rows, `call ${n}`).toBe('3:5 4:4');
      if (!hasFailed) return;
      expect(n).toBeLessThan(callsMax);
    }
  },
);
