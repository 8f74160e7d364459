/** One component's numbers, as SHOW STATS and /debug/vars show them (spec 1.11). */
export interface Statistic {
  readonly name: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly values: Readonly<Record<string, number>>;
}

/** What a part of the node is and how it stands, as SHOW DIAGNOSTICS shows it: columns and one row of them. */
export interface Diagnostic {
  readonly name: string;
  readonly values: Readonly<Record<string, string | number | boolean>>;
}

/** The same of what there are several of, as connections: rows may lack their last columns, as the reference's do. */
export interface DiagnosticTable {
  readonly name: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly (string | number | boolean)[])[];
}

type Source = () => readonly Statistic[] | Promise<readonly Statistic[]>;

/** Where the components of a node say what they count. They are asked when someone wants to know. */
export class Statistics {
  readonly #sources: Source[] = [];

  add(source: Source): void {
    this.#sources.push(source);
  }

  /** Sorted by name; those of one name stay in the order of their component. */
  async read(): Promise<readonly Statistic[]> {
    const all = await Promise.all(this.#sources.map(async (source) => source()));
    return all.flat().sort((a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0));
  }
}

/** Statistics under the keys that /debug/vars of the reference has for them; what would be one key gets numbers behind it. */
export function byVarsKey(statistics: readonly Statistic[]): ReadonlyMap<string, Statistic> {
  const keyed = new Map<string, Statistic>();
  const seen = new Map<string, number>();
  for (const statistic of statistics) {
    const key = varsKey(statistic);
    const count = seen.get(key) ?? 0;
    seen.set(key, count + 1);
    keyed.set(count === 0 ? key : `${key}:${count}`, statistic);
  }
  return keyed;
}

function varsKey({ name, tags }: Statistic): string {
  const listed = (...keys: readonly string[]): string =>
    [name, ...keys.flatMap((key) => tags[key] ?? [])].join(':');
  if (tags['path'] !== undefined) return listed('path', 'id');
  if (tags['bind'] !== undefined) return listed('proto', 'bind');
  if (tags['retention_policy'] === undefined) return listed('database');
  return listed('database', 'retention_policy', 'name', 'destination');
}
