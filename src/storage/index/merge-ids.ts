/** Lists of series, each in order of their keys, brought together in that order. */
export interface OrderedIds {
  readonly ids: Uint32Array;
  /** Holds until the memory grows: no longer than from one rest to the next. */
  readonly keyOf: (id: number) => Uint8Array;
}

interface Head extends OrderedIds {
  next: number;
  key: Uint8Array;
}

/** Keys that are compared between two rests: less than a millisecond. */
const idsAtOnce = 1_024;

/** A million series take a second: undefined is a place to rest at. */
export function* mergeIds(lists: readonly OrderedIds[]): Generator<undefined, Uint32Array> {
  const parts = lists.filter(({ ids }) => ids.length > 0);
  const [only] = parts;
  if (only === undefined) return new Uint32Array();
  if (parts.length === 1) return only.ids;
  const merged = new Uint32Array(parts.reduce((sum, { ids }) => sum + ids.length, 0));
  let heads = parts.map((part): Head => ({ ...part, next: 0, key: part.keyOf(part.ids[0] ?? 0) }));
  for (let i = 0; i < merged.length; i++) {
    if (i % idsAtOnce === idsAtOnce - 1) {
      yield;
      for (const head of heads) head.key = head.keyOf(head.ids[head.next] ?? 0);
    }
    let least: Head | undefined;
    for (const head of heads)
      if (least === undefined || Buffer.compare(head.key, least.key) < 0) least = head;
    if (least === undefined) break;
    merged[i] = least.ids[least.next++] ?? 0;
    const { next, ids } = least;
    if (next < ids.length) least.key = least.keyOf(ids[next] ?? 0);
    else heads = heads.filter((head) => head !== least);
  }
  return merged;
}
