/**
 * One server of Raft as a pure state machine: ticks, messages and proposals go in, a Ready comes out. It reads no clock
 * and does no I/O; the driver (meta/server) turns time into ticks and makes each Ready durable before its messages leave.
 *
 * Invariants:
 * - At most one vote a term, durable before it is told.
 * - A message is of the term in which it was made; an older one changes nothing.
 */
import { DbError } from '../base/errors.ts';
import { below, type Random } from '../env/random.ts';
import { Leadership } from './leadership.ts';
import { RaftLog } from './raft-log.ts';
import { isSound } from './sound-message.ts';
import {
  isVoter,
  quorumOf,
  type Entry,
  type HardState,
  type Membership,
  type Message,
  type MessageBody,
  type Ready,
  type Role,
  type Snapshot,
} from './types.ts';

export interface RaftOptions {
  readonly id: number;
  /** Least ticks without a leader before an election; each is drawn from [electionTicks, 2 * electionTicks). */
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Bytes of the entries of one append. */
  readonly appendBytesMax: number;
  readonly random: Random;
  readonly restored: {
    readonly hardState: HardState | undefined;
    readonly snapshot: Snapshot | undefined;
    readonly entries: readonly Entry[];
  };
}

type MessageOf<Kind extends MessageBody['kind']> = Message & { readonly kind: Kind };

export class RaftNode {
  readonly id: number;
  readonly #options: RaftOptions;
  readonly #log: RaftLog;
  #role: Role = 'follower';
  #term: number;
  #vote: number;
  #leaderId = 0;
  #leadership: Leadership | undefined;
  readonly #votes = new Map<number, boolean>();
  #electionElapsed = 0;
  #heartbeatElapsed = 0;
  #timeoutTicks = 0;
  #messages: Message[] = [];
  #reads: { readonly context: number; readonly index: number }[] = [];
  #installed: Snapshot | undefined;
  #given: HardState;

  constructor(options: RaftOptions) {
    const { hardState, snapshot, entries } = options.restored;
    this.id = options.id;
    this.#options = options;
    this.#term = hardState?.term ?? 0;
    this.#vote = hardState?.vote ?? 0;
    this.#log = new RaftLog({ snapshot, entries, commit: hardState?.commit ?? 0 });
    this.#given = this.#hardState();
    this.#resetTimers();
  }

  get role(): Role {
    return this.#role;
  }

  get term(): number {
    return this.#term;
  }

  /** 0 when none is known. */
  get leaderId(): number {
    return this.#leaderId;
  }

  get commit(): number {
    return this.#log.commit;
  }

  get firstIndex(): number {
    return this.#log.firstIndex;
  }

  get lastIndex(): number {
    return this.#log.lastIndex;
  }

  get membership(): Membership {
    return this.#log.membership;
  }

  /** The entries since the snapshot, for status and checkers. */
  get entries(): readonly Entry[] {
    return this.#log.entries;
  }

  /** As leader: up to where the log of `id` is known to agree; undefined otherwise. */
  matchOf(id: number): number | undefined {
    return this.#leadership?.matchOf(id);
  }

  /** As leader: whom to hand leadership to; 0 for nobody. */
  get successorId(): number {
    return this.#leadership?.successorId ?? 0;
  }

  tick(): void {
    this.#electionElapsed++;
    if (this.#leadership !== undefined) this.#tickLeader(this.#leadership);
    else if (this.#electionElapsed >= this.#timeoutTicks) {
      this.#electionElapsed = 0;
      this.#timeoutTicks = this.#drawTimeout();
      if (this.#log.mayStand(this.id)) this.#campaign({ isPreVote: true });
      // Whoever led when this node was taken out need not lead any more.
      else this.#leaderId = 0;
    }
  }

  /** Stands for election at once, as a cluster of one does at its start. */
  campaign(): void {
    if (this.#role !== 'leader' && this.#log.mayStand(this.id)) this.#campaign({ isPreVote: true });
  }

  /** Appends a command; answers its index. Throws `not_leader`. */
  propose(data: Uint8Array): number {
    return this.#lead().propose(data);
  }

  /** Throws `not_leader`, and `unavailable` while another change is under way. */
  proposeMembership(membership: Membership): number {
    return this.#lead().proposeMembership(membership);
  }

  /** A later Ready names `context` with an index: a state that has it applied is up to date. Throws `not_leader`. */
  readIndex(context: number): void {
    this.#lead().readIndex(context);
  }

  transferLeadership(to: number): void {
    if (to !== this.id) this.#lead().transferTo(to);
  }

  /** Forgets the entries up to `index`, whose state `data` is; the driver makes the result durable. */
  compact(index: number, data: Uint8Array): Snapshot {
    return this.#log.compact(index, data);
  }

  step(message: Message): void {
    if (!isSound(message) || message.to !== this.id) return;
    if (message.term > this.#term && !this.#adoptTerm(message)) return;
    if (message.term < this.#term) {
      this.#answerOld(message);
      return;
    }
    // A term has one leader, so this is from nobody who may say it.
    if (this.#leadership !== undefined && isFromLeader(message)) return;
    switch (message.kind) {
      case 'vote':
        this.#onVote(message);
        break;
      case 'vote-reply':
        this.#onVoteReply(message);
        break;
      case 'append':
        this.#follow(message.from);
        this.#onAppend(message);
        break;
      case 'heartbeat':
        this.#follow(message.from);
        this.#log.commitTo(message.commit);
        this.#send(message.from, { kind: 'heartbeat-reply', round: message.round });
        break;
      case 'snapshot':
        this.#follow(message.from);
        this.#onSnapshot(message);
        break;
      case 'append-reply':
        this.#leadership?.onAppendReply(message.from, message);
        this.#leaveIfRemoved();
        break;
      case 'heartbeat-reply':
        this.#leadership?.onHeartbeatReply(message.from, message.round);
        break;
      case 'timeout-now':
        if (this.#log.mayStand(this.id)) this.#campaign({ isPreVote: false, isTransfer: true });
        break;
    }
  }

  get hasReady(): boolean {
    return (
      this.#messages.length > 0 ||
      this.#reads.length > 0 ||
      this.#installed !== undefined ||
      this.#log.unstable().length > 0 ||
      !isSame(this.#given, this.#hardState()) ||
      this.#log.hasCommitted
    );
  }

  ready(): Ready {
    const hardState = this.#hardState();
    const ready: Ready = {
      hardState: isSame(this.#given, hardState) ? undefined : hardState,
      snapshot: this.#installed,
      entries: this.#log.unstable(),
      messages: this.#messages,
      committed: this.#log.takeCommitted(),
      reads: this.#reads,
    };
    this.#given = hardState;
    this.#messages = [];
    this.#reads = [];
    this.#installed = undefined;
    return ready;
  }

  /** The driver has done all that `ready` asked for. */
  advance(ready: Ready): void {
    const last = ready.entries.at(-1);
    if (last === undefined) return;
    this.#log.stableTo(last.index, last.term);
    this.#leadership?.onStable();
    this.#leaveIfRemoved();
  }

  #lead(): Leadership {
    if (this.#leadership === undefined) throw new DbError('not_leader', 'this node does not lead');
    return this.#leadership;
  }

  #tickLeader(leadership: Leadership): void {
    const { electionTicks, heartbeatTicks } = this.#options;
    leadership.tick(electionTicks);
    if (this.#electionElapsed >= electionTicks) {
      this.#electionElapsed = 0;
      if (!leadership.checkQuorum()) {
        this.#becomeFollower(this.#term, 0);
        return;
      }
    }
    if (++this.#heartbeatElapsed < heartbeatTicks) return;
    this.#heartbeatElapsed = 0;
    leadership.heartbeat();
  }

  /** Moves to the term of a newer message; false when the message is to be passed over. */
  #adoptTerm(message: Message): boolean {
    if (message.kind === 'vote') {
      const hasLeader = this.#leaderId !== 0 && this.#electionElapsed < this.#options.electionTicks;
      // One that was cut off must not unseat a leader that the others hear of (thesis 4.2.3).
      if (hasLeader && !message.isTransfer) return false;
      if (message.isPreVote) {
        this.#onVote(message);
        return false;
      }
    }
    if (message.kind === 'vote-reply' && message.isPreVote && message.granted) {
      this.#onVoteReply(message);
      return false;
    }
    this.#becomeFollower(message.term, isFromLeader(message) ? message.from : 0);
    return true;
  }

  /** Tells one that is behind of the present term, so that it steps down. */
  #answerOld(message: Message): void {
    const { kind, from } = message;
    if (isFromLeader(message))
      this.#send(from, {
        kind: 'append-reply',
        index: 0,
        rejected: true,
        hintIndex: 0,
        hintTerm: 0,
      });
    else if (kind === 'vote')
      this.#send(from, { kind: 'vote-reply', isPreVote: true, granted: false });
  }

  #onVote(message: MessageOf<'vote'>): void {
    const { from, term, isPreVote, lastIndex, lastTerm } = message;
    const isFree = this.#vote === from || (this.#vote === 0 && this.#leaderId === 0);
    const mayVote = isFree || (isPreVote && term > this.#term);
    const granted = mayVote && this.#log.isUpToDate(lastIndex, lastTerm);
    const reply = { kind: 'vote-reply', isPreVote, granted } as const;
    if (granted && !isPreVote) {
      this.#vote = from;
      this.#electionElapsed = 0;
    }
    // A granted pre-vote is of the term asked about, a refusal tells the present one.
    this.#messages.push({ ...reply, from: this.id, to: from, term: granted ? term : this.#term });
  }

  #onVoteReply({ from, term, isPreVote, granted }: MessageOf<'vote-reply'>): void {
    const wanted = isPreVote ? 'pre-candidate' : 'candidate';
    if (this.#role !== wanted || (granted && isPreVote && term !== this.#term + 1)) return;
    this.#votes.set(from, granted);
    this.#countVotes();
  }

  #countVotes(): void {
    const { membership } = this.#log;
    const cast = membership.voters.flatMap(({ id }) => this.#votes.get(id) ?? []);
    const granted = cast.filter((vote) => vote).length;
    const quorum = quorumOf(membership);
    if (granted >= quorum) {
      if (this.#role === 'pre-candidate') this.#campaign({ isPreVote: false });
      else this.#becomeLeader();
    } else if (cast.length - granted > membership.voters.length - quorum) {
      this.#becomeFollower(this.#term, 0);
    }
  }

  #campaign({ isPreVote, isTransfer = false }: { isPreVote: boolean; isTransfer?: boolean }): void {
    this.#leadership = undefined;
    this.#leaderId = 0;
    this.#votes.clear();
    this.#role = isPreVote ? 'pre-candidate' : 'candidate';
    if (!isPreVote) {
      this.#term++;
      this.#vote = this.id;
      this.#resetTimers();
    }
    const { lastIndex, lastTerm } = this.#log;
    for (const { id } of this.#log.membership.voters) {
      if (id === this.id) continue;
      this.#messages.push({
        kind: 'vote',
        from: this.id,
        to: id,
        term: isPreVote ? this.#term + 1 : this.#term,
        isPreVote,
        isTransfer,
        lastIndex,
        lastTerm,
      });
    }
    this.#votes.set(this.id, true);
    this.#countVotes();
  }

  #becomeLeader(): void {
    this.#role = 'leader';
    this.#leaderId = this.id;
    this.#resetTimers();
    this.#leadership = new Leadership({
      id: this.id,
      term: this.#term,
      log: this.#log,
      appendBytesMax: this.#options.appendBytesMax,
      snapshotTicksMax: 2 * this.#options.electionTicks,
      send: (to, body) => {
        this.#send(to, body);
      },
      onRead: (context, index) => {
        this.#reads.push({ context, index });
      },
    });
  }

  #becomeFollower(term: number, leaderId: number): void {
    if (term > this.#term) {
      this.#term = term;
      this.#vote = 0;
    }
    this.#role = 'follower';
    this.#leaderId = leaderId;
    this.#leadership = undefined;
    this.#votes.clear();
    this.#resetTimers();
  }

  /** Hears of the leader of the present term. */
  #follow(leaderId: number): void {
    if (this.#role !== 'follower') this.#becomeFollower(this.#term, leaderId);
    this.#leaderId = leaderId;
    this.#electionElapsed = 0;
  }

  #onAppend({ from, previousIndex, previousTerm, entries, commit }: MessageOf<'append'>): void {
    const log = this.#log;
    if (previousIndex < log.commit) {
      // All up to the commit agrees; what follows comes with the leader's next append.
      this.#acknowledge(from, log.commit);
    } else if (log.accept(previousIndex, previousTerm, entries)) {
      const last = previousIndex + entries.length;
      log.commitTo(Math.min(commit, last));
      this.#acknowledge(from, last);
    } else {
      const hint = log.lastNotAfter(previousIndex, previousTerm);
      this.#send(from, {
        kind: 'append-reply',
        index: previousIndex,
        rejected: true,
        hintIndex: hint.index,
        hintTerm: hint.term,
      });
    }
  }

  #onSnapshot({ from, snapshot }: MessageOf<'snapshot'>): void {
    const log = this.#log;
    if (snapshot.index <= log.commit) {
      this.#acknowledge(from, log.commit);
      return;
    }
    if (log.termAt(snapshot.index) === snapshot.term) log.commitTo(snapshot.index);
    else {
      log.restore(snapshot);
      this.#installed = snapshot;
    }
    this.#acknowledge(from, snapshot.index);
  }

  #acknowledge(to: number, index: number): void {
    this.#send(to, { kind: 'append-reply', index, rejected: false, hintIndex: 0, hintTerm: 0 });
  }

  /** A leader that was voted out leads until the others have it committed (thesis 4.2.2). */
  #leaveIfRemoved(): void {
    const { membership, membershipIndex, commit } = this.#log;
    if (this.#leadership === undefined || isVoter(membership, this.id)) return;
    if (membershipIndex <= commit) this.#becomeFollower(this.#term, 0);
  }

  #send(to: number, body: MessageBody): void {
    this.#messages.push({ ...body, from: this.id, to, term: this.#term });
  }

  #hardState(): HardState {
    return { term: this.#term, vote: this.#vote, commit: this.#log.commit };
  }

  #resetTimers(): void {
    this.#electionElapsed = 0;
    this.#heartbeatElapsed = 0;
    this.#timeoutTicks = this.#drawTimeout();
  }

  #drawTimeout(): number {
    const { electionTicks, random } = this.#options;
    return electionTicks + below(random, electionTicks);
  }
}

/** Whether only the leader of the message's term sends such a one. */
function isFromLeader({ kind }: Message): boolean {
  return kind === 'append' || kind === 'heartbeat' || kind === 'snapshot';
}

function isSame(left: HardState, right: HardState): boolean {
  return left.term === right.term && left.vote === right.vote && left.commit === right.commit;
}
