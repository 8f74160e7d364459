/** An ordered durable map of small values: the Raft log and state, the node's cached catalog. Not for points. */
export interface KvStore {
  get(key: string): Promise<Uint8Array | undefined>;
  /** All operations or none, in order. With `sync` they survive a crash once resolved. */
  batch(operations: readonly KvOperation[], options: { readonly sync: boolean }): Promise<void>;
  /** Entries with gte <= key < lt in key order (UTF-8 byte order); `reverse` from the end; at most `limit`. */
  range(range: KvRange): Promise<readonly (readonly [key: string, value: Uint8Array])[]>;
  close(): Promise<void>;
}

export type KvOperation =
  | { readonly kind: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly kind: 'delete'; readonly key: string };

export interface KvRange {
  readonly gte: string;
  readonly lt: string;
  readonly reverse?: boolean;
  readonly limit?: number;
}

/** Opens or creates the store in folder `path`. Throws DbError `conflict` when another process holds it. */
export interface KvOpener {
  open(path: string): Promise<KvStore>;
}
