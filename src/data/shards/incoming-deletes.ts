/**
 * Deletes of points of shards that copies are bringing here. Each is done to what is here at once, and kept to be done to what
 * the copy brings before that is seen.
 *
 * Invariants:
 * - a delete is done before the copy is installed and kept for it, or after it: never between;
 * - what is kept is bounded: past it the copy has to begin anew, with a snapshot that has seen the deletes;
 * - of two who bring one shard, as where a repair gives way to a copy and is not over yet, the one that began last is given the deletes,
 *   and the other one installs nothing.
 */
import { Mutex } from '../../base/async/mutex.ts';
import { DbError } from '../../base/errors.ts';
import type { DeletePointsRequest } from '../engine/shard-access.ts';

interface Incoming {
  /** Who brings the shard. */
  readonly job: object;
  readonly turns: Mutex;
  readonly deletes: DeletePointsRequest[];
  isSpoiled: boolean;
}

const deletesMax = 1_000;

export class IncomingDeletes {
  readonly #shards = new Map<number, Incoming>();

  /** A copy is about to take a snapshot: deletes from here on are kept for it. */
  begin(shardId: number, job: object): void {
    this.#shards.set(shardId, { job, turns: new Mutex(), deletes: [], isSpoiled: false });
  }

  /** The copy is installed, or given up. */
  end(shardId: number, job: object): void {
    if (this.#shards.get(shardId)?.job === job) this.#shards.delete(shardId);
  }

  /** Does a delete by `run`, of shards that are being brought here one by one. */
  async delete(
    request: DeletePointsRequest,
    run: (request: DeletePointsRequest) => Promise<void>,
  ): Promise<void> {
    const here = request.shardIds.filter((shardId) => !this.#shards.has(shardId));
    if (here.length > 0) await run({ ...request, shardIds: here });
    for (const shardId of request.shardIds) {
      const one = { ...request, shardIds: [shardId] };
      const incoming = this.#shards.get(shardId);
      if (incoming === undefined) {
        // Its copy has come, or was given up, while the others had their turn.
        if (!here.includes(shardId)) await run(one);
        continue;
      }
      await incoming.turns.run(async () => {
        keep(incoming, one);
        await run(one);
      });
    }
  }

  /** Installs a copy, given the deletes that it has not seen. Throws `conflict` when there were too many. */
  async install(
    shardId: number,
    job: object,
    install: (deletes: readonly DeletePointsRequest[]) => Promise<void>,
  ): Promise<void> {
    const incoming = this.#shards.get(shardId);
    if (incoming?.job !== job) throw new DbError('cancelled', 'the copy was given up');
    await incoming.turns.run(async () => {
      if (incoming.isSpoiled) throw new DbError('conflict', 'too many deletes during the copy');
      await install(incoming.deletes);
    });
  }
}

function keep(incoming: Incoming, request: DeletePointsRequest): void {
  if (incoming.deletes.length < deletesMax) incoming.deletes.push(request);
  else incoming.isSpoiled = true;
}
