import { isConvertible } from '../exec/columns/column-builder.ts';
import type { CallRefusal, LevelPlan, RowsSource } from '../plan/level-plan.ts';
import type { RunContext } from './run-context.ts';

/** Throws what a call of a plan has no answer for, if there is something for it to read; subqueries have their say first. */
export async function checkRefusals(plan: LevelPlan, context: RunContext): Promise<void> {
  const rows = plan.feeds.map((feed) => (feed.kind === 'rows' ? feed.sources : []));
  for (const sources of rows)
    for (const source of sources)
      if (source.kind === 'subquery') await checkRefusals(source.level, context);
  for (const refusal of plan.refusals)
    for (const source of rows[refusal.feed] ?? [])
      if (await isRead(source, refusal, context)) throw refusal.error;
}

async function isRead(
  source: RowsSource,
  { column }: CallRefusal,
  context: RunContext,
): Promise<boolean> {
  if (source.kind === 'subquery') return true;
  for (const { parts } of source.scan.names)
    for (const part of parts) {
      const type = part.found.schema.fields.get(column.name);
      const isThere = type !== undefined && (type === column.type || isConvertible(type, column.type)); // prettier-ignore
      if (isThere && (await context.seriesTags(part, 1)).length > 0) return true;
    }
  return false;
}
