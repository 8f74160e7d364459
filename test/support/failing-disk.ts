import { DbError, type DbErrorCode } from '../../src/base/errors.ts';
import type { DirEntry, Disk, DiskFile, DiskLock, OpenMode } from '../../src/env/disk.ts';

/**
 * Fails the n-th call that reaches the disk (counted from 1, files and folders together), and after it all others too
 * when `stays` is set. A test raises n until its operation succeeds:
 *
 *     for (let n = 1; ; n++) {
 *       const disk = new FailingDisk(inner, { failAt: n });
 *       if ((await outcomeOf(disk)) && !disk.hasFailed) break;
 *     }
 */
export class FailingDisk implements Disk {
  readonly #inner: Disk;
  #failAt: number;
  readonly #code: DbErrorCode;
  readonly #stays: boolean;
  readonly #replaces: boolean;
  #callCount = 0;

  constructor(
    inner: Disk,
    options: {
      readonly failAt: number;
      readonly code?: DbErrorCode;
      readonly stays?: boolean;
      /** A replaceFile() that fails has replaced the file all the same, as where its folder alone could not be synced. */
      readonly replaces?: boolean;
    },
  ) {
    this.#inner = inner;
    this.#failAt = options.failAt;
    this.#code = options.code ?? 'io_error';
    this.#stays = options.stays ?? false;
    this.#replaces = options.replaces ?? false;
  }

  get callCount(): number {
    return this.#callCount;
  }

  /** Fails the n-th call from now on instead. */
  failIn(count: number): void {
    this.#failAt = this.#callCount + count;
  }

  /** Whether the failure has happened: once false after a success, every call has been tried. */
  get hasFailed(): boolean {
    return this.#callCount >= this.#failAt;
  }

  async open(path: string, mode: OpenMode): Promise<DiskFile> {
    this.#count('open', path);
    const file = await this.#inner.open(path, mode);
    return new FailingFile(file, (operation) => {
      this.#count(operation, path);
    });
  }

  async readFile(path: string): Promise<Uint8Array> {
    this.#count('read', path);
    return this.#inner.readFile(path);
  }

  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    if (this.#replaces) await this.#inner.replaceFile(path, bytes);
    this.#count('replace', path);
    if (!this.#replaces) await this.#inner.replaceFile(path, bytes);
  }

  async rename(from: string, to: string): Promise<void> {
    this.#count('rename', from);
    await this.#inner.rename(from, to);
  }

  async remove(path: string): Promise<void> {
    this.#count('remove', path);
    await this.#inner.remove(path);
  }

  async removeTree(path: string): Promise<void> {
    this.#count('remove', path);
    await this.#inner.removeTree(path);
  }

  async link(from: string, to: string): Promise<void> {
    this.#count('link', to);
    await this.#inner.link(from, to);
  }

  async makeDir(path: string): Promise<void> {
    this.#count('mkdir', path);
    await this.#inner.makeDir(path);
  }

  async list(path: string): Promise<readonly DirEntry[]> {
    this.#count('list', path);
    return this.#inner.list(path);
  }

  async size(path: string): Promise<number | undefined> {
    this.#count('stat', path);
    return this.#inner.size(path);
  }

  async syncDir(path: string): Promise<void> {
    this.#count('fsync', path);
    await this.#inner.syncDir(path);
  }

  async freeBytes(path: string): Promise<number> {
    this.#count('statfs', path);
    return this.#inner.freeBytes(path);
  }

  async lock(path: string): Promise<DiskLock> {
    this.#count('lock', path);
    return this.#inner.lock(path);
  }

  #count(operation: string, path: string): void {
    const call = ++this.#callCount;
    if (call === this.#failAt || (this.#stays && call > this.#failAt)) {
      throw new DbError(this.#code, `${operation} ${path}: made to fail at call ${call}`);
    }
  }
}

class FailingFile implements DiskFile {
  readonly #inner: DiskFile;
  readonly #count: (operation: string) => void;

  constructor(inner: DiskFile, count: (operation: string) => void) {
    this.#inner = inner;
    this.#count = count;
  }

  get path(): string {
    return this.#inner.path;
  }

  get lengthBytes(): number {
    return this.#inner.lengthBytes;
  }

  /** Half of the bytes are written before the failure: what a full disk does. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    try {
      this.#count('append');
    } catch (error) {
      const [first] = parts;
      if (first !== undefined) await this.#inner.append([first.subarray(0, first.length >> 1)]);
      throw error;
    }
    await this.#inner.append(parts);
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    this.#count('write');
    await this.#inner.writeAt(offset, bytes);
  }

  async readAt(offset: number, into: Uint8Array): Promise<number> {
    this.#count('read');
    return this.#inner.readAt(offset, into);
  }

  readIntoSync(offset: number, into: Uint8Array): number {
    this.#count('read');
    return this.#inner.readIntoSync(offset, into);
  }

  async sync(): Promise<void> {
    this.#count('sync');
    await this.#inner.sync();
  }

  async truncate(lengthBytes: number): Promise<void> {
    this.#count('truncate');
    await this.#inner.truncate(lengthBytes);
  }

  /** Never fails: a descriptor is gone whatever close says. */
  async close(): Promise<void> {
    await this.#inner.close();
  }
}
