/** What the head, the index and the tail of a file were when it was written; the format itself has no sum of them. */
export interface TsmSeal {
  readonly lengthBytes: number;
  readonly indexBytes: number;
  readonly indexCrc32: number;
  /** Of the footer of its directory (tsm-directory.ts); absent: it has none. */
  readonly directoryCrc32?: number | undefined;
}
