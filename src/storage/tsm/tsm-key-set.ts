import type { FieldType } from '../../models/field-value.ts';

/** A block of a file: where it is and what times it holds. */
export interface TsmEntry {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly offset: number;
  readonly lengthBytes: number;
}

export interface TsmKey {
  readonly type: FieldType;
  /** Ascending in time. */
  readonly entries: readonly TsmEntry[];
}

export interface TsmTimeBounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** The keys of a TSM file, whether its index is in memory (tsm-keys.ts) or read as it is asked for (paged-keys.ts). */
export interface TsmKeySet extends Iterable<readonly [key: string, value: TsmKey]> {
  /** Of all blocks; undefined when there are none. */
  readonly bounds: TsmTimeBounds | undefined;
  has(key: string): boolean;
  get(key: string): TsmKey | undefined;
  /** Nothing is left of a key. */
  delete(key: string): void;
  /** In the order of their bytes, without a text or an object for what they have. Views that hold. */
  bytes(): Iterable<readonly [key: Uint8Array, type: FieldType]>;
}
