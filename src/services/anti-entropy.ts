/**
 * Anti-entropy (spec F77 to F79): compares the shards of this node whose time has passed with their next owner, brings what this
 * node has nothing of, from that one or, where it can not give it, from the one behind it, and repairs what is queued.
 *
 * Invariants:
 * - A shard that differs is repaired only when somebody asks for it; one that is missing here comes by itself, where
 *   `auto-repair-missing` allows that.
 * - A shard is compared again only once one of the two has been written to since they were equal, a reader has met damage in it here,
 *   or it is time for all of it to be read (decision 146).
 * - A repair that has begun goes on to its end, to that of the node, or until it is cancelled; what it has brought by then stays.
 *   One that fails is queued again by whoever asks.
 * - Memory: a few words a shard of this node.
 */
import { Tasks } from '../base/async/tasks.ts';
import { DbError, errorText } from '../base/errors.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { MetaAccess } from '../meta/client/meta-access.ts';
import type { ShardRepair } from '../meta/client/digest-methods.ts';
import type { Catalog } from '../meta/model/catalog.ts';
import { copiesOf } from '../meta/model/shard-copies.ts';
import { endOfGroup } from '../meta/model/shard-groups.ts';
import type { Statistic } from '../telemetry/statistics.ts';

/** What a repair has done. */
export interface RepairReport {
  /** Values that were written to this node, and to the other. */
  readonly ownCount: number;
  readonly otherCount: number;
  /** Deletes that one of the two had not heard of. */
  readonly deleteCount: number;
  /** Of the values, those where the other value of the point was another one. */
  readonly conflictCount: number;
  /** Values that their owner does not take, as fields of another type there. */
  readonly refusedCount: number;
  /** Between the two nodes, in both directions. */
  readonly movedBytes: number;
}

export interface AntiEntropyPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  /** `isAnew`: by all that is on the two disks, whatever is known of it. */
  readonly compare: (shardId: number, nodeId: number, options: { readonly isAnew: boolean; readonly signal: AbortSignal }) => Promise<'equal' | 'differ' | 'own-missing' | 'other-missing'>; // prettier-ignore
  /** `only`: with one owner. */
  readonly repair: (shardId: number, options: { readonly only?: number; readonly signal: AbortSignal }) => Promise<RepairReport>; // prettier-ignore
  /** Tells what a shard on a node is apart from what it was; undefined where it cannot be told. */
  readonly versionOf: (shardId: number, nodeId: number) => Promise<string | undefined>;
  /** Whether this node has a shard that it cannot read. */
  readonly isDamaged: (shardId: number) => Promise<boolean>;
  /** Shards of this node of which a reader has met damage, those too of which the rest is read. */
  readonly damagedIds: () => Promise<ReadonlySet<number>>;
  /** Shards that this node does not let anybody read until their files have come. */
  readonly awaiting: () => Promise<readonly number[]>;
  /** Lets such a shard be read as it is. */
  readonly expectNone: (shardId: number) => Promise<void>;
  /** Whether something of it waits in hinted handoff: it will be equal by itself. */
  readonly isWaiting: (shardId: number) => boolean;
}

export interface AntiEntropyOptions {
  readonly checkIntervalMs: number;
  /** All of a shard is read so often, as bytes rot where nobody reads them: `verify-interval`, ours. */
  readonly verifyIntervalMs: number;
  /** Shards that are brought, or repaired, at once: `max-fetch` and `max-sync`. */
  readonly fetchMax: number;
  readonly syncMax: number;
  readonly repairsMissing: boolean;
  /** Ours: shards that are written to are repaired when asked for, and do not wait until their time has passed. */
  readonly repairsHot: boolean;
}

type Status = 'diff' | 'missing';

interface SharedShard {
  readonly shardId: number;
  readonly others: readonly number[];
  readonly isHot: boolean;
}

/** Its multiples are spread evenly, however many there are. */
const goldenRatio = 0.618_033_988_75;

interface Queued {
  /** The owner that it is brought from; undefined to repair it with all. */
  readonly from: number | undefined;
}

interface Running extends Queued {
  /** Aborted by whoever cancels it, and by the end of the node. */
  readonly ending: AbortController;
}

export class AntiEntropy {
  readonly #ports: AntiEntropyPorts;
  #options: AntiEntropyOptions;
  #timer: Timer;
  readonly #tasks: Tasks;
  readonly #closing = new AbortController();
  readonly #statuses = new Map<number, Status>();
  readonly #queue = new Map<number, Queued>();
  readonly #processing = new Map<number, Running>();
  /** Of shards that were equal: how both owners were then. */
  readonly #equalAt = new Map<number, string>();
  /** Of shards that this node lacks: how many owners could not give them, one behind the other. */
  readonly #givenUpCount = new Map<number, number>();
  /** The period of `verifyIntervalMs` in which a shard was read, or that this run has begun with. */
  readonly #verified = new Map<number, number>();
  readonly #counts = { checkCount: 0, failedCheckCount: 0, repairCount: 0, failedRepairCount: 0, valueCount: 0, movedBytes: 0 }; // prettier-ignore
  #isChecking = false;

  constructor(ports: AntiEntropyPorts, options: AntiEntropyOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of anti-entropy failed', { name, error: errorText(error) });
    });
    const { checkIntervalMs } = options;
    ports.log.info('Starting anti-entropy service', { checkIntervalMs });
    this.#timer = this.#checkEvery(checkIntervalMs);
  }

  /** It goes by these from now on; what is queued or under way goes on. */
  configure(options: AntiEntropyOptions): void {
    this.#options = options;
    this.#timer.cancel();
    this.#timer = this.#checkEvery(options.checkIntervalMs);
    this.#next();
  }

  #checkEvery(intervalMs: number): Timer {
    return this.#ports.clock.every(intervalMs, () => {
      this.#tasks.spawn('check', this.check());
      this.#next();
    });
  }

  /** Of this node's shards those that are known to differ, and those that it has to do with. */
  get repairs(): readonly ShardRepair[] {
    const ids = new Set([...this.#statuses.keys(), ...this.#queue.keys(), ...this.#processing.keys()]); // prettier-ignore
    return [...ids]
      .sort((a, b) => a - b)
      .map((shardId) => ({
        shardId,
        status: this.#statuses.get(shardId) ?? '',
        isQueued: this.#queue.has(shardId) || this.#processing.has(shardId),
        isProcessing: this.#processing.has(shardId),
      }));
  }

  /** Asked for again it is queued once. Throws for a shard that this node does not own, or owns alone. */
  queueRepair(shardId: number): void {
    const { catalog, nodeId } = this.#ports.meta;
    const owners = catalog.databases.shard(shardId)?.shard.owners ?? [];
    if (!owners.includes(nodeId))
      throw new DbError('shard_not_found', `shard ${shardId} is not on this node`);
    if (owners.length < 2)
      throw new DbError('invalid_argument', `shard ${shardId} has one owner only`);
    // Of one that was cancelled and is not over yet the next one waits for the end.
    if (this.#processing.get(shardId)?.ending.signal.aborted === false) return;
    this.#queue.set(shardId, { from: undefined });
    this.#next();
  }

  /** One that has begun ends at its next step; the reference lets it go on. */
  cancelRepair(shardId: number): void {
    this.#queue.delete(shardId);
    this.#processing.get(shardId)?.ending.abort(new DbError('cancelled', `the repair of shard ${shardId} was given up`)); // prettier-ignore
  }

  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    try {
      await this.#checkAll();
    } finally {
      this.#isChecking = false;
    }
  }

  statistics(): readonly Statistic[] {
    const { checkCount, failedCheckCount, repairCount, failedRepairCount, valueCount, movedBytes } =
      this.#counts;
    const values = {
      jobs: this.#queue.size + this.#processing.size,
      jobsActive: this.#processing.size,
      checks: checkCount,
      errors: failedCheckCount + failedRepairCount,
      repairs: repairCount,
      valuesRepaired: valueCount,
      bytesRx: movedBytes,
    };
    return [{ name: 'ae', tags: {}, values }];
  }

  async close(): Promise<void> {
    this.#timer.cancel();
    this.#closing.abort();
    for (const { ending } of this.#processing.values()) ending.abort(this.#closing.signal.reason);
    await this.#tasks.settled();
  }

  async #checkAll(): Promise<void> {
    const { log, meta, clock } = this.#ports;
    const { catalog, nodeId } = meta;
    this.#forgetForeign(catalog, nodeId);
    await this.#releaseAlone(catalog, nodeId);
    const skipped: number[] = [];
    const damagedIds = await this.#ports.damagedIds();
    for (const { shardId, others, isHot } of sharedShards(catalog, nodeId, clock.wallNs())) {
      if (this.#closing.signal.aborted) return;
      // Dropped, or given up, while those before it were compared.
      if (!this.#isShared(shardId)) continue;
      if (this.#queue.has(shardId) || this.#processing.has(shardId)) continue;
      if (isHot) await this.#bringDamaged(shardId, others);
      else if (!(await this.#checkShard(shardId, others, damagedIds.has(shardId)))) skipped.push(shardId); // prettier-ignore
    }
    if (skipped.length > 0) log.info('Skipped shards', { shards: skipped.join() });
  }

  /** The other owners have left: what this node has of a shard that waits for their files is all there is. */
  async #releaseAlone(catalog: Catalog, nodeId: number): Promise<void> {
    const { awaiting, expectNone, log } = this.#ports;
    const copied = new Set(copiesOf(catalog).map(({ shardId }) => shardId));
    for (const shardId of await awaiting()) {
      const shard = catalog.databases.shard(shardId)?.shard;
      if (shard?.owners.length !== 1 || shard.owners[0] !== nodeId) continue;
      if (shard.restoreIndex !== undefined || copied.has(shardId)) continue;
      if (this.#processing.has(shardId)) continue;
      await expectNone(shardId);
      log.warn('A shard that waited for another owner is read as it is: its other owners have left', { shard: shardId }); // prettier-ignore
    }
  }

  /** Of one that is written to, or for which something waits, no difference counts; one that cannot be read is brought. */
  async #bringDamaged(shardId: number, others: readonly number[]): Promise<void> {
    if (!this.#options.repairsMissing || !(await this.#ports.isDamaged(shardId))) return;
    this.#statuses.set(shardId, 'missing');
    this.#bring(shardId, others);
  }

  #bring(shardId: number, others: readonly number[]): void {
    const from = others[(this.#givenUpCount.get(shardId) ?? 0) % others.length];
    this.#queue.set(shardId, { from });
    this.#next();
  }

  #noteGivenUp(shardId: number): void {
    this.#givenUpCount.set(shardId, (this.#givenUpCount.get(shardId) ?? 0) + 1);
  }

  /** False for one that could not be compared now. */
  async #checkShard(shardId: number, others: readonly number[], isHurt: boolean): Promise<boolean> {
    const { compare, isWaiting, log } = this.#ports;
    const [next = 0] = others;
    if (isWaiting(shardId)) {
      // What waits for this node itself waits until it can be read again.
      await this.#bringDamaged(shardId, others);
      return false;
    }
    try {
      const version = await this.#versionsOf(shardId, next, isHurt);
      const period = this.#periodOf(shardId);
      const isAnew = (this.#verified.get(shardId) ?? period) !== period;
      this.#verified.set(shardId, this.#verified.get(shardId) ?? period);
      if (!isAnew && version !== undefined && this.#equalAt.get(shardId) === version) return true;
      this.#counts.checkCount++;
      const found = await compare(shardId, next, { isAnew, signal: this.#closing.signal });
      this.#verified.set(shardId, period);
      this.#equalAt.delete(shardId);
      if (found === 'equal') {
        this.#statuses.delete(shardId);
        if (version !== undefined) this.#equalAt.set(shardId, version);
        return true;
      }
      const status = found === 'differ' ? 'diff' : 'missing';
      if (this.#statuses.get(shardId) !== status)
        log.info('Checking status', { shard: shardId, status, nodeId: next });
      this.#statuses.set(shardId, status);
      if (found === 'own-missing' && this.#options.repairsMissing) this.#bring(shardId, others);
      return true;
    } catch (error) {
      if (this.#closing.signal.aborted || !this.#isShared(shardId)) return true;
      this.#counts.failedCheckCount++;
      log.warn('A shard could not be compared', { shard: shardId, nodeId: next, error: errorText(error) }); // prettier-ignore
      // The next owner is away, and another one has what this node lacks.
      if (others.length > 1 && !this.#givenUpCount.has(shardId)) this.#noteGivenUp(shardId);
      if (others.length > 1) await this.#bringDamaged(shardId, others);
      return false;
    }
  }

  /** Changes every `verifyIntervalMs`, of each shard at another time: they are not all read at once. */
  #periodOf(shardId: number): number {
    const { verifyIntervalMs } = this.#options;
    const share = (shardId * goldenRatio) % 1;
    return Math.floor(Number(this.#ports.clock.wallNs() / 1_000_000n) / verifyIntervalMs + share);
  }

  async #versionsOf(shardId: number, next: number, isHurt: boolean): Promise<string | undefined> {
    const { meta, versionOf } = this.#ports;
    const [own, other] = [await versionOf(shardId, meta.nodeId), await versionOf(shardId, next)];
    if (own === undefined || other === undefined) return undefined;
    return `${next} ${own} ${other}${isHurt ? ' damaged' : ''}`;
  }

  #next(): void {
    for (const [shardId, queued] of this.#queue) {
      const ofKind = [...this.#processing.values()].filter(({ from }) => (from === undefined) === (queued.from === undefined)); // prettier-ignore
      const max = queued.from === undefined ? this.#options.syncMax : this.#options.fetchMax;
      if (ofKind.length >= max || !this.#mayBegin(shardId)) continue;
      const running = { ...queued, ending: new AbortController() };
      this.#queue.delete(shardId);
      this.#processing.set(shardId, running);
      this.#tasks.spawn(`repair of shard ${shardId}`, this.#repair(shardId, running));
    }
  }

  /** One that is gone is begun too: it ends at once. */
  #mayBegin(shardId: number): boolean {
    if (this.#processing.has(shardId)) return false;
    if (this.#options.repairsHot || this.#queue.get(shardId)?.from !== undefined) return true;
    const { clock, meta } = this.#ports;
    const place = meta.catalog.databases.shard(shardId);
    return place === undefined || endOfGroup(place.group) <= clock.wallNs();
  }

  async #repair(shardId: number, { from, ending: { signal } }: Running): Promise<void> {
    const { clock, log, repair } = this.#ports;
    const startMs = clock.monotonicMs();
    log.info('Repairing shard', { shard: shardId });
    const options = { ...(from !== undefined && { only: from }), signal };
    try {
      const report = await repair(shardId, options);
      this.#counts.repairCount++;
      this.#counts.valueCount += report.ownCount + report.otherCount;
      this.#counts.movedBytes += report.movedBytes;
      this.#givenUpCount.delete(shardId);
      if (report.refusedCount === 0) this.#statuses.delete(shardId);
      const tookMs = Math.round(clock.monotonicMs() - startMs);
      log.info('Repaired shard', { shard: shardId, tookMs, ...report });
    } catch (error) {
      if (this.#closing.signal.aborted || !this.#isShared(shardId)) return;
      if (signal.aborted) {
        log.info('A repair was given up', { shard: shardId });
        return;
      }
      this.#counts.failedRepairCount++;
      if (from !== undefined) this.#noteGivenUp(shardId);
      log.warn('A shard could not be repaired', { shard: shardId, error: errorText(error) });
    } finally {
      this.#processing.delete(shardId);
      this.#equalAt.delete(shardId);
      if (!this.#closing.signal.aborted) this.#next();
    }
  }

  #isShared(shardId: number): boolean {
    const { catalog, nodeId } = this.#ports.meta;
    return isShared(catalog, shardId, nodeId);
  }

  /** Also of shards that no other owner has any more: nobody is left whom they could differ from. */
  #forgetForeign(catalog: Catalog, nodeId: number): void {
    for (const known of [
      this.#statuses,
      this.#equalAt,
      this.#queue,
      this.#verified,
      this.#givenUpCount,
    ])
      for (const shardId of known.keys())
        if (!isShared(catalog, shardId, nodeId)) known.delete(shardId);
  }
}

function isShared(catalog: Catalog, shardId: number, nodeId: number): boolean {
  const owners = catalog.databases.shard(shardId)?.shard.owners ?? [];
  return owners.length > 1 && owners.includes(nodeId);
}

/** Shards of this node that others own too, with these as they come behind this one in the list of owners. Hot: their time has not passed. */
export function sharedShards(
  catalog: Catalog,
  nodeId: number,
  nowNs: bigint,
): readonly SharedShard[] {
  const shared: SharedShard[] = [];
  const copied = new Set(copiesOf(catalog).map(({ shardId }) => shardId));
  for (const { group, shard } of catalog.databases.shards()) {
    const { id: shardId, owners, restoreIndex } = shard;
    if (group.deletedAtNs !== undefined || restoreIndex !== undefined || copied.has(shardId))
      continue;
    const at = owners.indexOf(nodeId);
    if (at < 0 || owners.length < 2) continue;
    const others = [...owners.slice(at + 1), ...owners.slice(0, at)];
    shared.push({ shardId, others, isHot: endOfGroup(group) > nowNs });
  }
  return shared;
}
