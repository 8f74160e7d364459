import { expect, test } from 'vitest';
import type { DeletePointsRequest } from '../engine/shard-access.ts';
import { IncomingDeletes } from './incoming-deletes.ts';

const [near, far] = [1, 12];

function deleteOf(...shardIds: readonly number[]): DeletePointsRequest {
  return { shardIds, measurements: [], minTimeNs: 0n, maxTimeNs: 9n, stamp: 5n };
}

/** What is done as a delete of both shards comes while a copy of one is under way; `meanwhile` happens as the other has its turn. */
async function deletedBeside(
  meanwhile: (deletes: IncomingDeletes, job: object) => Promise<void>,
): Promise<{ readonly done: readonly (readonly number[])[]; readonly deletes: IncomingDeletes }> {
  const deletes = new IncomingDeletes();
  const job = {};
  const done: (readonly number[])[] = [];
  deletes.begin(far, job);
  await deletes.delete(deleteOf(near, far), async ({ shardIds }) => {
    done.push(shardIds);
    if (shardIds.includes(near)) await meanwhile(deletes, job);
  });
  return { done, deletes };
}

test('deletes beside a copy: one that comes just before the copy is installed is done to the shard behind that', async () => {
  const { done } = await deletedBeside(async (deletes, job) => {
    await deletes.install(far, job, (kept) => {
      expect(kept).toEqual([]);
      return Promise.resolve();
    });
    deletes.end(far, job);
  });
  expect(done).toEqual([[near], [far]]);
});

test('deletes beside a copy: one that comes just before the copy is given up is done to what is here', async () => {
  const { done } = await deletedBeside((deletes, job) => {
    deletes.end(far, job);
    return Promise.resolve();
  });
  expect(done).toEqual([[near], [far]]);
});

test('deletes beside a copy: one that comes before it is kept for it, also of a copy that has taken its place', async () => {
  const later = {};
  const { done, deletes } = await deletedBeside((all, job) => {
    all.end(far, job);
    all.begin(far, later);
    return Promise.resolve();
  });
  expect(done).toEqual([[near], [far]]);
  let keptCount = 0;
  await deletes.install(far, later, (kept) => {
    keptCount = kept.length;
    return Promise.resolve();
  });
  expect(keptCount).toBe(1);
});
