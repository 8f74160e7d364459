/** The error of a shard whose files its node has yet to be brought, and what it is once more: it crosses threads and nodes as a code and a text. */
import { DbError, isDbError } from '../../base/errors.ts';

export function awaitedShardError(shardId: number): DbError {
  return new DbError('unavailable', `shard ${shardId} is being copied to this node`);
}

export function isAwaitedShard(error: unknown): boolean {
  return isDbError(error, 'unavailable') && / is being copied to this node$/.test(error.message);
}
