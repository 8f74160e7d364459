import { evaluate, type Predicate } from '../../predicate.ts';
import type { FragmentContext } from '../context.ts';
import { LateColumns, type LateField } from './late-columns.ts';
import { RowSelection } from './select-rows.ts';
import type { RowChunk, SeriesRows } from './series-rows.ts';

/** What the rows of a series are read of; the fields of its predicate are `lead`, all others `late`. */
export interface FilteredFields {
  readonly lead: SeriesRows;
  readonly leadNames: readonly string[];
  readonly hasLate: boolean;
  /** The late fields between two times, both inclusive, in the direction of the lead. */
  readonly openLate: (minTimeNs: bigint, maxTimeNs: bigint) => readonly LateField[];
  readonly predicate: Predicate;
  readonly ascending: boolean;
}

/**
 * The rows of a series that pass a predicate: its own fields are read first, the others only between the first and the last
 * row that passes, so that blocks where none does are never decoded. Columns are those of the lead, then the late ones.
 * Only for predicates that no row passes without one of their fields, see needsItsFields().
 */
export class FilteredSeries {
  readonly #fields: FilteredFields;
  readonly #context: FragmentContext;
  /** Rows of the lead that are being looked at. */
  #looked: RowSelection | undefined;
  /** Rows of the lead that wait for their other columns. */
  #joined: { readonly selected: RowChunk; readonly late: LateColumns } | undefined;

  constructor(fields: FilteredFields, context: FragmentContext) {
    this.#fields = fields;
    this.#context = context;
  }

  /** 'pause' where much was read; a chunk may be without rows. */
  next(): RowChunk | 'pause' | undefined {
    const { lead, leadNames, hasLate, openLate, predicate, ascending } = this.#fields;
    const context = this.#context;
    if (this.#joined === undefined) {
      const chunk = this.#looked === undefined ? lead.next() : undefined;
      if (chunk !== undefined) {
        context.countPoints(chunk.timesNs.length);
        this.#looked = new RowSelection(chunk, predicate, leadNames, context);
      }
      const selected = this.#looked?.next();
      if (selected === undefined || selected === 'pause') return selected;
      this.#looked = undefined;
      const { timesNs } = selected;
      const [first, last] = [timesNs[0], timesNs[timesNs.length - 1]];
      if (first === undefined || last === undefined || !hasLate) return selected;
      const fields = ascending ? openLate(first, last) : openLate(last, first);
      this.#joined = { selected, late: new LateColumns(fields, { timesNs, ascending, context }) };
    }
    const { selected, late } = this.#joined;
    const columns = late.read();
    if (columns === undefined) return 'pause';
    this.#joined = undefined;
    return { timesNs: selected.timesNs, columns: [...selected.columns, ...columns] };
  }
}

/** Series share predicates, which may be long. */
const fieldNeeds = new WeakMap<Predicate, boolean>();

/** Whether no row passes that has none of the predicate's fields. */
export function needsItsFields(predicate: Predicate, { matcher }: FragmentContext): boolean {
  const known = fieldNeeds.get(predicate);
  if (known !== undefined) return known;
  const needs = !evaluate(predicate, () => null, matcher);
  fieldNeeds.set(predicate, needs);
  return needs;
}
