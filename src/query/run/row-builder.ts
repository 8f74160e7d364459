import type { Fill } from '../../influxql/ast.ts';
import type { Column, ColumnType } from '../column.ts';
import { cellValue, ColumnBuilder, isConvertible } from '../exec/columns/column-builder.ts';
import { pickedOf } from '../exec/columns/pick-merged.ts';
import type { PlannedColumn, Slot } from '../plan/level-plan.ts';
import { runProgram } from '../plan/program.ts';
import type { MatcherFactory, Value } from '../predicate.ts';
import type { Batch } from './batch.ts';
import { convertColumn } from './columns.ts';
import { numberOf } from './fill-stage.ts';

/** Columns of a list's inputs, row by row; null is a value that is not there. */
export interface SlotRows {
  readonly timesNs: BigInt64Array;
  readonly subgroups: Int32Array | undefined;
  /** Undefined for a slot that nothing fills. */
  readonly columns: readonly (Column | undefined)[];
}

export interface RowBuilderOptions {
  readonly slots: readonly Slot[];
  readonly columns: readonly PlannedColumn[];
  readonly fill: Fill;
  readonly matcher: MatcherFactory;
  /** A float that is no number is null in an answer; inside of a query it stays what it is. */
  readonly hidesNaN: boolean;
  /** A row of a subquery that is shown as it is may have a value of a type that cannot be had in its column's. */
  readonly isShown: boolean;
}

/**
 * Computes the columns of a list from its inputs. What an input lacks is the number of fill(), or with fill(previous)
 * the last value that it had in the same subgroup, whether the query has windows or not (spec 6.3).
 */
export class RowBuilder {
  readonly #options: RowBuilderOptions;
  readonly #last: (Value | null)[];
  #lastSubgroup = -1;

  constructor(options: RowBuilderOptions) {
    this.#options = options;
    this.#last = options.slots.map(() => null);
  }

  build(rows: SlotRows): Batch {
    const inputs = this.#filled(rows);
    const { columns, matcher, hidesNaN, isShown } = this.#options;
    const count = rows.timesNs.length;
    const computed = columns.map(({ program, type }): Column => {
      const [only] = program.steps;
      if (program.steps.length === 1 && only?.kind === 'input') {
        const input = inputs[only.index];
        const own = rows.columns[only.index];
        if (isShown && own !== undefined && isOfOther(own, type)) return this.#ofOther(own);
        if (input?.type === type && !(hidesNaN && hasNaN(input))) return input;
      }
      const isLone = program.steps.length === 1;
      let row = 0;
      const read = (index: number) => {
        const input = inputs[index];
        if (input === undefined) return null;
        const value = cellValue(input, row);
        return value === null && !isLone ? this.#numberFor(input.type) : value;
      };
      const values: (Value | null)[] = [];
      for (; row < count; row++) values.push(runProgram(program, read, matcher));
      const own = isLone ? type : this.#typeOf(values, type);
      const builder = new ColumnBuilder(own, count);
      for (const value of values)
        builder.pushValue(hidesNaN && Number.isNaN(value) ? null : fitting(value, own));
      return builder.finish();
    });
    return { timesNs: rows.timesNs, columns: computed, subgroups: rows.subgroups };
  }

  #ofOther(column: Column): Column {
    const { fill } = this.#options;
    const { type, valid } = column;
    if (fill.kind !== 'number' || valid === undefined || isFilledLate(type)) return column;
    const builder = new ColumnBuilder(type, valid.length);
    for (let row = 0; row < valid.length; row++)
      builder.pushValue(cellValue(column, row) ?? numberOf(fill.value, type));
    return builder.finish();
  }

  /** A text or a truth that is missing is the number of fill() to what is computed of it, though it cannot be of its type. */
  #numberFor(type: ColumnType): Value | null {
    const { fill } = this.#options;
    return fill.kind === 'number' && isFilledLate(type) ? fill.value : null;
  }

  /** Of what was computed: of texts, or of truths that are missing, come such numbers, or nothing, which is not filled then. */
  #typeOf(values: readonly (Value | null)[], type: ColumnType): ColumnType {
    const { fill } = this.#options;
    if (fill.kind !== 'number' || !isFilledLate(type)) return type;
    if (values.some((value) => typeof value === 'boolean' || typeof value === 'string')) return type; // prettier-ignore
    return typeof fill.value === 'bigint' ? 'integer' : 'float';
  }

  #filled({ timesNs, subgroups, columns }: SlotRows): readonly (Column | undefined)[] {
    const { fill, slots } = this.#options;
    if (fill.kind !== 'number' && fill.kind !== 'previous')
      return columns.map((column, i) => column && convertColumn(column, slots[i]?.type ?? 'float'));
    const before = this.#lastSubgroup;
    return slots.map(({ type, isUnread }, i) => {
      if (isUnread === true) return undefined;
      const column = columns[i];
      if (column?.type === type && column.valid === undefined && fill.kind === 'number')
        return column;
      const builder = new ColumnBuilder(type, timesNs.length);
      this.#lastSubgroup = before;
      let last = this.#last[i] ?? null;
      for (let row = 0; row < timesNs.length; row++) {
        const subgroup = subgroups?.[row] ?? 0;
        if (subgroup !== this.#lastSubgroup) last = null;
        this.#lastSubgroup = subgroup;
        const value = column === undefined ? null : cellValue(column, row);
        if (fill.kind === 'number') builder.pushValue(value ?? defaultOf(fill.value, type));
        else {
          last = value ?? last;
          builder.pushValue(last);
        }
      }
      this.#last[i] = last;
      return builder.finish();
    });
  }
}

/** Texts and truths have no number to show. */
function defaultOf(value: number | bigint, type: Slot['type']): Value | null {
  return isFilledLate(type) ? null : numberOf(value, type);
}

/** Their numbers are shown when they are written (`missing` of emit/result.ts). */
function isFilledLate(type: ColumnType): boolean {
  return type === 'string' || type === 'boolean';
}

/** Of a type that cannot be had in the column's: rows of a subquery may have such, and are shown as they are. */
function isOfOther(own: Column, type: ColumnType): boolean {
  return own.type !== type && !isConvertible(own.type, type);
}

/** A value in the type of its column; null where an expression of unknown names came out otherwise. */
function fitting(value: Value | null, type: Slot['type']): Value | null {
  switch (type) {
    case 'float':
      return typeof value === 'number' || typeof value === 'bigint' ? value : null;
    case 'integer':
    case 'unsigned':
      return typeof value === 'bigint' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'string':
      return typeof value === 'string' ? value : null;
  }
}

const knownNaN = new WeakMap<Column, boolean>();

/** It may say so of a column that has none itself, as the chunks that it is picked from have one. */
function hasNaN(column: Column): boolean {
  if (column.type !== 'float') return false;
  const picked = pickedOf(column);
  if (picked === undefined) return holdsNaN(column.values);
  return picked.rows.chunks.some(({ columns }) => {
    const part = columns[picked.at];
    if (part?.type !== 'float') return false;
    const known = knownNaN.get(part) ?? holdsNaN(part.values);
    knownNaN.set(part, known);
    return known;
  });
}

function holdsNaN(values: Float64Array): boolean {
  for (let i = 0; i < values.length; i++) if (Number.isNaN(values[i])) return true;
  return false;
}
