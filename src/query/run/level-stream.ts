import { nullColumn } from '../exec/columns/column-builder.ts';
import { must } from '../../base/assert.ts';
import type { ColumnType } from '../column.ts';
import { innerTags } from '../plan/plan-feeds.ts';
import type {
  CallPlan,
  CallRefusal,
  FeedPlan,
  LevelPlan,
  RowsFeed,
  WindowsFeed,
} from '../plan/level-plan.ts';
import type { WindowsTask } from '../fragment.ts';
import { compareGroupIds, Subgroups, type Batch, type GroupId, type GroupStream } from './batch.ts';
import { CallRows, type CallPoints } from './call-rows.ts';
import { foldedInputs, type foldedPoints } from './folded-points.ts';
import { mergeSummaries } from './merge-summaries.ts';
import { LimitStage } from './limit-stage.ts';
import { RowBuilder } from './row-builder.ts';
import type { RunContext, ScanShape } from './run-context.ts';
import { RowsScan, WindowsScan, type FoldedRows } from './scan-streams.ts';
import { SourcesStream, subqueryShape, type LevelSource } from './sources-stream.ts';
import type { Flow, Steps } from './steps.ts';

/** Whose rows a level gives: the answer's, those that an answer shows as they are, or what a call reads. */
export type LevelRole = 'outermost' | 'shown' | 'read';

/** A feed that is open: rows of the sources, or what shards folded. */
type OpenFeed =
  | { readonly kind: 'rows'; readonly plan: RowsFeed; readonly stream: GroupStream<Batch> }
  | { readonly kind: 'windows'; readonly plan: WindowsFeed; readonly stream: GroupStream<FoldedRows> }; // prettier-ignore

/**
 * A level of a plan as a series stream. A group's feeds are read one after the other; each batch of rows goes to the calls
 * that read it (call-rows.ts).
 */
export class LevelStream implements GroupStream<Batch> {
  readonly subgroups: Subgroups;
  readonly #plan: LevelPlan;
  readonly #context: RunContext;
  readonly #role: LevelRole;
  readonly #feeds: readonly OpenFeed[];
  readonly #ahead: (GroupId | undefined)[];
  readonly #auxTypes: readonly ColumnType[];
  readonly #calls: CallRows;
  #group: GroupId | undefined;
  #isStarted = false;

  constructor(plan: LevelPlan, context: RunContext, role: LevelRole) {
    this.#plan = plan;
    this.#context = context;
    this.#role = role;
    this.subgroups = new Subgroups(innerTags(plan.outerTags, plan.tags));
    this.#calls = new CallRows(plan, context, { subgroups: this.subgroups, isOutermost: role === 'outermost' }); // prettier-ignore
    this.#feeds = plan.feeds.map((feed) => this.#open(feed));
    this.#ahead = plan.feeds.map(() => undefined);
    this.#auxTypes = plan.slots.slice(0, plan.slots.length - this.#callCount()).map(({ type }) => type); // prettier-ignore
  }

  *next(): Steps<GroupId | undefined> {
    const group = this.#group;
    for (const [i, { stream }] of this.#feeds.entries())
      if (!this.#isStarted || (group !== undefined && this.#has(i, group)))
        this.#ahead[i] = yield* stream.next();
    this.#isStarted = true;
    const sign = this.#plan.ascending ? 1 : -1;
    this.#group = this.#ahead.reduce<GroupId | undefined>(
      (least, one) =>
        one !== undefined && (least === undefined || sign * compareGroupIds(one, least) < 0)
          ? one
          : least,
      undefined,
    );
    return this.#group;
  }

  rows(): Flow<Batch> {
    const builder = new RowBuilder({
      slots: this.#plan.slots,
      columns: this.#plan.columns,
      fill: this.#plan.fill,
      matcher: this.#context.matcher,
      hidesNaN: this.#role === 'outermost',
      isShown: this.#role !== 'read' && this.#plan.feeds.some(readsSubquery),
    });
    if (this.#plan.calls.length > 0) return this.#calls.rows(this.#inputs(), builder);
    return this.#plan.refusals.length > 0 ? this.#refusedRows() : this.#rawRows(builder);
  }

  async close(): Promise<void> {
    await Promise.all(this.#feeds.map(({ stream }) => stream.close()));
  }

  #has(feed: number, group: GroupId): boolean {
    const ahead = this.#ahead[feed];
    return ahead !== undefined && compareGroupIds(ahead, group) === 0;
  }

  #callCount(): number {
    return this.#plan.slots.length - Math.min(...this.#plan.calls.map(({ slot }) => slot), this.#plan.slots.length); // prettier-ignore
  }

  #open(feed: FeedPlan): OpenFeed {
    const { outerTags, tags, ascending } = this.#plan;
    const shape: ScanShape = { outerTags, innerTags: innerTags(outerTags, tags), ascending };
    if (feed.kind === 'windows')
      return { kind: 'windows', plan: feed, stream: new WindowsScan(feed.scan, shape, this.#context) }; // prettier-ignore
    const sources = feed.sources.map((source): LevelSource => {
      if (source.kind === 'scan') {
        const types = feed.columns.map(({ type }) => type);
        const scan = new RowsScan(source.scan, { ...shape, types }, this.#context);
        return { stream: scan, shape: this.#relabelled(scan.subgroups) };
      }
      // What stands in a list without calls is shown, through any number of subqueries.
      const isShown = this.#role !== 'read' && this.#plan.calls.length === 0;
      const stream = new LevelStream(source.level, this.#context, isShown ? 'shown' : 'read');
      const outer = { keys: outerTags, values: () => this.#group?.key ?? [] };
      const { columns } = feed;
      const { reads, filter } = source;
      const options = { columns, reads, filter, isShown, outer, context: this.#context };
      return { stream, shape: subqueryShape(stream.subgroups, this.subgroups, options) };
    });
    const place = { subgroups: this.subgroups, columns: feed.columns, ascending };
    return { kind: 'rows', plan: feed, stream: new SourcesStream(sources, place, this.#context) };
  }

  /** Numbers of a scan's subgroups are not those of the level. */
  #relabelled(from: Subgroups): (batch: Batch) => Batch {
    const known: number[] = [];
    const idOf = (id: number) => (known[id] ??= this.subgroups.idOf(from.valuesOf(id)));
    return (batch) => ({ ...batch, subgroups: batch.subgroups?.map(idOf) });
  }

  /** A list without calls: rows as they are. */
  *#rawRows(builder: RowBuilder): Flow<Batch> {
    const { limit, offset } = this.#plan;
    const paging = limit > 0 || offset > 0 ? new LimitStage(limit, offset) : undefined;
    for (const batch of this.#rowsOf(0)) {
      if (batch instanceof Promise) {
        yield batch;
        continue;
      }
      const [first, ...aux] = batch.columns;
      const points = { ...batch, values: must(first, 'a column'), aux };
      for (const { timesNs, values, aux: others, subgroups } of paging?.push(points) ?? [points]) {
        if (timesNs.length > 0)
          yield builder.build({ timesNs, subgroups, columns: [values, ...others] });
        const rest = this.#context.pacer.rest();
        if (rest !== undefined) yield rest;
      }
      if (paging?.isDone === true && this.subgroups.keys.length === 0) return;
    }
  }

  #rowsOf(feed: number): Flow<Batch> {
    const open = this.#feeds[feed];
    const group = this.#group;
    if (open?.kind !== 'rows' || group === undefined || !this.#has(feed, group)) return noRows();
    const refusals = this.#plan.refusals.filter((one) => one.feed === feed);
    const rows = open.stream.rows();
    return refusals.length === 0 ? rows : refusing(rows, refusals);
  }

  /** A list of calls that are refused as soon as there is something for them: it has no rows of its own. */
  *#refusedRows(): Flow<Batch> {
    for (const feed of new Set(this.#plan.refusals.map((one) => one.feed)))
      for (const batch of this.#rowsOf(feed)) if (batch instanceof Promise) yield batch;
  }

  /** What is read for the calls in the group at hand, feed after feed. */
  *#inputs(): Flow<CallPoints> {
    const { calls } = this.#plan;
    for (const [feed, { kind }] of this.#feeds.entries())
      yield* kind === 'rows' ? this.#rowInputs(feed, calls) : this.#foldedInputs(feed, calls);
  }

  *#rowInputs(feed: number, calls: readonly CallPlan[]): Flow<CallPoints> {
    const readers = calls.flatMap(({ input }, call) =>
      input.kind === 'column' && input.feed === feed ? [{ call, input }] : [],
    );
    const isRefusing = this.#plan.refusals.some((one) => one.feed === feed);
    if (readers.length === 0 && !isRefusing) return;
    for (const batch of this.#rowsOf(feed)) {
      if (batch instanceof Promise) {
        yield batch;
        continue;
      }
      const { timesNs, columns, subgroups } = batch;
      for (const { call, input } of readers) {
        const values = must(columns[input.column], 'a column of the feed');
        const aux = input.aux.map((at, i) => columns[at] ?? nullColumn(this.#auxTypes[i] ?? 'float', timesNs.length)); // prettier-ignore
        yield { call, points: { timesNs, values, aux, subgroups } };
      }
    }
  }

  *#foldedInputs(feed: number, calls: readonly CallPlan[]): Flow<CallPoints> {
    const open = this.#feeds[feed];
    const group = this.#group;
    if (open?.kind !== 'windows' || group === undefined || !this.#has(feed, group)) return;
    const task = open.plan.scan.names[0]?.parts[0]?.fragment.task as WindowsTask;
    const rows: Parameters<typeof foldedPoints>[0][number][] = [];
    for (const folded of open.stream.rows()) {
      if (folded instanceof Promise) {
        yield folded;
        continue;
      }
      const { subgroup, blocks } = folded;
      rows.push({
        subgroup: this.subgroups.idOf(open.stream.subgroups.valuesOf(subgroup)),
        summaries: yield* mergeSummaries(blocks, task, this.#context.pacer),
      });
    }
    const { ascending } = this.#plan;
    yield* foldedInputs(rows, calls, { task, feed, ascending, subgroups: this.subgroups });
  }
}

/**
 * Throws what is said of a call once a row has a value for it: a shard may have a field in a type that the measurement as a
 * whole does not show (check-refusals.ts sees that one alone).
 */
function* refusing(rows: Flow<Batch>, refusals: readonly CallRefusal[]): Flow<Batch> {
  for (const batch of rows) {
    if (!(batch instanceof Promise))
      for (const { at, error } of refusals) {
        const column = batch.columns[at];
        if (
          batch.timesNs.length > 0 &&
          column?.valid?.includes(1) !== false &&
          column !== undefined
        )
          throw error;
      }
    yield batch;
  }
}

function readsSubquery(feed: FeedPlan): boolean {
  return feed.kind === 'rows' && feed.sources.some(({ kind }) => kind === 'subquery');
}

/** A feed without the group at hand. */
function* noRows(): Flow<Batch> {}
