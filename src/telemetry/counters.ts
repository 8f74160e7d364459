/** Named counts that only grow, read by /debug/vars. */
export class Counters<Name extends string> {
  readonly #counts = new Map<Name, number>();

  constructor(names: readonly Name[]) {
    for (const name of names) this.#counts.set(name, 0);
  }

  add(name: Name, count = 1): void {
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + count);
  }

  get(name: Name): number {
    return this.#counts.get(name) ?? 0;
  }

  values(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#counts);
  }
}
