/**
 * A segment that the disk does not read: a sector of it is bad, and what is behind that must not wait for good; or the disk is
 * away, and all of it is there again once it is back.
 *
 * Invariant: what cannot be read is given up only after it has failed so many times in a row, and while the disk takes files.
 */
import { isDbError } from '../base/errors.ts';
import type { DiskFile } from '../env/disk.ts';
import { readAroundSectors, type ByteRange } from '../env/read-around-sectors.ts';

/** With the pauses between them about a minute. */
const triesMax = 5;

export type ReadableFile = Pick<DiskFile, 'readAt'>;

export class FailingSegment {
  readonly #isDiskWell: () => Promise<boolean>;
  #path = '';
  #tries = 0;
  #isGivenUp = false;
  readonly #unreadable: ByteRange[] = [];

  /** `isDiskWell`: whether a file can be written to the disk now. */
  constructor(isDiskWell: () => Promise<boolean>) {
    this.#isDiskWell = isDiskWell;
  }

  /** Runs `read` with the file, or with what there is of it once it is given up. Throws what the disk says. */
  async reading<T>(file: DiskFile, read: (file: ReadableFile) => Promise<T>): Promise<T> {
    if (file.path !== this.#path) this.#begin(file.path);
    try {
      const done = await read(this.#isGivenUp ? this.#around(file) : file);
      this.#tries = 0;
      return done;
    } catch (error) {
      if (!isDbError(error, 'io_error')) throw error;
      this.#tries++;
      if (this.#tries < triesMax || !(await this.#isDiskWell())) throw error;
      this.#isGivenUp = true;
    }
    return read(this.#around(file));
  }

  /** Whether the disk failed to read any of these bytes of the file that was read last. */
  isUnreadable({ start, end }: ByteRange): boolean {
    return this.#unreadable.some((one) => one.start < end && start < one.end);
  }

  #begin(path: string): void {
    this.#path = path;
    this.#tries = 0;
    this.#isGivenUp = false;
    this.#unreadable.length = 0;
  }

  #around(file: DiskFile): ReadableFile {
    return {
      readAt: (offset, into) =>
        readAroundSectors(file, { offset, into }, (range) => {
          if (!this.isUnreadable(range)) this.#unreadable.push(range);
        }),
    };
  }
}
