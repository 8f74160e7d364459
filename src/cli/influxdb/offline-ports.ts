import type { Disk } from '../../env/disk.ts';

/** What a command on a stopped node's folders touches. */
export interface OfflinePorts {
  readonly disk: Disk;
  /** Standard output. */
  readonly out: (text: string) => void;
}

/** Of the data node, by its configuration. */
export interface NodeFolders {
  readonly data: string;
  readonly wal: string;
  readonly meta: string;
}

/** Values of the flags; '' for one that is not there. */
export interface OfflineFlags {
  readonly text: (flag: string) => string;
  readonly has: (flag: string) => boolean;
}
