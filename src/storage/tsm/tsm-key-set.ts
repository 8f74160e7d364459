import type { TsmColumn, TsmTimeBounds } from './tsm-column.ts';

/** The keys of a TSM file, whether its index is in memory (tsm-keys.ts) or read as it is asked for (paged-keys.ts). */
export interface TsmKeySet {
  /** Of all blocks; undefined when there are none. */
  readonly bounds: TsmTimeBounds | undefined;
  /** Undefined when nothing is left of the key. */
  get(key: Uint8Array): TsmColumn | undefined;
  /** Nothing is left of a key. */
  delete(key: Uint8Array): void;
  /** In the order of their bytes, without a text. Views that hold. */
  columns(): Iterable<readonly [key: Uint8Array, column: TsmColumn]>;
}
