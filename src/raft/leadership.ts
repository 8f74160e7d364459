/**
 * What only a leader does: replication, commitment, reads, membership changes, transfer. Made anew with each term won.
 *
 * Invariants:
 * - Commits by counting only entries of its own term (paper 5.4.2).
 * - One membership change at a time, and none before an entry of its own term is committed (thesis 4.1 and its erratum).
 */
import { DbError } from '../base/errors.ts';
import { newProgress, quorumIndex, type Progress } from './progress.ts';
import type { RaftLog } from './raft-log.ts';
import { checkChange } from './membership.ts';
import { isMember, isVoter, quorumOf, type MessageBody, type Membership } from './types.ts';

/** Commands a leader takes ahead of a quorum; one that is cut off takes no more until it steps down. */
const uncommittedMax = 4096;

export interface LeadershipPorts {
  readonly id: number;
  readonly term: number;
  readonly log: RaftLog;
  readonly appendBytesMax: number;
  readonly snapshotTicksMax: number;
  readonly send: (to: number, body: MessageBody) => void;
  readonly onRead: (context: number, index: number) => void;
}

interface PendingRead {
  readonly context: number;
  readonly index: number;
  readonly round: number;
}

export class Leadership {
  readonly #ports: LeadershipPorts;
  readonly #peers = new Map<number, Progress>();
  #reads: PendingRead[] = [];
  #round = 0;
  #transferTo = 0;
  #transferTicks = 0;

  constructor(ports: LeadershipPorts) {
    this.#ports = ports;
    this.#syncPeers();
    const { log, term } = ports;
    log.append({ kind: 'empty', index: log.lastIndex + 1, term });
    this.#broadcast();
  }

  get isTransferring(): boolean {
    return this.#transferTo !== 0;
  }

  /** Up to where a follower's log is known to agree; undefined for a stranger. */
  matchOf(id: number): number | undefined {
    return this.#peers.get(id)?.match;
  }

  /** The voter that is best fit to lead after this one: heard of, with the longest log; 0 when there is no other. */
  get successorId(): number {
    const others = [...this.#peers].filter(([id]) => isVoter(this.#ports.log.membership, id));
    const rank = ({ isActive, match }: Progress): number => (isActive ? 2 ** 52 : 0) + match;
    return others.sort(([, a], [, b]) => rank(b) - rank(a))[0]?.[0] ?? 0;
  }

  /** Index of the new entry. */
  propose(data: Uint8Array): number {
    if (this.isTransferring) throw new DbError('unavailable', 'leadership is being transferred');
    const { log, term } = this.#ports;
    if (log.lastIndex - log.commit >= uncommittedMax)
      throw new DbError('unavailable', 'too many commands wait to be committed');
    const index = log.lastIndex + 1;
    log.append({ kind: 'command', index, term, data });
    this.#broadcast();
    return index;
  }

  /** Index of the change; of the latest one when there is nothing to change. */
  proposeMembership(membership: Membership): number {
    const { log, term } = this.#ports;
    if (membership === log.membership) return log.membershipIndex;
    if (log.membershipIndex > log.commit || !this.#hasCommittedInTerm())
      throw new DbError('unavailable', 'another membership change is under way');
    checkChange(log.membership, membership);
    const index = log.lastIndex + 1;
    log.append({ kind: 'membership', index, term, membership });
    this.#syncPeers();
    this.#broadcast();
    return index;
  }

  /** Confirms by a round of heartbeats that this is still the leader (thesis 6.4). */
  readIndex(context: number): void {
    const { log, onRead } = this.#ports;
    if (!this.#hasCommittedInTerm())
      throw new DbError('no_leader', 'the leader has not committed in its term yet');
    if (this.#quorum() === 1 && this.#selfVotes()) {
      onRead(context, log.commit);
      return;
    }
    this.heartbeat();
    this.#reads.push({ context, index: log.commit, round: this.#round });
  }

  transferTo(id: number): void {
    const progress = this.#peers.get(id);
    if (progress === undefined || !isVoter(this.#ports.log.membership, id))
      throw new DbError('node_not_found', 'node not found');
    this.#transferTo = id;
    this.#transferTicks = 0;
    if (progress.match === this.#ports.log.lastIndex) this.#ports.send(id, { kind: 'timeout-now' });
    else this.#sendAppend(id, progress);
  }

  /** One tick; a transfer that takes longer than an election is given up. */
  tick(electionTicks: number): void {
    for (const progress of this.#peers.values()) progress.snapshotTicks++;
    if (this.isTransferring && ++this.#transferTicks >= electionTicks) this.#transferTo = 0;
  }

  heartbeat(): void {
    this.#round++;
    const { log, send } = this.#ports;
    for (const [id, { match }] of this.#peers)
      send(id, { kind: 'heartbeat', commit: Math.min(match, log.commit), round: this.#round });
  }

  /** Whether a quorum was heard of since the last time it was asked (thesis 6.2). */
  checkQuorum(): boolean {
    let count = this.#selfVotes() ? 1 : 0;
    for (const [id, progress] of this.#peers) {
      if (progress.isActive && isVoter(this.#ports.log.membership, id)) count++;
      progress.isActive = false;
    }
    return count >= this.#quorum();
  }

  onAppendReply(from: number, reply: Extract<MessageBody, { kind: 'append-reply' }>): void {
    const progress = this.#peers.get(from);
    if (progress === undefined) return;
    progress.isActive = true;
    if (reply.rejected) this.#onRejected(from, progress, reply);
    else this.#onAccepted(from, progress, reply.index);
  }

  onHeartbeatReply(from: number, round: number): void {
    const progress = this.#peers.get(from);
    if (progress === undefined) return;
    progress.isActive = true;
    progress.isPaused = false;
    progress.round = Math.max(progress.round, round);
    const isStuck = progress.snapshotTicks > this.#ports.snapshotTicksMax;
    if (progress.mode === 'snapshot' && isStuck) this.#probe(progress);
    // An append or its reply may be lost: whoever is behind at a heartbeat gets one more.
    if (progress.mode === 'replicate' && progress.match < this.#ports.log.lastIndex)
      this.#probe(progress);
    if (progress.match < this.#ports.log.lastIndex) this.#sendAppend(from, progress);
    this.#answerReads();
  }

  /** Own entries became durable. */
  onStable(): void {
    this.#maybeCommit();
  }

  /** Commits what a quorum has. */
  #maybeCommit(): void {
    const { log, term } = this.#ports;
    const matches = log.membership.voters.map((voter) =>
      voter.id === this.#ports.id ? log.stable : (this.#peers.get(voter.id)?.match ?? 0),
    );
    const index = quorumIndex(matches, this.#quorum());
    if (index <= log.commit || log.termAt(index) !== term) return;
    log.commitTo(index);
    this.#broadcast();
    this.#syncPeers();
    // Of one whose answer was waited for and that is no member any more no answer counts.
    this.#answerReads();
  }

  #onAccepted(from: number, progress: Progress, index: number): void {
    const { log, send } = this.#ports;
    progress.isPaused = false;
    if (index > progress.match) progress.match = index;
    // The snapshot it has taken is the one that was sent, not one that was made since.
    if (progress.mode === 'probe' || (progress.mode === 'snapshot' && index >= progress.next - 1))
      progress.mode = 'replicate';
    progress.next = Math.max(progress.next, progress.match + 1);
    this.#maybeCommit();
    if (progress.next <= log.lastIndex) this.#sendAppend(from, progress);
    if (this.#transferTo === from && progress.match === log.lastIndex)
      send(from, { kind: 'timeout-now' });
  }

  #onRejected(
    from: number,
    progress: Progress,
    reply: Extract<MessageBody, { kind: 'append-reply' }>,
  ): void {
    // A late refusal of what was taken since.
    if (reply.index <= progress.match) return;
    const agreed = this.#ports.log.lastNotAfter(reply.hintIndex, reply.hintTerm).index;
    progress.mode = 'probe';
    progress.isPaused = false;
    progress.next = Math.max(progress.match + 1, Math.min(reply.index, agreed + 1));
    this.#sendAppend(from, progress);
  }

  #probe(progress: Progress): void {
    progress.mode = 'probe';
    progress.isPaused = false;
    progress.next = progress.match + 1;
  }

  #answerReads(): void {
    const { log, onRead } = this.#ports;
    const rounds = log.membership.voters.map((voter) =>
      voter.id === this.#ports.id ? this.#round : (this.#peers.get(voter.id)?.round ?? 0),
    );
    const confirmed = quorumIndex(rounds, this.#quorum());
    const done = this.#reads.filter((read) => read.round <= confirmed);
    if (done.length === 0) return;
    this.#reads = this.#reads.filter((read) => read.round > confirmed);
    for (const { context, index } of done) onRead(context, index);
  }

  #broadcast(): void {
    for (const [id, progress] of this.#peers) this.#sendAppend(id, progress);
  }

  #sendAppend(to: number, progress: Progress): void {
    const { log, send, appendBytesMax } = this.#ports;
    if (progress.isPaused || progress.mode === 'snapshot') return;
    const previousIndex = progress.next - 1;
    const previousTerm = log.termAt(previousIndex);
    if (previousTerm === undefined) {
      progress.mode = 'snapshot';
      progress.snapshotTicks = 0;
      progress.next = log.snapshot.index + 1;
      send(to, { kind: 'snapshot', snapshot: log.snapshot });
      return;
    }
    const entries = log.from(progress.next, appendBytesMax);
    if (progress.mode === 'replicate') progress.next += entries.length;
    else progress.isPaused = true;
    send(to, { kind: 'append', previousIndex, previousTerm, entries, commit: log.commit });
  }

  #syncPeers(): void {
    const { id: self, log } = this.#ports;
    const { voters, learners } = log.membership;
    for (const { id } of [...voters, ...learners])
      if (id !== self && !this.#peers.has(id)) this.#peers.set(id, newProgress(log.lastIndex + 1));
    // One that left still has to hear that it did, until the change is committed.
    for (const id of this.#peers.keys())
      if (!isMember(log.membership, id) && log.membershipIndex <= log.commit)
        this.#peers.delete(id);
  }

  #hasCommittedInTerm(): boolean {
    const { log, term } = this.#ports;
    return log.termAt(log.commit) === term;
  }

  #quorum(): number {
    return quorumOf(this.#ports.log.membership);
  }

  #selfVotes(): boolean {
    return isVoter(this.#ports.log.membership, this.#ports.id);
  }
}
