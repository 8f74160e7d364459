import { must } from '../../base/assert.ts';
import { notesOn } from '../../base/notes.ts';
import { minTimeNs } from '../../base/units.ts';
import type { Column } from '../column.ts';
import { resultColumn } from '../assemble/call-column.ts';
import { callTimesNs } from '../assemble/calls.ts';
import { GroupMerge, type BlockStream } from '../assemble/merge-groups.ts';
import type { GroupKey, WindowsBlock, WindowsTask, WindowSummary } from '../fragment.ts';
import { innerTags } from '../plan/plan-feeds.ts';
import type { CallInput, CallPlan, LevelPlan, ScanPlan, WindowsFeed } from '../plan/level-plan.ts';
import { Subgroups, type Batch, type GroupId, type GroupStream } from './batch.ts';
import { CallRows } from './call-rows.ts';
import { foldedInputs } from './folded-points.ts';
import { MeasurementStreams } from './measurement-streams.ts';
import { mergeSummaries } from './merge-summaries.ts';
import { RowBuilder } from './row-builder.ts';
import type { RunContext } from './run-context.ts';
import { settled, type Flow, type Steps } from './steps.ts';
import { shownStartsNs, windowAt } from './windows.ts';

type Folded = Extract<CallInput, { kind: 'folded' }>;

/** A call that needs no stage where its windows are whole: those from one time to another, if it is filled. */
interface PlainCall {
  readonly input: Folded;
  readonly call: CallPlan;
  readonly filled: { readonly firstNs: bigint; readonly lastNs: bigint } | undefined;
}

/** What the plan of such a level says, found out once for all questions that it is kept for. */
interface FoldedPlan {
  readonly scan: ScanPlan;
  readonly task: WindowsTask;
  readonly plain: readonly PlainCall[] | undefined;
  readonly slots: readonly number[];
}

const noTags: readonly string[] = [];

const foldedPlans = notesOn<LevelPlan, FoldedPlan | 'other'>();

/**
 * An outermost level whose calls are all folded at the shards of measurements, each tag set of one a group: the usual
 * question of a dashboard. A block is a group. Where all of its calls have a point in the same windows, and fill() has nothing
 * to fill, its columns are the rows; all else goes the way of any level, through the stages of its calls (call-rows.ts).
 */
export class FoldedLevel implements GroupStream<Batch> {
  readonly subgroups = new Subgroups([]);
  readonly #plan: LevelPlan;
  readonly #context: RunContext;
  readonly #names: ScanPlan['names'];
  readonly #task: WindowsTask;
  readonly #opened: MeasurementStreams;
  #next = 0;
  #name = '';
  #calls: CallRows | undefined;
  readonly #plain: readonly PlainCall[] | undefined;
  /** By slot: the call's place. */
  readonly #slots: readonly number[];
  #streams: readonly BlockStream<WindowsBlock>[] | undefined;
  #merge: GroupMerge<WindowsBlock> | undefined;
  #summaries: readonly WindowSummary[] = [];
  #builder: RowBuilder | undefined;

  private constructor(
    plan: LevelPlan,
    context: RunContext,
    { scan, task, plain, slots }: FoldedPlan,
  ) {
    this.#plan = plan;
    this.#context = context;
    this.#names = scan.names;
    this.#task = task;
    const shape = { outerTags: plan.outerTags, innerTags: noTags };
    this.#opened = new MeasurementStreams(scan, shape, context);
    this.#plain = plain;
    this.#slots = slots;
  }

  /** Undefined for a level of any other kind. */
  static of(plan: LevelPlan, context: RunContext): FoldedLevel | undefined {
    let known = foldedPlans.of(plan);
    if (known === undefined) foldedPlans.keep(plan, (known = foldedPlan(plan) ?? 'other'));
    return known === 'other' ? undefined : new FoldedLevel(plan, context, known);
  }

  *next(): Steps<GroupId | undefined> {
    for (;;) {
      this.#streams ??= yield* this.#openNext();
      const streams = this.#streams;
      if (streams === undefined) return undefined;
      const [only, ...others] = streams;
      const key = only === undefined ? undefined : others.length > 0 ? yield* this.#nextMerged(streams) : yield* this.#nextOf(only); // prettier-ignore
      if (key !== undefined) return { name: this.#name, key };
      this.#streams = this.#merge = undefined;
    }
  }

  /** Undefined behind the last measurement. */
  *#openNext(): Steps<readonly BlockStream<WindowsBlock>[] | undefined> {
    const at = this.#next++;
    const measurement = this.#names[at];
    if (measurement === undefined) return undefined;
    this.#name = measurement.name;
    return (yield* this.#opened.of(at)) as readonly BlockStream<WindowsBlock>[];
  }

  *#nextOf(stream: BlockStream<WindowsBlock>): Steps<GroupKey | undefined> {
    const asked = stream.next();
    const block = asked instanceof Promise ? yield* settled(asked) : asked;
    this.#summaries = block?.fields ?? [];
    return block?.group;
  }

  /** The blocks that several streams have of a group as one. */
  *#nextMerged(streams: readonly BlockStream<WindowsBlock>[]): Steps<GroupKey | undefined> {
    const merge = (this.#merge ??= new GroupMerge(streams, this.#plan.ascending));
    const key = yield* merge.next();
    if (key === undefined) return undefined;
    const blocks: WindowsBlock[] = [];
    for (const stream of merge.blocksOf(key))
      for (;;) {
        const block = yield* settled(stream.next());
        if (block === undefined) break;
        blocks.push(block);
      }
    this.#summaries = yield* mergeSummaries(blocks, this.#task, this.#context.pacer);
    return key;
  }

  *rows(): Flow<Batch> {
    const builder = this.#rowBuilder();
    const whole = this.#wholeRows(builder);
    if (whole !== undefined) {
      yield whole;
      return;
    }
    const { calls, ascending } = this.#plan;
    const rows = [{ subgroup: this.subgroups.idOf([]), summaries: this.#summaries }];
    const place = { task: this.#task, feed: 0, ascending, subgroups: this.subgroups };
    this.#calls ??= new CallRows(this.#plan, this.#context, { subgroups: this.subgroups, isOutermost: true }); // prettier-ignore
    yield* this.#calls.rows(foldedInputs(rows, calls, place), builder);
  }

  async close(): Promise<void> {
    await this.#opened.close();
  }

  /** One that remembers values serves one group. */
  #rowBuilder(): RowBuilder {
    const { slots, columns, fill } = this.#plan;
    if (fill.kind === 'previous') this.#builder = undefined;
    const { matcher } = this.#context;
    this.#builder ??= new RowBuilder({ slots, columns, fill, matcher, hidesNaN: true, isShown: false }); // prettier-ignore
    return this.#builder;
  }

  /** Undefined where calls have points in differing windows, or fill() has something to fill. */
  #wholeRows(builder: RowBuilder): Batch | undefined {
    const plain = this.#plain;
    if (plain === undefined) return undefined;
    let timesNs: BigInt64Array | undefined;
    for (const one of plain) {
      const summary = must(this.#summaries[one.input.field], 'a summary per field');
      const own = one.input.keepsTimes ? callTimesNs(one.input.call, summary) : shownStartsNs(summary.startsNs); // prettier-ignore
      if (!this.#isWhole(own, one)) return undefined;
      if (timesNs !== undefined && !areEqual(timesNs, own)) return undefined;
      timesNs = own;
    }
    if (timesNs === undefined) return undefined;
    const values: Column[] = [];
    for (const { input, call } of plain) {
      const summary = must(this.#summaries[input.field], 'a summary per field');
      const column = resultColumn(input.call, summary, call.type);
      if (column.valid !== undefined) return undefined;
      values.push(column);
    }
    const columns = this.#slots.map((call) => values[call]);
    return builder.build({ timesNs, subgroups: undefined, columns });
  }

  /** Windows of a grid ascend and are apart by its interval: their number and ends tell whether one is missing. */
  #isWhole(timesNs: BigInt64Array, { filled, call }: PlainCall): boolean {
    const count = timesNs.length;
    if (count === 0 || (count > 1 && !this.#plan.ascending)) return false;
    if (filled === undefined) return true;
    const { firstNs, lastNs } = filled;
    if (timesNs[0] !== firstNs || timesNs[count - 1] !== lastNs) return false;
    const [fill] = call.stages;
    const intervalNs = fill?.kind === 'fill' ? fill.grid.intervalNs : 0n;
    return BigInt(count - 1) * intervalNs === lastNs - firstNs;
  }
}

function foldedPlan(plan: LevelPlan): FoldedPlan | undefined {
  const [feed, ...others] = plan.feeds;
  if (feed?.kind !== 'windows' || others.length > 0) return undefined;
  const { scan } = feed satisfies WindowsFeed;
  const { names, seriesLimit, seriesOffset } = scan;
  const task = names[0]?.parts[0]?.fragment.task;
  if (task?.kind !== 'windows' || names.some(({ parts }) => parts.length !== 1)) return undefined;
  const isPaged = seriesLimit > 0 || seriesOffset > 0 || plan.limit > 0 || plan.offset > 0;
  const isGrouped = innerTags(plan.outerTags, plan.tags).length === 0;
  if (isPaged || !isGrouped || plan.refusals.length > 0) return undefined;
  if (plan.calls.some(({ input }) => input.kind !== 'folded')) return undefined;
  const placeOf = new Map(plan.calls.map(({ slot }, place) => [slot, place]));
  const slots = plan.slots.map((_, at) => placeOf.get(at) ?? -1);
  return { scan, task, plain: plainCalls(plan), slots };
}

/** Undefined where a call has stages that change its points. */
function plainCalls({ calls }: LevelPlan): readonly PlainCall[] | undefined {
  const plain: PlainCall[] = [];
  for (const call of calls) {
    const [fill, ...others] = call.stages;
    if (call.input.kind !== 'folded' || others.length > 0) return undefined;
    if (fill !== undefined && (fill.kind !== 'fill' || fill.grid.zone !== undefined)) return undefined; // prettier-ignore
    if (fill?.grid.startNs === minTimeNs) return undefined;
    const filled = fill && {
      firstNs: windowAt(fill.grid.startNs, fill.grid).startNs,
      lastNs: windowAt(fill.grid.endNs, fill.grid).startNs,
    };
    plain.push({ input: call.input, call, filled });
  }
  return plain;
}

function areEqual(one: BigInt64Array, other: BigInt64Array): boolean {
  if (one === other) return true;
  if (one.length !== other.length) return false;
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false;
  return true;
}
