/**
 * Raft (Ongaro and Ousterhout 2014; Ongaro's thesis 2014 for pre-vote 9.6, check-quorum 6.2, membership one server at a
 * time 4.1, leadership transfer 3.10, read-index 6.4). Ids are positive; 0 stands for none. Indexes count from 1.
 */
export interface Member {
  readonly id: number;
  /** Where its driver listens; the core does not look at it. */
  readonly address: string;
}

export interface Membership {
  readonly voters: readonly Member[];
  /** Take the log, have no vote. */
  readonly learners: readonly Member[];
}

export type Entry = {
  readonly index: number;
  readonly term: number;
} & (
  | { readonly kind: 'empty' }
  | { readonly kind: 'command'; readonly data: Uint8Array }
  /** In force from the moment it is in the log, committed or not (thesis 4.1). */
  | { readonly kind: 'membership'; readonly membership: Membership }
);

export interface HardState {
  readonly term: number;
  /** Who has this term's vote; 0 for nobody. */
  readonly vote: number;
  readonly commit: number;
}

/** The state machine after entry `index`. */
export interface Snapshot {
  readonly index: number;
  readonly term: number;
  readonly membership: Membership;
  readonly data: Uint8Array;
}

export type Message = {
  readonly from: number;
  readonly to: number;
  readonly term: number;
} & MessageBody;

export type MessageBody =
  | {
      readonly kind: 'vote';
      /** Asks whether it would get the vote, changing nothing. */
      readonly isPreVote: boolean;
      /** The leader wants it: a follower does not hold on to its leader. */
      readonly isTransfer: boolean;
      readonly lastIndex: number;
      readonly lastTerm: number;
    }
  | { readonly kind: 'vote-reply'; readonly isPreVote: boolean; readonly granted: boolean }
  | {
      readonly kind: 'append';
      readonly previousIndex: number;
      readonly previousTerm: number;
      readonly entries: readonly Entry[];
      readonly commit: number;
    }
  | {
      readonly kind: 'append-reply';
      /** Where the log agrees up to, or the refused previousIndex. */
      readonly index: number;
      readonly rejected: boolean;
      /** With a refusal: the latest entry that may agree. */
      readonly hintIndex: number;
      readonly hintTerm: number;
    }
  | { readonly kind: 'heartbeat'; readonly commit: number; readonly round: number }
  | { readonly kind: 'heartbeat-reply'; readonly round: number }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly kind: 'timeout-now' };

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader';

/**
 * What the driver has to do, in this order: make `hardState`, `snapshot` and `entries` durable with one sync, then send
 * `messages`, apply `snapshot` and `committed`, answer `reads`, and call advance().
 */
export interface Ready {
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  /** To be appended; those already there from entries[0].index on are void. */
  readonly entries: readonly Entry[];
  readonly messages: readonly Message[];
  readonly committed: readonly Entry[];
  /** Reads that may be answered once `index` is applied. */
  readonly reads: readonly { readonly context: number; readonly index: number }[];
}

export function isVoter(membership: Membership, id: number): boolean {
  return membership.voters.some((member) => member.id === id);
}

export function isMember(membership: Membership, id: number): boolean {
  return isVoter(membership, id) || membership.learners.some((member) => member.id === id);
}

/** The least number of voters that is more than half. */
export function quorumOf(membership: Membership): number {
  return Math.floor(membership.voters.length / 2) + 1;
}
