import { isDbError } from '../../base/errors.ts';
import { KiB } from '../../base/units.ts';
import { markBrought, noStamp, stampOfBatch, type Stamp } from '../../models/stamp.ts';
import { forgottenUntil, type StoredDelete } from '../../storage/store/deletes/stored-deletes.ts';
import type { ShardBatch } from '../engine/shard-access.ts';

/** A batch that is here, and who else is to have it. */
export interface PassedOn {
  readonly batch: ShardBatch;
  readonly owners: readonly number[];
  /** Called once nothing of it is looked at any more. */
  readonly whenOver?: () => void;
}

/** Brings a batch to these owners; resolves once it is there, in hinted handoff, or given up, which is logged. Never rejects. */
export type PassOn = (batch: ShardBatch, owners: readonly number[]) => Promise<void>;

export interface PassOnPorts {
  readonly passOn: PassOn;
  readonly nodeId: () => number;
  /** Deletes that the shard of an owner remembers, which may be this node. Throws what is wrong with it, or that it does not answer. */
  readonly storedDeletes: (nodeId: number, shardId: number) => Promise<readonly StoredDelete[]>;
  readonly isOver: () => boolean;
}

/** As much of hints goes with one request: a fresh write of the shard waits behind no more than that. */
const groupBytesMax = 512 * KiB;
const groupCountMax = 128;

/**
 * One group behind the other, each in its order; stops between two of them once `isOver`. What is older than all deletes that this node or
 * the owner remembers stays here, once some are forgotten: what it has may have been deleted, and would be back. Batches are marked in the bytes
 * that they have here as what is brought again.
 */
export async function passOnAll(all: readonly PassedOn[], ports: PassOnPorts): Promise<void> {
  const forgotten = new ForgottenDeletes(ports);
  for (let at = 0; at < all.length && !ports.isOver();) {
    const group: PassedOn[] = [];
    let bytes = 0;
    for (; at < all.length && group.length < groupCountMax; at++) {
      const one = all[at];
      if (one === undefined) break;
      bytes += one.batch.payload.length;
      if (group.length > 0 && bytes > groupBytesMax) break;
      group.push(one);
    }
    await forgotten.ask(group);
    await Promise.all(
      group.map(async ({ batch, owners, whenOver }) => {
        const takers = owners.filter((owner) => forgotten.mayTake(owner, batch));
        markBrought(batch.payload);
        if (takers.length > 0) await ports.passOn(batch, takers);
        whenOver?.();
      }),
    );
  }
}

/** What owners remember, each shard asked once: of thousands of them it is as many calls. */
class ForgottenDeletes {
  readonly #ports: PassOnPorts;
  /** By owner and shard: of what is older deletes may be forgotten. */
  readonly #forgotten = new Map<string, Stamp>();
  /** Who did not answer is not waited for again. */
  readonly #silent = new Set<number>();

  constructor(ports: PassOnPorts) {
    this.#ports = ports;
  }

  async ask(group: readonly PassedOn[]): Promise<void> {
    const asked = new Map<string, readonly [nodeId: number, shardId: number]>();
    for (const { batch, owners } of group)
      for (const nodeId of [this.#ports.nodeId(), ...owners]) {
        const key = `${nodeId} ${batch.shardId}`;
        if (!this.#forgotten.has(key)) asked.set(key, [nodeId, batch.shardId]);
      }
    await Promise.all([...asked].map(async ([key, of]) => this.#forgotten.set(key, await this.#askOne(...of)))); // prettier-ignore
  }

  mayTake(owner: number, { shardId, payload }: ShardBatch): boolean {
    const stamp = stampOfBatch(payload);
    const nodeIds = [this.#ports.nodeId(), owner];
    return nodeIds.every((id) => stamp >= (this.#forgotten.get(`${id} ${shardId}`) ?? noStamp));
  }

  async #askOne(nodeId: number, shardId: number): Promise<Stamp> {
    if (this.#silent.has(nodeId)) return noStamp;
    try {
      return forgottenUntil(await this.#ports.storedDeletes(nodeId, shardId));
    } catch (error) {
      if (!isDbError(error)) throw error;
      // Else its shard is damaged, or not there any more: the other owners have what it lacks, and remember their deletes.
      if (isDbError(error, 'unavailable') || isDbError(error, 'timeout')) this.#silent.add(nodeId);
      return noStamp;
    }
  }
}
