import { expect, test } from 'vitest';
import { RaftCluster, type RaftClusterOptions, membersOf, seededRandom } from '../../test/support/raft-cluster.ts'; // prettier-ignore
import { RaftSafety, type RaftView } from '../../test/support/raft-safety.ts';
import { isDbError } from '../base/errors.ts';
import { below, fraction, type Random } from '../env/random.ts';
import type { RaftNode } from './raft-node.ts';
import { isVoter, type Entry, type Membership, type Message } from './types.ts';

interface WanderOptions extends Pick<RaftClusterOptions, 'forgetsVotes' | 'forgetsEntries'> {
  /** Spoils a message on its way: what no network may do and no core be able to stand. */
  readonly spoil?: (message: Message, to: RaftView) => Message;
}

/** How often each kind of event happened, so that a schedule that lacks one is seen. */
type Counts = Map<string, number>;

const idMax = 6;

/**
 * A random history: ticks, crashes between and within Readys, restarts, lost, doubled and reordered messages, cuts,
 * compactions, membership changes, transfers and reads; then peace, and all members must agree.
 */
class Wanderer {
  readonly counts: Counts = new Map();
  readonly #random: Random;
  readonly #cluster: RaftCluster;
  readonly #safety = new RaftSafety();
  readonly #spoil: WanderOptions['spoil'];
  /** Each read's context, and what was committed when it was asked. */
  readonly #reads = new Map<number, number>();
  /** Some histories are calm, or nothing would get far enough to go wrong; some have little but elections. */
  readonly #crashOdds: number;
  #made = 0;

  constructor(seed: number, { spoil, ...options }: WanderOptions) {
    this.#random = seededRandom(seed);
    this.#spoil = spoil;
    this.#crashOdds = [0.001, 0.005, 0.02, 0.06][below(this.#random, 4)] ?? 0;
    const ids = below(this.#random, 2) === 0 ? [1, 2, 3] : [1, 2, 3, 4, 5];
    const membership = { voters: membersOf(...ids), learners: [] };
    this.#cluster = new RaftCluster(membership, {
      random: this.#random,
      electionTicks: 4,
      ...options,
    });
    for (let id = ids.length + 1; id <= idMax; id++) this.#cluster.add(id);
    this.#cluster.onReady = (id, { reads, snapshot }) => {
      if (snapshot !== undefined) this.#count('snapshot');
      for (const { context, index } of reads) this.#checkRead(id, context, index);
    };
  }

  run(stepCount: number): void {
    for (let step = 0; step < stepCount; step++) {
      const id = 1 + below(this.#random, idMax);
      this.#step(id, fraction(this.#random));
      this.#check(id);
    }
    this.#settle();
  }

  #step(id: number, dice: number): void {
    if (fraction(this.#random) < this.#crashOdds) {
      this.#crash(id);
      return;
    }
    const cluster = this.#cluster;
    const node = cluster.machine(id).node;
    if (dice < 0.35) this.#tick(id);
    else if (dice < 0.45) cluster.begin(id);
    else if (dice < 0.55) cluster.finish(id);
    else if (dice < 0.88) for (let i = 0; i < 8; i++) this.#moveMessage();
    else if (dice < 0.93)
      this.#asLeader('propose', (leader) => {
        this.#propose(leader);
      });
    else if (dice < 0.94) this.#read();
    else if (dice < 0.95)
      this.#asLeader('change', (leader) => leader.proposeMembership(this.#changed(leader.membership, id))); // prettier-ignore
    else if (dice < 0.953)
      this.#asLeader('transfer', (leader) => { leader.transferLeadership(id); }); // prettier-ignore
    else if (dice < 0.965) this.#restart(id);
    else if (dice < 0.985) this.#heal();
    else if (dice < 0.994 && node !== undefined)
      this.#compact(id); // prettier-ignore
    else cluster.isCut = (from, to) => (from === id) !== (to === id);
  }

  #tick(id: number): void {
    this.#cluster.machine(id).node?.tick();
    if (below(this.#random, 4) !== 0) this.#cluster.pump(id);
  }

  #propose(leader: RaftNode): void {
    for (let count = below(this.#random, 4); count >= 0; count--)
      leader.propose(new TextEncoder().encode(`c${this.#made++}`));
  }

  #heal(): void {
    if (below(this.#random, 6) === 0) this.#cluster.isCut = () => false;
  }

  #count(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  /** Half of the crashes come in the middle of a Ready, half are short. */
  #crash(id: number): void {
    const cluster = this.#cluster;
    if (cluster.machine(id).node === undefined) return;
    if (below(this.#random, 2) === 0) cluster.begin(id);
    const isPending = cluster.machine(id).pending !== undefined;
    this.#count(isPending ? 'crash within a Ready' : 'crash');
    cluster.crash(id, { isPendingDurable: below(this.#random, 2) === 0 });
    if (below(this.#random, 2) === 0) cluster.restart(id);
  }

  #restart(id: number): void {
    if (this.#cluster.machine(id).node === undefined) this.#cluster.restart(id);
  }

  #compact(id: number): void {
    const { pending, appliedIndex } = this.#cluster.machine(id);
    if (pending !== undefined || appliedIndex < this.#cluster.node(id).firstIndex) return;
    this.#count('compaction');
    this.#cluster.compact(id);
  }

  /** A leader, any of those that think so, may refuse. */
  #asLeader(name: string, act: (leader: RaftNode) => unknown): void {
    const leaders = this.#cluster.up.filter((node) => node.role === 'leader');
    const leader = leaders[below(this.#random, Math.max(1, leaders.length))];
    if (leader === undefined) return;
    try {
      act(leader);
      this.#count(name);
    } catch (error) {
      if (!isDbError(error)) throw error;
      this.#count(`${name} refused`);
    }
    this.#check(leader.id);
  }

  #read(): void {
    const context = this.#reads.size + 1;
    this.#reads.set(context, this.#safety.commitMax);
    this.#asLeader('read', (leader) => {
      leader.readIndex(context);
    });
  }

  /** A read sees all that was committed anywhere when it was asked. */
  #checkRead(id: number, context: number, index: number): void {
    this.#count('read answered');
    const least = this.#reads.get(context) ?? 0;
    if (index < least) throw new Error(`read: ${id} answers as of ${index}, not ${least}`);
  }

  /** Adds a learner, promotes one, or takes a member out. */
  #changed({ voters, learners }: Membership, id: number): Membership {
    const others = (members: Membership['voters']) => members.filter((one) => one.id !== id);
    const [member] = membersOf(id);
    if (member === undefined) return { voters, learners };
    if (learners.some((one) => one.id === id))
      return { voters: [...voters, member], learners: others(learners) };
    if (voters.some((one) => one.id === id)) return { voters: others(voters), learners };
    return { voters, learners: [...learners, member] };
  }

  #moveMessage(): void {
    const { network } = this.#cluster;
    if (network.length === 0) return;
    const at = below(this.#random, Math.min(network.length, 6));
    const message = network[at];
    if (message === undefined) return;
    const dice = fraction(this.#random);
    // One in twelve is kept and will come again; one in twenty is lost.
    if (dice >= 0.08) network.splice(at, 1);
    if (dice >= 0.95) return;
    const to = this.#cluster.machine(message.to).node;
    const isSpoilt = this.#spoil !== undefined && to !== undefined;
    this.#cluster.deliver(isSpoilt ? this.#spoil(message, this.#view(message.to)) : message);
    if (below(this.#random, 4) !== 0) this.#cluster.pump(message.to);
    this.#check(message.to);
  }

  #view(id: number): RaftView {
    const node = this.#cluster.node(id);
    const { term, role, entries, commit } = node;
    const { applied } = this.#cluster.machine(id);
    return { id, term, role, entries, commit, applied, snapshotIndex: node.firstIndex - 1 };
  }

  #check(id: number): void {
    if (this.#cluster.machine(id).node !== undefined) this.#safety.check(this.#view(id));
  }

  #settle(): void {
    const cluster = this.#cluster;
    cluster.isCut = () => false;
    for (let id = 1; id <= idMax; id++) this.#restart(id);
    cluster.tick(80);
    cluster.propose('last');
    cluster.tick(3);
    for (let id = 1; id <= idMax; id++) this.#check(id);
    const leader = cluster.leader();
    for (const { id } of leader?.membership.voters ?? []) {
      expect(cluster.texts(id).at(-1)).toBe('last');
      expect(cluster.texts(id)).toEqual(cluster.texts(leader?.id ?? 0));
    }
    expect(leader !== undefined && isVoter(leader.membership, leader.id)).toBe(true);
  }
}

test('raft: random histories keep the five properties, and all agree after them', () => {
  const total: Counts = new Map();
  for (let seed = 1; seed <= 40; seed++) {
    const wanderer = new Wanderer(seed, {});
    try {
      wanderer.run(1_500);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    for (const [name, count] of wanderer.counts) total.set(name, (total.get(name) ?? 0) + count);
  }
  const kinds = ['crash', 'crash within a Ready', 'compaction', 'snapshot', 'propose', 'change', 'transfer', 'read answered']; // prettier-ignore
  for (const kind of kinds) expect(total.get(kind) ?? 0, kind).toBeGreaterThan(15);
});

/** Whether one of 300 seeds fails by that property; `first` is known to, and others are tried once the core changed. */
function isCaught(pattern: RegExp, options: WanderOptions, first = 1): boolean {
  for (let seed = first; seed < first + 300; seed++) {
    try {
      new Wanderer(seed, options).run(1_500);
    } catch (error) {
      if (pattern.test(error instanceof Error ? error.message : String(error))) return true;
    }
  }
  return false;
}

test('raft: the histories catch a server that forgets its vote, by election safety', () => {
  expect(isCaught(/election safety|one leader/, { forgetsVotes: true }, 129)).toBe(true);
});

test('raft: the histories catch entries that were not durable when they were told', () => {
  expect(isCaught(/^leader completeness/, { forgetsEntries: true })).toBe(true);
});

test('raft: the histories catch a follower that appends without looking at what comes before', () => {
  const spoil = (message: Message, to: RaftView): Message => {
    if (message.kind !== 'append') return message;
    const held = to.entries.find(({ index }) => index === message.previousIndex);
    return held === undefined ? message : { ...message, previousTerm: held.term };
  };
  expect(isCaught(/^log matching/, { spoil }, 33)).toBe(true);
});

test('raft: the histories catch a follower that takes as committed what is not', () => {
  const spoil = (message: Message): Message =>
    message.kind === 'append' ? { ...message, commit: 1_000_000 } : message;
  expect(isCaught(/^(leader completeness|state machine safety)/, { spoil })).toBe(true);
});

test('raft: the checker sees a leader that changes its log, which no schedule makes the core do', () => {
  const safety = new RaftSafety();
  const entry = (index: number, term: number): Entry => ({ index, term, kind: 'empty' });
  const view = { id: 1, term: 2, role: 'leader', snapshotIndex: 0, commit: 0, applied: [] };
  safety.check({ ...view, entries: [entry(1, 1), entry(2, 2)] });
  safety.check({ ...view, entries: [entry(1, 1), entry(2, 2), entry(3, 2)] });
  expect(() => {
    safety.check({ ...view, entries: [entry(1, 1), entry(2, 2)] });
  }).toThrow('leader append-only: 1 changed entry 3 of its own term 2');
});
