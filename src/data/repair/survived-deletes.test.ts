import { expect, test } from 'vitest';
import { makeStamp, noStamp } from '../../models/stamp.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import { filterOf } from '../engine/delete-filters.ts';
import { SurvivedDeletes } from './survived-deletes.ts';

const stamp = (ns: number) => makeStamp(BigInt(ns), 2);

function deleteOf(
  name: string,
  ns: number,
  [minTimeNs, maxTimeNs]: readonly [bigint, bigint],
): StoredDelete {
  // prettier-ignore
  return { stamp: stamp(ns), minTimeNs, maxTimeNs, filter: filterOf([{ name, predicate: undefined }]) }; // prettier-ignore
}

const at = (key: string, timeNs: bigint) => ({ key, measurement: key.split(',')[0] ?? '', timeNs });

test('survived deletes: of those that mean a point the latest, whichever was remembered first', () => {
  const deletes = [
    deleteOf('m', 20, [0n, 9n]),
    deleteOf('m', 30, [5n, 7n]),
    deleteOf('n', 40, [0n, 9n]),
    deleteOf('m', 10, [0n, 20n]),
  ];
  for (const order of [deletes, deletes.toReversed()]) {
    const survived = new SurvivedDeletes(order);
    const latest = (key: string, timeNs: bigint) => survived.latestOf(at(key, timeNs));
    // The first and the last time of a delete are its own.
    expect([4n, 5n, 7n, 8n].map((timeNs) => latest('m,t=a', timeNs))).toEqual([20, 30, 30, 20].map(stamp)); // prettier-ignore
    expect([0n, 9n, 10n, 20n].map((timeNs) => latest('m,t=b', timeNs))).toEqual([20, 20, 10, 10].map(stamp)); // prettier-ignore
    expect([-1n, 21n].map((timeNs) => latest('m,t=b', timeNs))).toEqual([noStamp, noStamp]);
    expect(latest('n', 5n)).toBe(stamp(40));
    expect(latest('k', 5n)).toBe(noStamp);
    expect(latest('m,t=a', 5n)).toBe(stamp(30));
  }
});
