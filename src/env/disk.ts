/**
 * `create`: new or truncated; `exclusive`: new, throws `already_exists`; `open`: must exist, readable and writable; `append`:
 * created when missing; `read`: read only.
 */
export type OpenMode = 'create' | 'exclusive' | 'open' | 'append' | 'read';

/**
 * Files. Paths are absolute or relative to the node's working folder, `/`-separated.
 *
 * Failure: every operation may throw DbError `io_error` (path and errno in the text) or `disk_full`;
 * opening what is not there throws `not_found`. After a failed append, sync or write the length and the
 * content past the last successful sync are unknown until the file is opened anew.
 * Durability: bytes survive a crash once `sync` resolved after them; a created, renamed or removed name
 * survives once `syncDir` of its folder resolved.
 */
export interface Disk {
  open(path: string, mode: OpenMode): Promise<DiskFile>;
  /** The whole file. */
  readFile(path: string): Promise<Uint8Array>;
  /** Writes `bytes` to a temporary name, syncs, renames over `path` and syncs the folder: all or nothing at a crash. */
  replaceFile(path: string, bytes: Uint8Array): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  /** Removes a file; missing is no error. */
  remove(path: string): Promise<void>;
  /** Removes a folder with all that is in it; missing is no error. */
  removeTree(path: string): Promise<void>;
  /** A second name for the same file. */
  link(from: string, to: string): Promise<void>;
  /** Creates the folder and its missing parents. */
  makeDir(path: string): Promise<void>;
  /** Names in a folder, sorted; `[]` when the folder is missing. */
  list(path: string): Promise<readonly DirEntry[]>;
  /** `undefined` when missing. */
  size(path: string): Promise<number | undefined>;
  syncDir(path: string): Promise<void>;
  freeBytes(path: string): Promise<number>;
  /** Takes an exclusive lock that dies with the process; throws `conflict` when another live process holds it. */
  lock(path: string): Promise<DiskLock>;
}

export interface DirEntry {
  readonly name: string;
  readonly isDirectory: boolean;
}

export interface DiskLock {
  release(): Promise<void>;
}

export interface DiskFile {
  readonly path: string;
  /** Current length in bytes as this handle knows it. */
  readonly lengthBytes: number;
  /** Appends all parts in order at the end. Calls do not overlap. The parts must not change until it resolves. */
  append(parts: readonly Uint8Array[]): Promise<void>;
  writeAt(offset: number, bytes: Uint8Array): Promise<void>;
  /** Fills `into` from `offset`; resolves with the number of bytes read, less than asked only at the end of the file. */
  readAt(offset: number, into: Uint8Array): Promise<number>;
  /** The same without a turn of the event loop: scans read straight into WASM memory. */
  readIntoSync(offset: number, into: Uint8Array): number;
  /** fdatasync. */
  sync(): Promise<void>;
  truncate(lengthBytes: number): Promise<void>;
  close(): Promise<void>;
}
