import { isConvertible } from '../exec/columns/column-builder.ts';
import type { CallRefusal, LevelPlan, RowsSource } from '../plan/level-plan.ts';
import type { RunContext } from './run-context.ts';
import { settled, type Steps } from './steps.ts';

/** Throws what a call of a plan has no answer for, if there is something for it to read; subqueries have their say first. */
export function* checkRefusals(plan: LevelPlan, context: RunContext): Steps<void> {
  const rows = plan.feeds.map((feed) => (feed.kind === 'rows' ? feed.sources : []));
  for (const sources of rows)
    for (const source of sources)
      if (source.kind === 'subquery') yield* checkRefusals(source.level, context);
  for (const refusal of plan.refusals)
    for (const source of rows[refusal.feed] ?? [])
      if (yield* isRead(source, refusal, context)) throw refusal.error;
}

function* isRead(source: RowsSource, { column }: CallRefusal, context: RunContext): Steps<boolean> {
  if (source.kind === 'subquery') return true;
  for (const { parts } of source.scan.names)
    for (const part of parts) {
      const type = part.found.schema.fields.get(column.name);
      const isThere = type !== undefined && (type === column.type || isConvertible(type, column.type)); // prettier-ignore
      if (!isThere) continue;
      const listed = yield* settled(context.seriesKeys(part, 1));
      const isAny = listed.keys.size > 0;
      listed.letGo();
      if (isAny) return true;
    }
  return false;
}
