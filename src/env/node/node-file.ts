import * as fs from 'node:fs';
import { promisify } from 'node:util';
import { assert } from '../../base/assert.ts';
import type { DiskFile } from '../disk.ts';
import { diskError } from './errno.ts';
import type { ReadDescriptor, ReadDescriptors } from './read-descriptors.ts';

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

/** The one of a file that is written: open until the file is closed. */
class OwnDescriptor {
  readonly #fd: number;

  constructor(fd: number) {
    this.#fd = fd;
  }

  take(): number {
    return this.#fd;
  }

  give(): void {
    // It is nobody else's.
  }

  leave(): number {
    return this.#fd;
  }
}

/**
 * One open file. Positions are explicit in every call, so reads may run beside an append.
 * A failed append leaves lengthBytes as it was; what is past it on disk is unknown, as the port says.
 */
export class NodeFile implements DiskFile {
  readonly path: string;
  readonly #descriptor: OwnDescriptor | ReadDescriptor;
  #lengthBytes: number;
  #closed = false;

  private constructor(
    path: string,
    descriptor: OwnDescriptor | ReadDescriptor,
    lengthBytes: number,
  ) {
    this.path = path;
    this.#descriptor = descriptor;
    this.#lengthBytes = lengthBytes;
  }

  /** With `pool` a file that is only read has no descriptor while others are read. */
  static async open(
    path: string,
    mode: keyof typeof flags,
    pool?: ReadDescriptors,
  ): Promise<NodeFile> {
    try {
      const fd = await openFile(path, flags[mode], 0o644);
      try {
        const stats = await fstat(fd);
        const isLent = mode === 'read' && pool !== undefined;
        const descriptor = isLent ? pool.add(path, fd, stats) : new OwnDescriptor(fd);
        return new NodeFile(path, descriptor, stats.size);
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
      const left = into.subarray(done);
      const count = await this.#with((fd) => this.#readSome(fd, offset + done, left));
      if (count === 0) break;
      done += count;
    }
    return done;
  }

  readIntoSync(offset: number, into: Uint8Array): number {
    this.#assertOpen();
    let done = 0;
    const fd = this.#descriptor.take();
    try {
      while (done < into.length) {
        const count = fs.readSync(fd, into, done, into.length - done, offset + done);
        if (count === 0) break;
        done += count;
      }
    } catch (error) {
      throw diskError('read', this.path, error);
    } finally {
      this.#descriptor.give();
    }
    return done;
  }

  async sync(): Promise<void> {
    this.#assertOpen();
    try {
      await this.#with(fdatasync);
    } catch (error) {
      throw diskError('sync', this.path, error);
    }
  }

  async truncate(lengthBytes: number): Promise<void> {
    this.#assertOpen();
    try {
      await this.#with((fd) => ftruncate(fd, lengthBytes));
    } catch (error) {
      throw diskError('truncate', this.path, error);
    }
    this.#lengthBytes = lengthBytes;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    try {
      const fd = this.#descriptor.leave();
      if (fd !== undefined) await closeFile(fd);
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
      let count = await this.#with((fd) => this.#writeSome(fd, left, position + done));
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

  async #with<T>(run: (fd: number) => Promise<T>): Promise<T> {
    const fd = this.#descriptor.take();
    try {
      return await run(fd);
    } finally {
      this.#descriptor.give();
    }
  }

  #writeSome(fd: number, parts: readonly Uint8Array[], position: number): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.writev(fd, parts, position, (error, count) => {
        if (error === null) resolve(count);
        else reject(diskError('write', this.path, error));
      });
    });
  }

  #readSome(fd: number, offset: number, into: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      fs.read(fd, into, 0, into.length, offset, (error, count) => {
        if (error === null) resolve(count);
        else reject(diskError('read', this.path, error));
      });
    });
  }
}
