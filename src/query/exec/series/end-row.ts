/**
 * The rows of a series where one may be all that is wanted: the first comes of the ends of its fields alone, without a cursor
 * for each. A field whose end lies behind has no cell in it. What follows is read the general way, once it is asked for.
 */
import type { Column, ColumnType } from '../../column.ts';
import type { CursorRequest, EndPoint, ShardSource } from '../../source.ts';
import { columnOfOne, nullColumn } from '../columns/column-builder.ts';
import type { FragmentContext } from '../context.ts';
import type { RowChunk } from './series-rows.ts';

export interface EndFields {
  readonly source: ShardSource;
  readonly names: readonly string[];
  readonly typeOf: (name: string) => ColumnType;
  /** All but the field. */
  readonly request: Omit<CursorRequest, 'field'>;
  /** The rows within other bounds. */
  readonly rowsWithin: (bounds: Pick<CursorRequest, 'minTimeNs' | 'maxTimeNs'>) => { next(): RowChunk | undefined }; // prettier-ignore
}

export class EndRow {
  readonly #fields: EndFields;
  readonly #context: FragmentContext;
  #later: { next(): RowChunk | undefined } | undefined;
  #isEmpty = false;

  constructor(fields: EndFields, context: FragmentContext) {
    this.#fields = fields;
    this.#context = context;
  }

  next(): RowChunk | undefined {
    if (this.#isEmpty) return undefined;
    if (this.#later !== undefined) return this.#later.next();
    const row = this.#first();
    const timeNs = row?.timesNs[0];
    if (timeNs === undefined) this.#isEmpty = true;
    else this.#goOnBehind(timeNs);
    return row;
  }

  #goOnBehind(timeNs: bigint): void {
    const { request, rowsWithin } = this.#fields;
    const { ascending, minTimeNs, maxTimeNs } = request;
    this.#isEmpty = timeNs === (ascending ? maxTimeNs : minTimeNs);
    const bounds = ascending ? { minTimeNs: timeNs + 1n, maxTimeNs } : { minTimeNs, maxTimeNs: timeNs - 1n }; // prettier-ignore
    let rows: { next(): RowChunk | undefined } | undefined;
    this.#later = { next: () => (rows ??= rowsWithin(bounds)).next() };
  }

  #first(): RowChunk | undefined {
    const { source, names, typeOf, request } = this.#fields;
    const { arena } = this.#context;
    const { ascending } = request;
    const start = arena.mark();
    const row = source.endRow?.({ ...request, fields: names }, arena);
    arena.release(start);
    if (row !== undefined) {
      const columns = row.values.map((value, i) => cellOf(value, typeOf(names[i] ?? '')));
      return { timesNs: BigInt64Array.of(row.timeNs), columns };
    }
    let firstNs: bigint | undefined;
    const ends = names.map((field) => {
      const mark = arena.mark();
      const end = source.end({ ...request, field }, arena);
      arena.release(mark);
      if (end === undefined) return undefined;
      const { timeNs } = end;
      if (firstNs === undefined || (ascending ? timeNs < firstNs : timeNs > firstNs)) firstNs = timeNs; // prettier-ignore
      return end;
    });
    if (firstNs === undefined) return undefined;
    const columns = ends.map((end, i) => cellOf(end?.timeNs === firstNs ? end?.value : undefined, typeOf(names[i] ?? ''))); // prettier-ignore
    return { timesNs: BigInt64Array.of(firstNs), columns };
  }
}

function cellOf(value: EndPoint['value'] | undefined, type: ColumnType): Column {
  return value === undefined ? nullColumn(type, 1) : columnOfOne(value, type);
}
