import { DbError, isDbError, type DbErrorCode } from '../../base/errors.ts';
import type { BatchOutcome, ShardBatch } from '../engine/shard-access.ts';
import type { ShareOutcome } from './share.ts';

/** Where copies wait that one node did not take. */
export interface HintSink {
  /** Whether something waits for this shard: what comes later must wait behind it. True from the call of enqueue on. */
  isQueued(shardId: number): boolean;
  /**
   * Where what waits is about to be brought, all of it: resolves once it was or could not be. Who comes meanwhile waits for that, and
   * not in the queue, which would never be empty while writes come faster than the disk takes them.
   */
  closing(shardId: number): Promise<void> | undefined;
  /**
   * Keeps batches of one shard, in order, since writing them failed with `error`: all of them, or none. Never rejects.
   */
  enqueue(batches: readonly ShardBatch[], error: unknown): Promise<ShareOutcome>;
}

/** Nothing is kept: a copy that failed is lost. */
export const noHints: HintSink = {
  isQueued: () => false,
  closing: () => undefined,
  enqueue: (_batches, error) => Promise.resolve({ kind: 'lost', error }),
};

/** What is wrong with the points themselves would be so again, and would hold up all that waits behind (spec F46). */
const poisonCodes: readonly DbErrorCode[] = [
  'field_type_conflict',
  'partial_write',
  'parse_error',
  'invalid_argument',
  'too_large',
  // Another holder writes it.
  'lease_lost',
];

/** Whether a write that failed so may do better later. */
export function isRetryable(error: unknown): boolean {
  return !poisonCodes.some((code) => isDbError(error, code));
}

/** Whether it waits for the owner. What an owner sends back as not its own is looked at first (stray-copies.ts). */
function waitsForOwner(error: unknown): boolean {
  return isRetryable(error) && !isDbError(error, 'shard_not_found');
}

/**
 * What became of batches that an owner was sent, in order. From the first of a shard that failed on, all of the shard are
 * queued, those too that were written: what is brought later must not undo what came after it.
 */
export async function settleOutcomes(
  batches: readonly ShardBatch[],
  results: readonly BatchOutcome[],
  hints: HintSink,
): Promise<readonly ShareOutcome[]> {
  const resultOf = (i: number): BatchOutcome =>
    results[i] ?? { kind: 'failed', error: new DbError('outcome_unknown', 'a batch has no outcome') }; // prettier-ignore
  const again = new Map<number, { readonly error: unknown; readonly batches: ShardBatch[] }>();
  batches.forEach((batch, i) => {
    const begun = again.get(batch.shardId);
    const result = resultOf(i);
    if (begun !== undefined) begun.batches.push(batch);
    else if (result.kind === 'failed' && waitsForOwner(result.error))
      again.set(batch.shardId, { error: result.error, batches: [batch] });
  });
  const kept = new Map<number, ShareOutcome>();
  const work = [...again].map(async ([shardId, one]) => {
    kept.set(shardId, await hints.enqueue(one.batches, one.error));
  });
  await Promise.all(work);
  return batches.map(({ shardId }, i) => {
    const result = resultOf(i);
    if (result.kind === 'written') return { kind: 'written', receipt: result };
    const isQueued = waitsForOwner(result.error) && kept.get(shardId)?.kind === 'queued';
    return { kind: isQueued ? 'queued' : 'lost', error: result.error };
  });
}
