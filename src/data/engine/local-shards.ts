import { tryAll } from '../../base/async/try-all.ts';
import { groupedBy } from '../../base/collections/grouped-by.ts';
import { assert } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { EngineHost, EngineLink } from '../../env/engine-host.ts';
import { latestOf, stampNs, type Stamp } from '../../models/stamp.ts';
import { headOfBatch } from '../../models/point-batch.ts';
import type { AccessOptions, DeletePointsRequest, BatchOutcome, DescribeOptions, DescribeRequest, FieldsOfShard, MeasurementDescription, NamedShard, ShardAccess, ShardBatch, ShardsDescription, TypedBatch, TypedField } from './shard-access.ts'; // prettier-ignore
import { LocalAnswers } from './answers/local-answers.ts';
import type { ListPiece, ListRequest } from './lists/schema-list.ts';
import type { PackedBody } from './lists/pack-lists.ts';
import type { PackedList } from './lists/packed-list.ts';
import { plainOf } from './lists/describe-shards.ts';
import type { ForwardedLines, ForwardTask } from './lines/forward-lines.ts';
import type { PartTask } from './lines/part-batch.ts';
import type { JoinedTask } from './lines/joined-bodies.ts';
import type { WrittenJoined } from './lines/write-joined.ts';
import type { LinesTask, OwnShards, RoutedLines } from './lines/route-lines.ts';
import { LocalDigests } from './digests/local-digests.ts';
import type { Statistic } from '../../telemetry/statistics.ts';
import { DescribedLanes, type EngineDescription } from './lists/described-lanes.ts';
import { noCluster, type ClusterFacts } from './cluster-facts.ts';
import { LocalFacts } from './local-facts.ts';
import { LocalFragments } from './local-fragments.ts';
import { startWorkers } from './start-workers.ts';
import type { LoggedBatch } from '../../storage/wal/lately-logged.ts';
import { homeOfNow } from './home-of-now.ts';
import { ListedLanes } from './lists/listed-lanes.ts';
import type { OtherSeries } from '../../storage/store/shards/other-series.ts';
import type { ShardSnapshot } from '../../storage/store/transfers/take-snapshot.ts';
import { WorkerLoads } from './worker-loads.ts';
import { LinesPacker, unpackRouted, type PackedRouted } from './lines/packed-lines.ts';
import { homeOf, type CheckTask, type EngineJoined, type EngineReceipt, type EngineVersions, type ExpectTask, type HomeBatch, type HomeDelete, type HomeFields, type InstallTask, type LatelyLoggedTask, type LateTask, type OtherSeriesTask, type ReplayedDoubts, type SnapshotTask, type StorageEngineOptions } from './engine-tasks.ts'; // prettier-ignore

/**
 * A body that is parsed at home has its keys in one cache and its batch beside its shard. With more waiting there another
 * core is worth more.
 */
const homeAheadBytesMax = 4 * MiB;

/** The shards of this node, kept by its engine workers. */
export class LocalShards implements ShardAccess {
  readonly #links: readonly EngineLink[];
  readonly #described = new DescribedLanes();
  readonly #listed = new ListedLanes();
  readonly #fragments = new LocalFragments({
    linkOfLane: (shardIds) => this.#linkOfLane(shardIds),
    schemasHeard: ([first = 0], version) => {
      this.#described.seen(homeOf(first, this.#links.length), version);
    },
    mark: () => String(this.schemaVersion),
  });
  readonly #packer = new LinesPacker();
  readonly #loads: WorkerLoads;
  readonly #answers: LocalAnswers;
  readonly #cluster: ClusterFacts;
  readonly #writing = new Set<Promise<unknown>>();
  readonly digests = new LocalDigests((shardId) => this.#home(shardId));
  readonly facts: LocalFacts;
  #writeCount = 0;
  #onFieldsGone: (shardIds: readonly number[]) => void = () => undefined;
  #onDeleteFailed: (shardIds: readonly number[]) => void = () => undefined;

  private constructor(links: readonly EngineLink[], cluster: ClusterFacts) {
    this.#links = links;
    this.facts = new LocalFacts(links);
    this.#cluster = cluster;
    this.#loads = new WorkerLoads(links.length);
    const versionHeard = (worker: number) => this.#listed.versionHeard(worker);
    this.#answers = new LocalAnswers({ links, loads: this.#loads, versionHeard });
  }

  /** The shards of workers that are there: see startWorkers. */
  static of(links: readonly EngineLink[], cluster: ClusterFacts = noCluster): LocalShards {
    return new LocalShards(links, cluster);
  }

  /** `told` hears of shards of which fields may have gone, before whoever deleted them does. */
  watchFields(told: (shardIds: readonly number[]) => void): void {
    this.#onFieldsGone = told;
  }

  /** `failed` hears of shards that may have begun a delete of points, and not ended it. */
  watchDeletes(failed: (shardIds: readonly number[]) => void): void {
    this.#onDeleteFailed = failed;
  }

  /** Starts `count` workers. */
  static async start(
    host: EngineHost,
    count: number,
    asked: StorageEngineOptions,
    cluster?: ClusterFacts,
  ): Promise<LocalShards> {
    return LocalShards.of(await startWorkers(host, count, asked), cluster);
  }

  /** Ours: parts of queries, lists and digests that are being worked at here, for this node's clients and for others. */
  statistics(): readonly Statistic[] {
    const streamsActive = this.#links.reduce((sum, link) => sum + link.streamsActive, 0);
    return [{ name: 'engine', tags: {}, values: { streamsActive } }];
  }

  /** Bodies and batches that it was given so far, whoever from. */
  get writeCount(): number {
    return this.#writeCount;
  }

  /** Resolves with the first worker's error when one dies. */
  get died(): Promise<Error | undefined> {
    return Promise.race(this.#links.map((link) => link.died));
  }

  /**
   * Parses a body where most of its points are likely to be at home, unless that worker has much more to do than another.
   * Batches of `task.own` are written there too. `task.body` moves there unless it is shared: it has to own its buffer.
   */
  async routeLines(task: LinesTask): Promise<RoutedLines> {
    const { buffer } = task.body;
    const options = buffer instanceof ArrayBuffer ? { transfer: [buffer] } : {};
    const worker = this.#parserOf(task);
    const body = this.#packer.pack({ ...task, clusterId: this.#cluster.clusterId() });
    const routing = this.#loaded(worker, task.body.length, (link) =>
      link.call('lines', body, options),
    );
    const reply = await this.#counted(routing, task.own !== undefined);
    const { schemaVersion, seriesVersion, ...routed } = unpackRouted(reply as PackedRouted);
    await this.#seen(worker, { schemaVersion, seriesVersion });
    return routed;
  }

  /** Writes small bodies as one, where most of their points are likely to be at home; undefined where each is to go by itself. */
  async writeJoined(
    task: JoinedTask & { readonly own: OwnShards },
  ): Promise<WrittenJoined | undefined> {
    const worker = homeOfNow(task, this.#links.length) ?? 0;
    const body = this.#packer.packJoined({ ...task, clusterId: this.#cluster.clusterId() });
    const writing = this.#loaded(worker, task.text.length, (link) => link.call('joined', body));
    const reply = (await this.#counted(writing, true)) as EngineJoined | undefined;
    if (reply === undefined) return undefined;
    const [schemaVersion, seriesVersion, shardId, pointCount] = reply;
    await this.#seen(worker, { schemaVersion, seriesVersion });
    return { shardId, pointCount };
  }

  /** Bodies that may be written where they are parsed are known while that goes on. */
  async #counted<T>(routing: Promise<T>, mayWrite: boolean): Promise<T> {
    if (!mayWrite) return routing;
    this.#writing.add(routing);
    try {
      return await routing;
    } finally {
      this.#writing.delete(routing);
    }
  }

  /** Lines of a body as subscribers get them, made by the worker that has least to do; `task.body` moves there. */
  async forwardLines(task: ForwardTask): Promise<ForwardedLines> {
    const transfer = [task.body.buffer as ArrayBuffer];
    const worker = this.#loads.least();
    const reply = await this.#loaded(worker, task.body.length, (link) =>
      link.call('forward', task, { transfer }),
    );
    return reply as ForwardedLines;
  }

  /** Points of a batch by the shards that they are of now, parted by the worker that has least to do. */
  async partBatch(task: PartTask): Promise<RoutedLines> {
    const part = (link: EngineLink) => link.call('part', task);
    return (await this.#loaded(this.#loads.least(), task.payload.length, part)) as RoutedLines;
  }

  #parserOf(task: LinesTask): number {
    const least = this.#loads.least();
    const home = homeOfNow(task, this.#links.length);
    if (home === undefined) return least;
    const aheadBytes = this.#loads.bytesOf(home) - this.#loads.bytesOf(least);
    return aheadBytes > homeAheadBytesMax ? least : home;
  }

  writeMany(batches: readonly ShardBatch[]): Promise<readonly BatchOutcome[]> {
    return Promise.all(batches.map((batch) => this.write(batch)));
  }

  async decideFieldTypes(request: FieldsOfShard): Promise<readonly TypedField[]> {
    const link = this.#home(request.shardId);
    const body = { ...request, ...this.#placeFacts(request.shardId) } satisfies HomeFields;
    return (await link.call('field-types', body)) as readonly TypedField[];
  }

  /** Whether a batch was taken before, or a later delete may have struck points of it. */
  async isLate({ shardId, payload }: Pick<ShardBatch, 'shardId' | 'payload'>): Promise<boolean> {
    const head = headOfBatch(payload);
    if (head === undefined) return false;
    const { stamp, minTimeNs, maxTimeNs } = head;
    const body = { shardId, stamp, minTimeNs, maxTimeNs } satisfies LateTask;
    return (await this.#home(shardId).call('is-late', body)) as boolean;
  }

  #homeBatch({ copyIndex, ...batch }: TypedBatch): HomeBatch {
    const facts = this.#placeFacts(batch.shardId);
    return { ...batch, ...facts, copyIndex: copyIndex ?? facts.copyIndex };
  }

  #placeFacts(shardId: number): Pick<HomeBatch, 'clusterId' | 'copyIndex'> {
    const { clusterId, restoreIndexOf } = this.#cluster;
    return { clusterId: clusterId(), copyIndex: restoreIndexOf(shardId) };
  }

  /** Never rejects. */
  async write(batch: TypedBatch): Promise<BatchOutcome> {
    const home = homeOf(batch.shardId, this.#links.length);
    try {
      const receipt = await this.#writeAsked(home, batch);
      const { asks, droppedCount, reason, newer, isUnclear, ...versions } = receipt;
      assert(asks === undefined, 'a question that was answered is not asked again');
      await this.#seen(home, versions);
      const newerNs = newer === undefined ? {} : { newerNs: stampNs(newer) };
      return { kind: 'written', droppedCount, reason, ...newerNs, ...(isUnclear === true && { isUnclear }) }; // prettier-ignore
    } catch (error) {
      return { kind: 'failed', error };
    }
  }

  /** Near the limits of series a worker has to know what the others have of the database. */
  async #writeAsked(home: number, batch: TypedBatch): Promise<EngineReceipt> {
    const { database, payload } = batch;
    const write = (others?: readonly OtherSeries[]): Promise<EngineReceipt> =>
      this.#loaded(home, payload.length, (link) =>
        link.call('write', { ...this.#homeBatch(batch), others }),
      ) as Promise<EngineReceipt>;
    const receipt = await write();
    const question = receipt.asks;
    if (question === undefined) return receipt;
    const task: OtherSeriesTask = { database, payload, question };
    const others = this.#links.filter((_, worker) => worker !== home);
    const asked = others.map((link) => link.call('other-series', task) as Promise<OtherSeries>);
    // The payload is theirs until each has answered: its memory is used again once this one is done.
    await Promise.allSettled(asked);
    return write(await Promise.all(asked));
  }

  async describe(
    shardIds: readonly number[],
    options: DescribeOptions,
  ): Promise<ShardsDescription> {
    const lanes = this.#lanes(shardIds);
    // As it was before: what grows meanwhile makes it another.
    const mark = String(this.schemaVersion);
    const parts = await Promise.all(lanes.map((lane) => this.#describeLane(lane, options)));
    const latest = options.tellsStamp === true ? await this.latestStamp(shardIds) : undefined;
    return { measurements: plainOf(parts), lanes, mark, ...(latest !== undefined && { stampNs: stampNs(latest) }) }; // prettier-ignore
  }

  described(
    shardIds: readonly number[],
    only: readonly string[] | undefined,
  ): ShardsDescription | undefined {
    const lanes = this.#lanes(shardIds);
    const parts = lanes.flatMap((lane) => {
      const known = this.#described.find(homeOf(lane[0] ?? 0, this.#links.length), { shardIds: lane, only }); // prettier-ignore
      return known === undefined ? [] : [known];
    });
    const mark = String(this.schemaVersion);
    return parts.length === lanes.length
      ? { measurements: plainOf(parts), lanes, mark }
      : undefined;
  }

  /** Another number whenever schemas of shards here have changed, as far as anybody was told. */
  get schemaVersion(): number {
    return this.#described.changeCount;
  }

  /** The same of their series, too. */
  get listVersion(): number {
    return this.#listed.changeCount;
  }

  async #describeLane(
    shardIds: readonly number[],
    { only, signal }: DescribeOptions,
  ): Promise<readonly MeasurementDescription[]> {
    const home = homeOf(shardIds[0] ?? 0, this.#links.length);
    const request: DescribeRequest = { shardIds, only };
    const known = this.#described.find(home, request);
    if (known !== undefined) return known;
    const reply = await this.#link(home).call('describe', request, { signal });
    const { measurements, schemaVersion } = reply as EngineDescription;
    this.#described.keep(home, request, { measurements, schemaVersion });
    return measurements;
  }

  list(request: ListRequest, { signal }: AccessOptions): AsyncGenerator<readonly ListPiece[]> {
    const link = this.#linkOfLane(request.shardIds);
    const ask = () => link.stream('list', request, { signal });
    return this.#listed.read(this.#links.indexOf(link), request, { ask, signal });
  }

  packedList(lane: readonly number[], body: PackedBody, { signal }: AccessOptions): AsyncIterable<PackedList> {
    return this.#linkOfLane(lane).stream('packed-list', body, { signal }) as AsyncIterable<PackedList>;
  } // prettier-ignore

  /** To be waited for before anybody is told that it is done. */
  #seen(worker: number, versions: EngineVersions): Promise<void> | undefined {
    this.#described.seen(worker, versions.schemaVersion);
    this.#listed.seen(worker, versions.seriesVersion);
    return this.#cluster.whenTold(this.#listed.changeCount);
  }

  readonly fragment: LocalFragments['fragment'] = (...asked) => this.#fragments.fragment(...asked);
  readonly sentFragment: LocalFragments['sentFragment'] = (...asked) => this.#fragments.sentFragment(...asked); // prettier-ignore
  readonly fragmentRun: LocalFragments['fragmentRun'] = (...asked) => this.#fragments.fragmentRun(...asked); // prettier-ignore
  readonly sentFragmentRun: LocalFragments['sentFragmentRun'] = (...asked) => this.#fragments.sentFragmentRun(...asked); // prettier-ignore

  readonly answer: LocalAnswers['answer'] = (...asked) => this.#answers.answer(...asked);
  readonly gather: LocalAnswers['gather'] = (...asked) => this.#answers.gather(...asked);
  readonly plannedBlocks: LocalAnswers['plannedBlocks'] = (...asked) => this.#answers.plannedBlocks(...asked); // prettier-ignore

  /** `places` are of shards that are made when they are not here, to remember the delete. */
  async deletePoints(
    request: DeletePointsRequest,
    _options?: AccessOptions,
    places: readonly NamedShard[] = [],
  ): Promise<void> {
    const clusterId = this.#cluster.clusterId();
    await this.#inLanes(request.shardIds, (shardIds) => {
      const own = places.filter(({ shardId }) => shardIds.includes(shardId));
      const task: HomeDelete = { ...request, shardIds, clusterId, places: own };
      return this.#deleting(shardIds, () => this.#homeOfLane(shardIds).call('delete-points', task));
    });
  }

  /** Does the rest of a delete that a shard has begun, if there is one. Throws what the disk says. */
  async endDelete(shardId: number): Promise<void> {
    await this.#deleting([shardId], () => this.#home(shardId).call('end-delete', shardId));
  }

  /** What is known of the shards goes with what they lose, and all of it where nobody can tell how far it came. */
  async #deleting(lane: readonly number[], change: () => Promise<unknown>): Promise<void> {
    let reply: unknown;
    try {
      reply = await change();
    } catch (error) {
      this.#onDeleteFailed(lane);
      await this.#forget();
      throw error;
    } finally {
      this.#onFieldsGone(lane);
    }
    await this.#seen(homeOf(lane[0] ?? 0, this.#links.length), reply as EngineVersions);
  }

  /** Shards have gone, or may not be read any more. Resolves once nobody relies on lists that have them. */
  #forget(): Promise<void> | undefined {
    this.#described.clear();
    this.#listed.clear();
    this.#answers.clear();
    return this.#cluster.whenTold(this.#listed.changeCount);
  }

  /** Not what was known before either, nor what was asked meanwhile. */
  async #forgetting<T>(shardIds: readonly number[], change: () => Promise<T>): Promise<T> {
    void this.#forget(); // Whoever is told is waited for at the end, and gets no new word before.
    try {
      return await change();
    } finally {
      this.#onFieldsGone(shardIds);
      await this.#forget();
    }
  }

  /** Of a shard that cannot be read: its folder gets another name, which this resolves with, and it may come anew. */
  async setAside(shardId: number): Promise<string> {
    return (await this.#forgetting([shardId], () =>
      this.#home(shardId).call('set-aside', shardId),
    )) as string;
  }

  async deleteShards(shardIds: readonly number[]): Promise<void> {
    const deleted = (lane: readonly number[]) => this.#homeOfLane(lane).call('delete', lane);
    await this.#forgetting(shardIds, () => this.#inLanes(shardIds, deleted));
  }

  /** Undefined when the shard has had no points. `number` is of no other snapshot of this run. */
  async snapshot(shardId: number, number: number): Promise<ShardSnapshot | undefined> {
    const task: SnapshotTask = { shardId, number };
    // They were begun before anybody knew of a copy, maybe: what they write is in it, as nobody passes it on.
    await Promise.allSettled(this.#writing);
    return (await this.#home(shardId).call('snapshot', task)) as ShardSnapshot | undefined;
  }

  /** Reads all of a TSM file of a snapshot. Throws `corrupt`, with path and offset, where it is not what was written. */
  async checkFile(shardId: number, task: CheckTask, signal: AbortSignal): Promise<void> {
    await this.#home(shardId).call('check-file', task, { signal });
  }

  /** Makes a shard that this node has nothing of one that nobody reads until a copy has come; false for one that is here. */
  async expectCopy(
    task: Omit<ExpectTask, 'clusterId'>,
    clusterId = this.#cluster.clusterId(),
  ): Promise<boolean> {
    const whole = { ...task, clusterId } satisfies ExpectTask;
    const home = this.#home(task.shardId);
    return (await this.#forgetting([task.shardId], () =>
      home.call('expect-copy', whole),
    )) as boolean;
  }

  /** Such a shard is what it has from now on: nobody is left who could give it a copy. */
  async expectNone(shardId: number): Promise<void> {
    const versions = await this.#home(shardId).call('expect-none', shardId);
    await this.#seen(homeOf(shardId, this.#links.length), versions as EngineVersions);
  }

  /** Whether this node has nothing to be read of a shard. Throws what is wrong with a damaged one. */
  lacks(shardId: number): Promise<boolean> {
    return this.#home(shardId).call('lacks', shardId) as Promise<boolean>;
  }

  /** Makes files of a copy the shard's, all or none; a copy that was taken already is not taken again. */
  async install(task: Omit<InstallTask, 'clusterId'>): Promise<void> {
    const { shardId } = task;
    const whole: InstallTask = { ...task, clusterId: this.#cluster.clusterId() };
    await this.#deleting([shardId], () => this.#home(shardId).call('install', whole));
  }

  /** The latest stamp of all that is stored here, or of these shards. */
  async latestStamp(shardIds?: readonly number[]): Promise<Stamp> {
    const stamps = await Promise.all(this.#links.map((link) => link.call('latest-stamp', shardIds))); // prettier-ignore
    return latestOf(stamps as Stamp[]);
  }

  /** What these shards took last before this process: of each run of a coordinator what it gave within so long before its latest. */
  async latelyLogged(task: LatelyLoggedTask): Promise<readonly LoggedBatch[]> {
    // Of all workers that there were, which may have been others.
    return (await this.#link(0).call('lately-logged', task)) as readonly LoggedBatch[];
  }

  /** latelyLogged() is not asked again: the log of runs before may go, once it is in files. */
  async letRunsBeforeGo(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.call('let-runs-before-go', undefined)));
  }

  /** What all workers are in doubt of since they opened their shards. */
  async replayedDoubts(): Promise<ReplayedDoubts> {
    const parts = (await Promise.all(this.#links.map((link) => link.call('replayed-doubts', undefined)))) as readonly ReplayedDoubts[]; // prettier-ignore
    return {
      batches: parts.flatMap(({ batches }) => batches),
      isLast: parts.every(({ isLast }) => isLast),
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#links.map((link) => link.close()));
  }

  /** What fails at one worker is told once all have ended. */
  #inLanes(shardIds: readonly number[], work: (lane: readonly number[]) => Promise<unknown>): Promise<void> {
    return tryAll(this.#lanes(shardIds), this.#links.length, work);
  } // prettier-ignore

  #lanes(shardIds: readonly number[]): readonly (readonly number[])[] {
    return [...groupedBy(shardIds, (id) => homeOf(id, this.#links.length)).values()];
  }

  #loaded<T>(
    worker: number,
    lengthBytes: number,
    work: (link: EngineLink) => Promise<T>,
  ): Promise<T> {
    const link = this.#link(worker);
    this.#writeCount++;
    return this.#loads.during(worker, lengthBytes, () => work(link));
  }

  /** Throws `unavailable` where the shards are not one lane any more. */
  #linkOfLane(shardIds: readonly number[]): EngineLink {
    if (this.#lanes(shardIds).length > 1)
      throw new DbError('unavailable', 'the workers of this node have changed');
    return this.#homeOfLane(shardIds);
  }

  #homeOfLane(lane: readonly number[]): EngineLink {
    return this.#home(lane[0] ?? 0);
  }

  #home(shardId: number): EngineLink {
    return this.#link(homeOf(shardId, this.#links.length));
  }

  #link(index: number): EngineLink {
    const link = this.#links[index];
    if (link === undefined) throw new DbError('shutdown', 'the node has no engine workers');
    return link;
  }
}
