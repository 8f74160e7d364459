import { assert } from '../../../src/base/assert.ts';
import { Mutex } from '../../../src/base/async/mutex.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { DirEntry, Disk, DiskFile, DiskLock, OpenMode } from '../../../src/env/disk.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { Life, Loop } from './loop.ts';
import type { SimInode } from './sim-inode.ts';
import { SimTree } from './sim-tree.ts';

export interface SimDriveOptions {
  readonly capacityBytes: number;
  /** How often the kept part of an unsynced tail ends in zeros after a crash. */
  readonly zeroTailRate: number;
  /** How often a call fails with io_error. */
  readonly ioErrorRate: number;
}

/** The drive of a machine: outlives its processes. */
export class SimDrive {
  readonly tree = new SimTree();
  readonly locks = new Map<SimInode, Life>();
  readonly #loop: Loop;
  readonly #node: string;
  readonly random: Random;
  capacityBytes: number;
  zeroTailRate: number;
  ioErrorRate: number;
  /** The sync of a file below this folder fails besides, though what was written is durable all the same. */
  failsSyncsOf: string | undefined;
  /** Multiplies every delay. */
  slowFactor = 1;
  #afterCalls: { left: number; readonly run: () => void } | undefined;

  constructor(loop: Loop, node: string, options: SimDriveOptions) {
    this.#loop = loop;
    this.#node = node;
    this.random = loop.random.fork(`drive/${node}`);
    this.capacityBytes = options.capacityBytes;
    this.zeroTailRate = options.zeroTailRate;
    this.ioErrorRate = options.ioErrorRate;
  }

  delayMs(baseMs: number): number {
    if (this.slowFactor > 1) this.#loop.faultCounts.slow_disk++;
    return baseMs * (0.5 + fraction(this.random)) * this.slowFactor;
  }

  /** Bytes that may still be written; the caller is about to write `wanted`. */
  room(wanted: number): number {
    if (this.capacityBytes === Infinity) return wanted;
    return Math.max(0, Math.min(wanted, this.capacityBytes - this.tree.usedBytes()));
  }

  /** Runs `run` once `count` more calls have had their effect, before anyone hears of the last one: a crash at any await. */
  afterCalls(count: number, run: () => void): void {
    this.#afterCalls = { left: count, run };
  }

  /** A call has had its effect. */
  counted(): void {
    const wanted = this.#afterCalls;
    if (wanted === undefined || --wanted.left > 0) return;
    this.#afterCalls = undefined;
    wanted.run();
  }

  full(path: string): DbError {
    this.#loop.strike('disk_full', `${this.#node} ${path}`);
    return new DbError('disk_full', `write ${path}: ENOSPC`);
  }

  checkFault(path: string): void {
    if (this.ioErrorRate === 0 || fraction(this.random) >= this.ioErrorRate) return;
    this.#fail(path);
  }

  checkSync(path: string): void {
    if (this.failsSyncsOf !== undefined && path.startsWith(`${this.failsSyncsOf}/`))
      this.#fail(path);
  }

  #fail(path: string): never {
    this.#loop.strike('io_error', `${this.#node} ${path}`);
    throw new DbError('io_error', `${path}: EIO`);
  }

  /** A folder goes with all that is in it, as with a disk that is not there. */
  lose(path: string): void {
    this.tree.removeTree(path);
    this.tree.syncDir(path.slice(0, Math.max(0, path.lastIndexOf('/'))));
    this.#loop.strike('lost_folder', `${this.#node} ${path}`);
  }

  /** Turns over one bit of one file below `path`; false when there is none with bytes. */
  flipBit(path = ''): boolean {
    const files = [...this.tree.inodes(path)].filter((inode) => inode.length > 0);
    const file = files[below(this.random, Math.max(1, files.length))];
    if (file?.flipBit(this.random) !== true) return false;
    this.#loop.strike('bit_flip', `${this.#node} ${path}`);
    return true;
  }

  crash(): void {
    this.#afterCalls = undefined;
    this.locks.clear();
    this.tree.crash({
      random: this.random,
      zeroTailRate: this.zeroTailRate,
      strike: (kind) => {
        this.#loop.strike(kind, this.#node);
      },
    });
  }
}

const operationMs = 0.05;
const syncMs = 1;

/** The drive as one process sees it. */
export class SimDisk implements Disk {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #drive: SimDrive;
  /** Replacements of one path must take turns; here all do. */
  readonly #replacing = new Mutex();

  constructor(loop: Loop, life: Life, drive: SimDrive) {
    this.#loop = loop;
    this.#life = life;
    this.#drive = drive;
  }

  open(path: string, mode: OpenMode): Promise<DiskFile> {
    return this.#do(path, () => {
      const { tree } = this.#drive;
      const isThere = tree.find(path) !== undefined;
      if (isThere && mode === 'exclusive') throw new DbError('already_exists', `open ${path}: file exists`); // prettier-ignore
      const isNew = !isThere && mode !== 'open' && mode !== 'read';
      const inode = isNew ? tree.createFile(path) : tree.file(path);
      if (mode === 'create' && !isNew) inode.truncate(0);
      return new SimFile(path, inode, {
        loop: this.#loop,
        life: this.#life,
        drive: this.#drive,
        isReadOnly: mode === 'read',
      });
    });
  }

  readFile(path: string): Promise<Uint8Array> {
    return this.#do(path, () => this.#drive.tree.file(path).bytes());
  }

  replaceFile(path: string, bytes: Uint8Array): Promise<void> {
    return this.#replacing.run(() => this.#replace(path, bytes));
  }

  async #replace(path: string, bytes: Uint8Array): Promise<void> {
    const temporary = `${path}.tmp`;
    const file = await this.open(temporary, 'create');
    try {
      await file.append([bytes]);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.rename(temporary, path);
    await this.syncDir(
      path.includes('/') ? path.slice(0, Math.max(0, path.lastIndexOf('/'))) : '.',
    );
  }

  rename(from: string, to: string): Promise<void> {
    return this.#name(`rename ${from} ${to}`, () => {
      this.#drive.tree.rename(from, to);
    });
  }

  remove(path: string): Promise<void> {
    return this.#name(`remove ${path}`, () => {
      this.#drive.tree.remove(path);
    });
  }

  removeTree(path: string): Promise<void> {
    return this.#name(`removeTree ${path}`, () => {
      this.#drive.tree.removeTree(path);
    });
  }

  link(from: string, to: string): Promise<void> {
    return this.#name(`link ${from} ${to}`, () => {
      this.#drive.tree.link(from, to);
    });
  }

  makeDir(path: string): Promise<void> {
    return this.#name(`makeDir ${path}`, () => {
      this.#drive.tree.makeDir(path);
    });
  }

  list(path: string): Promise<readonly DirEntry[]> {
    return this.#do(path, () => this.#drive.tree.list(path));
  }

  size(path: string): Promise<number | undefined> {
    return this.#do(path, () => {
      const entry = this.#drive.tree.find(path);
      return entry === undefined ? undefined : 'length' in entry ? entry.length : 4096;
    });
  }

  syncDir(path: string): Promise<void> {
    return this.#name(
      `syncDir ${path}`,
      () => {
        this.#drive.tree.syncDir(path);
      },
      syncMs,
    );
  }

  freeBytes(path: string): Promise<number> {
    return this.#do(path, () => {
      const { capacityBytes, tree } = this.#drive;
      if (tree.find(path) === undefined) throw new DbError('not_found', `statfs ${path}: ENOENT`);
      return Math.max(0, Math.min(capacityBytes, 2 ** 40) - tree.usedBytes());
    });
  }

  lock(path: string): Promise<DiskLock> {
    return this.#do(path, () => {
      const { tree, locks } = this.#drive;
      const inode = tree.find(path) === undefined ? tree.createFile(path) : tree.file(path);
      if (locks.get(inode)?.alive === true) {
        throw new DbError('conflict', `${path} is locked by another process`);
      }
      locks.set(inode, this.#life);
      return {
        release: () =>
          this.#do(path, () => {
            locks.delete(inode);
          }),
      };
    });
  }

  #do<T>(path: string, make: () => T, baseMs = operationMs): Promise<T> {
    return this.#loop.later(this.#life, this.#drive.delayMs(baseMs), () => {
      this.#drive.checkFault(path);
      const made = make();
      this.#drive.counted();
      return made;
    });
  }

  #name(line: string, make: () => void, baseMs = operationMs): Promise<void> {
    return this.#do(
      line,
      () => {
        make();
        this.#loop.note(`disk ${this.#life.node} ${line}`);
      },
      baseMs,
    );
  }
}

interface SimFileOptions {
  readonly loop: Loop;
  readonly life: Life;
  readonly drive: SimDrive;
  readonly isReadOnly: boolean;
}

class SimFile implements DiskFile {
  readonly path: string;
  readonly #inode: SimInode;
  readonly #options: SimFileOptions;
  #lengthBytes: number;
  #isClosed = false;
  #isAppending = false;

  constructor(path: string, inode: SimInode, options: SimFileOptions) {
    this.path = path;
    this.#inode = inode;
    this.#options = options;
    this.#lengthBytes = inode.length;
  }

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** The parts are looked at only when the write happens: who changes them before has written something else. */
  async append(parts: readonly Uint8Array[]): Promise<void> {
    assert(!this.#isAppending, `appends to ${this.path} do not overlap`);
    this.#isAppending = true;
    try {
      await this.#do(() => {
        this.#checkWritable();
        for (const part of parts) {
          this.#write(this.#lengthBytes, part);
          this.#lengthBytes += part.length;
        }
      });
    } finally {
      this.#isAppending = false;
    }
  }

  writeAt(offset: number, bytes: Uint8Array): Promise<void> {
    return this.#do(() => {
      this.#checkWritable();
      this.#write(offset, bytes);
      this.#lengthBytes = Math.max(this.#lengthBytes, offset + bytes.length);
    });
  }

  readAt(offset: number, into: Uint8Array): Promise<number> {
    return this.#do(() => this.#inode.read(offset, into));
  }

  readIntoSync(offset: number, into: Uint8Array): number {
    assert(!this.#isClosed, `file is open: ${this.path}`);
    return this.#inode.read(offset, into);
  }

  async sync(): Promise<void> {
    assert(!this.#isClosed, `file is open: ${this.path}`);
    const mark = this.#inode.beginSync();
    await this.#do(() => {
      this.#inode.endSync(mark);
      const { drive, loop, life } = this.#options;
      drive.checkSync(this.path);
      loop.note(`disk ${life.node} sync ${this.path} ${mark.length}`);
    }, syncMs);
  }

  truncate(lengthBytes: number): Promise<void> {
    return this.#do(() => {
      this.#checkWritable();
      this.#inode.truncate(lengthBytes);
      this.#lengthBytes = lengthBytes;
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    const { loop, life, drive } = this.#options;
    this.#isClosed = true;
    await loop.later(life, drive.delayMs(operationMs), () => undefined);
  }

  #write(offset: number, bytes: Uint8Array): void {
    const { drive } = this.#options;
    const growth = Math.max(0, offset + bytes.length - this.#inode.length);
    const missing = growth - drive.room(growth);
    // A full disk takes what fits, as write(2) does.
    this.#inode.write(offset, bytes.subarray(0, bytes.length - missing));
    if (missing > 0) throw drive.full(this.path);
  }

  #checkWritable(): void {
    if (this.#options.isReadOnly) throw new DbError('io_error', `write ${this.path}: EBADF`);
  }

  #do<T>(make: () => T, baseMs = operationMs): Promise<T> {
    assert(!this.#isClosed, `file is open: ${this.path}`);
    const { loop, life, drive } = this.#options;
    return loop.later(life, drive.delayMs(baseMs), () => {
      drive.checkFault(this.path);
      const made = make();
      drive.counted();
      return made;
    });
  }
}
