/**
 * Pledges that this node has given (pledge.ts).
 *
 * Invariants:
 * - A write, or a delete, whose lists are newer than what holders know is acknowledged once each of them has said that it holds
 *   nothing any more, or once its time is over by this node's clock, of which a quarter more is waited for: clocks differ in rate.
 * - Nobody is given one while others are told, nor for a moment after a change: series that come all the time would have
 *   each of them wait for a call.
 * - Who may hold one is on the disk before it is given (pledge-holders.ts): a run that was killed has given some that the next one does
 *   not remember. It tells all who may hold one as it starts, and all writes wait for that, or for as long as pledges may last. Also
 *   those that change nothing: what the run before wrote and did not acknowledge is there, and is written again.
 * Wall time is never asked.
 */
import { Tasks } from '../../../base/async/tasks.ts';
import { errorText } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { RpcClient } from '../../../rpc/rpc-client.ts';
import { endPledgeMethod, type Pledge } from './pledge.ts';
import type { PledgeHolders } from './pledge-holders.ts';

export interface GivenPledgesPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly rpc: Pick<RpcClient, 'call'>;
  readonly onDisk: Pick<PledgeHolders, 'former' | 'has' | 'note' | 'settle'>;
}

/** What a run before gave, of which it is not known how long it was to last: `list-pledge-duration` unless it is set. */
const usualMs = 500;
/** Clocks of two machines differ less than this in rate. */
const rateMargin = 1.25;
/** No pledge is given for so long after a change. */
const quietMs = 1_000;
/** A holder that could not be told is told again after that. */
const againMs = 50;
/** Stands for whoever was given one by a run before of which nobody knows. */
const formerHolder = 0;

export class GivenPledges {
  readonly #ports: GivenPledgesPorts;
  readonly #durationMs: number;
  /** Until when each may rely on it, by this node's clock. */
  readonly #holders = new Map<number, number>();
  readonly #tasks: Tasks;
  /** Undefined until the first write of this run: that may be one of the run before, tried again, which changes nothing any more. */
  #listVersion: number | undefined;
  #quietUntilMs = -Infinity;
  #telling: Promise<void> | undefined;

  /** `durationMs` 0 gives none; who may hold one of a run before is told all the same. */
  constructor(ports: GivenPledgesPorts, { durationMs }: { readonly durationMs: number }) {
    this.#ports = ports;
    this.#durationMs = durationMs;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A pledge could not be ended', { name, error: errorText(error) });
    });
    const former = ports.onDisk.former ?? (durationMs === 0 ? [] : [formerHolder]);
    const untilMs = ports.clock.monotonicMs() + Math.max(durationMs, usualMs) * rateMargin;
    for (const nodeId of former) this.#holders.set(nodeId, untilMs);
    if (durationMs === 0 && this.#holders.size === 0) return;
    this.end();
    this.#tasks.spawn('settle', this.#settleFormer(this.#telling));
  }

  async #settleFormer(telling: Promise<void> | undefined): Promise<void> {
    await telling;
    const { meta, onDisk } = this.#ports;
    const isNode = (nodeId: number): boolean => meta.catalog.dataNodes.some(({ id }) => id === nodeId); // prettier-ignore
    await onDisk.settle((nodeId) => this.#durationMs > 0 && isNode(nodeId));
  }

  /** That the lists stay as they are at this very moment; undefined where that is not said. */
  give(nodeId: number): Pledge | undefined {
    const { clock, meta } = this.#ports;
    const { catalog } = meta;
    const mayBeTold = nodeId !== meta.nodeId && catalog.dataNodes.some(({ id }) => id === nodeId);
    const isQuiet = this.#telling === undefined && clock.monotonicMs() >= this.#quietUntilMs;
    if (this.#durationMs === 0 || !mayBeTold || !isQuiet) return undefined;
    if (!this.#ports.onDisk.has(nodeId)) {
      // Whoever asks next has one.
      this.#tasks.spawn('note', this.#ports.onDisk.note(nodeId));
      return undefined;
    }
    this.#holders.set(nodeId, this.#untilMs());
    return { durationMs: this.#durationMs, catalogIndex: catalog.index };
  }

  /**
   * What whoever wrote has to wait for before it is acknowledged, as the node's lists are of this version by now; undefined where
   * nobody relies on older ones. Never rejects.
   */
  whenTold(listVersion: number): Promise<void> | undefined {
    if (listVersion !== this.#listVersion) {
      this.#listVersion = listVersion;
      this.#quietUntilMs = this.#ports.clock.monotonicMs() + quietMs;
      this.end();
    }
    return this.#telling;
  }

  /** Tells all who hold one; nothing more is given until they know. */
  end(): void {
    if (this.#telling !== undefined) return;
    const nowMs = this.#ports.clock.monotonicMs();
    for (const [nodeId, untilMs] of this.#holders)
      if (untilMs <= nowMs) this.#holders.delete(nodeId);
    if (this.#holders.size === 0) return;
    const told = [...this.#holders].map(([nodeId, untilMs]) => this.#tell(nodeId, untilMs));
    const telling = Promise.all(told).then(() => {
      this.#holders.clear();
      this.#telling = undefined;
    });
    this.#telling = telling;
    this.#tasks.spawn('tell', telling);
  }

  async close(): Promise<void> {
    await this.#tasks.settled();
  }

  #untilMs(): number {
    return this.#ports.clock.monotonicMs() + this.#durationMs * rateMargin;
  }

  /** Resolves once the node holds nothing, because it says so or because the time is over. */
  async #tell(nodeId: number, untilMs: number): Promise<void> {
    const { clock } = this.#ports;
    for (;;) {
      const leftMs = untilMs - clock.monotonicMs();
      if (leftMs <= 0 || (await this.#isTold(nodeId, leftMs))) return;
      // A moment at the least: less than the clock shows would be no wait at all.
      await clock.sleep(Math.max(1, Math.min(againMs, untilMs - clock.monotonicMs())));
    }
  }

  async #isTold(toNodeId: number, deadlineMs: number): Promise<boolean> {
    const { log, meta, rpc } = this.#ports;
    const holder = meta.catalog.dataNodes.find(({ id }) => id === toNodeId);
    if (holder === undefined) return false;
    try {
      const request = { fromNodeId: meta.nodeId, toNodeId };
      await rpc.call(holder.tcpAddress, endPledgeMethod, request, { deadlineMs });
      return true;
    } catch (error) {
      log.debug('A pledge was not ended', { nodeId: toNodeId, error: errorText(error) });
      return false;
    }
  }
}
