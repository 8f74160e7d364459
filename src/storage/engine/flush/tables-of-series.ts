import type { Memtable } from '../memtable/memtable.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';

/** So few tables are asked one by one. */
const fewTables = 8;

/**
 * In which tables of a memtable rows of a series are. Rows may each have other fields, and a measurement thousands of tables: these are
 * gone through once, not once for each series. The memtable does not change meanwhile.
 */
export class TablesOfSeries {
  readonly #memtable: Memtable;
  #byId: ReadonlyMap<number, readonly ShapeTable[]> | undefined;

  constructor(memtable: Memtable) {
    this.#memtable = memtable;
  }

  of(id: number, measurement: string): readonly ShapeTable[] {
    const all = this.#memtable.tables(measurement);
    if (all.length < 2) return all;
    if (all.length <= fewTables) return all.filter((table) => table.hasRows(id, table.rowCount));
    this.#byId ??= tablesById(this.#memtable.allTables());
    return this.#byId.get(id) ?? [];
  }
}

function tablesById(tables: readonly ShapeTable[]): ReadonlyMap<number, readonly ShapeTable[]> {
  const byId = new Map<number, ShapeTable[]>();
  for (const table of tables)
    for (const id of table.heads.ids()) {
      const known = byId.get(id);
      if (known === undefined) byId.set(id, [table]);
      else known.push(table);
    }
  return byId;
}
