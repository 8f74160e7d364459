import { isDbError } from '../base/errors.ts';
import type { Disk, DiskFile } from '../env/disk.ts';
import { makeDurableDir } from '../env/make-durable-dir.ts';
import { onePiece, type BackupStore } from './backup-store.ts';

/**
 * A file gets its name once it is whole. Until then it has this end, after the name of the machine that writes it, which holds a lock
 * of it meanwhile: what nobody of that machine holds is left of a backup that was killed.
 */
const pendingSuffix = '.pending';
const readBytes = 1 << 20;

export interface FolderOptions {
  /** Writes gather up to so many bytes. */
  readonly bufferBytes: number;
  /** Locks hold on one machine only: what others have begun in a folder that they share is left to them. */
  readonly host: string;
}

/** Backups in a folder, which is made when there is something to write. */
export class FolderStore implements BackupStore {
  readonly place: string;
  readonly #disk: Disk;
  readonly #bufferBytes: number;
  /** Of what this machine writes. */
  readonly #pendingSuffix: string;

  constructor(disk: Disk, place: string, { bufferBytes, host }: FolderOptions) {
    this.#disk = disk;
    this.place = place;
    this.#bufferBytes = bufferBytes;
    this.#pendingSuffix = `.${host.replace(/[^\w-]/g, '_')}${pendingSuffix}`;
  }

  async list(): Promise<readonly string[]> {
    const entries = await this.#disk.list(this.place);
    return entries
      .filter(({ name, isDirectory }) => !isDirectory && !name.endsWith(pendingSuffix))
      .map(({ name }) => name);
  }

  async *read(name: string): AsyncGenerator<Uint8Array> {
    const file = await this.#disk.open(this.#path(name), 'read');
    try {
      for (let at = 0; at < file.lengthBytes;) {
        // A new one each time: whoever reads may keep it.
        const piece = new Uint8Array(Math.min(readBytes, file.lengthBytes - at));
        const read = await file.readAt(at, piece);
        if (read === 0) return;
        at += read;
        yield piece.subarray(0, read);
      }
    } finally {
      await file.close();
    }
  }

  async create(name: string, bytes: Uint8Array): Promise<boolean> {
    const path = this.#path(name);
    await makeDurableDir(this.#disk, this.place);
    try {
      const file = await this.#disk.open(path, 'exclusive');
      await this.#fill(path, file, onePiece(bytes));
      await this.#disk.syncDir(this.place);
      return true;
    } catch (error) {
      if (isDbError(error, 'already_exists')) return false;
      await this.remove(name).catch(() => undefined);
      throw error;
    }
  }

  async write(name: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const path = this.#path(name);
    const pending = `${path}${this.#pendingSuffix}`;
    await makeDurableDir(this.#disk, this.place);
    const lock = await this.#disk.lock(pending);
    try {
      const file = await this.#disk.open(pending, 'create');
      await this.#fill(pending, file, pieces);
      await this.#disk.rename(pending, path);
      await this.#disk.syncDir(this.place);
    } finally {
      await lock.release();
    }
  }

  async removeLeftovers(): Promise<void> {
    for (const { name } of await this.#disk.list(this.place)) {
      if (!name.endsWith(this.#pendingSuffix)) continue;
      const path = this.#path(name);
      try {
        // One that gets its name meanwhile is made by this, empty, and removed again.
        const lock = await this.#disk.lock(path);
        try {
          await this.#disk.remove(path);
        } finally {
          await lock.release();
        }
      } catch (error) {
        if (!isDbError(error, 'conflict')) throw error;
      }
    }
  }

  /** What fails leaves nothing of the file; whether it can be removed changes nothing of why. */
  async #fill(path: string, file: DiskFile, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    try {
      let [parts, bytes]: [Uint8Array[], number] = [[], 0];
      for await (const piece of pieces) {
        parts.push(piece);
        bytes += piece.length;
        if (bytes < this.#bufferBytes) continue;
        await file.append(parts);
        [parts, bytes] = [[], 0];
      }
      if (parts.length > 0) await file.append(parts);
      await file.sync();
      await file.close();
    } catch (error) {
      await file.close().catch(() => undefined);
      await this.#disk.remove(path).catch(() => undefined);
      throw error;
    }
  }

  async remove(name: string): Promise<void> {
    await this.#disk.remove(this.#path(name));
  }

  #path(name: string): string {
    return `${this.place}/${name}`;
  }
}
