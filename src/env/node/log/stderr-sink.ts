import { Buffer } from 'node:buffer';
import { constants, fstatSync, openSync, writeSync } from 'node:fs';

/** Bytes [at, end) of a buffer to where lines go; answers how many were taken, throws as fs.writeSync does. */
export type WriteBytes = (bytes: Uint8Array, at: number) => number;

export interface SinkOptions {
  readonly write: WriteBytes;
  /** The line that tells of lost ones. */
  readonly lostLine: (count: number, why: string) => string;
  /** Tries again after a while when a reader was slow. */
  readonly later: (run: () => void) => void;
  /** Runs what writes lines that waited for others. */
  readonly soon: (run: () => void) => void;
}

const nothing = Buffer.alloc(0);
const newline = 10;
/** What is kept for a reader that is slow, or one line and those that came with it. */
const keptBytesMax = 1 << 20;
/** Lines that wait for others are written once they are so many characters. */
const waitingMax = 1 << 16;

/**
 * Where log lines go: a file whose disk may be full, a pipe whose reader may be slow or gone. A node serves on without its
 * log: what cannot be written is dropped and counted, and told of as soon as lines can be written again. Lines of a process
 * that dies are not lost: as long as they can be, they are written at once, but for those that wait for others.
 */
export class StderrSink {
  readonly #options: SinkOptions;
  /** Waits for a slow reader. */
  #kept: Buffer = nothing;
  #lostCount = 0;
  /** What was written last ends within a line that is lost. */
  #isTorn = false;
  #why = '';
  #isRetrying = false;
  /** Lines that wait for others. */
  #waiting = '';
  #waitingCount = 0;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Takes one line with its newline, which leaves with others; none that is written later comes before it. */
  writeSoon(line: string): void {
    if (this.#waiting === '') this.#options.soon(() => { this.flush(); }); // prettier-ignore
    this.#waiting += line;
    this.#waitingCount++;
    if (this.#waiting.length >= waitingMax) this.flush();
  }

  /** Takes one line with its newline. */
  write(line: string): void {
    this.flush();
    this.#writeLines(line, 1);
  }

  /** Writes the lines that wait for others. */
  flush(): void {
    if (this.#waiting === '') return;
    const [lines, count] = [this.#waiting, this.#waitingCount];
    [this.#waiting, this.#waitingCount] = ['', 0];
    this.#writeLines(lines, count);
  }

  #writeLines(lines: string, count: number): void {
    // What nothing waits before is tried, however long: a statement in the log may be as long as a body.
    if (this.#kept.length > 0 && this.#kept.length + lines.length > keptBytesMax) {
      this.#lose(count, 'a slow reader');
      this.#flush();
      return;
    }
    const lost = this.#lostCount;
    const told = lost > 0 ? this.#options.lostLine(lost, this.#why) : '';
    // No line begins with one.
    const bytes = Buffer.from(`${this.#isTorn ? '\n' : ''}${told}${lines}`);
    this.#isTorn = false;
    this.#kept = this.#kept.length === 0 ? bytes : Buffer.concat([this.#kept, bytes]);
    if (this.#flush() && lost > 0) this.#lostCount -= lost;
  }

  /** False when what was kept is lost, with the count of what it would have told. */
  #flush(): boolean {
    let at = 0;
    try {
      while (at < this.#kept.length) at += this.#options.write(this.#kept, at);
      this.#kept = nothing;
      return true;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        this.#kept = Buffer.from(this.#kept.subarray(at));
        this.#retry();
        return true;
      }
      const wasTorn = at === 0 && this.#kept[0] === newline;
      const lines = this.#kept.subarray(wasTorn ? 1 : at).toString('latin1').split('\n').length - 1; // prettier-ignore
      this.#isTorn = at === 0 ? wasTorn : this.#kept[at - 1] !== newline;
      this.#kept = nothing;
      // The line that tells of others is none of its own.
      this.#lose(this.#lostCount > 0 ? Math.max(1, lines - 1) : lines, code);
      return false;
    }
  }

  #lose(count: number, why: string): void {
    this.#lostCount += count;
    this.#why = why;
  }

  #retry(): void {
    if (this.#isRetrying) return;
    this.#isRetrying = true;
    this.#options.later(() => {
      this.#isRetrying = false;
      this.#flush();
    });
  }
}

const standardError = 2;

/**
 * Writes to standard error. A pipe is opened anew so that a write never waits for its reader: the other descriptor may be
 * shared with processes that expect it to wait.
 */
export function stderrWriter(): WriteBytes {
  const fd = pipeOfItsOwn() ?? standardError;
  return (bytes, at) => writeSync(fd, bytes, at);
}

function pipeOfItsOwn(): number | undefined {
  try {
    if (!fstatSync(standardError).isFIFO()) return undefined;
    return openSync(`/proc/self/fd/${standardError}`, constants.O_WRONLY | constants.O_NONBLOCK);
  } catch {
    // No such file system, or no descriptor at all: what comes of a write is told by the write.
    return undefined;
  }
}
