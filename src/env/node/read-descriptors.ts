/**
 * Descriptors of files that are only read. A node of thousands of shards has more such files than a process may have
 * descriptors: of those that were not read for longest the descriptor is closed, and opened again with the next read.
 *
 * Invariants:
 * - No more than `countMax` are open, but for those in use and those whose name is gone: these cannot be opened again.
 * - A file is the one that was opened, whatever happened to its name: what is removed or replaced here has a descriptor
 *   before that, what is renamed is followed, and one that comes back as another file is refused.
 */
import * as fs from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname } from 'node:path';
import { DbError } from '../../base/errors.ts';
import { diskError } from './errno.ts';

/** Which file a name stood for. */
interface FileIdentity {
  readonly dev: number;
  readonly ino: number;
}

export class ReadDescriptor {
  path: string;
  readonly identity: FileIdentity;
  fd: number | undefined;
  /** Calls under way: a descriptor that was closed meanwhile could be another file's. */
  useCount = 0;
  /** Since somebody looked for one to close. */
  wasUsed = true;
  isNameGone = false;
  readonly #pool: ReadDescriptors;

  constructor(pool: ReadDescriptors, path: string, fd: number, identity: FileIdentity) {
    this.#pool = pool;
    this.path = path;
    this.fd = fd;
    this.identity = identity;
  }

  /** Until give() it stays open. Throws what the disk says. */
  take(): number {
    this.wasUsed = true;
    const fd = this.fd ?? this.#pool.reopen(this);
    this.useCount++;
    return fd;
  }

  give(): void {
    this.useCount--;
  }

  /** For good. The descriptor that is to be closed, if there is one. */
  leave(): number | undefined {
    this.#pool.leave(this);
    const { fd } = this;
    this.fd = undefined;
    return fd;
  }
}

const [countMin, countMost] = [64, 16_384];
/** Of all that a process may have: the others are for sockets and for files that are written. */
const shareOfLimit = 0.5;

/** What each thread may have of the process's; threads have pools of their own. */
export function readDescriptorsMax(
  limitsText = readLimits(),
  coreCount = availableParallelism(),
): number {
  // prettier-ignore
  const limit = Number(/^Max open files\s+(\d+)/m.exec(limitsText)?.[1] ?? Infinity);
  const share = Math.floor((limit * shareOfLimit) / (coreCount + 1));
  return Math.min(countMost, Math.max(countMin, share));
}

function readLimits(): string {
  try {
    return fs.readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: what is asked for then is refused by name.
    return '';
  }
}

export class ReadDescriptors {
  readonly #countMax: number;
  /** Those that may be closed, in the order in which they are looked at. */
  readonly #open = new Set<ReadDescriptor>();
  readonly #byPath = new Map<string, Set<ReadDescriptor>>();
  /** How many there are beneath each folder. */
  readonly #beneath = new Map<string, number>();

  constructor(countMax: number) {
    this.#countMax = countMax;
  }

  /** Of a file that was opened just now. */
  add(path: string, fd: number, identity: FileIdentity): ReadDescriptor {
    const one = new ReadDescriptor(this, path, fd, identity);
    this.#enter(one);
    this.#open.add(one);
    this.#closeUnused();
    return one;
  }

  reopen(one: ReadDescriptor): number {
    const { path, identity } = one;
    try {
      const fd = fs.openSync(path, 'r');
      const { dev, ino } = fs.fstatSync(fd);
      if (dev !== identity.dev || ino !== identity.ino) {
        fs.closeSync(fd);
        throw new DbError('not_found', `open ${path}: it is another file by now`);
      }
      one.fd = fd;
      this.#open.add(one);
      // Not this one.
      one.useCount++;
      this.#closeUnused();
      one.useCount--;
      return fd;
    } catch (error) {
      throw error instanceof DbError ? error : diskError('open', path, error);
    }
  }

  leave(one: ReadDescriptor): void {
    this.#open.delete(one);
    this.#exit(one);
  }

  /** The name of a file, or of a folder with all beneath, is about to stand for nothing or something else. */
  keep(path: string): void {
    for (const one of this.#at(path)) {
      try {
        one.take();
        one.give();
      } catch (error) {
        // Whoever reads it is told; nobody may.
        if (!(error instanceof DbError)) throw error;
      }
      one.isNameGone = true;
      this.#open.delete(one);
    }
  }

  /** Follows what is renamed by `run`; what had the new name before is kept. */
  async renamed(from: string, to: string, run: () => Promise<void>): Promise<void> {
    this.keep(to);
    const moved = this.#at(from).filter((one) => {
      try {
        one.take();
        return true;
      } catch (error) {
        if (!(error instanceof DbError)) throw error;
        return false;
      }
    });
    try {
      await run();
      for (const one of moved) {
        // It may have been closed for good meanwhile.
        const isHere = this.#byPath.get(one.path)?.has(one) === true;
        if (isHere) this.#exit(one);
        one.path = `${to}${one.path.slice(from.length)}`;
        if (isHere) this.#enter(one);
      }
    } finally {
      for (const one of moved) one.give();
    }
  }

  #at(path: string): readonly ReadDescriptor[] {
    const own = [...(this.#byPath.get(path) ?? [])];
    if (!this.#beneath.has(path)) return own.filter(({ isNameGone }) => !isNameGone);
    for (const [other, some] of this.#byPath) if (other.startsWith(`${path}/`)) own.push(...some);
    return own.filter(({ isNameGone }) => !isNameGone);
  }

  #enter(one: ReadDescriptor): void {
    const known = this.#byPath.get(one.path);
    if (known === undefined) this.#byPath.set(one.path, new Set([one]));
    else known.add(one);
    for (const folder of foldersOf(one.path))
      this.#beneath.set(folder, (this.#beneath.get(folder) ?? 0) + 1);
  }

  #exit(one: ReadDescriptor): void {
    const known = this.#byPath.get(one.path);
    if (known?.delete(one) !== true) return;
    if (known.size === 0) this.#byPath.delete(one.path);
    for (const folder of foldersOf(one.path)) {
      const left = (this.#beneath.get(folder) ?? 0) - 1;
      if (left > 0) this.#beneath.set(folder, left);
      else this.#beneath.delete(folder);
    }
  }

  /** Looks at each twice at most: one that was used since the last look is passed over once. */
  #closeUnused(): void {
    let looks = 2 * this.#open.size;
    for (const one of this.#open) {
      if (this.#open.size <= this.#countMax || looks-- === 0) return;
      this.#open.delete(one);
      if (one.wasUsed || one.useCount > 0) {
        one.wasUsed = false;
        this.#open.add(one);
        continue;
      }
      const { fd } = one;
      one.fd = undefined;
      // What was only read has nothing to lose by a close that fails.
      if (fd !== undefined) fs.close(fd, () => undefined);
    }
  }
}

function* foldersOf(path: string): Generator<string> {
  for (let at = dirname(path); at !== '/' && at !== '.'; at = dirname(at)) yield at;
}
