import { DbError } from '../../../src/base/errors.ts';
import type { Disk } from '../../../src/env/disk.ts';
import { wrapped } from '../world/lax-disk.ts';

export const madeToFail = 'made to fail';

/** A disk of which one call that changes something below a folder fails, when it is told to. */
export class FailingCalls {
  readonly disk: Disk;
  readonly #folder: string;
  #left = Infinity;

  constructor(disk: Disk, folder: string) {
    this.#folder = folder;
    this.disk = wrapped(disk, {
      open: async (path, mode) => {
        if (mode !== 'read') this.#count(path);
        return disk.open(path, mode);
      },
      replaceFile: async (path, bytes) => {
        this.#count(path);
        await disk.replaceFile(path, bytes);
      },
      rename: async (from, to) => {
        this.#count(from);
        await disk.rename(from, to);
      },
      remove: async (path) => {
        this.#count(path);
        await disk.remove(path);
      },
      syncDir: async (path) => {
        this.#count(path);
        await disk.syncDir(path);
      },
    });
  }

  /** The n-th call from now on fails. */
  failIn(count: number): void {
    this.#left = count;
  }

  #count(path: string): void {
    if (!path.startsWith(this.#folder)) return;
    if (--this.#left === 0) throw new DbError('disk_full', `${path}: ${madeToFail}`);
  }
}
