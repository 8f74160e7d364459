/** What a leader knows of one follower. */
export interface Progress {
  /** The follower's log agrees with ours up to here. */
  match: number;
  /** The next entry to send. */
  next: number;
  /**
   * probe: one append at a time until one is taken; replicate: appends are sent ahead of their replies; snapshot: waiting
   * for the follower to have taken one.
   */
  mode: 'probe' | 'replicate' | 'snapshot';
  /** An append of a probe is under way: no other until a reply or the next heartbeat's. */
  isPaused: boolean;
  /** Heard of since the last check of the quorum. */
  isActive: boolean;
  /** Ticks since the snapshot was sent. */
  snapshotTicks: number;
  /** The latest heartbeat round it has answered. */
  round: number;
}

export function newProgress(next: number): Progress {
  return {
    match: 0,
    next,
    mode: 'probe',
    isPaused: false,
    isActive: true,
    snapshotTicks: 0,
    round: 0,
  };
}

/** The highest index that a quorum of voters has. */
export function quorumIndex(matches: readonly number[], quorum: number): number {
  const sorted = [...matches].sort((a, b) => b - a);
  return sorted[quorum - 1] ?? 0;
}
