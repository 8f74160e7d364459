/**
 * The other end of RemoteShards: what other nodes ask of the shards of this one.
 *
 * - What a request says of a shard is held against the catalog: it is there, it is this node's, it is of the database and
 *   policy that were named. Database and policy of a write, and with them its path on disk, are the catalog's.
 * - A catalog may be behind that of the asker, who saw the shard made a moment ago: then it is waited for.
 */
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { movedShardError } from '../../storage/engine/moved-shard.ts';
import { stampBatch, stampOfBatch, type Stamp } from '../../models/stamp.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { serveCall, serveStream, type ServedMethod } from '../../rpc/served-method.ts';
import { takesWrites } from '../../meta/model/shard-copies.ts';
import { ownsShard } from '../../meta/model/shard-fate.ts';
import type {
  AccessOptions,
  DeletePointsRequest,
  NamedShard,
  ShardAccess,
  ShardBatch,
} from '../engine/shard-access.ts';
import type { ListPiece } from '../engine/lists/schema-list.ts';
import { unpackPoints } from '../engine/digests/packed-points.ts';
import { descriptionParts } from './answer-parts.ts';
import { AskedAnswers } from './asked-answer.ts';
import type { Fragment } from '../../query/fragment.ts';
import { fragmentMethod, type AskedFragment, type FragmentReply } from './fragment-message.ts';
import type { GivenPledges } from './pledges/given-pledges.ts';
import type { ServedCounters } from './served-counters.ts';
import { answerMethod, blocksMethod, bringMethod, decideFieldTypesMethod, deletePointsMethod, describeMethod, keepWritesMethod, listMethod, marksMethod, settledMethod, writeShardsMethod } from './shard-methods.ts'; // prettier-ignore
import { noOutcome, servedDeadlineMs, ServedWrites } from './served-writes.ts';
import { findShard, isShardGone } from './shard-places.ts';
import type { UnsettledWrites } from './unsettled-writes.ts';

export interface ServedShardsPorts {
  readonly clock: Clock;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly shards: ShardAccess;
  readonly counters: ServedCounters;
  /** What other nodes' batches are held in here. */
  readonly unsettled: Pick<UnsettledWrites, 'heard' | 'hold'>;
  /** What this node's calls to another one have carried. */
  readonly settledFor: (nodeId: number) => { readonly run: number; readonly settledBelow: number };
  /** Keeps batches of one shard for another node, or throws why it cannot. */
  readonly keep: (nodeId: number, batches: readonly ShardBatch[]) => Promise<void>;
  /** Another number whenever schemas of this node's shards have changed. */
  readonly schemaVersion: () => number;
  /** The same of their series, too. */
  readonly listVersion: () => number;
  /** Writes of clients that this node was given so far. */
  readonly freshCount: () => number;
  readonly pledges: Pick<GivenPledges, 'give'>;
  /** Told of each write and delete of another node. */
  readonly stamps: {
    learned(): Promise<void> | undefined;
    seen(stamp: Stamp): void;
    readonly lastNs: bigint;
  };
}

/** Longer than the catalog takes from the metas to here; shorter than anybody waits for a write. */
const catalogWaitMs = 3_000;
const catalogPollMs = 5;

export function servedShards(ports: ServedShardsPorts): readonly ServedMethod[] {
  const { shards, counters, stamps } = ports;
  const places = new OwnPlaces(ports);
  const writes = new ServedWrites({ shards, places, unsettled: ports.unsettled });
  return [
    serveCall(writeShardsMethod, async ({ batches, call }) => {
      for (const { payload } of batches) stamps.seen(stampOfBatch(payload));
      const outcomes = await writes.write(batches, call);
      counters.addWrites(batches, outcomes);
      return { outcomes, freshCount: ports.freshCount() };
    }),
    serveCall(settledMethod, ({ nodeId }) => Promise.resolve(ports.settledFor(nodeId))),
    serveCall(keepWritesMethod, async ({ nodeId, batches }) => {
      for (const { payload } of batches) stamps.seen(stampOfBatch(payload));
      const own = batches.map((batch) => ({ ...batch, payload: batch.payload.slice() }));
      await ports.keep(nodeId, own);
      return {};
    }),
    serveCall(bringMethod, async ({ packed, stamp, ...place }) => {
      const payload = unpackPoints(packed);
      stampBatch(payload, stamp);
      stamps.seen(stamp);
      const batches = [{ ...place, payload }];
      const outcomes = await writes.write(batches);
      counters.addWrites(batches, outcomes);
      return { outcome: outcomes[0] ?? noOutcome };
    }),
    serveCall(deletePointsMethod, async (request, { signal }) => {
      if (request.stamp !== undefined) stamps.seen(request.stamp);
      const own = await places.deletable(request, signal);
      if (own.length > 0) await shards.deletePoints({ ...request, shardIds: own }, options(signal));
      return {};
    }),
    serveCall(decideFieldTypesMethod, async ({ fields, ...place }, { signal }) => {
      const placed = await places.placed(place);
      return { fields: await shards.decideFieldTypes({ ...placed, fields }, options(signal)) };
    }),
    ...servedReads(ports, places),
  ];
}

/** What queries and lists ask for. */
function servedReads(ports: ServedShardsPorts, places: OwnPlaces): readonly ServedMethod[] {
  const { shards, counters, stamps, pledges } = ports;
  const marks = new SchemaMarks(ports);
  return [
    serveStream(describeMethod, async function* ({ shardIds, only, tellsStamp }, { signal }) {
      counters.add('fieldDimensionsReq');
      const own = await places.readable(shardIds, signal);
      if (own.length === 0) return;
      await stamps.learned();
      // As it was before: what grows meanwhile makes it another.
      const mark = marks.current;
      const described = await shards.describe(own, { ...options(signal), only, tellsStamp });
      const { stampNs: storedNs = 0n } = described;
      const stampNs = storedNs > stamps.lastNs ? storedNs : stamps.lastNs;
      yield* descriptionParts({ ...described, stampNs, mark });
    }),
    serveStream(listMethod, async function* ({ describedAt, ...request }, { signal }) {
      marks.check(describedAt);
      // As they were when the schemas were those: what comes meanwhile, also while a shard is waited for, makes it another.
      let mark: string | undefined = marks.lists;
      const own = await places.readable(request.shardIds, signal);
      if (own.length === 0) return;
      let held: readonly ListPiece[] = [];
      for await (const pieces of shards.list({ ...request, shardIds: own }, options(signal))) {
        if (held.length > 0) {
          yield { pieces: held, mark, isLast: false };
          mark = undefined;
        }
        held = pieces;
      }
      yield { pieces: held, mark, isLast: true };
    }),
    serveCall(marksMethod, ({ pledgeTo }) => {
      const { current: schemas, lists } = marks;
      return Promise.resolve({ schemas, lists, pledge: pledgeTo === 0 ? undefined : pledges.give(pledgeTo) }); // prettier-ignore
    }),
    serveStream(fragmentMethod, async function* ({ describedAt, ...request }, { signal }) {
      counters.add('createIteratorReq');
      marks.check(describedAt);
      const own = await places.readable(request.fragment.shardIds, signal);
      const { following = [] } = request;
      if (own.length === 0) {
        if (following.length > 0) yield { blocks: [], ends: noBlocks(following), isLast: true };
        return;
      }
      let isFirst = true;
      for await (const reply of fragmentReplies(
        shards,
        { ...request, following },
        { own, ...options(signal) },
      )) {
        // A worker has schemas before a write of them is acknowledged, and says so with the first of what it has read.
        if (isFirst) marks.check(describedAt);
        isFirst = false;
        yield reply;
      }
    }),
    ...servedAnswers(ports, places, marks),
  ];
}

type FragmentsRequest = AskedFragment & { readonly following: readonly Fragment[] };

async function* fragmentReplies(
  shards: ShardAccess,
  { fragment, following, takesPacked = false }: FragmentsRequest,
  { own, ...options }: AccessOptions & { readonly own: readonly number[] },
): AsyncGenerator<FragmentReply> {
  // The same object where none of the shards has gone: it is known by that.
  const isWhole = own.length === fragment.shardIds.length;
  const asked = isWhole ? fragment : { ...fragment, shardIds: own };
  if (following.length > 0 && shards.fragmentRun !== undefined) {
    const run = [asked, ...following.map((one) => ({ ...one, shardIds: asked.shardIds }))];
    const sent = takesPacked ? shards.sentFragmentRun?.(run, options) : undefined;
    if (sent === undefined)
      for await (const batch of shards.fragmentRun(run, options)) yield { ...batch, isLast: false };
    else for await (const { bytes: packed, ...batch } of sent) yield { packed, ...batch };
    return;
  }
  const sent = takesPacked ? shards.sentFragment?.(asked, options) : undefined;
  if (sent === undefined)
    for await (const blocks of shards.fragment(asked, options)) yield { blocks, isLast: false };
  else for await (const { bytes: packed, isLast } of sent) yield { packed, isLast };
}

/** Of the first fragment and those behind it, where there is nothing to read. */
function noBlocks(following: readonly unknown[]): readonly number[] {
  return [0, ...following.map(() => 0)];
}

/** What workers of this node make of a SELECT by themselves. */
function servedAnswers(
  { shards, counters, pledges }: ServedShardsPorts,
  places: OwnPlaces,
  marks: SchemaMarks,
): readonly ServedMethod[] {
  const answers = new AskedAnswers();
  return [
    serveStream(answerMethod, async function* (asked, { signal }) {
      counters.add('createIteratorReq');
      await places.readable(asked.shardIds, signal);
      const at = marks.lists;
      const parts = shards.answer?.(asked.shardIds, answers.requestOf(asked), signal);
      if (parts === undefined) throw severalWorkers();
      const { pledgeTo = 0 } = asked;
      for await (const part of parts) {
        // As nothing has changed since before it was asked, that is so for the lists of now.
        const isEmpty = pledgeTo !== 0 && part.share?.emptyAt !== undefined && marks.lists === at;
        yield isEmpty ? { ...part, empty: { at, pledge: pledges.give(pledgeTo) } } : part;
      }
    }),
    serveStream(blocksMethod, async function* (asked, { signal }) {
      counters.add('createIteratorReq');
      await places.readable(asked.shardIds, signal);
      const { isShare: _share, ...request } = answers.requestOf(asked);
      const blocks = shards.plannedBlocks?.(asked.shardIds, request, signal);
      if (blocks === undefined) throw severalWorkers();
      yield* blocks;
    }),
  ];
}

function severalWorkers(): DbError {
  return new DbError('unavailable', 'no worker of this node has all of the shards');
}

function options(signal: AbortSignal): AccessOptions {
  return { deadlineMs: servedDeadlineMs, signal };
}

/** What stands for the schemas and the lists of this node, so that whoever remembers them knows whether they are the same. */
class SchemaMarks {
  readonly #ports: Pick<ServedShardsPorts, 'schemaVersion' | 'listVersion'>;
  /** Versions begin anew with each run. */
  readonly #startNs: bigint;

  constructor(ports: Pick<ServedShardsPorts, 'clock' | 'schemaVersion' | 'listVersion'>) {
    this.#ports = ports;
    this.#startNs = ports.clock.wallNs();
  }

  get current(): string {
    return `${this.#startNs}.${this.#ports.schemaVersion()}`;
  }

  /** Of series, too. */
  get lists(): string {
    return `${this.#startNs}.${this.#ports.listVersion()}`;
  }

  /** Throws `schema_changed` for one that is not that of now. */
  check(mark: string | undefined): void {
    if (mark !== undefined && mark !== this.current)
      throw new DbError('schema_changed', 'the schemas of this node have changed');
  }
}

/** The shards of this node, as the catalog has them. */
class OwnPlaces {
  readonly #ports: ServedShardsPorts;

  constructor(ports: ServedShardsPorts) {
    this.#ports = ports;
  }

  /**
   * Those of them that are still there: what was dropped has nothing to read. Throws `unavailable` for one of another
   * node, or one that this node has not heard of.
   */
  readable(shardIds: readonly number[], signal: AbortSignal): Promise<readonly number[]> {
    const { meta } = this.#ports;
    return this.#own(shardIds, signal, (id) => ownsShard(meta.catalog, id, meta.nodeId));
  }

  /** The same of shards that are to be this node's too. */
  async deletable(
    { shardIds, catalogIndex = 0 }: DeletePointsRequest,
    signal: AbortSignal,
  ): Promise<readonly number[]> {
    const { meta } = this.#ports;
    const isOwn = (id: number): boolean => takesWrites(meta.catalog, id, meta.nodeId);
    if (!shardIds.every(isOwn)) await this.#reach(catalogIndex, signal);
    return this.#own(shardIds, signal, isOwn);
  }

  async #own(
    shardIds: readonly number[],
    signal: AbortSignal,
    isOwn: (shardId: number) => boolean,
  ): Promise<readonly number[]> {
    const own: number[] = [];
    for (const shardId of shardIds) {
      const place = await this.#place(shardId, signal);
      if (place === undefined) continue;
      if (!isOwn(shardId)) throw movedShardError(shardId);
      own.push(shardId);
    }
    return own;
  }

  /** The shard as the catalog places it. Throws `shard_not_found`, `invalid_argument`, `unavailable`. */
  async placed({
    shardId,
    database,
    retentionPolicy,
    catalogIndex = 0,
  }: NamedShard & Pick<ShardBatch, 'catalogIndex'>): Promise<NamedShard> {
    const place = await this.#place(shardId);
    const { meta } = this.#ports;
    // It has come to be one by a catalog that the asker has, maybe.
    if (!takesWrites(meta.catalog, shardId, meta.nodeId)) await this.#reach(catalogIndex);
    if (place === undefined || !takesWrites(meta.catalog, shardId, meta.nodeId))
      throw new DbError('shard_not_found', `shard ${shardId} is not on this node`);
    if (place.database !== database || place.retentionPolicy !== retentionPolicy)
      throw new DbError('invalid_argument', `shard ${shardId} is of another database or policy`);
    return { shardId, database: place.database, retentionPolicy: place.retentionPolicy };
  }

  /** Waits a while for the catalog of the asker. */
  async #reach(index: number, signal?: AbortSignal): Promise<void> {
    const { clock, meta } = this.#ports;
    const giveUpMs = clock.monotonicMs() + catalogWaitMs;
    while (meta.catalog.index < index && clock.monotonicMs() < giveUpMs)
      await clock.sleep(catalogPollMs, signal);
  }

  /** Undefined for a shard that is gone for good. */
  async #place(shardId: number, signal?: AbortSignal): Promise<ReturnType<typeof findShard>> {
    const { clock, meta } = this.#ports;
    const giveUpMs = clock.monotonicMs() + catalogWaitMs;
    for (;;) {
      const { catalog } = meta;
      const place = findShard(catalog, shardId);
      if (place !== undefined || isShardGone(catalog, shardId)) return place;
      if (clock.monotonicMs() > giveUpMs)
        throw new DbError('unavailable', `shard ${shardId} is not known to this node`);
      await clock.sleep(catalogPollMs, signal);
    }
  }
}
