import { DbError } from '../../../src/base/errors.ts';
import type { Disk, DiskFile } from '../../../src/env/disk.ts';
import { wrapped } from '../world/lax-disk.ts';

export const madeToFail = 'made to fail';

/** What is said to have failed, and has been done all the same, is as likely where a folder cannot be synced. */
export interface FailingCall {
  readonly isDone?: boolean;
}

/** A disk of which one call that changes something below a folder fails, when it is told to. */
export class FailingCalls {
  readonly disk: Disk;
  readonly #folder: string;
  #left = Infinity;
  #isDone = false;

  constructor(disk: Disk, folder: string) {
    this.#folder = folder;
    this.disk = wrapped(disk, {
      open: async (path, mode) => {
        if (mode === 'read') return disk.open(path, mode);
        // One that is open has to be closed by somebody.
        if (this.#counts(path)) this.#fail(path);
        return this.#watched(await disk.open(path, mode));
      },
      replaceFile: (path, bytes) => this.#call(path, () => disk.replaceFile(path, bytes)),
      rename: (from, to) => this.#call(from, () => disk.rename(from, to)),
      remove: (path) => this.#call(path, () => disk.remove(path)),
      link: (from, to) => this.#call(to, () => disk.link(from, to)),
      syncDir: (path) => this.#call(path, () => disk.syncDir(path)),
    });
  }

  /** The n-th call from now on fails. */
  failIn(count: number, { isDone = false }: FailingCall = {}): void {
    this.#left = count;
    this.#isDone = isDone;
  }

  #watched(file: DiskFile): DiskFile {
    if (!file.path.startsWith(this.#folder)) return file;
    return {
      path: file.path,
      get lengthBytes() {
        return file.lengthBytes;
      },
      append: (parts) => this.#call(file.path, () => file.append(parts)),
      writeAt: (offset, bytes) => file.writeAt(offset, bytes),
      readAt: (offset, into) => file.readAt(offset, into),
      readIntoSync: (offset, into) => file.readIntoSync(offset, into),
      sync: () => this.#call(file.path, () => file.sync()),
      truncate: (lengthBytes) => file.truncate(lengthBytes),
      close: () => file.close(),
    };
  }

  async #call(path: string, run: () => Promise<void>): Promise<void> {
    if (!this.#counts(path)) return run();
    if (this.#isDone) await run();
    return this.#fail(path);
  }

  #counts(path: string): boolean {
    return path.startsWith(this.#folder) && --this.#left === 0;
  }

  #fail(path: string): never {
    throw new DbError('disk_full', `${path}: ${madeToFail}`);
  }
}
