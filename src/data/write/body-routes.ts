/**
 * From the body of a write to batches for shards: a worker parses it, with the shard groups made that it lacks. Batches of
 * shards that only this node has are written there as well.
 */
import { quoteGo } from '../../base/go-format.ts';
import { DbError } from '../../base/errors.ts';
import { SharedBuffers } from '../../base/shared-buffers.ts';
import { KiB, MiB } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import { refuseEmptyCatalog, type MetaAccess } from '../../meta/client/meta-access.ts';
import {
  findDatabase,
  findRetentionPolicy,
  type Database,
  type RetentionPolicy,
  type ShardInfo,
} from '../../meta/model/catalog.ts';
import { endOfGroup } from '../../meta/model/shard-groups.ts';
import type { ForwardTask } from '../engine/lines/forward-lines.ts';
import type { PartTask } from '../engine/lines/part-batch.ts';
import type { TimeBounds } from '../engine/lines/point-sieve.ts';
import { ownStampsMax, type LinesTask, type OwnShards, type RoutedLines, type RouteGroup } from '../engine/lines/route-lines.ts'; // prettier-ignore
import type { SeriesRules } from '../access/series-rules.ts';
import type { LeaseFence } from '../engine/shard-access.ts';
import type { StampClock } from './stamp-clock.ts';
import type { ConsistencyLevel } from './consistency.ts';
import { inTime } from './in-time.ts';

export interface BodyRoutesPorts {
  readonly clock: Clock;
  readonly stamps: Pick<StampClock, 'learned' | 'next' | 'nextOf' | 'overtaking'>;
  readonly meta: MetaAccess;
  readonly routeLines: (task: LinesTask) => Promise<RoutedLines>;
  readonly partBatch: (task: PartTask) => Promise<RoutedLines>;
  /**
   * Whether a shard may be written to where its points are parsed: its one copy is this node's, and nothing waits for it.
   * Left out where none may.
   */
  readonly isOwnAlone?: ((shard: ShardInfo) => boolean) | undefined;
  /** Left out where nobody may subscribe. */
  readonly subscribers?: PointSubscribers | undefined;
}

/** Who gets a copy of what is written (spec F53). Neither call waits for anything or throws. */
export interface PointSubscribers {
  areFor(database: string, retentionPolicy: string): boolean;
  /** `body` is theirs to move. False when there is no room for it. */
  send(written: WrittenBody): boolean;
}

export interface WrittenBody extends ForwardTask {
  readonly database: string;
  readonly retentionPolicy: string;
}

export interface CountedPoints {
  readonly okCount: number;
  /** Fields of those. */
  readonly okValueCount: number;
  /** Beyond the policy, or refused by their owners. */
  readonly droppedCount: number;
  readonly failedCount: number;
}

export interface WriteRequest {
  readonly database: string;
  /** As the request named it; '' for the default. */
  readonly retentionPolicy: string;
  /** Line protocol; has to own its buffer, as it moves to a worker, unless that is shared memory. */
  readonly body: Uint8Array;
  /** Told once nobody looks at the body any more, which may be after the write has ended. */
  readonly bodyRead?: (() => void) | undefined;
  /** The memory of the body is another's once write() has returned. */
  readonly isLent?: boolean | undefined;
  readonly stepNs: bigint;
  /** Undefined when the request named none that there is: that is told after the errors of the body. */
  readonly level: ConsistencyLevel | undefined;
  readonly timeoutMs: number;
  /** Told what became of the points, once some were found in the body. */
  readonly counted?: ((points: CountedPoints) => void) | undefined;
  /** What only the holder of a lease may write. */
  readonly fence?: LeaseFence | undefined;
  /** Who writes, for the figures of what comes in; left out: nobody who is known. */
  readonly login?: string | undefined;
  /** What is restricted for whoever writes. */
  readonly rules?: SeriesRules | undefined;
}

/** What bodies that are written as one are written with. */
export type JoinedPlan = Pick<LinesTask, 'bounds' | 'groups'> & { readonly own: OwnShards };

export interface RoutedRequest {
  readonly routed: RoutedLines;
  readonly policy: RetentionPolicy;
  /** For subscribers. */
  readonly copy: WrittenBody | undefined;
  /** To be called once nobody looks at the batches any more: their memory is used again. */
  readonly release: () => void;
}

/** Of memory of batches that is kept for those that come: what the outboxes of a few nodes have under way. */
const roomBytesKeptMax = 64 * MiB;
/** A batch of one line is longer than its line: names of columns, and their places. */
const roomBytesMin = 1 * KiB;
/** Groups made for one body are few; a body that needs ever more is answered all the same. */
const routeAttemptsMax = 5;

/** A place for all points there can be: keys of lines are looked at once their group is known. */
const anyTime: readonly RouteGroup[] = [
  { startNs: -(2n ** 63n), endNs: 2n ** 63n - 1n, shardIds: [0] },
];

/** What a body's way has taken so far. */
interface RouteWork {
  latest: Promise<unknown>;
  room: Uint8Array | undefined;
}

/** What is the same for all bodies while a policy does not change. */
interface PolicyRoutes {
  readonly groups: readonly RouteGroup[];
  readonly shards: readonly ShardInfo[];
}

export class BodyRoutes {
  readonly #ports: BodyRoutesPorts;
  readonly #rooms = new SharedBuffers(roomBytesKeptMax);
  readonly #policyRoutes = new WeakMap<RetentionPolicy, PolicyRoutes>();
  /** Ids of those that may be written to where their points are parsed, of the last body of the same shards. */
  readonly #ownLists = new WeakMap<readonly ShardInfo[], readonly number[]>();

  constructor(ports: BodyRoutesPorts) {
    this.#ports = ports;
  }

  /** Throws `timeout` when what it writes is not durable in time: it may be later. */
  async route(request: WriteRequest): Promise<RoutedRequest> {
    const work: RouteWork = { latest: Promise.resolve(), room: undefined };
    const release = (): void => {
      if (work.room !== undefined) this.#rooms.giveBack(work.room);
    };
    try {
      return { ...(await this.#route(request, work)), release };
    } catch (error) {
      work.latest.then(release, release);
      throw error;
    } finally {
      const { bodyRead } = request;
      if (bodyRead !== undefined) work.latest.then(bodyRead, bodyRead);
    }
  }

  async #route(request: WriteRequest, work: RouteWork): Promise<Omit<RoutedRequest, 'release'>> {
    const nowNs = this.#ports.clock.wallNs();
    if (!this.#hasPolicy(request)) await this.#tellBefore(request, nowNs, work);
    const copy = this.#copyOf(request, nowNs);
    let { body } = request;
    for (let attempt = 0; attempt < routeAttemptsMax; attempt++) {
      const policy = this.#policyOf(request);
      const { stepNs } = request;
      const bounds = boundsOf(policy, nowNs);
      const { groups, shards } = this.#routesOf(policy);
      const own = this.#ownOf(request, policy, shards);
      // Where all is written as it is parsed there is nothing to bring.
      if (own?.shardIds.length !== shards.length) work.room ??= this.#roomFor(body);
      const { room } = work;
      const { shardGroupDurationNs: groupDurationNs } = policy;
      const task = {
        body,
        stepNs,
        defaultTimeNs: nowNs,
        bounds,
        groups,
        groupDurationNs,
        own,
        room,
      };
      const routing = this.#ports.routeLines(task);
      work.latest = routing;
      const routed = await (own === undefined
        ? routing
        : inTime(this.#ports.clock, request.timeoutMs, routing));
      if (routed.unroutedNs.length === 0 || request.level === undefined) return { routed, policy, copy }; // prettier-ignore
      body = routed.body ?? body;
      await this.#createGroups(request.database, policy, routed.unroutedNs);
    }
    throw groupsChange();
  }

  /** The points of a batch whose shard was dropped since they were routed, by the shards that there are now. */
  async routeAgain(
    request: Pick<WriteRequest, 'database' | 'retentionPolicy'>,
    payload: Uint8Array,
  ): Promise<Pick<RoutedRequest, 'routed' | 'policy'>> {
    for (let attempt = 0; attempt < routeAttemptsMax; attempt++) {
      const policy = this.#policyOf(request);
      const bounds = boundsOf(policy, this.#ports.clock.wallNs());
      const { groups } = this.#routesOf(policy);
      const { shardGroupDurationNs: groupDurationNs } = policy;
      const routed = await this.#ports.partBatch({ payload, bounds, groups, groupDurationNs });
      if (routed.unroutedNs.length === 0) return { routed, policy };
      await this.#createGroups(request.database, policy, routed.unroutedNs);
    }
    throw groupsChange();
  }

  /**
   * What the reference finds wrong before it looks for the policy: a body without a point in it, and the level. The policy may be
   * heard of meanwhile: a copy of the body moves to a worker, and the body stays.
   */
  async #tellBefore(request: WriteRequest, nowNs: bigint, work: RouteWork): Promise<void> {
    const { body, stepNs, level, counted } = request;
    const routing = this.#ports.routeLines({ body: new Uint8Array(body), stepNs, defaultTimeNs: nowNs, bounds: {}, groups: anyTime });
    work.latest = routing;
    const { pointCount, errors } = await routing;
    if (pointCount === 0 && errors !== '') throw new DbError('parse_error', errors);
    if (level === undefined) throw new DbError('invalid_argument', 'invalid consistency level');
    if (!this.#hasPolicy(request)) counted?.({ okCount: 0, okValueCount: 0, droppedCount: 0, failedCount: pointCount });
  } // prettier-ignore

  /** As columns most points take a half of their lines at the most. */
  #roomFor({ length: bodyBytes }: Uint8Array): Uint8Array {
    return this.#rooms.lend(Math.ceil(bodyBytes / 2) + roomBytesMin);
  }

  /**
   * What bodies of such requests are written with where they may be written as they are parsed; undefined where not. Throws what is
   * wrong with the request besides its body.
   */
  planOf(request: WriteRequest, nowNs: bigint): JoinedPlan | undefined {
    const policy = this.#policyOf(request);
    if (this.#ports.subscribers?.areFor(request.database, policy.name) === true) return undefined;
    const { groups, shards } = this.#routesOf(policy);
    const own = this.#ownOf(request, policy, shards);
    return own && { bounds: boundsOf(policy, nowNs), groups, own };
  }

  /** What may be written where it is parsed: all that is wrong with a request besides its body is told before. */
  #ownOf(
    { database, level, fence, rules, login }: WriteRequest,
    policy: RetentionPolicy,
    shards: readonly ShardInfo[],
  ): OwnShards | undefined {
    const { isOwnAlone } = this.#ports;
    if (isOwnAlone === undefined || level === undefined || fence !== undefined) return undefined;
    // What is restricted is looked at before any of it is written.
    if (rules !== undefined) return undefined;
    const shardIds = this.#ownIds(shards, isOwnAlone);
    if (shardIds.length === 0) return undefined;
    const stamp = this.#ports.stamps.nextOf(ownStampsMax);
    const place = { database, retentionPolicy: policy.name, shardIds, stamp };
    return login === undefined ? place : { ...place, login };
  }

  /** The same list as long as it says the same: of thousands of shards it is not made anew for each body. */
  #ownIds(
    shards: readonly ShardInfo[],
    isOwnAlone: (shard: ShardInfo) => boolean,
  ): readonly number[] {
    const known = this.#ownLists.get(shards) ?? [];
    // What is restored is below what is written meanwhile: its owners have to know (data/engine/local-shards.ts).
    const isOwn = (shard: ShardInfo): boolean =>
      shard.restoreIndex === undefined && isOwnAlone(shard);
    let count = 0;
    const isKnown = shards.every((shard) => !isOwn(shard) || shard.id === known[count++]);
    if (isKnown && count === known.length) return known;
    const ids = shards.filter(isOwn).map(({ id }) => id);
    this.#ownLists.set(shards, ids);
    return ids;
  }

  #routesOf(policy: RetentionPolicy): PolicyRoutes {
    const known = this.#policyRoutes.get(policy);
    if (known !== undefined) return known;
    const made = { groups: groupsOf(policy), shards: shardsOf(policy) };
    this.#policyRoutes.set(policy, made);
    return made;
  }

  /** For subscribers, in memory of its own: the body itself moves to a worker, or is used again. */
  #copyOf(request: WriteRequest, nowNs: bigint): WrittenBody | undefined {
    const { subscribers } = this.#ports;
    const { database, body, stepNs } = request;
    const { name } = this.#policyOf(request);
    if (subscribers?.areFor(database, name) !== true) return undefined;
    return {
      database,
      retentionPolicy: name,
      body: new Uint8Array(body),
      stepNs,
      defaultTimeNs: nowNs,
    };
  }

  /** Throws `database_not_found` with the reference's text: asked before the body is read. */
  checkDatabase(name: string): Database {
    const database = findDatabase(this.#ports.meta.catalog, name);
    if (database !== undefined) return database;
    refuseEmptyCatalog(this.#ports.meta.catalog);
    throw new DbError('database_not_found', `database not found: ${quoteGo(name)}`);
  }

  #hasPolicy({ database, retentionPolicy }: WriteRequest): boolean {
    return findRetentionPolicy(this.checkDatabase(database), retentionPolicy) !== undefined;
  }

  #policyOf({
    database: name,
    retentionPolicy,
  }: Pick<WriteRequest, 'database' | 'retentionPolicy'>): RetentionPolicy {
    const database = this.checkDatabase(name);
    const policy = findRetentionPolicy(database, retentionPolicy);
    if (policy !== undefined) return policy;
    const missing = retentionPolicy === '' ? database.defaultRetentionPolicy : retentionPolicy;
    throw new DbError('retention_policy_not_found', `retention policy not found: ${missing}`);
  }

  async #createGroups(
    database: string,
    policy: RetentionPolicy,
    timesNs: readonly bigint[],
  ): Promise<void> {
    await this.#ports.meta.execute({
      kind: 'create-shard-groups',
      database,
      retentionPolicy: policy.name,
      timesNs,
    });
  }
}

function groupsChange(): DbError {
  return new DbError('write_failed', 'write failed: shard groups keep changing');
}

export function shardsOf(policy: RetentionPolicy): readonly ShardInfo[] {
  return policy.shardGroups.flatMap(({ shards }) => shards);
}

function groupsOf(policy: RetentionPolicy): readonly RouteGroup[] {
  return policy.shardGroups
    .filter((group) => group.deletedAtNs === undefined)
    .map((group) => ({
      startNs: group.startNs,
      endNs: endOfGroup(group),
      shardIds: group.shards.map(({ id }) => id),
    }));
}

function boundsOf(policy: RetentionPolicy, nowNs: bigint): TimeBounds {
  const { durationNs, pastLimitNs, futureLimitNs } = policy;
  return {
    retentionMinNs: durationNs > 0n ? nowNs - durationNs : undefined,
    windowMinNs: pastLimitNs > 0n ? nowNs - pastLimitNs : undefined,
    windowMaxNs: futureLimitNs > 0n ? nowNs + futureLimitNs : undefined,
  };
}
