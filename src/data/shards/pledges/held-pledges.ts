/**
 * Pledges of other nodes that this one holds (pledge.ts), each with the mark of the lists that it is for.
 *
 * Invariants:
 * - One counts from when it was asked for, as whoever gave it counts from a later moment.
 * - One that was asked for before the node said that it ends is void, whenever its answer comes: it may have been given before that.
 * - Both clocks have to say that it still holds: the monotonic one stands still while a machine sleeps, the other one may be
 *   set. A step forward ends it, a step back changes nothing.
 * - While somebody makes use of it the next one is asked for before it ends, by no question of a user: whoever asks now and then
 *   finds one, too.
 */
import { Tasks } from '../../../base/async/tasks.ts';
import { DbError, errorText, isDbError } from '../../../base/errors.ts';
import type { Clock, Timer } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import { serveCall, type ServedMethod } from '../../../rpc/served-method.ts';
import { endPledgeMethod, type Pledge } from './pledge.ts';

export interface HeldPledgesPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallNs' | 'after'>;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
}

/** The moment of a question. */
export interface AskedAt {
  readonly monotonicMs: number;
  readonly wallNs: bigint;
}

/** A pledge as it came. */
export interface TakenPledge {
  /** The mark of the lists. */
  readonly lists: string;
  readonly asked: AskedAt;
  readonly pledge: Pledge;
  /** Asks for the next one. */
  readonly renew: () => Promise<unknown>;
}

interface Held extends TakenPledge {
  readonly renewal: Timer;
}

/** Of its time: then the next one is asked for. */
const renewedAfter = 0.5;
/** It is renewed for so long after somebody made use of it: those who look every half a minute are many. */
const usedMs = 60_000;

export class HeldPledges {
  readonly #ports: HeldPledgesPorts;
  readonly #held = new Map<number, Held>();
  /** When a node last said that its pledge ends. */
  readonly #endedMs = new Map<number, number>();
  /** When somebody last wanted to know of a node's lists. */
  readonly #usedMs = new Map<number, number>();
  readonly #tasks: Tasks;
  #isClosed = false;

  constructor(ports: HeldPledgesPorts) {
    this.#ports = ports;
    this.#tasks = new Tasks((name, error) => {
      // It ends, and the next question asks for another.
      if (!isDbError(error)) ports.log.error('A pledge was not renewed', { name, error: errorText(error) }); // prettier-ignore
    });
  }

  /** Who asks for pledges here. */
  get nodeId(): number {
    return this.#ports.meta.nodeId;
  }

  get method(): ServedMethod {
    return serveCall(endPledgeMethod, ({ fromNodeId, toNodeId }) => {
      const { nodeId } = this.#ports.meta;
      if (toNodeId !== nodeId) throw new DbError('invalid_argument', `this is node ${nodeId}`);
      this.#end(fromNodeId);
      return Promise.resolve({});
    });
  }

  /** To be asked before the question leaves. */
  now(): AskedAt {
    const { clock } = this.#ports;
    return { monotonicMs: clock.monotonicMs(), wallNs: clock.wallNs() };
  }

  take(nodeId: number, taken: TakenPledge): void {
    const { clock, meta } = this.#ports;
    const { catalog } = meta;
    const { asked, pledge } = taken;
    // By a newer catalog other nodes have the shards, maybe.
    const isBehind = pledge.catalogIndex > catalog.index;
    if (isBehind || !catalog.dataNodes.some(({ id }) => id === nodeId) || this.#isClosed) return;
    if (asked.monotonicMs <= (this.#endedMs.get(nodeId) ?? -Infinity)) return;
    const known = this.#held.get(nodeId);
    if (known !== undefined && known.asked.monotonicMs > asked.monotonicMs) return;
    known?.renewal.cancel();
    const renewal = clock.after(pledge.durationMs * renewedAfter, () => {
      const isUsed = clock.monotonicMs() - (this.#usedMs.get(nodeId) ?? -Infinity) < usedMs;
      if (isUsed) this.#tasks.spawn('renew', taken.renew());
    });
    this.#held.set(nodeId, { ...taken, renewal });
  }

  /** The mark of lists that a node has pledged to keep. */
  lists(nodeId: number): string | undefined {
    const { monotonicMs, wallNs } = this.now();
    this.#usedMs.set(nodeId, monotonicMs);
    const held = this.#held.get(nodeId);
    if (held === undefined) return undefined;
    const { asked, pledge, lists } = held;
    const passedMs = Math.max(monotonicMs - asked.monotonicMs, Number(wallNs - asked.wallNs) / 1e6);
    return passedMs < pledge.durationMs ? lists : undefined;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    for (const { renewal } of this.#held.values()) renewal.cancel();
    await this.#tasks.settled();
  }

  #end(nodeId: number): void {
    this.#held.get(nodeId)?.renewal.cancel();
    this.#held.delete(nodeId);
    const isKnown = this.#ports.meta.catalog.dataNodes.some(({ id }) => id === nodeId);
    // Only nodes of the catalog are remembered, however many numbers are named.
    if (isKnown) this.#endedMs.set(nodeId, this.#ports.clock.monotonicMs());
  }
}
