/**
 * Files of shards that are home on another worker, opened here to be read for it: with a descriptor of their own, so that they can
 * be read to the end whatever becomes of their names meanwhile.
 *
 * Invariants:
 * - a file is lent by name and seal, and only without tombstones: what is open here is what was lent, or is not used;
 * - what nobody has asked for in `idleMs` is closed: space on disk of files that were compacted or dropped comes free as late;
 * - no more than `filesMax` stay open beside those that are being read.
 */
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { TsmFile, type TsmPorts, type TsmSeal } from '../tsm/tsm-file.ts';

/** Plain data. */
export interface LentFile {
  readonly path: string;
  readonly seal: TsmSeal;
}

const idleMs = 5_000;
const filesMax = 64;

interface Borrowed {
  readonly seal: TsmSeal;
  readonly opening: Promise<TsmFile>;
  readerCount: number;
  usedMs: number;
  /** A reader has met damage: a file of its name that was copied since is not it, whatever its seal. */
  isDamaged: boolean;
}

export interface BorrowedFilesPorts extends TsmPorts {
  readonly clock: Clock;
}

export class BorrowedFiles {
  readonly #ports: BorrowedFilesPorts;
  /** The one that was asked for last stands last. */
  readonly #files = new Map<string, Borrowed>();
  readonly #closing = new Set<Promise<void>>();

  constructor(ports: BorrowedFilesPorts) {
    this.#ports = ports;
  }

  /** How many are open or being opened. */
  get count(): number {
    return this.#files.size;
  }

  /** Whoever reads them gives them back. Undefined where one is not what was lent any more: it is left to its home. */
  async borrow(lent: readonly LentFile[]): Promise<readonly TsmFile[] | undefined> {
    const taken: LentFile[] = [];
    const files: TsmFile[] = [];
    let isBorrowed = false;
    try {
      for (const one of lent) {
        const borrowed = this.#take(one);
        if (borrowed === undefined) break;
        taken.push(one);
        const file = await borrowed.opening;
        if (file.hasTombstones) break;
        files.push(file);
      }
      isBorrowed = files.length === lent.length;
    } catch (error) {
      // Compacted or dropped since it was lent, or damaged: whoever has it open deals with that.
      if (!(error instanceof DbError)) throw error;
    } finally {
      if (!isBorrowed) this.giveBack(taken);
    }
    return isBorrowed ? files : undefined;
  }

  /** None of these is lent again: before they are given back, by who has met damage in one of them. */
  distrust(lent: readonly LentFile[]): void {
    for (const { path } of lent) {
      const file = this.#files.get(path);
      if (file !== undefined) file.isDamaged = true;
    }
  }

  giveBack(lent: readonly LentFile[]): void {
    const nowMs = this.#ports.clock.monotonicMs();
    for (const { path } of lent) {
      const file = this.#files.get(path);
      if (file === undefined) continue;
      file.readerCount--;
      file.usedMs = nowMs;
    }
    this.#closeSome(filesMax, Number.NEGATIVE_INFINITY);
  }

  /** Closes what nobody has asked for in a while. */
  look(): void {
    this.#closeSome(0, this.#ports.clock.monotonicMs() - idleMs);
  }

  async close(): Promise<void> {
    this.#closeSome(0, Number.POSITIVE_INFINITY);
    await Promise.all(this.#closing);
  }

  #take({ path, seal }: LentFile): Borrowed | undefined {
    const known = this.#files.get(path);
    if (known !== undefined && (known.isDamaged || !isSame(known.seal, seal))) return undefined;
    const file = known ?? { seal, opening: this.#open(path, seal), readerCount: 0, usedMs: 0, isDamaged: false }; // prettier-ignore
    file.readerCount++;
    this.#files.delete(path);
    this.#files.set(path, file);
    return file;
  }

  #open(path: string, seal: TsmSeal): Promise<TsmFile> {
    const opening = TsmFile.open(this.#ports, path, seal);
    // What could not be opened is nothing to keep; whoever has asked for it hears of it.
    opening.catch(() => this.#files.delete(path));
    return opening;
  }

  /** Those that nobody reads: damaged ones, so many as are more than `countMax`, and that were not asked for since `sinceMs` where that is said. */
  #closeSome(countMax: number, sinceMs: number): void {
    for (const [path, { readerCount, usedMs, opening, isDamaged }] of this.#files) {
      const isLeft = this.#files.size <= countMax || (countMax === 0 && usedMs > sinceMs);
      if (readerCount > 0 || (isLeft && !isDamaged)) continue;
      this.#files.delete(path);
      const closing = opening.then((file) => file.close()).catch(() => undefined);
      this.#closing.add(closing);
      void closing.then(() => this.#closing.delete(closing));
    }
  }
}

function isSame(a: TsmSeal, b: TsmSeal): boolean {
  return a.lengthBytes === b.lengthBytes && a.indexCrc32 === b.indexCrc32;
}
