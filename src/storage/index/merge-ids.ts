/** Lists of series, each in order of their keys, brought together in that order. */
export interface OrderedIds {
  readonly ids: Uint32Array;
  /** Holds until the memory grows. */
  readonly keyOf: (id: number) => Uint8Array;
}

interface Head extends OrderedIds {
  next: number;
  key: Uint8Array;
}

export function mergeIds(lists: readonly OrderedIds[]): Uint32Array {
  const parts = lists.filter(({ ids }) => ids.length > 0);
  const [only] = parts;
  if (only === undefined) return new Uint32Array();
  if (parts.length === 1) return only.ids;
  const merged = new Uint32Array(parts.reduce((sum, { ids }) => sum + ids.length, 0));
  let heads = parts.map((part): Head => ({ ...part, next: 0, key: part.keyOf(part.ids[0] ?? 0) }));
  for (let i = 0; i < merged.length; i++) {
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
