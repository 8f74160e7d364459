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
}
