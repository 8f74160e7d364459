import { isDbError } from '../base/errors.ts';
import type { Measurement, SelectStatement, Source } from '../influxql/ast.ts';
import { parseQuery } from '../influxql/parser.ts';
import { printStatement } from '../influxql/printer.ts';
import type { ContinuousQuery } from '../meta/model/database.ts';

/**
 * A continuous query of a database that gets another name: where it reads from and writes to that database, it does so by
 * the new one. One whose text does not read, as of a newer release, stays as it is.
 */
export function renamedQuery(
  query: ContinuousQuery,
  names: { readonly from: string; readonly to: string },
): ContinuousQuery {
  if (names.from === names.to) return query;
  try {
    const [statement] = parseQuery(query.text);
    if (statement?.kind !== 'create-continuous-query') return query;
    const select = renamedSelect(statement.select, names);
    return { ...query, text: printStatement({ ...statement, database: names.to, select }) };
  } catch (error) {
    if (!isDbError(error)) throw error;
    return query;
  }
}

function renamedSelect(
  statement: SelectStatement,
  names: { readonly from: string; readonly to: string },
): SelectStatement {
  const renamed = (measurement: Measurement): Measurement =>
    measurement.database === names.from ? { ...measurement, database: names.to } : measurement;
  const sources = statement.sources.map((source): Source =>
    source.kind === 'subquery'
      ? { kind: 'subquery', statement: renamedSelect(source.statement, names) }
      : renamed(source),
  );
  const { target } = statement;
  return { ...statement, sources, ...(target !== undefined && { target: renamed(target) }) };
}
