import type { DbError } from '../../base/errors.ts';
import type { TsmColumn, TsmTimeBounds } from './tsm-column.ts';

export interface LocatedColumn {
  readonly number: number;
  readonly column: TsmColumn;
}

/** The key's bytes are a view that holds. */
export interface LocatedKey extends LocatedColumn {
  readonly key: Uint8Array;
}

export type KeyedColumn = readonly [key: Uint8Array, column: TsmColumn];

/** The keys of a TSM file, whether its index is in memory (tsm-keys.ts) or read as it is asked for (paged-keys.ts). */
export interface TsmKeySet {
  /** Of all blocks; undefined when there are none. */
  readonly bounds: TsmTimeBounds | undefined;
  /** The first damage of the index that was met. */
  readonly damage?: DbError | undefined;
  /** Undefined when nothing is left of the key. `kind` is among those that are asked for in turns. */
  get(key: Uint8Array, kind: number): TsmColumn | undefined;
  /** The same of the key [start, end) of `bytes`, for whoever asks for many in their order. */
  getNext(bytes: Uint8Array, start: number, end: number): TsmColumn | undefined;
  /** The same with the key's number in the file. */
  locate(key: Uint8Array): LocatedColumn | undefined;
  /** Nothing is left of a key. */
  delete(number: number): void;
  /** The same keys, each of which has all that it had. */
  whole(): TsmKeySet;
  /** In the order of their bytes, without a text. Views that hold. Undefined is a place to rest at: many may be gone in a row. */
  columns(): Iterable<KeyedColumn | undefined>;
  /** The same of keys that are not before `first`, with their numbers. */
  columnsFrom(first: Uint8Array): Iterable<LocatedKey | undefined>;
}
