import { exactTextOf } from '../base/exact-text.ts';

/** Of all texts together. The reference has no bound: a body of bad lines is answered by more bytes than it has. */
export const lineErrorsBytesMax = 262_144;

/**
 * What is wrong with the lines of a body, one text a line as the reference words it: the first ones, as long as all of
 * them stay within a bound, and how many more there are.
 */
export class LineErrors {
  readonly #texts: string[] = [];
  #bytes = 0;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** `reason` is the reference's text for the line. */
  add(line: Uint8Array, reason: string): void {
    this.#count++;
    const leftBytes = lineErrorsBytesMax - this.#bytes;
    // The text of the first is kept, however long it is, but for its end.
    if (this.#texts.length < this.#count - 1) return;
    if (line.length + reason.length > leftBytes && this.#texts.length > 0) return;
    const quoted = exactTextOf(line.subarray(0, leftBytes));
    const text = `unable to parse '${quoted}': ${reason.slice(0, leftBytes)}`;
    this.#bytes += text.length;
    this.#texts.push(text);
  }

  /** All texts, one below the other; '' when no line is bad. */
  text(): string {
    const more = this.#count - this.#texts.length;
    const texts = more === 0 ? this.#texts : [...this.#texts, `and ${more} more lines`];
    return texts.join('\n');
  }
}
