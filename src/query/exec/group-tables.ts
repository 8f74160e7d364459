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

/** Fields with tables of their own, and what is asked of these. */
export interface TabledFields {
  readonly fields: readonly TabledField[];
  readonly names: readonly string[];
  readonly columns: readonly WindowColumn[];
}

export function tabledFields(fields: readonly TabledField[]): TabledFields {
  const columns = fields.map((field) => ({ type: field.type, parts: tabledParts(field) }));
  return { fields, names: fields.map(({ name }) => name), columns };
}

interface KeptTable {
  readonly table: WindowTable;
  readonly tabled: TabledFields;
  readonly cells: WindowGrid;
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
  of(kernel: QueryKernel, tabled: TabledFields, cells: WindowGrid): WindowTable {
    const kept = this.#kept;
    if (kept?.cells === cells && areSame(tabled, kept.tabled)) {
      kept.table.clear();
      return kept.table;
    }
    this.release(kernel);
    const mark = kernel.arena.mark();
    const table = kernel.windowTable(tabled.columns, cells);
    this.#kept = { table, tabled, cells, mark };
    return table;
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
function areSame(one: TabledFields, other: TabledFields): boolean {
  if (one === other) return true;
  const [left, right] = [one.fields, other.fields];
  if (left.length !== right.length) return false;
  for (let i = 0; i < left.length; i++) if (left[i]?.at !== right[i]?.at) return false;
  return true;
}
