/** Says which points were not taken, and why: clients are told so, but whoever runs the node does not see their answers. */
import type { DroppedWrite } from '../../data/write/points-writer.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import { QuietLog } from '../../env/quiet-log.ts';

/** Of a policy: each write of a client may have some. */
const quietMs = 10_000;

export function droppedPointsLog(
  clock: Pick<Clock, 'monotonicMs'>,
  log: Pick<Log, 'warn'>,
): (dropped: DroppedWrite) => void {
  const quiet = new QuietLog(clock, quietMs);
  return ({ database: db, policy: rp, droppedCount: dropped, reason }) => {
    quiet.say(JSON.stringify([db, rp]), (others) => {
      log.warn('Points were not taken', { db, rp, dropped, reason, ...others });
    });
  };
}
