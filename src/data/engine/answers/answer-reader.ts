/** What an answer reads of shards, on the worker that has their files. */
import { DbError } from '../../../base/errors.ts';
import type { EngineContext, EnginePorts } from '../../../env/engine-host.ts';
import type { QueryKernel } from '../../../kernels/query-kernel.ts';
import type { BlockStream } from '../../../query/assemble/merge-groups.ts';
import { FragmentContext, PointCount } from '../../../query/exec/context.ts';
import type { FoundGroups } from '../../../query/exec/groups.ts';
import { runAlikeFragments, runFragment } from '../../../query/exec/run-fragment.ts';
import { packAlike } from '../../../query/fragment-run.ts';
import type { Fragment } from '../../../query/fragment.ts';
import type { TimeZone } from '../../../base/time-zone.ts';
import type { ColumnSeries } from '../../../query/emit/result.ts';
import { fragmentOfLane } from '../../../query/plan/fragment-of-lane.ts';
import type { LevelPlan, ScanPart } from '../../../query/plan/level-plan.ts';
import type { MatcherFactory } from '../../../query/predicate.ts';
import { outputFlow } from '../../../query/run/output-series.ts';
import { ListedKeys } from '../../../query/run/listed-keys.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import type { QueryAccount } from '../../../query/run/query-account.ts';
import type { RunContext } from '../../../query/run/run-context.ts';
import type { SelectAccounts } from '../../../query/run/select-limits.ts';
import type { Flow } from '../../../query/run/steps.ts';
import type { TimeBounds } from '../../../storage/engine/memtable/shape-table.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import type { IdleKernels } from '../idle-kernels.ts';
import { listSchema } from '../lists/list-schema.ts';
import type { FragmentBlock } from '../shard-access.ts';
import type { ShareNotes } from './answer-share.ts';
import type { AnswerPlace, AnswerTask } from './answer-task.ts';
import type { Feed } from './gathered/feeds.ts';
import { sentBatches, type SentBatch } from './gathered/sent-batches.ts';
import { OwnBlocks } from './own-blocks.ts';
import { OwnRun, type RunBlocks } from './own-run.ts';

export interface AnswerPorts extends Pick<EnginePorts, 'clock' | 'turn'> {
  readonly kernels: IdleKernels;
  readonly matcher: MatcherFactory;
  readonly accounts: SelectAccounts;
}

/** A place of the task and its shards as they are read. */
export interface OpenPlace extends AnswerPlace {
  readonly views: readonly ShardView[];
}

export interface RunningAnswer {
  readonly context: EngineContext;
  readonly pacer: Pacer;
  readonly account: QueryAccount;
}

export interface ReadAnswer {
  readonly places: readonly OpenPlace[];
  readonly limits: Pick<AnswerTask, 'seriesMax' | 'pointsMax'>;
  /** No more than this time is read; absent: all that the plan asks for. */
  readonly within?: TimeBounds | undefined;
  /** Groups that were found before. */
  readonly found?: FoundGroups | undefined;
  /** Told the groups of all that is opened. */
  readonly share?: ShareNotes | undefined;
  /** Other nodes have rows of it, too: blocks of a place that is parted say which series they are of. */
  readonly isPart?: boolean | undefined;
  /** What these have of it, in its place among what is read here. */
  readonly others?:
    { readonly before: readonly Feed[]; readonly after: readonly Feed[] } | undefined;
}

interface RunningFragment {
  readonly blocks: Generator<FragmentBlock | undefined>;
  readonly kernel: QueryKernel;
}

/** What a plan reads of open shards. */
export class AnswerReader {
  readonly #ports: AnswerPorts;
  readonly #of: ReadAnswer;
  readonly #running: RunningAnswer;
  readonly #opened: (OwnBlocks | OwnRun)[] = [];
  readonly #points = new PointCount();

  constructor(ports: AnswerPorts, of: ReadAnswer, running: RunningAnswer) {
    this.#ports = ports;
    this.#of = of;
    this.#running = running;
  }

  /** The series of a plan that reads here. */
  flow(plan: LevelPlan, zone: TimeZone | undefined): Flow<ColumnSeries> {
    const { pacer, account } = this.#running;
    const run: RunContext = {
      open: (part) => this.#open(part),
      openRun: (parts) => this.#openRun(parts),
      seriesKeys: (part, countMax) => this.#seriesKeys(part, countMax),
      matcher: this.#ports.matcher,
      pacer,
      account,
    };
    return outputFlow(plan, run, zone);
  }

  /** Whatever is still read is read no more. */
  end(): void {
    for (const opened of this.#opened) opened.end();
  }

  /** What a part of a plan reads here, as other nodes are sent it. */
  async *batches(part: ScanPart): AsyncGenerator<SentBatch> {
    const running = this.#run(part);
    if (running === undefined) {
      yield { packed: new Uint8Array(), isLast: true };
      return;
    }
    const { kernel, blocks } = running;
    try {
      yield* sentBatches(blocks, this.#running.pacer);
    } finally {
      this.#ports.kernels.give(kernel);
    }
  }

  #open(part: ScanPart): readonly BlockStream<FragmentBlock>[] {
    const running = this.#run(part);
    if (running === undefined) return [];
    const { kernels } = this.#ports;
    const { blocks, kernel } = running;
    const opened = new OwnBlocks(blocks, this.#running.pacer, { kernel, kernels });
    this.#opened.push(opened);
    const { others } = this.#of;
    return others === undefined ? [opened] : [...others.before, opened, ...others.after];
  }

  /** Parts of one place, of which nobody else has anything. */
  #openRun(parts: readonly ScanPart[]): OwnRun | undefined {
    const [first] = parts;
    const place = first && this.#placeOf(first.found);
    const isAlone = parts.every(({ found }) => this.#placeOf(found) === place);
    if (place === undefined || !isAlone || this.#of.others !== undefined) return undefined;
    const { kernels } = this.#ports;
    const kernel = kernels.take();
    const fragments = parts.map(({ fragment }) => this.#asked(fragment, place));
    const contextOf = () => this.#contextOf(kernel, first?.fragment.ascending ?? true);
    const blocks = runOf(fragments, place.views, contextOf);
    const opened = new OwnRun(blocks, this.#running.pacer, { kernel, kernels });
    this.#opened.push(opened);
    return opened;
  }

  #run({ found, fragment }: ScanPart): RunningFragment | undefined {
    const place = this.#placeOf(found);
    if (place === undefined) return undefined;
    const kernel = this.#ports.kernels.take();
    const own = this.#contextOf(kernel, fragment.ascending);
    return { kernel, blocks: runFragment(this.#asked(fragment, place), place.views, own) };
  }

  #contextOf(kernel: QueryKernel, ascending: boolean): FragmentContext {
    const { context, account } = this.#running;
    const { share, found } = this.#of;
    const own = new FragmentContext(kernel, this.#ports.matcher, () => context.cancelled(), this.#points); // prettier-ignore
    own.chargeTo(account);
    own.knows(found);
    if (share !== undefined)
      own.tellGroups((groups) => {
        share.found(groups, ascending);
      });
    return own;
  }

  #asked(fragment: Fragment, { shardIds, isParted }: OpenPlace): Fragment {
    const { limits, within, isPart = false } = this.#of;
    const { seriesMax, pointsMax } = limits;
    const whole = fragmentOfLane(fragment, { shardIds, seriesMax, pointsMax, showsSeries: isPart && isParted }); // prettier-ignore
    return within === undefined ? whole : { ...whole, ...within };
  }

  async #seriesKeys(
    { found, fragment }: ScanPart,
    countMax: number | undefined,
  ): Promise<ListedKeys> {
    const { shardIds = [], views = [] } = this.#placeOf(found) ?? {};
    const { measurement: name, predicate } = fragment;
    const listed = { name, predicate, textsMax: countMax };
    const keys = new ListedKeys(this.#running.account);
    const request = { of: 'series', shardIds, measurements: [listed] } as const;
    for (const piece of listSchema(views, request, this.#ports.matcher)) {
      keys.add(piece?.texts ?? []);
      await this.#running.pacer.pause();
    }
    return keys;
  }

  #placeOf({ database, retentionPolicy }: ScanPart['found']): OpenPlace | undefined {
    return this.#of.places.find((one) => one.database === database && one.retentionPolicy === retentionPolicy); // prettier-ignore
  }
}

function* runOf(
  fragments: readonly Fragment[],
  views: readonly ShardView[],
  contextOf: () => FragmentContext,
): RunBlocks {
  for (const alike of packAlike(fragments)) yield* runAlikeFragments(alike, views, contextOf);
}

export function pacerOf({ clock, turn }: AnswerPorts, context: EngineContext): Pacer {
  return new Pacer({ clock, turn, signal: new ContextSignal(context) });
}

class ContextSignal implements Pick<AbortSignal, 'aborted' | 'reason'> {
  readonly #context: EngineContext;

  constructor(context: EngineContext) {
    this.#context = context;
  }

  get aborted(): boolean {
    return this.#context.cancelled();
  }

  /** An error is dear to make, and hardly ever asked for. */
  get reason(): DbError {
    return new DbError('cancelled', 'query interrupted');
  }
}
