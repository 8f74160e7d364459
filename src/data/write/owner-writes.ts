import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { OwnerReceipt } from '../engine/shard-access.ts';
import { requiredOwners, type ConsistencyLevel } from './consistency.ts';

/** Writes one batch to one owner; resolves once it is durable there. */
export type OwnerWrite = (signal: AbortSignal) => Promise<OwnerReceipt>;

export interface OwnerWritesOptions {
  readonly level: ConsistencyLevel;
  /** `[cluster] write-timeout`. */
  readonly timeoutMs: number;
  /** Told of each owner that failed, so that the batch can be kept for it (the place of hinted handoff). */
  readonly onOwnerFailed: (owner: number, error: unknown) => void;
}

/**
 * Writes to all owners at once and answers as soon as the level is met (spec F41, F42). The writes that are still
 * under way go on: an owner that is merely slow gets its copy. Outcomes and texts are the reference's: `timeout`;
 * `partial write` when some owners have it but too few; `write failed: <first error>` when none has.
 * A receipt with refused points counts as written: the owner has decided, and writing again would not change it.
 */
export async function writeToOwners(
  clock: Clock,
  owners: ReadonlyMap<number, OwnerWrite>,
  options: OwnerWritesOptions,
): Promise<OwnerReceipt> {
  const required = requiredOwners(options.level, owners.size);
  if (owners.size === 0) throw new DbError('write_failed', 'write failed');
  const controller = new AbortController();
  return new Promise((resolve, reject) => {
    let answered = false;
    let writtenCount = 0;
    let pendingCount = owners.size;
    let receipt: OwnerReceipt = { droppedCount: 0, reason: '' };
    let firstError: unknown;
    const timer = clock.after(options.timeoutMs, () => {
      answer(() => reject(new DbError('timeout', 'timeout')));
      controller.abort(new DbError('timeout', 'timeout'));
    });
    const answer = (give: () => void): void => {
      if (answered) return;
      answered = true;
      give();
    };
    const settled = (): void => {
      pendingCount--;
      if (writtenCount >= required) answer(() => resolve(receipt));
      if (pendingCount > 0) return;
      timer.cancel();
      answer(() => reject(failure(writtenCount, firstError)));
    };
    for (const [owner, write] of owners) {
      write(controller.signal).then(
        (one) => {
          writtenCount++;
          if (one.droppedCount > receipt.droppedCount) receipt = one;
          settled();
        },
        (error: unknown) => {
          firstError ??= error;
          options.onOwnerFailed(owner, error);
          settled();
        },
      );
    }
  });
}

function failure(writtenCount: number, firstError: unknown): DbError {
  if (writtenCount > 0) return new DbError('write_failed', 'partial write');
  // What no owner could take for a reason of the points' own is told as it is.
  if (isDbError(firstError, 'field_type_conflict') || isDbError(firstError, 'partial_write'))
    return firstError;
  return new DbError('write_failed', `write failed: ${errorText(firstError)}`, {
    cause: firstError,
  });
}
