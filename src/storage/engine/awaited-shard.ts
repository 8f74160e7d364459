/** The error of a shard whose files its node has yet to be brought, and its shard again: it crosses threads and nodes as a code and a text. */
import { DbError, isDbError } from '../../base/errors.ts';

export function awaitedShardError(shardId: number): DbError {
  return new DbError('unavailable', `shard ${shardId} is being copied to this node`);
}

/** Undefined for any other error. */
export function awaitedShardOf(error: unknown): number | undefined {
  if (!isDbError(error, 'unavailable')) return undefined;
  const [, digits] = /^shard (\d+) is being copied to this node$/.exec(error.message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
