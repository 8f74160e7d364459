/**
 * The last resort of a copy that its owner did not take and that this node cannot keep either, as with a disk that is full:
 * another node keeps it in its hinted handoff. So a node lacks nothing once its disk has room again.
 *
 * Invariants:
 * - a copy counts as queued only once another node has made it durable;
 * - memory is bounded: past `bytesMax` of copies under way further ones are lost at once;
 * - two nodes are asked at most, those first that own the shard too: they took the write, so their disks have room.
 */
import { MiB } from '../../base/units.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { isRetryable } from './hint-sink.ts';
import type { ShareOutcome } from './share.ts';

export interface HandOverPorts {
  /** Nodes besides this one, and those that own the shard. */
  readonly peers: (shardId: number) => { readonly all: readonly number[]; readonly owners: readonly number[] }; // prettier-ignore
  /** Resolves once `nodeId` keeps the batch for `ownerId`. */
  readonly keep: (nodeId: number, ownerId: number, batch: ShardBatch) => Promise<void>;
}

const bytesMaxDefault = 64 * MiB;
const askedMax = 2;

export class HandOver {
  readonly #ports: HandOverPorts;
  readonly #bytesMax: number;
  #bytes = 0;

  constructor(ports: HandOverPorts, bytesMax = bytesMaxDefault) {
    this.#ports = ports;
    this.#bytesMax = bytesMax;
  }

  /** What becomes of a copy with this outcome. Never rejects. */
  async settle(ownerId: number, batch: ShardBatch, outcome: ShareOutcome): Promise<ShareOutcome> {
    if (outcome.kind !== 'lost' || !isRetryable(outcome.error)) return outcome;
    const lengthBytes = batch.payload.length;
    if (this.#bytes + lengthBytes > this.#bytesMax) return outcome;
    this.#bytes += lengthBytes;
    try {
      const keeperId = await this.#ask(ownerId, batch);
      return keeperId === undefined ? outcome : { kind: 'queued', error: outcome.error, keeperId };
    } finally {
      this.#bytes -= lengthBytes;
    }
  }

  /** The node that keeps it. */
  async #ask(ownerId: number, batch: ShardBatch): Promise<number | undefined> {
    const { all, owners } = this.#ports.peers(batch.shardId);
    const asked = [...new Set([...owners, ...all])].filter((id) => id !== ownerId && all.includes(id)); // prettier-ignore
    for (const nodeId of asked.slice(0, askedMax))
      try {
        await this.#ports.keep(nodeId, ownerId, batch);
        return nodeId;
      } catch {
        // The next one may be able to.
      }
    return undefined;
  }
}
