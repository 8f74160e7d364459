/**
 * Answers a SELECT on the worker that holds all of its shards (decision 51): plan, blocks, functions and JSON, one after the
 * other on one thread, with the modules that a coordinator runs; or cuts it into chunks that another worker takes of, too (decision
 * 100). What it has open is closed however it ends.
 */
import { DbError } from '../../../base/errors.ts';
import { streamAheadMax, type EngineContext, type EngineReply } from '../../../env/engine-host.ts'; // prettier-ignore
import { FragmentContext } from '../../../query/exec/context.ts';
import type { FoundGroups } from '../../../query/exec/groups.ts';
import { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { CompiledSelect } from '../../../query/plan/compile-statement.ts';
import type { LevelPlan } from '../../../query/plan/level-plan.ts';
import { planInSteps } from '../../../query/plan/plan-select.ts';
import type { QueryAccount } from '../../../query/run/query-account.ts';
import { waited, type Steps } from '../../../query/run/steps.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import type { ViewParts } from '../../../storage/engine/view-request.ts';
import { DescribedLanes } from '../lists/described-lanes.ts';
import { describeShards, mergeDescriptions } from '../lists/describe-shards.ts';
import type { MeasurementDescription } from '../shard-access.ts';
import { AnswerReader, pacerOf, type AnswerPorts, type OpenPlace, type ReadAnswer, type RunningAnswer } from './answer-reader.ts'; // prettier-ignore
import { schemasMark, ShareNotes } from './answer-share.ts';
import type { AnswerPlace, AnswerRequest, Gathering } from './answer-task.ts';
import { documentParts, Documents } from './document-parts.ts';
import { holdsItsPoints, isOfGroup } from './own-groups.ts';
import { Feeds, type Feed } from './gathered/feeds.ts';
import { partOf } from './gathered/part-of.ts';
import { nothingSent, plannedReply, type SentBatch } from './gathered/sent-batches.ts';
import { KnownAnswers, type KnownAnswer } from './known-answers.ts';
import { begunReplies, repliesOf, type ReplyFlow } from './reply-flow.ts';
import { shareablePlan } from './shared/shareable-plan.ts';
import { cutAnswer, usualShareLimits, type ShareLimits } from './shared/share-answer.ts';
import { ChunkRunner, type ChunkedPlan, type LentFiles } from './shared/chunk-runner.ts';
import type { SharedAnswer, SharingStart } from './shared/shared-answer.ts';

export interface AnswerRunnerPorts extends AnswerPorts {
  /** Undefined where they are open. */
  readonly whenOpen: (shardIds: readonly number[]) => Promise<void> | undefined;
  /** Of those that are here, to be released. */
  readonly views: (shardIds: readonly number[]) => readonly ShardView[];
  readonly schemaVersion: () => number;
  /** Another one also with each new series. */
  readonly seriesVersion: () => number;
  /** Files of other workers' shards. */
  readonly lent: LentFiles;
  readonly shareLimits?: ShareLimits | undefined;
}

/** The number that stands for this worker among its own descriptions. */
const self = 0;

/** Descriptions of more cost more on their way over two threads than another worker's help is worth. */
const toldMeasurementsMax = 256;

/** A place as it is planned for: what its shards have. */
interface DescribedPlace extends AnswerPlace {
  readonly measurements: readonly MeasurementDescription[];
}

/** What is planned, and the version of the schemas that it is planned by. */
interface Planned {
  readonly known: KnownAnswer;
  readonly compiled: CompiledSelect;
  readonly request: AnswerRequest;
  readonly schemaVersion: number;
  /** Others have points of the same groups. */
  readonly isPart?: boolean;
}

/** What is planned of shards that are open. */
interface OpenedAnswer {
  readonly planned: Planned;
  readonly places: readonly OpenPlace[];
  readonly running: RunningAnswer;
  /** As it was before anything was read. */
  readonly seriesVersion: number;
}

interface PlannedPlaces {
  readonly planned: Planned;
  readonly places: readonly OpenPlace[];
}

interface Help {
  readonly shared?: AsyncGenerator<EngineReply>;
  /** Need not be looked for again. */
  readonly found?: FoundGroups | undefined;
}

const noHelp: Help = {};

export class AnswerRunner {
  readonly #ports: AnswerRunnerPorts;
  readonly #known = new KnownAnswers();
  readonly #described = new DescribedLanes();
  readonly #chunks: ChunkRunner;
  /** What other nodes send for answers that are made here. */
  readonly feeds = new Feeds();

  constructor(ports: AnswerRunnerPorts) {
    this.#ports = ports;
    this.#chunks = new ChunkRunner(ports, ports.lent);
  }

  /** The parts of the document; or what is shared of it, and then this worker's chunks. */
  run(request: AnswerRequest, context: EngineContext): AsyncGenerator<EngineReply> {
    return repliesOf(this.#flow(request, context));
  }

  /** The same; the only part itself where all was there that it takes. Parts have to be asked for, as what reads them has begun. */
  begin(request: AnswerRequest, context: EngineContext): EngineReply | AsyncGenerator<EngineReply> {
    return begunReplies(this.#flow(request, context));
  }

  #flow(request: AnswerRequest, context: EngineContext): ReplyFlow {
    const { gathers } = request;
    // Before anything is awaited: what comes of others may be right behind.
    const feeds = gathers && this.feeds.open(gathers);
    if (gathers === undefined || feeds === undefined)
      return this.#opened(request, context, (opened) => this.#answer(opened));
    // Whoever may not be told any more that another node failed stops the answer.
    void context.stopped?.then(() => {
      this.feeds.stop(gathers);
    });
    return this.#opened(request, context, (opened) => this.#gathered(opened, gathers, feeds));
  }

  /** What other nodes merge with what they have. */
  blocks(request: AnswerRequest, context: EngineContext): AsyncGenerator<EngineReply> {
    return repliesOf(this.#opened(request, context, (opened) => this.#blocks(opened)));
  }

  *#opened(
    request: AnswerRequest,
    context: EngineContext,
    run: (opened: OpenedAnswer) => ReplyFlow,
  ): ReplyFlow {
    const { accounts, whenOpen, schemaVersion } = this.#ports;
    const places: OpenPlace[] = [];
    let account: QueryAccount | undefined;
    try {
      const known = this.#known.of(request);
      for (const { shardIds } of known.task.places) {
        const opening = whenOpen(shardIds);
        if (opening !== undefined) yield opening;
      }
      const seriesVersion = this.#ports.seriesVersion();
      account = accounts.open();
      const running = { context, pacer: pacerOf(this.#ports, context), account };
      for (const { database, retentionPolicy, isParted, shardIds, names } of known.task.places) {
        const views = this.#ports.views(shardIds);
        places.push({ database, retentionPolicy, isParted, shardIds, names, views });
      }
      const compiled = known.compiled(request);
      const planned = { known, compiled, request, schemaVersion: schemaVersion() };
      yield* run({ planned, places, running, seriesVersion });
    } finally {
      if (request.gathers !== undefined) this.feeds.close(request.gathers);
      for (const { views } of places) for (const view of views) view.release();
      account?.close();
    }
  }

  *#answer({ planned, places, running, seriesVersion }: OpenedAnswer): ReplyFlow {
    const { request, compiled, known } = planned;
    const { task } = known;
    const { zone } = compiled;
    // Too many windows are an error, whatever there is: at other times there may be.
    const isTimeless = request.times === undefined || task.bucketsMax === 0;
    const emptyAt = isTimeless ? seriesVersion : undefined;
    // By the schemas of now, as the plan is.
    const share = request.isShare === true ? new ShareNotes(this.#markOf(places), emptyAt) : undefined; // prettier-ignore
    const plan = yield* this.#planOf(planned, places, running);
    const mayBeShared = request.mayBeHelped === true && share === undefined;
    const { shared, found } = mayBeShared ? yield* this.#shared({ plan, zone, task }, { planned, places }, running) : noHelp; // prettier-ignore
    if (shared !== undefined) yield shared;
    else {
      const read = { places, limits: task, share, found };
      yield* this.#alone({ plan, zone, task }, read, running);
    }
  }

  *#gathered(
    { planned, places, running }: OpenedAnswer,
    { beforeCount }: Gathering,
    feeds: readonly Feed[],
  ): ReplyFlow {
    const mark = this.#markOf(places);
    const plan = yield* this.#planOf({ ...planned, isPart: true }, places, running);
    if (mark === '' || partOf(plan) === undefined) throw severalPlans();
    const { account, pacer } = running;
    for (const feed of feeds) feed.expect(mark, account, () => pacer.waited());
    const others = { before: feeds.slice(0, beforeCount), after: feeds.slice(beforeCount) };
    const { task } = planned.known;
    const { zone } = planned.compiled;
    const read = { places, limits: task, isPart: true, others };
    yield* this.#alone({ plan, zone, task }, read, running);
  }

  *#blocks({ planned, places, running }: OpenedAnswer): ReplyFlow {
    const mark = this.#markOf(places);
    if (mark === '') {
      yield plannedReply(mark, nothingSent);
      return;
    }
    const plan = yield* this.#planOf({ ...planned, isPart: true }, places, running);
    const part = partOf(plan);
    if (part === undefined) throw severalPlans();
    const { task: limits } = planned.known;
    const reader = new AnswerReader(this.#ports, { places, limits, isPart: true }, running);
    yield plannedReplies(mark, reader.batches(part));
  }

  /** Chunks of an answer whose shards are home on another worker, as many as it leaves. */
  async *assist(shared: SharedAnswer, context: EngineContext): AsyncGenerator<EngineReply> {
    const { request, measurements, schemaVersion } = shared;
    const known = this.#known.of(request);
    const { task } = known;
    const account = this.#ports.accounts.open(shared.held);
    const running = { context, pacer: pacerOf(this.#ports, context), account };
    try {
      const compiled = known.compiled(request);
      const planned = { known, compiled, request, schemaVersion };
      const places = task.places.map((place) => ({ ...place, measurements }));
      const plan = await waited(this.#plan(planned, places, running));
      yield* this.#chunks.assist({ plan, zone: compiled.zone, task }, shared, running);
    } finally {
      account.close();
    }
  }

  *#alone({ plan, zone, task }: ChunkedPlan, read: ReadAnswer, running: RunningAnswer): ReplyFlow {
    const reader = new AnswerReader(this.#ports, read, running);
    const { share } = read;
    try {
      const { epochUnitNs, chunkRowsMax } = task;
      const documents = new Documents(new JsonDocument({ epochUnitNs }), chunkRowsMax, share);
      yield* documentParts(reader.flow(plan, zone), documents, running.pacer);
    } finally {
      reader.end();
    }
  }

  /** Without `shared` the answer is not worth another worker's help, or cannot be cut. */
  *#shared(
    chunked: ChunkedPlan,
    { planned, places }: PlannedPlaces,
    running: RunningAnswer,
  ): Steps<Help> {
    const { task, plan } = chunked;
    const [place, ...others] = places;
    const isWhole = task.chunkRowsMax === undefined && task.pointsMax === 0 && others.length === 0;
    if (place === undefined || !isWhole || shareablePlan(plan) === undefined) return noHelp;
    const isApart = isOfGroup(planned.compiled.fields) && holdsItsPoints(planned.compiled);
    if (!isApart) return noHelp;
    const { kernels, matcher, shareLimits: limits = usualShareLimits } = this.#ports;
    const { context, pacer, account } = running;
    const kernel = kernels.take();
    try {
      const own = new FragmentContext(kernel, matcher, () => context.cancelled());
      own.chargeTo(account);
      const { views } = place;
      const steps = cutAnswer({ views, plan, limits, seriesMax: task.seriesMax, account }, own);
      let step = steps.next();
      for (; step.done !== true; step = steps.next()) {
        const rest = pacer.rest();
        if (rest !== undefined) yield rest;
      }
      const { request, schemaVersion } = planned;
      const { cut: made, found } = step.value;
      if (made === undefined) return { found };
      const { parts, handed, ...cut } = made;
      // Schemas that have grown since would give the other worker another plan.
      const isAsPlanned = this.#ports.schemaVersion() === schemaVersion;
      const measurements = isAsPlanned ? this.#measurementsOf(place) : [];
      if (!isAsPlanned || measurements.length > toldMeasurementsMax) {
        handed.giveBack();
        return { found };
      }
      const claims = new Int32Array(new SharedArrayBuffer(4));
      const shared = { ...cut, request, schemaVersion, claims, held: account.share(), measurements }; // prettier-ignore
      return { shared: this.#together({ chunked, shared, parts }, running), found };
    } finally {
      kernels.give(kernel);
    }
  }

  async *#together(
    { chunked, shared, parts }: { readonly chunked: ChunkedPlan; readonly shared: SharedAnswer; readonly parts: readonly ViewParts[] }, // prettier-ignore
    running: RunningAnswer,
  ): AsyncGenerator<EngineReply> {
    yield { body: { shared } satisfies SharingStart };
    yield* this.#chunks.run(chunked, { shared, parts, aheadMax: streamAheadMax }, running);
  }

  *#planOf(
    planned: Planned,
    places: readonly OpenPlace[],
    running: RunningAnswer,
  ): Steps<LevelPlan> {
    const known = keptPlan(planned);
    if (known !== undefined) return known;
    const described = places.map((place) => ({ ...place, measurements: this.#measurementsOf(place) })); // prettier-ignore
    return yield* this.#plan(planned, described, running);
  }

  *#plan(
    planned: Planned,
    places: readonly DescribedPlace[],
    { pacer }: RunningAnswer,
  ): Steps<LevelPlan> {
    const kept = keptPlan(planned);
    if (kept !== undefined) return kept;
    const { known, compiled, request, schemaVersion, isPart = false } = planned;
    const { nowNs, times } = request;
    const { range, bucketsMax } = known.task;
    const described = places.map((place) => ({ ...place, schemas: mergeDescriptions([place.measurements]) })); // prettier-ignore
    const asked = { compiled, range: times?.shards ?? range, nowNs, bucketsMax, isWhole: !isPart };
    const made = yield* planInSteps(asked, described, pacer);
    if (times === undefined) known.keep(made, schemaVersion, !isPart);
    return made;
  }

  /** Of their schemas. */
  #markOf(places: readonly OpenPlace[]): string {
    return places.map((place) => schemasMark(mergeDescriptions([this.#measurementsOf(place)]))).join(); // prettier-ignore
  }

  #measurementsOf({ shardIds, names, views }: OpenPlace): readonly MeasurementDescription[] {
    const schemaVersion = this.#ports.schemaVersion();
    const asked = { shardIds, only: names };
    this.#described.seen(self, schemaVersion);
    const known = this.#described.find(self, asked);
    const measurements = known ?? describeShards(views, names);
    if (known === undefined) this.#described.keep(self, asked, { measurements, schemaVersion });
    return measurements;
  }
}

function keptPlan({
  known,
  request,
  schemaVersion,
  isPart = false,
}: Planned): LevelPlan | undefined {
  return request.times === undefined ? known.planAt(schemaVersion, !isPart) : undefined;
}

async function* plannedReplies(
  mark: string,
  batches: AsyncGenerator<SentBatch>,
): AsyncGenerator<EngineReply> {
  for await (const batch of batches) yield plannedReply(mark, batch);
}

/** Before anything is out: it is answered the general way then. */
function severalPlans(): DbError {
  return new DbError('schema_changed', 'nodes that plan apart would not plan the same');
}
