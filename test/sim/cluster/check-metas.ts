import type { Catalog } from '../../../src/meta/model/catalog.ts';

/** What the checker looks at. */
export interface CheckedMeta {
  readonly isLeader: boolean;
  readonly status: { readonly term: number };
  readonly catalog: Catalog;
}

/** One leader a term; the catalog at an index is the same wherever it is. */
export class MetaChecker {
  readonly #leaders = new Map<number, string>();
  readonly #catalogs = new Map<number, string>();
  /** Catalogs do not change, and most are seen many times. */
  readonly #texts = new WeakMap<Catalog, string>();

  check(metas: ReadonlyMap<string, CheckedMeta>): void {
    for (const [name, node] of metas) {
      if (node.isLeader) {
        const { term } = node.status;
        const known = this.#leaders.get(term) ?? name;
        if (known !== name) throw new Error(`${known} and ${name} both lead term ${term}`);
        this.#leaders.set(term, name);
      }
      const { catalog } = node;
      if (this.#catalogs.size > 0 && catalog.index === 0) continue;
      if (this.#texts.has(catalog)) continue;
      const text = JSON.stringify(catalog, (_key, value: unknown) =>
        typeof value === 'bigint' ? `${value}` : value,
      );
      this.#texts.set(catalog, text);
      const seen = this.#catalogs.get(catalog.index) ?? text;
      if (seen !== text) throw new Error(`${name} has another catalog at ${catalog.index}`);
      this.#catalogs.set(catalog.index, text);
    }
  }
}
