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
}

/** What is kept for a reader that is slow. */
const keptBytesMax = 1 << 20;

/**
 * Where log lines go: a file whose disk may be full, a pipe whose reader may be slow or gone. A node serves on without its
 * log: what cannot be written is dropped and counted, and told of as soon as lines can be written again. Lines of a process
 * that dies are not lost: as long as they can be, they are written at once.
 */
export class StderrSink {
  readonly #options: SinkOptions;
  /** Waits for a slow reader. */
  #kept = Buffer.alloc(0);
  #lostCount = 0;
  #why = '';
  #isRetrying = false;

  constructor(options: SinkOptions) {
    this.#options = options;
  }

  /** Takes one line with its newline. */
  write(line: string): void {
    if (this.#kept.length + line.length > keptBytesMax) {
      this.#lose(1, 'a slow reader');
      this.#flush();
      return;
    }
    const lost = this.#lostCount;
    const told = lost > 0 ? this.#options.lostLine(lost, this.#why) : '';
    this.#kept = Buffer.concat([this.#kept, Buffer.from(told + line)]);
    if (this.#flush() && lost > 0) this.#lostCount -= lost;
  }

  /** False when what was kept is lost, with the count of what it would have told. */
  #flush(): boolean {
    let at = 0;
    try {
      while (at < this.#kept.length) at += this.#options.write(this.#kept, at);
      this.#kept = Buffer.alloc(0);
      return true;
    } catch (error) {
      const { code = 'unknown' } = error as NodeJS.ErrnoException;
      if (code === 'EAGAIN') {
        this.#kept = Buffer.from(this.#kept.subarray(at));
        this.#retry();
        return true;
      }
      const lines = this.#kept.subarray(at).toString('latin1').split('\n').length - 1;
      this.#kept = Buffer.alloc(0);
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
