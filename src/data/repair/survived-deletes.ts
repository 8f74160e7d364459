/**
 * Deletes that both owners remember once they have told each other of theirs. A point that one of them still has was written after
 * all of these that mean it: that bounds its stamp from below where files say no more than from when to when they are.
 */
import { exactBytesOf } from '../../base/exact-text.ts';
import { noStamp, type Stamp } from '../../models/stamp.ts';
import type { StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import { filterTests } from '../engine/delete-filters.ts';

interface Survived extends StoredDelete {
  readonly means: (seriesKey: Uint8Array, measurement: string) => boolean;
}

export class SurvivedDeletes {
  /** Latest first. */
  readonly #deletes: readonly Survived[];
  /** Those that mean the series that was asked for last: points come series by series. */
  #key: string | undefined;
  #ofKey: readonly Survived[] = [];

  constructor(deletes: readonly StoredDelete[]) {
    const test = filterTests();
    this.#deletes = deletes
      .map((one) => ({ ...one, means: test(one.filter) }))
      .sort((a, b) => (a.stamp < b.stamp ? 1 : -1));
  }

  /** Of the latest one that means a point; `noStamp` where none does. */
  latestOf({
    key,
    measurement,
    timeNs,
  }: {
    readonly key: string;
    readonly measurement: string;
    readonly timeNs: bigint;
  }): Stamp {
    if (this.#key !== key) {
      const bytes = exactBytesOf(key);
      this.#ofKey = this.#deletes.filter(({ means }) => means(bytes, measurement));
      this.#key = key;
    }
    const latest = this.#ofKey.find((one) => one.minTimeNs <= timeNs && timeNs <= one.maxTimeNs);
    return latest?.stamp ?? noStamp;
  }
}
