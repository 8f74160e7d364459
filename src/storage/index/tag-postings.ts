/**
 * The series of one measurement by the values of one tag. Made when the tag is first asked for, and brought up to date
 * whenever it is asked again: a tag that no query names costs nothing.
 *
 * Invariants:
 * - A list holds the ids of exactly the series with that value that were there when it was asked for, ascending.
 */
export class TagPostings {
  readonly #byValue = new Map<string, number[]>();
  /** How many of the measurement's series are in the lists. */
  #listed = 0;

  /** `arrived` are the measurement's series in order of their ids, `valueOf` the tag's value of one. */
  idsOf(
    value: string,
    arrived: readonly number[],
    valueOf: (seriesId: number) => string | undefined,
  ): readonly number[] {
    this.#list(arrived, valueOf);
    return this.#byValue.get(value) ?? [];
  }

  /** Each value once, in any order. */
  values(
    arrived: readonly number[],
    valueOf: (seriesId: number) => string | undefined,
  ): Iterable<string> {
    this.#list(arrived, valueOf);
    return this.#byValue.keys();
  }

  #list(arrived: readonly number[], valueOf: (seriesId: number) => string | undefined): void {
    for (; this.#listed < arrived.length; this.#listed++) {
      const id = arrived[this.#listed] ?? 0;
      const own = valueOf(id);
      if (own === undefined) continue;
      const list = this.#byValue.get(own);
      if (list === undefined) this.#byValue.set(own, [id]);
      else list.push(id);
    }
  }
}
