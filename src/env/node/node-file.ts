import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { assert } from '../../base/assert.ts';
import type { DiskFile } from '../disk.ts';
import { diskError } from './errno.ts';

const fdatasync = promisify(fs.fdatasync);
const ftruncate = promisify(fs.ftruncate);
const fstat = promisify(fs.fstat);
const openFile = promisify(fs.open);
const closeFile = promisify(fs.close);

const { O_RDONLY, O_RDWR, O_CREAT, O_TRUNC, O_EXCL } = fs.constants;
const flags = {
  create: O_RDWR | O_CREAT | O_TRUNC,
  exclusive: O_RDWR | O_CREAT | O_EXCL,
  open: O_RDWR,
  append: O_RDWR | O_CREAT,
  read: O_RDONLY,
} as const;

/** Linux takes at most 1024 parts in one writev. */
const writePartsMax = 1024;

/**
 * One open file. Positions are explicit in every call, so reads may run beside an append.
 * A failed append leaves lengthBytes as it was; what is past it on disk is unknown, as the port says.
 */
export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #fd: number;
  #lengthBytes: number;
  #closed = false;

  private constructor(path: string, fd: number, lengthBytes: number) {
    this.path = path;
    this.#fd = fd;
    this.#lengthBytes = lengthBytes;
  }

  static async open(path: string, mode: keyof typeof flags): Promise<NodeFile> {
    try {
      const fd = await openFile(path, flags[mode], 0o644);
      try {
        return new NodeFile(path, fd, (await fstat(fd)).size);
      } catch (error) {
        await closeFile(fd);
        throw error;
      }
    } catch (error) {
      throw diskError('open', path, error);
    }
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  async append(parts: readonly Uint8Array[]): Promise<void> {
    this.#assertOpen();
    let position = this.#lengthBytes;
    for (let first = 0; first < parts.length; first += writePartsMax) {
      position += await this.#writeAll(parts.slice(first, first + writePartsMax), position);
    }
    this.#lengthBytes = position;
  }

  async writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    this.#assertOpen();
    await this.#writeAll([bytes], offset);
    this.#lengthBytes = Math.max(this.#lengthBytes, offset + bytes.length);
  }

  async readAt(offset: number, into: Uint8Array): Promise<number> {
    this.#assertOpen();
    let done = 0;
    while (done < into.length) {
      const count = await this.#readSome(offset + done, into.subarray(done));
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  readIntoSync(offset: number, into: Uint8Array): number {
    this.#assertOpen();
    let done = 0;
    try {
      while (done < into.length) {
        const count = fs.readSync(this.#fd, into, done, into.length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw diskError('read', this.path, error);
    }
    return done;
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    try {
      await fdatasync(this.#fd);
    } catch (error) {
      throw diskError('sync', this.path, error);
    }
  }

  async truncate(lengthBytes: number): Promise<void> {
    this.#assertOpen();
    try {
      await ftruncate(this.#fd, lengthBytes);
    } catch (error) {
      throw diskError('truncate', this.path, error);
    }
    this.#lengthBytes = lengthBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      await closeFile(this.#fd);
    } catch (error) {
      throw diskError('close', this.path, error);
    }
  }

  /** A closed descriptor number may already belong to another file: using it would spoil that one. */
  #assertOpen(): void {
    assert(!this.#closed, `file is open: ${this.path}`);
  }

  async #writeAll(parts: readonly Uint8Array[], position: number): Promise<number> {
    let left = parts.filter((part) => part.length > 0);
    let done = 0;
    while (left.length > 0) {
      let count = await this.#writeSome(left, position + done);
      done += count;
      const rest: Uint8Array[] = [];
      for (const part of left) {
        if (count >= part.length) count -= part.length;
        else {
          rest.push(part.subarray(count));
          count = 0;
        }
      }
      left = rest;
    }
    return done;
  }

  #writeSome(parts: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(this.#fd, parts, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(diskError('write', this.path, error));
      });
    });
  }

  #readSome(offset: number, into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(this.#fd, into, 0, into.length, offset, (error, count) => {
        if (error === null) resolve(count);
        else reject(diskError('read', this.path, error));
      });
    });
  }
}
