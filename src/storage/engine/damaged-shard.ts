/** The error of a shard that is damaged as a whole, and its shard again: it crosses threads and nodes as a code and a text. */
import { DbError, isDbError } from '../../base/errors.ts';

/** With what is wrong, path and offset. */
export function damagedShardError(shardId: number, error: DbError): DbError {
  return new DbError(error.code, `shard ${shardId} is damaged: ${error.message}`, { cause: error });
}

/** What a reader of a shard fails with: damage that he meets is the shard's. */
export function viewFailure(error: unknown, shardId: number): unknown {
  return isDbError(error, 'corrupt') ? damagedShardError(shardId, error) : error;
}

/** Undefined for any other error. */
export function damagedShardOf(error: unknown): number | undefined {
  if (!(error instanceof DbError)) return undefined;
  const [, digits] = /^shard (\d+) is damaged: /.exec(error.message) ?? [];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * Whether the shard's own bytes are known to be wrong, so that it may be replaced by what another owner has. A disk that failed to
 * give them, a file that a later release wrote, one that was not there for a moment: those may be whole tomorrow.
 */
export function isWrongShard(error: unknown): boolean {
  return isDbError(error, 'corrupt') && damagedShardOf(error) !== undefined;
}
