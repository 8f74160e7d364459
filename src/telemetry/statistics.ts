/** One component's numbers, as SHOW STATS and /debug/vars show them (spec 1.11). */
export interface Statistic {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** What a part of the node is and how it stands, as SHOW DIAGNOSTICS shows it: columns and one row of them. */
export interface Diagnostic {
  readonly name: string;
  readonly values: Readonly<Record<string, string | number>>;
}

/** Where the components of a node say what they count. They are asked when someone wants to know. */
export class Statistics {
  readonly #sources: (() => readonly Statistic[])[] = [];

  add(source: () => readonly Statistic[]): void {
    this.#sources.push(source);
  }

  /** Sorted by name; those of one name stay in the order of their component. */
  read(): readonly Statistic[] {
    const all = this.#sources.flatMap((source) => source());
    return all.sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}
