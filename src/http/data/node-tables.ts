import type { StatementExecutor } from '../../data/statements/statement-executor.ts';
import { parseQuery } from '../../influxql/parser.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import type { NamedTable } from '../debug/profile-files.ts';
import { readStatement } from '../run-statement.ts';

/** What goes along with the profiles of a node, as in the reference: its shards, its numbers, and what it is. */
export async function nodeTables(
  executor: Pick<StatementExecutor, 'execute'>,
): Promise<readonly NamedTable[]> {
  const tables: NamedTable[] = [];
  for (const name of ['shards', 'stats', 'diagnostics']) {
    const [statement] = parseQuery(`SHOW ${name}`);
    const series = statement === undefined ? [] : await readStatement(executor, statement);
    tables.push({ name, text: series.map(textOf).join('\n') });
  }
  return tables;
}

/** Each column ends in a tab, each row in a line. */
function textOf(series: OutputSeries): string {
  const { name = '', tags = [] } = series;
  const head = [name, ...tags.map(([key, value]) => `${key}=${value}`)].join(',');
  const rows = series.kind === 'rows' ? series.rows : [];
  const lines = [series.columns, ...rows].map((cells) =>
    cells.map((cell) => `${String(cell)}\t`).join(''),
  );
  return [`name: ${head}`, ...lines, ''].join('\n');
}
