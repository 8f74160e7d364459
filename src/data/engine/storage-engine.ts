import { tryAll } from '../../base/async/try-all.ts';
import type { Stamp } from '../../models/stamp.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { MiB } from '../../base/units.ts';
import type {
  Engine,
  EngineContext,
  EnginePorts,
  EngineReply,
  EngineSettings,
} from '../../env/engine-host.ts';
import { Slices } from '../../env/slices.ts';
import { regexCache } from '../../influxql/regex.ts';
import { ColumnKernel } from '../../kernels/column-kernel.ts';
import type { LineKernel } from '../../kernels/line-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import type { ShardView } from '../../storage/engine/shard-view.ts';
import { Ingress } from '../../storage/store/ingress.ts';
import { Store } from '../../storage/store/store.ts';
import { checkSnapshotFile } from '../../storage/store/transfers/check-snapshot-file.ts';
import type { StoreOptions } from '../../storage/store/store-options.ts';
import type { DeletePointsRequest, DescribeRequest, TypedField } from './shard-access.ts'; // prettier-ignore
import type { CheckTask, EngineJoined, EngineReceipt, EngineRoutedLines, EngineVersions, ExpectTask, HomeBatch, HomeDelete, HomeFields, HomeReceipt, InstallTask, LatelyLoggedTask, LateTask, OtherSeriesTask, ReplayedDoubts, SnapshotTask, StorageEngineOptions } from './engine-tasks.ts'; // prettier-ignore
import { homeOf } from './engine-tasks.ts';
import { newLineKernel, type EngineParts } from './engine-parts.ts';
import { FieldType } from '../../models/field-value.ts';
import type { DecidedField } from '../../storage/engine/shard.ts';
import { SelectAccounts } from '../../query/run/select-limits.ts';
import { AnswerRunner } from './answers/answer-runner.ts';
import type { FeedPiece } from './answers/gathered/feeds.ts';
import type { SharedAnswer } from './answers/shared/shared-answer.ts';
import { taskOf, type AnswerRequest } from './answers/answer-task.ts';
import { DigestRunner } from './digests/digest-runner.ts';
import { isDigestKind, type DigestBody } from './digests/digest-streams.ts';
import type { EngineDescription } from './lists/described-lanes.ts';
import { describeShards } from './lists/describe-shards.ts';
import { ListRunner, type ListRunnerPorts } from './lists/list-runner.ts';
import type { ListRequest } from './lists/schema-list.ts';
import { deleteFilters, filterOf, isAnySelected, selectSeries } from './delete-filters.ts';
import type { PointDelete } from '../../storage/store/deletes/point-deletes.ts';
import { IdleKernels } from './idle-kernels.ts';
import { FragmentStreams, isFragmentKind } from './fragment-streams.ts';
import { LineRouter } from './lines/line-router.ts';
import { ShardCounters } from './shard-counters.ts';
import { forwardLines, type ForwardTask } from './lines/forward-lines.ts';
import { partBatch, type PartTask } from './lines/part-batch.ts';
import { bodiesWithPoints, writeJoined } from './lines/write-joined.ts';
import { routeAndWrite } from './lines/own-writes.ts';
import { LinesUnpacker, packRouted, type EngineJoinedTask, type EngineLines, type PackedJoined, type PackedLines } from './lines/packed-lines.ts'; // prettier-ignore
import { buffersOf } from './transfer.ts';

/** Of batches on their way to the log that are kept to be used again. */
const batchBytesKeptMax = 16 * MiB;
/** Places of damage that are named in the log of one run. */
const damageTextsMax = 1_000;
/** Shards that were written last are the first to be written again: so many are opened as the worker starts. */
const latestOpened = 4;
/** As much as a worker remembers of it (recentBytesDefault). */
const logKeptBytesDefault = 32 * MiB;

/**
 * A worker of a data node: parses line protocol for any shard, and keeps, reads and answers for the shards that are home
 * on it. Everything it is asked comes through LocalShards.
 */
export class StorageEngine implements Engine {
  readonly #store: Store;
  readonly #ports: EnginePorts;
  readonly #matcher = regexCache();
  readonly #counters = new ShardCounters();
  readonly #fragments: FragmentStreams;
  readonly #digests: DigestRunner;
  readonly #lineKernel: () => LineKernel;
  #router: LineRouter | undefined;
  readonly #batchBuffers = new SharedBuffers(batchBytesKeptMax);
  readonly #isHome: (shardId: number) => boolean;
  readonly #damageTexts = new Set<string>();
  readonly #kernels: IdleKernels;
  readonly #lines = new LinesUnpacker();
  readonly #answers: AnswerRunner;
  readonly #lists: ListRunner;
  readonly #ingress: Ingress | undefined;
  readonly #deletesMax: number;

  private constructor(
    store: Store,
    ports: EnginePorts,
    options: Pick<
      StorageEngineOptions,
      'arenaBytesMax' | 'queryAccounts' | 'shareLimits' | 'deletesMax'
    > &
      Pick<StoreOptions, 'isHome' | 'ingress'> & { readonly lineKernel: () => LineKernel },
  ) {
    this.#store = store;
    this.#ports = ports;
    this.#kernels = new IdleKernels({ bytesMax: options.arenaBytesMax });
    this.#isHome = options.isHome;
    this.#deletesMax = options.deletesMax ?? 1;
    this.#ingress = options.ingress;
    this.#lineKernel = options.lineKernel;
    const shared: ListRunnerPorts = {
      ...{ clock: ports.clock, turn: ports.turn, matcher: this.#matcher },
      whenOpen: (shardIds) => store.whenOpen(shardIds),
      views: (shardIds) => this.#views(shardIds),
      seriesVersion: () => store.seriesVersion,
    };
    const reading = {
      ...shared,
      kernels: this.#kernels,
      schemaVersion: () => store.schemaVersion,
      accounts: new SelectAccounts(options.queryAccounts),
    };
    this.#lists = new ListRunner(shared);
    this.#digests = new DigestRunner({
      ...shared,
      disk: ports.disk,
      kernels: this.#kernels,
      store,
    });
    this.#fragments = new FragmentStreams(reading);
    this.#answers = new AnswerRunner({
      ...reading,
      ...{ lent: store.borrowed, shareLimits: options.shareLimits },
    });
  }

  static async create(
    settings: EngineSettings,
    ports: EnginePorts,
    parts: EngineParts = {},
  ): Promise<Engine> {
    // prettier-ignore
    const options = settings.options as StorageEngineOptions;
    const { arenaBytesMax: bytesMax } = options;
    const columnKernel = new ColumnKernel(compiledKernels(), { bytesMax });
    const isHome = (shardId: number): boolean => homeOf(shardId, settings.count) === settings.index;
    const ingress = options.ingress && new Ingress(options.ingress);
    const { logKeptBytes = logKeptBytesDefault } = options;
    const home = { ...options, ingress, opensBehind: true, opensLatest: latestOpened, settlesLater: true, logKeptBytes, worker: settings.index, isHome }; // prettier-ignore
    const filters = deleteFilters(ports);
    const { storeMemory: kernelMemory, lineKernel = newLineKernel } = parts;
    const trace = options.isTraced === true ? ports.log : undefined;
    const store = await Store.open({ ...ports, columnKernel, filters, kernelMemory, trace }, home);
    return new StorageEngine(store, ports, { ...home, lineKernel });
  }

  async call(kind: string, body: unknown, context: EngineContext): Promise<EngineReply> {
    switch (kind) {
      case 'lines': {
        const routed = packRouted(await this.#route(this.#lines.unpack(body as PackedLines)));
        return Array.isArray(routed) ? { body: routed } : { body: routed, transfer: buffersOf(routed) }; // prettier-ignore
      }
      case 'joined':
        return { body: await this.#writeJoined(this.#lines.unpackJoined(body as PackedJoined)) };
      case 'forward': {
        const forwarded = await forwardLines(body as ForwardTask, this.#pacer());
        return { body: forwarded, transfer: [forwarded.lines.buffer as ArrayBuffer] };
      }
      case 'replayed-doubts':
        return { body: this.#store.replayedDoubts() satisfies ReplayedDoubts };
      case 'part':
        return { body: partBatch(body as PartTask) };
      case 'write': {
        const receipt = await this.#write(body as HomeBatch);
        return { body: { ...receipt, ...this.#versions } satisfies EngineReceipt }; // prettier-ignore
      }
      case 'describe':
        return { body: await this.#describe(body as DescribeRequest) };
      case 'other-series': {
        const { database, payload, question } = body as OtherSeriesTask;
        return { body: await this.#store.otherSeries(database, payload, question) };
      }
      case 'field-types': {
        const { fields, ...place } = body as HomeFields;
        const decided = await this.#store.decideFieldTypes(place, fields.map(decidedField));
        return { body: decided.map(typedField) };
      }
      case 'is-late': {
        const { shardId, ...batch } = body as LateTask;
        return { body: await this.#store.isLate(shardId, batch) };
      }
      case 'delete-points':
        await this.#deletePoints(body as HomeDelete);
        return { body: this.#versions };
      case 'end-delete':
        await this.#store.endDelete(body as number);
        return { body: this.#versions };
      case 'delete':
        // One that the disk does not let go keeps no other.
        await tryAll(body as readonly number[], 1, (shardId) => {
          this.#digests.forget(shardId);
          return this.#store.deleteShard(shardId);
        });
        return { body: undefined };
      case 'set-aside':
        this.#digests.forget(body as number);
        return { body: await this.#store.setAside(body as number) };
      case 'stored-deletes':
        return { body: await this.#store.storedDeletes(body as number) };
      case 'expect-none':
        await this.#store.transfers.expectNone(body as number);
        return { body: this.#versions };
      case 'feed':
        return { body: await this.#answers.feeds.push(body as FeedPiece) };
      case 'settle-log':
        await this.#store.settleLog();
        return { body: undefined };
    }
    const answered = (await this.#copied(kind, body, context)) ?? (await this.#told(kind, body));
    if (answered !== undefined) return answered;
    throw new DbError('internal', `engine call ${kind}`);
  }

  /** What copies and backups of shards ask for; undefined for any other call. */
  async #copied(
    kind: string,
    body: unknown,
    context: EngineContext,
  ): Promise<EngineReply | undefined> {
    switch (kind) {
      case 'snapshot': {
        const { shardId, number } = body as SnapshotTask;
        return { body: await this.#store.transfers.snapshot(shardId, number) };
      }
      case 'check-file': {
        const isCancelled = (): boolean => context.cancelled();
        await checkSnapshotFile({ ...this.#ports, isCancelled }, body as CheckTask);
        return { body: undefined };
      }
      case 'expect-copy':
        return { body: await this.#store.transfers.expectCopy(body as ExpectTask) };
      case 'lacks':
        return { body: await this.#lacks(body as number) };
      case 'install': {
        const { deletes, staging, ...place } = body as InstallTask;
        const asked = deletes.map((one) => this.#deleteOf(one));
        await this.#store.transfers.install(place, { staging, deletes: asked });
        return { body: this.#versions };
      }
    }
    return undefined;
  }

  /** What is said of the shards without reading their points; undefined for any other call. */
  async #told(kind: string, body: unknown): Promise<EngineReply | undefined> {
    const { facts } = this.#store;
    switch (kind) {
      case 'awaiting':
        return { body: facts.awaitingIds };
      case 'index-bytes':
        return { body: facts.indexBytes };
      case 'latest-stamp':
        return { body: await this.#latestStamp(body as readonly number[] | undefined) };
      case 'lately-logged': {
        const { shardIds, windowNs } = body as LatelyLoggedTask;
        const logged = await this.#store.latelyLogged(shardIds, windowNs);
        return { body: logged, transfer: logged.map(({ payload }) => payload.buffer) };
      }
      case 'let-runs-before-go':
        this.#store.letRunsBeforeGo();
        return { body: undefined };
      case 'shards':
        return { body: facts.holdings };
      case 'health':
        return { body: facts.health };
      case 'states':
        return { body: await facts.states() };
      case 'ingress':
        return { body: this.#ingress?.list() ?? [] };
      case 'numbers':
        return { body: this.#counters.read(facts.numbers) };
    }
    return undefined;
  }

  async #latestStamp(shardIds: readonly number[] | undefined): Promise<Stamp> {
    if (shardIds !== undefined) await this.#store.whenOpen(shardIds);
    return this.#store.facts.latestStamp(shardIds);
  }

  async #describe({ shardIds, only }: DescribeRequest): Promise<EngineDescription> {
    await this.#store.whenOpen(shardIds);
    const measurements = this.#viewing(shardIds, (views) => describeShards(views, only));
    return { measurements, schemaVersion: this.#store.schemaVersion };
  }

  /** Undefined where each body is to be written by itself. */
  async #writeJoined({ clusterId, ...task }: EngineJoinedTask): Promise<EngineJoined | undefined> {
    const written = await writeJoined(task, {
      router: this.#lineRouter,
      buffers: this.#batchBuffers,
      isHome: this.#isHome,
      write: (place, payload) => {
        const receipt = this.#store.write({ ...place, clusterId, isAlone: true, isWhole: true }, payload);
        return this.#counters.countJoined(place.shardId, { payload, requestCount: bodiesWithPoints(task.table) }, receipt);
      },
    });
    if (written === undefined) return undefined;
    const { schemaVersion, seriesVersion } = this.#versions;
    return [schemaVersion, seriesVersion, written.shardId, written.pointCount];
  } // prettier-ignore

  get #lineRouter(): LineRouter {
    this.#router ??= new LineRouter(this.#lineKernel());
    return this.#router;
  }

  async #route(task: EngineLines): Promise<EngineRoutedLines> {
    const routed = await routeAndWrite(task, {
      router: this.#lineRouter,
      buffers: this.#batchBuffers,
      isHome: this.#isHome,
      write: (place, payload) => this.#write({ ...place, payload, clusterId: task.clusterId, isAlone: true }), // prettier-ignore
    });
    return { ...routed, ...this.#versions };
  }

  get #versions(): EngineVersions {
    const { schemaVersion, seriesVersion } = this.#store;
    return { schemaVersion, seriesVersion };
  }

  #write({ payload, fields, others, ...place }: HomeBatch): Promise<HomeReceipt> {
    const written = this.#store.write(place, payload, fields?.map(decidedField), others);
    return this.#counters.count(place.shardId, payload, written);
  }

  /** Gives others their turn once a slice of time is over. */
  #pacer(): () => Promise<void> {
    const slices = new Slices(this.#ports);
    return async () => {
      await slices.next();
    };
  }

  begin(
    kind: string,
    body: unknown,
    context: EngineContext,
  ): EngineReply | AsyncIterable<EngineReply> {
    if (kind !== 'answer') return this.stream(kind, body, context);
    const request = body as AnswerRequest;
    try {
      const begun = this.#answers.begin(request, context);
      return 'body' in begun ? begun : this.#answer(begun, () => shardsOf(request));
    } catch (error) {
      this.#noteDamage(error, shardsOf(request));
      throw error;
    }
  }

  async *stream(kind: string, body: unknown, context: EngineContext): AsyncGenerator<EngineReply> {
    if (kind === 'list') {
      yield* this.#lists.list(body as ListRequest, context);
      return;
    }
    if (kind === 'packed-list') {
      yield* this.#lists.packed(body, context);
      return;
    }
    if (kind === 'answer' || kind === 'planned-blocks') {
      const request = body as AnswerRequest;
      const answers = this.#answers;
      yield* this.#answer(kind === 'answer' ? answers.run(request, context) : answers.blocks(request, context), () => shardsOf(request)); // prettier-ignore
      return;
    }
    if (kind === 'assist') {
      const shared = body as SharedAnswer;
      const shardIds = () => shared.shards.map(({ shardId }) => shardId);
      yield* this.#answer(this.#answers.assist(shared, context), shardIds);
      return;
    }
    if (isDigestKind(kind)) {
      yield* this.#digests.run({ ...(body as object), kind } as DigestBody, context);
      return;
    }
    if (!isFragmentKind(kind)) throw new DbError('internal', `engine stream ${kind}`);
    const asked = this.#fragments.asked(kind, body);
    yield* this.#answer(this.#fragments.run(asked, context), () => asked.shardIds);
  }

  /** What of it is damaged is told, too. */
  async *#answer(
    parts: AsyncIterable<EngineReply>,
    shardIds: () => readonly number[],
  ): AsyncGenerator<EngineReply> {
    try {
      yield* parts;
    } catch (error) {
      this.#noteDamage(error, shardIds());
      throw error;
    }
  }

  /** Whether it has nothing to be read of a shard. Throws what is wrong with a damaged one. */
  async #lacks(shardId: number): Promise<boolean> {
    await this.#store.whenOpen([shardId]);
    return this.#store.lacks(shardId);
  }

  /** A query goes to another owner and nobody else hears of it; each place is named once. */
  #noteDamage(error: unknown, shardIds: readonly number[]): void {
    if (!isDbError(error, 'corrupt') && !isDbError(error, 'io_error')) return;
    if (this.#damageTexts.has(error.message) || this.#damageTexts.size >= damageTextsMax) return;
    this.#damageTexts.add(error.message);
    this.#ports.log.error('A query has met damage', { shards: shardIds.join(), error: error.message }); // prettier-ignore
  }

  async #deletePoints({ shardIds, places, clusterId, ...request }: HomeDelete): Promise<void> {
    const asked = this.#deleteOf(request);
    // One that is damaged, or whose disk fails, keeps no other.
    await tryAll(shardIds, this.#deletesMax, (shardId) => {
      const place = places.find((one) => one.shardId === shardId);
      return this.#store.deletePoints(shardId, asked, place && { ...place, clusterId });
    });
  }

  #deleteOf({
    measurements,
    minTimeNs,
    maxTimeNs,
    stamp,
  }: Omit<DeletePointsRequest, 'shardIds'>): PointDelete {
    // prettier-ignore
    const { clock, turn } = this.#ports;
    const ports = { matcher: this.#matcher, clock, turn };
    const filter = filterOf(measurements);
    return {
      filter,
      select: (view) => selectSeries(view, measurements, ports),
      isAnyMeant: (view) => isAnySelected(view, measurements, ports),
      range: { minTimeNs, maxTimeNs },
      ...(stamp !== undefined && { said: { stamp, filter } }),
    };
  }

  async close(): Promise<void> {
    await this.#store.close();
  }

  #viewing<T>(shardIds: readonly number[], look: (views: readonly ShardView[]) => T): T {
    const views = this.#views(shardIds);
    try {
      return look(views);
    } finally {
      for (const view of views) view.release();
    }
  }

  /** To be released. */
  #views(shardIds: readonly number[]): readonly ShardView[] {
    const views: ShardView[] = [];
    try {
      for (const shardId of shardIds) {
        const view = this.#store.view(shardId);
        if (view !== undefined) views.push(view);
      }
    } catch (error) {
      for (const view of views) view.release();
      throw error;
    }
    return views;
  }
}

function shardsOf({ text }: AnswerRequest): readonly number[] {
  return taskOf(text).places.flatMap(({ shardIds }) => shardIds);
}

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

function decidedField({ measurement, name, type }: TypedField): DecidedField {
  return { measurement, name, type: FieldType[type] };
}

function typedField({ measurement, name, type }: DecidedField): TypedField {
  return { measurement, name, type: typeNames[type] };
}
