import { isDbError } from '../../base/errors.ts';
import type { Log } from '../../env/log.ts';

/**
 * Resolves once a node that starts has what was changed while it was down: who was dropped meanwhile must not come in by what it
 * remembers, be it for the seconds until its watch has found a meta node that answers. Where none says so in time it goes by what it knows.
 */
export async function hearOfUsers({
  meta,
  log,
}: {
  readonly meta: { settle(): Promise<void> };
  readonly log: Log;
}): Promise<void> {
  try {
    await meta.settle();
  } catch (error) {
    if (!isDbError(error, 'unavailable') && !isDbError(error, 'timeout')) throw error;
    log.warn('No meta node answers: users are as this node knew them');
  }
}
