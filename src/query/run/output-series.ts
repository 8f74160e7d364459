import { notesOn } from '../../base/notes.ts';
import type { TimeZone } from '../../base/time-zone.ts';
import type { ColumnSeries } from '../emit/result.ts';
import type { LevelPlan } from '../plan/level-plan.ts';
import { checkSources } from './check-sources.ts';
import { checkRefusals } from './check-refusals.ts';
import type { Batch, GroupStream } from './batch.ts';
import { FoldedLevel } from './folded-level.ts';
import { LevelStream } from './level-stream.ts';
import type { RunContext } from './run-context.ts';
import { asked, type Flow } from './steps.ts';

/** Cells and series that go on together at the most: passing one on costs more than a small one has taken. */
const batchCellsMax = 8_192;
const batchSeriesMax = 64;

/**
 * The answer of a plan, series by series, those together that nobody waited between; a large series comes in pieces, each but
 * the last `partial`. What is held is one such batch.
 */
export async function* outputSeries(
  plan: LevelPlan,
  context: RunContext,
  timeZone: TimeZone | undefined,
): AsyncGenerator<readonly ColumnSeries[], undefined> {
  const { pacer } = context;
  const stream = outermostLevel(plan, context);
  const flow = seriesOf(stream, plan, { context, timeZone });
  let batch: ColumnSeries[] = [];
  let cellCount = 0;
  try {
    for (let next = flow.next(); next.done !== true;) {
      const { value } = next;
      const isWait = value instanceof Promise;
      if (isWait) value.catch(() => undefined);
      else {
        batch.push(value);
        cellCount += (value.end - value.start) * value.columns.length;
      }
      const isFull = batch.length >= batchSeriesMax || cellCount >= batchCellsMax || pacer.isDue;
      // Nothing that is there waits; whoever takes it may be slow, and hears later of what has failed meanwhile.
      if (batch.length > 0 && (isWait || isFull)) {
        yield batch;
        [batch, cellCount] = [[], 0];
      }
      const rest = isWait ? undefined : pacer.rest();
      if (rest !== undefined) await rest;
      next = isWait ? await asked(flow, value) : flow.next();
    }
    if (batch.length > 0) yield batch;
    return undefined;
  } finally {
    flow.return();
    await stream.close();
  }
}

/** The same for whoever waits himself, and closes himself what the context has opened. */
export function outputFlow(
  plan: LevelPlan,
  context: RunContext,
  timeZone: TimeZone | undefined,
): Flow<ColumnSeries> {
  return seriesOf(outermostLevel(plan, context), plan, { context, timeZone });
}

function outermostLevel(plan: LevelPlan, context: RunContext): GroupStream<Batch> {
  return FoldedLevel.of(plan, context) ?? new LevelStream(plan, context, 'outermost');
}

function* seriesOf(
  stream: GroupStream<Batch>,
  plan: LevelPlan,
  { context, timeZone }: { readonly context: RunContext; readonly timeZone: TimeZone | undefined },
): Flow<ColumnSeries> {
  checkSources(plan);
  if (plan.refusals.length > 0 || hasSubquery(plan)) yield* checkRefusals(plan, context);
  const { columns, pointTags, missing } = headOf(plan);
  for (let group = yield* stream.next(); group !== undefined; group = yield* stream.next()) {
    const { name, key } = group;
    const tags = plan.outerTags.length === 0 ? undefined : plan.outerTags.map((tag, i) => [tag, key[i] ?? ''] as const); // prettier-ignore
    let held: ColumnSeries | undefined;
    for (const batch of stream.rows()) {
      if (batch instanceof Promise) {
        yield batch;
        continue;
      }
      const { timesNs, columns: values } = batch;
      if (timesNs.length === 0) continue;
      if (held !== undefined) yield { ...held, partial: true };
      held = { kind: 'columns', missing, pointTags, name, tags, columns, timeZone, timesNs, values, start: 0, end: timesNs.length }; // prettier-ignore
    }
    if (held !== undefined) yield held;
  }
}

interface SeriesHead {
  readonly columns: readonly string[];
  readonly pointTags: readonly number[];
  readonly missing: number | bigint | undefined;
}

const heads = notesOn<LevelPlan, SeriesHead>();

/** The same for all questions that a plan is kept for. */
function headOf(plan: LevelPlan): SeriesHead {
  const known = heads.of(plan);
  if (known !== undefined) return known;
  const head = {
    columns: [plan.timeLabel, ...plan.columns.map(({ name }) => name)],
    pointTags: plan.columns.flatMap(({ isPointTag }, i) => (isPointTag ? [i] : [])),
    missing: plan.fill.kind === 'number' ? plan.fill.value : undefined,
  };
  heads.keep(plan, head);
  return head;
}

function hasSubquery({ feeds }: LevelPlan): boolean {
  return feeds.some((feed) => feed.kind === 'rows' && feed.sources.some(({ kind }) => kind === 'subquery')); // prettier-ignore
}
