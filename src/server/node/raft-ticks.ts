import type { Config } from '../../config/config.ts';
import type { metaKeys } from '../../config/meta-keys.ts';

export const tickMs = 100;

/**
 * The reference's heartbeat-timeout is how long a follower waits; a leader that beats three times as often may be late twice, and a
 * cluster at rest does nothing else. Nor does it beat less than three times an election: none would lead for long.
 */
export function ticksOf(config: Config<typeof metaKeys>): {
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
} {
  const ticks = (durationMs: number) => Math.round(durationMs / tickMs);
  const electionTicks = Math.max(2, ticks(config.get('meta', 'election-timeout')));
  const heartbeatTicks = Math.min(ticks(config.get('meta', 'heartbeat-timeout') / 3), Math.floor(electionTicks / 3)); // prettier-ignore
  return { electionTicks, heartbeatTicks: Math.max(1, heartbeatTicks) };
}
