import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { Mutex } from '../../base/async/mutex.ts';
import type { DirEntry, Disk, DiskFile, DiskLock, OpenMode } from '../disk.ts';
import { diskError, isErrno } from './errno.ts';
import { NodeFile } from './node-file.ts';
import { lockFile } from './node-lock.ts';
import { ReadDescriptors, readDescriptorsMax } from './read-descriptors.ts';

/** Files by node:fs. Remembered between calls is which paths are being replaced, and which files are read (read-descriptors.ts). */
export class NodeDisk implements Disk {
  readonly #replacing = new Map<string, Mutex>();
  readonly #reading: ReadDescriptors;

  constructor(readDescriptors = readDescriptorsMax()) {
    this.#reading = new ReadDescriptors(readDescriptors);
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return NodeFile.open(path, mode, this.#reading);
  }

  readFile(path: string): Promise<Uint8Array> {
    return attempt('read', path, () => fs.readFile(path));
  }

  /** The temporary name is fixed, so that a crash leaves at most one; two replacements of one path take turns. */
  async replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    const mutex = this.#replacing.get(path) ?? new Mutex();
    this.#replacing.set(path, mutex);
    try {
      await mutex.run(() => this.#replace(path, bytes));
    } finally {
      if (mutex.waiting === 0) this.#replacing.delete(path);
    }
  }

  rename(from: string, to: string): Promise<void> {
    return attempt('rename', from, () =>
      this.#reading.renamed(from, to, () => fs.rename(from, to)),
    );
  }

  async remove(path: string): Promise<void> {
    this.#reading.keep(path);
    try {
      await fs.unlink(path);
    } catch (error) {
      if (!isErrno(error, 'ENOENT')) throw diskError('remove', path, error);
    }
  }

  removeTree(path: string): Promise<void> {
    this.#reading.keep(path);
    return attempt('remove', path, () => fs.rm(path, { recursive: true, force: true }));
  }

  link(from: string, to: string): Promise<void> {
    return attempt('link', to, () => fs.link(from, to));
  }

  async makeDir(path: string): Promise<void> {
    await attempt('mkdir', path, () => makeFolders(path));
  }

  async list(path: string): Promise<readonly DirEntry[]> {
    try {
      const entries = await fs.readdir(path, { withFileTypes: true });
      return entries
        .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
        .sort((a, b) => (a.name < b.name ? -1 : 1));
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return [];
      throw diskError('list', path, error);
    }
  }

  async size(path: string): Promise<number | undefined> {
    try {
      return (await fs.stat(path)).size;
    } catch (error) {
      if (isErrno(error, 'ENOENT')) return undefined;
      throw diskError('stat', path, error);
    }
  }

  async syncDir(path: string): Promise<void> {
    await attempt('sync', path, async () => {
      const handle = await openFolder(path);
      if (handle === undefined) return;
      try {
        await handle.sync();
      } finally {
        await handle.close();
      }
    });
  }

  async freeBytes(path: string): Promise<number> {
    const stats = await attempt('statfs', path, () => fs.statfs(path));
    return stats.bavail * stats.bsize;
  }

  lock(path: string): Promise<DiskLock> {
    return lockFile(path);
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    const file = await NodeFile.open(temporary, 'create');
    try {
      await file.append([bytes]);
      await file.sync();
    } catch (error) {
      // On a disk that is full what fitted of it takes the room of something else.
      await fs.unlink(temporary).catch(() => undefined);
      throw error;
    } finally {
      await file.close();
    }
    await this.rename(temporary, path);
    await this.syncDir(dirname(path));
  }
}

async function attempt<T>(operation: string, path: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw diskError(operation, path, error);
  }
}

/** Undefined for one that this process may only pass through, as folders above its own may be: no name in it is of its making. */
async function openFolder(path: string): Promise<fs.FileHandle | undefined> {
  try {
    return await fs.open(path, 'r');
  } catch (error) {
    if (!isErrno(error, 'EACCES') || (await isWritable(path))) throw error;
    return undefined;
  }
}

async function isWritable(path: string): Promise<boolean> {
  return fs.access(path, fs.constants.W_OK).then(() => true, () => false); // prettier-ignore
}

/** As fs.mkdir would with `recursive`, which asks for ever where a folder that is there takes no other, as in /proc. */
async function makeFolders(path: string): Promise<void> {
  const options = { mode: 0o755 };
  try {
    await fs.mkdir(path, options);
    return;
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) {
      if (await isFolder(path)) return;
      throw error;
    }
  }
  const above = dirname(path);
  if (above !== path) await makeFolders(above);
  try {
    await fs.mkdir(path, options);
  } catch (error) {
    // Another call may have made it meanwhile.
    if (!(await isFolder(path))) throw error;
  }
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await fs.stat(path)).isDirectory();
  } catch {
    return false;
  }
}
