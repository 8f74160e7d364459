/** Members of Raft that come and go: waits of the node that leads. */
import { DbError, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Membership } from '../../raft/types.ts';
import type { RaftDriver } from './raft-driver.ts';

/** How often what is waited for is looked at. */
export interface Pace {
  readonly clock: Clock;
  readonly stepMs: number;
}

/** How long a change may wait for the one before, and a new node may take to follow the log before it gets its vote. */
export const membershipLimitMs = 30_000;

/**
 * Proposes a change of what is in force; its index, once it is committed. Throws `not_leader`, `timeout`, and
 * `outcome_unknown` when leadership went meanwhile.
 */
export async function changeMembership(
  driver: RaftDriver,
  { clock, stepMs }: Pace,
  change: (membership: Membership) => Membership,
): Promise<number> {
  const giveUpMs = clock.monotonicMs() + membershipLimitMs;
  let index = 0;
  for (;;) {
    try {
      index = driver.drive((raft) => raft.proposeMembership(change(raft.membership)));
      break;
    } catch (error) {
      if (!isDbError(error, 'unavailable') || clock.monotonicMs() > giveUpMs) throw error;
      await clock.sleep(stepMs);
    }
  }
  const { term } = driver.raft;
  while (driver.raft.commit < index) {
    // Another leader may have put something else there.
    if (driver.raft.term !== term)
      throw new DbError('outcome_unknown', 'leadership was lost during a membership change');
    if (clock.monotonicMs() > giveUpMs)
      throw new DbError('timeout', 'the membership change was not committed in time');
    await clock.sleep(stepMs);
  }
  return index;
}

/**
 * A newcomer gets its vote when it has the log, or commits would wait for it (thesis 4.2.1). `driver` throws once the node
 * has left its cluster.
 */
export async function caughtUp(
  driver: () => RaftDriver,
  { clock, stepMs }: Pace,
  { nodeId, index }: { readonly nodeId: number; readonly index: number },
): Promise<void> {
  const giveUpMs = clock.monotonicMs() + membershipLimitMs;
  while ((driver().raft.matchOf(nodeId) ?? 0) < index) {
    if (!driver().isLeader) throw new DbError('not_leader', 'leadership was lost');
    if (clock.monotonicMs() > giveUpMs)
      throw new DbError('timeout', 'the new meta node does not follow the log');
    await clock.sleep(stepMs);
  }
}
