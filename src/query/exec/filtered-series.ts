import type { Column } from '../column.ts';
import { evaluate, type Predicate } from '../predicate.ts';
import { nullColumn } from './column-builder.ts';
import { concatColumns } from './concat-columns.ts';
import type { FragmentContext } from './context.ts';
import { pickRows } from './pick-rows.ts';
import { selectRows } from './select-rows.ts';
import type { RowChunk, SeriesRows } from './series-rows.ts';

/** What the rows of a series are read of; the fields of its predicate are `lead`, all others `late`. */
export interface FilteredFields {
  readonly lead: SeriesRows;
  readonly leadNames: readonly string[];
  readonly late: readonly LateField[];
  /** The late fields between two times, both inclusive, in the direction of the lead. */
  readonly openLate: (minTimeNs: bigint, maxTimeNs: bigint) => SeriesRows;
  readonly predicate: Predicate;
  readonly ascending: boolean;
}

interface LateField {
  readonly type: Column['type'];
}

/** So many chunks of late fields beside one of the lead, then others may run. */
const lateChunksMax = 8;

/**
 * The rows of a series that pass a predicate: its own fields are read first, the others only between the first and the last
 * row that passes, so that blocks where none does are never decoded. Columns are those of the lead, then the late ones.
 * Only for predicates that no row passes without one of their fields, see needsItsFields().
 */
export class FilteredSeries {
  readonly #fields: FilteredFields;
  readonly #context: FragmentContext;
  #joined: LateJoin | undefined;

  constructor(fields: FilteredFields, context: FragmentContext) {
    this.#fields = fields;
    this.#context = context;
  }

  /** 'pause' where much was read; a chunk may be without rows. */
  next(): RowChunk | 'pause' | undefined {
    const { lead, leadNames, late, openLate, predicate, ascending } = this.#fields;
    if (this.#joined === undefined) {
      const chunk = lead.next();
      if (chunk === undefined) return undefined;
      this.#context.countPoints(chunk.timesNs.length);
      const selected = selectRows(chunk, predicate, leadNames, this.#context);
      const { timesNs } = selected;
      const [first, last] = [timesNs[0], timesNs[timesNs.length - 1]];
      if (first === undefined || last === undefined || late.length === 0) return selected;
      const rows = ascending ? openLate(first, last) : openLate(last, first);
      this.#joined = new LateJoin(selected, { rows, late, ascending });
    }
    const whole = this.#joined.read(this.#context);
    if (whole === undefined) return 'pause';
    this.#joined = undefined;
    return whole;
  }
}

/** Whether no row passes that has none of the predicate's fields. */
export function needsItsFields(predicate: Predicate, { matcher }: FragmentContext): boolean {
  return !evaluate(predicate, () => null, matcher);
}

/** Puts the columns of late fields beside rows that were selected. */
class LateJoin {
  readonly #selected: RowChunk;
  readonly #rows: SeriesRows;
  readonly #late: readonly LateField[];
  readonly #ascending: boolean;
  readonly #pieces: Column[][];
  /** Selected rows that have found their partner, or that there is none. */
  #done = 0;

  constructor(
    selected: RowChunk,
    late: {
      readonly rows: SeriesRows;
      readonly late: readonly LateField[];
      readonly ascending: boolean;
    },
  ) {
    this.#selected = selected;
    this.#rows = late.rows;
    this.#late = late.late;
    this.#ascending = late.ascending;
    this.#pieces = late.late.map(() => []);
  }

  /** Undefined when there is more to read after a pause. */
  read(context: FragmentContext): RowChunk | undefined {
    for (let count = 0; count < lateChunksMax; count++) {
      context.check();
      const chunk = this.#rows.next();
      if (chunk === undefined) return this.#finish();
      context.countPoints(chunk.timesNs.length);
      this.#take(chunk);
      if (this.#done === this.#selected.timesNs.length) return this.#finish();
    }
    return undefined;
  }

  #take({ timesNs, columns }: RowChunk): void {
    const wanted = this.#selected.timesNs;
    const partners = new Int32Array(wanted.length - this.#done);
    let count = 0;
    let row = 0;
    while (this.#done < wanted.length) {
      const timeNs = wanted[this.#done] ?? 0n;
      while (row < timesNs.length && this.#isBefore(timesNs[row] ?? 0n, timeNs)) row++;
      // What comes next may still have it.
      if (row === timesNs.length) break;
      partners[count++] = timesNs[row] === timeNs ? row : -1;
      this.#done++;
    }
    if (count === 0) return;
    const rows = partners.subarray(0, count);
    columns.forEach((column, i) => this.#pieces[i]?.push(pickRows(column, rows)));
  }

  #finish(): RowChunk {
    const { timesNs, columns } = this.#selected;
    const missing = timesNs.length - this.#done;
    const late = this.#late.map(({ type }, i) => {
      const pieces = this.#pieces[i] ?? [];
      if (missing > 0) pieces.push(nullColumn(type, missing));
      return concatColumns(type, pieces);
    });
    return { timesNs, columns: [...columns, ...late] };
  }

  #isBefore(left: bigint, right: bigint): boolean {
    return this.#ascending ? left < right : left > right;
  }
}
