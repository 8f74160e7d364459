import type { Paging } from '../../../influxql/ast.ts';
import type { Cell, RowSeries } from '../../../query/emit/result.ts';

/** So many rows are looked at for a page whose limit is not 0. Other nodes are told of them by a number that is exact. */
export function rowsOfPage({ limit, offset }: Pick<Paging, 'limit' | 'offset'>): number {
  return Math.min(limit + offset, Number.MAX_SAFE_INTEGER);
}

/** LIMIT and OFFSET of a SHOW statement; a limit of 0 is none. */
export function paged<T>({ limit, offset }: Paging, rows: readonly T[]): readonly T[] {
  return limit === 0 ? rows.slice(offset) : rows.slice(offset, offset + limit);
}

/** One series of an answer, paged on its own; none when no row is left. */
export function pagedSeries(
  statement: Paging,
  head: Pick<RowSeries, 'name' | 'columns' | 'isCut'>,
  all: readonly (readonly Cell[])[],
): readonly RowSeries[] {
  const rows = paged(statement, all);
  return rows.length === 0 ? [] : [{ kind: 'rows', ...head, rows }];
}
