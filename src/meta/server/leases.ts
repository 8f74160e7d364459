/**
 * What one data node at a time may have (spec F18): the leader grants it by its own clock, and the catalog keeps it, so that
 * a change of the leader frees nothing early. Each new holder has a higher token.
 */
import { isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { serveCall, type ServedMethod } from '../../rpc/served-method.ts';
import { leaseMethod, type LeaseReply } from '../client/meta-methods.ts';
import type { Lease } from '../model/catalog.ts';
import type { MetaNode } from './meta-node.ts';

export interface LeasesPorts {
  readonly clock: Clock;
  readonly node: Pick<MetaNode, 'isLeader' | 'status' | 'catalog' | 'execute' | 'readBarrier'>;
}

export interface LeaseAnswer {
  readonly isGranted: boolean;
  /** As it is now, whoever has it. */
  readonly lease: Lease | undefined;
  /** What is left of it. */
  readonly remainingNs: bigint;
}

export class Leases {
  readonly #ports: LeasesPorts;
  readonly #durationNs: bigint;

  /** `durationMs` is `[meta] lease-duration`. */
  constructor(ports: LeasesPorts, { durationMs }: { readonly durationMs: number }) {
    this.#ports = ports;
    this.#durationNs = BigInt(Math.round(durationMs * 1_000_000));
  }

  /** What data nodes ask. */
  get methods(): readonly ServedMethod[] {
    return [serveCall(leaseMethod, ({ name, nodeId }) => this.#serve(name, nodeId))];
  }

  /** Grants or renews it. Throws `not_leader`, and what a command throws that was not committed. */
  async acquire(name: string, nodeId: number): Promise<LeaseAnswer> {
    const { clock, node } = this.#ports;
    // One that leads no more must not speak for what the next leader has given to another.
    await node.readBarrier();
    const nowNs = clock.wallNs();
    const durationNs = this.#durationNs;
    const held = await this.#endingInTime(this.#find(name), nowNs);
    const answer = (isGranted: boolean, lease: Lease | undefined): LeaseAnswer => {
      return { isGranted, lease, remainingNs: lease === undefined ? 0n : lease.expiresNs - nowNs };
    };
    // Renewals before half of the time has passed would only fill the log.
    if (held?.nodeId === nodeId && held.expiresNs - nowNs > durationNs / 2n)
      return answer(true, held);
    // Nothing frees a lease early. All nodes but one ask in vain, each of them every second: that is nothing for the log.
    if (held !== undefined && held.nodeId !== nodeId && held.expiresNs > nowNs)
      return answer(false, held);
    try {
      const made = await node.execute({ kind: 'acquire-lease', name, nodeId, nowNs, durationNs });
      return answer(true, made?.lease ?? held);
    } catch (error) {
      if (!isDbError(error, 'conflict')) throw error;
      return answer(false, this.#find(name));
    }
  }

  async #serve(name: string, nodeId: number): Promise<LeaseReply> {
    const { node } = this.#ports;
    if (!node.isLeader) return { kind: 'leader', leader: node.status.leader };
    const { isGranted, lease, remainingNs } = await this.acquire(name, nodeId);
    if (!isGranted || lease === undefined) return { kind: 'refused', owner: lease?.nodeId ?? 0 };
    const durationMs = Number(remainingNs / 1_000_000n);
    return { kind: 'granted', token: lease.token, durationMs, index: node.catalog.index };
  }

  /**
   * No lease lasts longer than the leader gives it: one that ends later is of a leader whose clock was ahead, or this one's clock has been
   * put back. Left as it is, nobody else would get it for as long, also when its holder is dead.
   */
  async #endingInTime(held: Lease | undefined, nowNs: bigint): Promise<Lease | undefined> {
    const durationNs = this.#durationNs;
    if (held === undefined || held.expiresNs - nowNs <= durationNs) return held;
    const { name, nodeId } = held;
    await this.#ports.node.execute({ kind: 'acquire-lease', name, nodeId, nowNs, durationNs });
    return this.#find(name);
  }

  #find(wanted: string): Lease | undefined {
    return this.#ports.node.catalog.leases.find(({ name }) => name === wanted);
  }
}
