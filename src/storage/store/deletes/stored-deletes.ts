/**
 * The deletes that a shard remembers: what was taken before one of them and arrives after it, as a hint may, does not come back
 * (decision 0014). They are part of shard.json.
 *
 * Invariants:
 * - one that a later one covers, as a measurement that is dropped again and again, is not kept twice;
 * - they are bounded in number, in length and in age; what goes first is the oldest.
 *
 * Not here: which series a filter means; that is of whoever opened the store.
 */
import { isOfClock, latestOf, noStamp, stampNs, type Stamp } from '../../../models/stamp.ts';
import type { StruckPoints } from '../../engine/memtable/late-points.ts';
import type { SelectedSeries } from '../../engine/delete-points.ts';
import type { ShardView } from '../../engine/shard-view.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';

export interface StoredDelete extends TimeRange {
  readonly stamp: Stamp;
  /** Says which series it means, in ASCII. */
  readonly filter: string;
}

/** What filters mean. */
export interface DeleteFilters {
  /** Whether a series passes, by its key and measurement. */
  test(filter: string): StruckPoints['strikes'];
  /** The series of a shard that pass. */
  select(filter: string, view: ShardView): AsyncIterable<SelectedSeries>;
}

const nothingIsMeant: DeleteFilters = {
  test: () => () => false,
  async *select() {},
};

export function filtersOf(ports: { readonly filters?: DeleteFilters | undefined }): DeleteFilters {
  return ports.filters ?? nothingIsMeant;
}

/** A late batch is held against each of them. */
const countMax = 256;
/** Of all filters together: each flush writes them anew. */
const filtersLengthMax = 262_144;
/** Hinted handoff brings nothing that is older (max-age, a week as a rule), and a day is for clocks. */
const keptNs = 8n * 86_400_000_000_000n;

/** With one more, by stamp; those that are not kept any more are gone from it. */
export function withDelete(
  deletes: readonly StoredDelete[],
  added: StoredDelete,
): readonly StoredDelete[] {
  if (deletes.some((one) => covers(one, added))) return deletes;
  const all = [...deletes.filter((one) => !covers(added, one)), added].sort(byStamp);
  // One that had to overtake a clock which was ahead says nothing of how old the others are.
  const newestNs = stampNs(latestOf(all.map(({ stamp }) => stamp).filter(isOfClock)));
  const recent = all.filter(({ stamp }) => stampNs(stamp) >= newestNs - keptNs).slice(-countMax);
  let length = recent.reduce((sum, { filter }) => sum + filter.length, 0);
  let first = 0;
  for (; length > filtersLengthMax; first++) length -= recent[first]?.filter.length ?? length;
  return recent.slice(first);
}

/** What is older than this a shard that remembers these may have deleted and forgotten that: they are as many as are kept. */
export function forgottenUntil(deletes: readonly StoredDelete[]): Stamp {
  const [oldest] = deletes;
  const length = deletes.reduce((sum, { filter }) => sum + filter.length, 0);
  // One that goes for its length may leave much room.
  const isFull = deletes.length >= countMax || length > filtersLengthMax / 2;
  return isFull && oldest !== undefined ? oldest.stamp : noStamp;
}

/** Whether whatever `other` strikes is struck by `one` as well. */
function covers(one: StoredDelete, other: StoredDelete): boolean {
  return (
    one.stamp >= other.stamp &&
    one.filter === other.filter &&
    one.minTimeNs <= other.minTimeNs &&
    one.maxTimeNs >= other.maxTimeNs
  );
}

function byStamp(a: StoredDelete, b: StoredDelete): number {
  return a.stamp < b.stamp ? -1 : a.stamp > b.stamp ? 1 : 0;
}

export function struckBy(
  { filter, stamp, minTimeNs, maxTimeNs }: StoredDelete,
  filters: Pick<DeleteFilters, 'test'>,
): StruckPoints {
  return { stamp, minTimeNs, maxTimeNs, strikes: filters.test(filter) };
}

/** As shard.json has it: decimal numbers, then the filter. */
type DeleteText = readonly [stamp: string, minTimeNs: string, maxTimeNs: string, filter: string];

export function deleteText({ stamp, minTimeNs, maxTimeNs, filter }: StoredDelete): DeleteText {
  return [String(stamp), String(minTimeNs), String(maxTimeNs), filter];
}

/** Undefined for what is no list of deletes. */
export function deletesOf(value: unknown): readonly StoredDelete[] | undefined {
  if (!Array.isArray(value) || !value.every(isDeleteText)) return undefined;
  return value.map(([stamp, minTimeNs, maxTimeNs, filter]) => ({
    stamp: BigInt(stamp),
    minTimeNs: BigInt(minTimeNs),
    maxTimeNs: BigInt(maxTimeNs),
    filter,
  }));
}

function isDeleteText(value: unknown): value is DeleteText {
  if (!Array.isArray(value) || value.length !== 4) return false;
  const parts: readonly unknown[] = value;
  if (!parts.every((part) => typeof part === 'string')) return false;
  return parts.slice(0, 3).every((part) => /^-?\d{1,40}$/.test(part));
}
