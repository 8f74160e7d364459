import type { ShapeTable } from './shape-table.ts';

/** So few are asked for a series one by one while rows come: those that have few series each are learned anew at little cost. */
export const fewToAsk = 256;

/**
 * In which tables of a memtable rows of a series are. Rows may each have other fields, and a measurement thousands of tables: what is
 * asked of each series, and of each field of it, must not go through all of them.
 */
export class TablesBySeries {
  /** More come at its end. */
  readonly #tables: readonly ShapeTable[];
  /** By number of the table: how many series it had when it was looked at. */
  readonly #counts: number[] = [];
  readonly #byId = new Map<number, Set<ShapeTable>>();
  #rowCount = -1;

  constructor(tables: readonly ShapeTable[]) {
    this.#tables = tables;
  }

  /** `rowCount` is that of the memtable: as long as it stays nothing is looked at again. */
  of(id: number, rowCount: number): Iterable<ShapeTable> {
    if (rowCount !== this.#rowCount) this.#look();
    this.#rowCount = rowCount;
    return this.#byId.get(id) ?? [];
  }

  #look(): void {
    for (let number = 0; number < this.#tables.length; number++) {
      const table = this.#tables[number];
      if (table === undefined || table.heads.count === this.#counts[number]) continue;
      this.#counts[number] = table.heads.count;
      for (const id of table.heads.ids()) {
        const known = this.#byId.get(id);
        if (known === undefined) this.#byId.set(id, new Set([table]));
        else known.add(table);
      }
    }
  }
}
