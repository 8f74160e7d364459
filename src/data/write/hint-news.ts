/**
 * What waits for owners on other nodes, so that an owner which was away is not read, neither by others nor by itself, before
 * it has been brought what it missed.
 *
 * Invariants:
 * - A node tells all others when what waits on it has changed, and while something waits every few seconds; a node that
 *   starts asks them all. So each call says both sides' state whole, and a lost one costs a few seconds.
 * - What another node keeps in this one's stead (hand-over.ts) is asked for until it keeps it no more: an answer to a question
 *   that was asked after it took it says so.
 * - What an owner lacks for good holds until a node says that it has made the shard's owners equal since: it is asked every few seconds.
 * - What a node said holds for some time only: one that died says nothing any more, and reads must not wait for it.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { LaggingOwners } from '../shards/lagging-owners.ts';
import { serveCall, type ServedMethod } from '../../rpc/served-method.ts';
import {
  exchangeHintsMethod,
  waitingShardsMax,
  type RepairedShard,
  type WaitingHints,
  waitingKey,
  waitingKeys,
} from '../../meta/client/hint-news-method.ts';

export interface HintNewsPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly rpc: Pick<RpcClient, 'call'>;
  /** What waits on this node. */
  readonly waiting: () => readonly WaitingHints[];
  /** What does not wait, and is lacked as well: nobody is to read it there, nor the owner itself. */
  readonly lost: () => readonly WaitingHints[];
  /** What this node has made equal on all owners of late. */
  readonly repaired: () => readonly RepairedShard[];
  /** Another node shows life. */
  readonly onHeard: (nodeId: number) => void;
  /** What other nodes keep for owners in this one's stead. */
  readonly lagging: Pick<LaggingOwners, 'hasKept' | 'now' | 'keeperTold' | 'repaired'>;
}

interface Told {
  readonly untilMs: number;
  readonly waiting: readonly WaitingHints[];
  /** As `node shard`. */
  readonly lacks: ReadonlySet<string>;
}

const refreshMs = 5_000;
const holdsMs = 3 * refreshMs;
/** Changes come in bursts: one message says them all. */
const gatherMs = 200;
const callDeadlineMs = 2_000;

export class HintNews {
  readonly #ports: HintNewsPorts;
  readonly #told = new Map<number, Told>();
  readonly #tasks: Tasks;
  readonly #refresh: Timer;
  #gather: Timer | undefined;
  #hasTold = false;

  constructor(ports: HintNewsPorts) {
    this.#ports = ports;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the hints failed', { name, error: errorText(error) });
    });
    this.#refresh = ports.clock.every(refreshMs, () => {
      if (this.#hasTold || ports.lagging.hasKept || this.#own().length > 0)
        this.#tasks.spawn('tell', this.tell());
    });
  }

  get method(): ServedMethod {
    return serveCall(exchangeHintsMethod, ({ nodeId, waiting }) => {
      this.#take(nodeId, waiting);
      this.#ports.onHeard(nodeId);
      return Promise.resolve({
        waiting: this.#own(),
        repaired: this.#ports.repaired(),
        lost: this.#lostAlone(),
      });
    });
  }

  /** Whether a node has told that something of the shard waits for this owner. */
  isTold(shardId: number, nodeId: number): boolean {
    if (this.#told.size === 0) return false;
    const nowMs = this.#ports.clock.monotonicMs();
    for (const { untilMs, lacks } of this.#told.values())
      if (untilMs > nowMs && lacks.has(waitingKey(nodeId, shardId))) return true;
    return false;
  }

  /** What other nodes have told. */
  get told(): readonly WaitingHints[] {
    const nowMs = this.#ports.clock.monotonicMs();
    const standing = [...this.#told.values()].filter(({ untilMs }) => untilMs > nowMs);
    return standing.flatMap(({ waiting }) => waiting);
  }

  /** What waits here has changed. */
  changed(): void {
    this.#gather ??= this.#ports.clock.after(gatherMs, () => {
      this.#gather = undefined;
      this.#tasks.spawn('tell', this.tell());
    });
  }

  /** Exchanges with every other node; resolves when each has answered or failed, with whether all have answered. */
  async tell(): Promise<boolean> {
    const { meta } = this.#ports;
    const { nodeId } = meta;
    if (nodeId === 0) return false;
    this.#takeRepaired(this.#ports.repaired());
    const others = meta.catalog.dataNodes.filter(({ id }) => id !== nodeId);
    const waiting = this.#own();
    this.#hasTold = waiting.length > 0;
    const answered = await Promise.all(others.map((other) => this.#exchange(other, { nodeId, waiting }))); // prettier-ignore
    return answered.every(Boolean);
  }

  async close(): Promise<void> {
    this.#refresh.cancel();
    this.#gather?.cancel();
    await this.#tasks.settled();
  }

  async #exchange(
    { id, tcpAddress }: { readonly id: number; readonly tcpAddress: string },
    request: { readonly nodeId: number; readonly waiting: readonly WaitingHints[] },
  ): Promise<boolean> {
    const { rpc, log, lagging } = this.#ports;
    const options = { deadlineMs: callDeadlineMs };
    const askedAt = lagging.now;
    try {
      const { waiting, repaired } = await rpc.call(
        tcpAddress,
        exchangeHintsMethod,
        request,
        options,
      );
      this.#take(id, waiting);
      this.#takeRepaired(repaired);
      // One that has more than it may tell has not told all.
      const told = waiting.reduce((sum, { shardIds }) => sum + shardIds.length, 0);
      const keeps = (shardId: number, nodeId: number): boolean =>
        waiting.some((one) => one.nodeId === nodeId && one.shardIds.includes(shardId));
      if (told < waitingShardsMax && lagging.hasKept) lagging.keeperTold(id, askedAt, keeps);
      return true;
    } catch (error) {
      log.debug('A node was not told what waits', { nodeId: id, error: errorText(error) });
      return false;
    }
  }

  #own(): readonly WaitingHints[] {
    const { waiting, lost } = this.#ports;
    return bounded([...waiting(), ...lost()]);
  }

  /** What is lacked of shards of which nothing waits here. */
  #lostAlone(): readonly WaitingHints[] {
    const { waiting, lost } = this.#ports;
    const kept = waitingKeys(waiting());
    const alone = lost().map(({ nodeId, shardIds }) => ({
      nodeId,
      shardIds: shardIds.filter((shardId) => !kept.has(waitingKey(nodeId, shardId))),
    }));
    return bounded(alone);
  }

  #takeRepaired(repaired: readonly RepairedShard[]): void {
    const { clock, lagging } = this.#ports;
    // It took no longer than the call to come.
    const saidMs = clock.monotonicMs() - callDeadlineMs;
    for (const { shardId, beganMsAgo } of repaired) lagging.repaired(shardId, saidMs - beganMsAgo);
  }

  #take(from: number, waiting: readonly WaitingHints[]): void {
    // Only nodes of the catalog are remembered, however many numbers are named.
    const isKnown = this.#ports.meta.catalog.dataNodes.some(({ id }) => id === from);
    const lacks = waitingKeys(waiting);
    if (!isKnown || lacks.size === 0) this.#told.delete(from);
    else
      this.#told.set(from, { untilMs: this.#ports.clock.monotonicMs() + holdsMs, waiting, lacks });
  }
}

/** As many shards as a message names. */
function bounded(waiting: readonly WaitingHints[]): readonly WaitingHints[] {
  let left = waitingShardsMax;
  return waiting.flatMap(({ nodeId, shardIds }) => {
    const told = shardIds.slice(0, left);
    left -= told.length;
    return told.length === 0 ? [] : [{ nodeId, shardIds: told }];
  });
}
