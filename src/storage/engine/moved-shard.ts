/** The error of a shard that is not on its node any more, and its shard again: it crosses threads and nodes as a code and a text. */
import { DbError, isDbError } from '../../base/errors.ts';

export function movedShardError(shardId: number): DbError {
  return new DbError('unavailable', `shard ${shardId} is not on this node`);
}

/** Undefined for any other error. */
export function movedShardOf(error: unknown): number | undefined {
  if (!isDbError(error, 'unavailable')) return undefined;
  const [, digits] = /^shard (\d+) is not on this node$/.exec(error.message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}
