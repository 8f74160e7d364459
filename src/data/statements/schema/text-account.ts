import { DbError } from '../../../base/errors.ts';
import { GiB } from '../../../base/units.ts';

/** An answer of texts is held whole. A bound of our own; the reference has none. */
const answerBytesMax = GiB;

/** What a short text takes besides its characters. */
const textHeadBytes = 64;

/** Counts what the texts of a SHOW answer take of memory, and ends the statement before it is too much. */
export class TextAccount {
  #bytes = 0;

  /** Throws `limit_exceeded`. */
  add(texts: readonly string[]): void {
    for (const text of texts) this.#bytes += text.length + textHeadBytes;
    if (this.#bytes <= answerBytesMax) return;
    const text = `query memory limit exceeded: (${this.#bytes}/${answerBytesMax} bytes)`;
    throw new DbError('limit_exceeded', `${text}; name fewer measurements or use LIMIT`);
  }
}
