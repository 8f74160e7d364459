import type { TimeZone } from '../../base/time-zone.ts';
import type { ColumnSeries } from '../emit/result.ts';
import type { LevelPlan } from '../plan/level-plan.ts';
import { checkRefusals } from './check-refusals.ts';
import { LevelStream } from './level-stream.ts';
import type { RunContext } from './run-context.ts';
import { driven, finished } from './steps.ts';

/**
 * The answer of a plan, series by series; a large series comes in pieces, each but the last `partial`. What is held is
 * one piece.
 */
export async function* outputSeries(
  plan: LevelPlan,
  context: RunContext,
  timeZone: TimeZone | undefined,
): AsyncGenerator<ColumnSeries> {
  await checkRefusals(plan, context);
  const stream = new LevelStream(plan, context, true);
  const pointTags = plan.columns.flatMap(({ isPointTag }, i) => (isPointTag ? [i] : []));
  const columns = [plan.timeLabel, ...plan.columns.map(({ name }) => name)];
  try {
    for (;;) {
      const group = await finished(stream.next());
      if (group === undefined) break;
      const { name, key } = group;
      const tags = plan.outerTags.map((tag, i) => [tag, key[i] ?? ''] as const);
      const missing = plan.fill.kind === 'number' ? plan.fill.value : undefined;
      const head = { kind: 'columns' as const, missing, pointTags, name, tags: tags.length > 0 ? tags : undefined, columns, timeZone }; // prettier-ignore
      let held: ColumnSeries | undefined;
      for await (const { timesNs, columns: values } of driven(stream.rows())) {
        if (timesNs.length === 0) continue;
        if (held !== undefined) yield { ...held, partial: true };
        held = { ...head, timesNs, values, start: 0, end: timesNs.length };
      }
      if (held !== undefined) yield held;
    }
  } finally {
    await stream.close();
  }
}
