import type { QueryKernel } from '../../kernels/query-kernel.ts';
import type {
  NumberType,
  WindowColumn,
  WindowGrid,
  WindowTable,
} from '../../kernels/window-table.ts';
import type { WindowsField } from '../fragment.ts';

/** A field that is folded into a table, and its place among those of the task. */
export interface TabledField extends WindowsField {
  readonly type: NumberType;
  readonly at: number;
}

/** Tables of some fields, and what their readers ask for. */
export interface GroupTable {
  readonly table: WindowTable;
  readonly names: readonly string[];
  readonly columns: readonly WindowColumn[];
}

interface KeptTable extends GroupTable {
  readonly cells: WindowGrid;
  readonly places: readonly number[];
  /** Of the arena, from before the table. */
  readonly mark: number;
}

/**
 * The tables of one group after the other: mostly of the same fields and windows, so that those of the group before are emptied and
 * taken again.
 */
export class GroupTables {
  #kept: KeptTable | undefined;

  /** Empty tables, which hold until the next are asked for, or release(). */
  of(kernel: QueryKernel, fields: readonly TabledField[], cells: WindowGrid): GroupTable {
    const kept = this.#kept;
    if (kept?.cells === cells && areAt(fields, kept.places)) {
      kept.table.clear();
      return kept;
    }
    this.release(kernel);
    const mark = kernel.arena.mark();
    const columns = fields.map((field) => ({ type: field.type, parts: tabledParts(field) }));
    const table = kernel.windowTable(columns, cells);
    const [names, places] = [fields.map(({ name }) => name), fields.map(({ at }) => at)];
    this.#kept = { table, names, columns, cells, places, mark };
    return this.#kept;
  }

  release({ arena }: QueryKernel): void {
    if (this.#kept !== undefined) arena.release(this.#kept.mark);
    this.#kept = undefined;
  }
}

/** What a table has of a field besides the count. */
export function tabledParts({ parts }: WindowsField): WindowColumn['parts'] {
  return parts.filter((part) => part !== 'count');
}

/** A field of the task has one type in tables, so that its place says all of it. */
function areAt(fields: readonly TabledField[], places: readonly number[]): boolean {
  if (fields.length !== places.length) return false;
  for (let i = 0; i < fields.length; i++) if (fields[i]?.at !== places[i]) return false;
  return true;
}
