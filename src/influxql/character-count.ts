const secondHalfForm = /(?<=[\ud800-\udbff])[\udc00-\udfff]/g;

/** Counts the characters of a text between two places: what is two units here (🙂) is one for the reference. */
export class CharacterCount {
  /** Places of second halves. */
  readonly #halves: readonly number[];

  constructor(text: string) {
    this.#halves = Array.from(text.matchAll(secondHalfForm), ({ index }) => index);
  }

  between(start: number, end: number): number {
    if (this.#halves.length === 0) return end - start;
    return end - start - (this.#halvesBefore(end) - this.#halvesBefore(start));
  }

  #halvesBefore(at: number): number {
    let low = 0;
    let high = this.#halves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#halves[middle] ?? 0) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
