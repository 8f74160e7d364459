import type { RowSeries } from '../../query/emit/result.ts';
import type { Diagnostic, DiagnosticTable, Statistic } from '../../telemetry/statistics.ts';

/** SHOW STATS (F111): a series per component and tags; `module` '' stands for all. */
export function showStats(statistics: readonly Statistic[], module: string): readonly RowSeries[] {
  return statistics
    .filter(({ name }) => module === '' || name === module)
    .map(({ name, tags, values }) => {
      const sorted = Object.entries(tags).sort(byKey);
      return { ...oneRow(name, values), ...(sorted.length > 0 && { tags: sorted }) };
    });
}

/** SHOW STATS FOR 'indexes' (F111), which no other SHOW STATS has: it costs the reference a walk of its index. */
export function showIndexes(memoryBytes: number): readonly RowSeries[] {
  return [oneRow('indexes', { memoryBytes })];
}

/** SHOW DIAGNOSTICS (F112): a series per module, sorted. */
export function showDiagnostics(
  diagnostics: readonly (Diagnostic | DiagnosticTable)[],
  module: string,
): readonly RowSeries[] {
  return diagnostics
    .filter(({ name }) => module === '' || name === module)
    .map((one) => ('values' in one ? oneRow(one.name, one.values) : manyRows(one)))
    .sort((a, b) => byKey([a.name], [b.name]));
}

function manyRows({ name, columns, rows }: DiagnosticTable): RowSeries & { readonly name: string } {
  return { kind: 'rows', name, columns, rows };
}

function oneRow(name: string, values: Diagnostic['values']): RowSeries & { readonly name: string } {
  const cells = Object.entries(values).sort(byKey);
  const columns = cells.map(([key]) => key);
  return { kind: 'rows', name, columns, rows: [cells.map(([, value]) => value)] };
}

function byKey([a]: readonly [string, ...unknown[]], [b]: readonly [string, ...unknown[]]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
