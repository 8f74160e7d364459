/**
 * What a file of tombstones was when it was written last. It only grows: one that is longer, as a delete leaves it that a crash has cut
 * off, begins with these bytes.
 */
export interface TombstoneSeal {
  readonly lengthBytes: number;
  readonly crc32: number;
}

/** What the head, the index and the tail of a file were when it was written; the format itself has no sum of them. */
import type { StampRange } from '../../models/stamp.ts';

export interface TsmSeal {
  readonly lengthBytes: number;
  readonly indexBytes: number;
  readonly indexCrc32: number;
  /** Of the footer of its directory (tsm-directory.ts); absent: it has none. */
  readonly directoryCrc32?: number | undefined;
  /** Of the writes that its points are from; absent when they had none. */
  readonly stamps?: StampRange | undefined;
  /** Of what is deleted of it; absent: nothing was, or by a release that had no such seals. */
  readonly tombstones?: TombstoneSeal | undefined;
  /**
   * Rows that its blocks may have, where it is of several files that a shard was brought together in, or of as many as were brought
   * together at the last level, or these are more than the usual: another compaction with as many would write the same again. Absent of all other files.
   */
  readonly wholeRows?: number | undefined;
}
