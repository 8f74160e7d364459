import { createHash } from 'node:crypto';

const bufferCharsMax = 1 << 16;
/** Enough to see what led to a failure. */
const linesKeptMax = 400;

/** Everything observable that happened, as lines: hashed all, the last ones kept. Equal seeds must give equal hashes. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #sink: ((line: string) => void) | undefined;
  #buffer = '';
  #lines: string[] = [];
  lineCount = 0;

  constructor(sink?: (line: string) => void) {
    this.#sink = sink;
  }

  add(line: string): void {
    this.lineCount++;
    this.#buffer += `${line}\n`;
    if (this.#buffer.length > bufferCharsMax) this.#flush();
    this.#lines.push(line);
    if (this.#lines.length > 2 * linesKeptMax) this.#lines = this.#lines.slice(-linesKeptMax);
    this.#sink?.(line);
  }

  hash(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  /** The last lines, oldest first. */
  tail(count: number = linesKeptMax): readonly string[] {
    return this.#lines.slice(-count);
  }

  #flush(): void {
    this.#hash.update(this.#buffer);
    this.#buffer = '';
  }
}
