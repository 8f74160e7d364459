import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { Column } from '../column.ts';
import type { Flow, Steps } from './steps.ts';

/** Rows of one group, in the direction of time, or whatever order their level gives them. */
export interface Batch {
  readonly timesNs: BigInt64Array;
  readonly columns: readonly Column[];
  /** The subgroup of each row; absent where the group has only one. */
  readonly subgroups: Int32Array | undefined;
}

/** Points of a call: a null value is a window without one. */
export interface PointBatch {
  readonly timesNs: BigInt64Array;
  readonly values: Column;
  readonly aux: readonly Column[];
  readonly subgroups: Int32Array | undefined;
}

/** So many rows are made at once at the most: bounds memory and the time until others run. */
export const batchRowsMax = 4096;

/**
 * The tag sets that the rows of a stream belong to within their group, by small numbers: the values of those tags of
 * `keys` (sorted) that the outermost query does not group by.
 */
export class Subgroups {
  readonly keys: readonly string[];
  readonly #ids = new Map<string, number>();
  readonly #values: (readonly string[])[] = [];

  constructor(keys: readonly string[]) {
    this.keys = keys;
  }

  get count(): number {
    return this.#values.length;
  }

  idOf(values: readonly string[]): number {
    const identity = JSON.stringify(values);
    const known = this.#ids.get(identity);
    if (known !== undefined) return known;
    const id = this.#values.push(values) - 1;
    this.#ids.set(identity, id);
    return id;
  }

  valuesOf(id: number): readonly string[] {
    return this.#values[id] ?? [];
  }

  /** As the reference orders tag sets of the same keys: by the bytes of their values. */
  compare(left: number, right: number): number {
    if (left === right) return 0;
    const a = this.valuesOf(left);
    const b = this.valuesOf(right);
    for (let i = 0; i < a.length; i++) {
      const order = compareUtf8(a[i] ?? '', b[i] ?? '');
      if (order !== 0) return order;
    }
    return 0;
  }
}

/** A group of a stream: a measurement and the values of the outermost query's tags, sorted by key. */
export interface GroupId {
  readonly name: string;
  readonly key: readonly string[];
}

export function compareGroupIds(left: GroupId, right: GroupId): number {
  const byName = left.name === right.name ? 0 : compareUtf8(left.name, right.name);
  if (byName !== 0) return byName;
  for (let i = 0; i < left.key.length; i++) {
    const a = left.key[i] ?? '';
    const b = right.key[i] ?? '';
    if (a !== b) return compareUtf8(a, b);
  }
  return 0;
}

/**
 * Groups in order, each with its rows: a scan of shards, or a level. `next` passes over what is left of the group at
 * hand; `rows` may be asked for once a group.
 */
export interface GroupStream<Rows> {
  readonly subgroups: Subgroups;
  next(): Steps<GroupId | undefined>;
  rows(): Flow<Rows>;
  close(): Promise<void>;
}
