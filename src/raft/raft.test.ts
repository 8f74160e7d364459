import { expect, test } from 'vitest';
import { RaftCluster, membersOf, seededRandom } from '../../test/support/raft-cluster.ts';
import type { Message } from './types.ts';

function clusterOf(...ids: readonly number[]): RaftCluster {
  return new RaftCluster({ voters: membersOf(...ids), learners: [] }, { random: seededRandom(7) });
}

/** Elects `id` and lets it commit. */
function elect(cluster: RaftCluster, id: number): void {
  cluster.node(id).campaign();
  cluster.settle();
  expect(cluster.leader()?.id).toBe(id);
}

function isolate(cluster: RaftCluster, ...ids: readonly number[]): void {
  cluster.isCut = (from, to) => ids.includes(from) !== ids.includes(to);
}

function heal(cluster: RaftCluster): void {
  cluster.isCut = () => false;
}

test('raft: a cluster of one elects itself and commits at once', () => {
  const cluster = clusterOf(1);
  cluster.tick(25);
  cluster.propose('a');
  cluster.settle();
  expect(cluster.texts(1)).toEqual(['a']);
});

test('raft: three servers elect one leader, and all apply the same commands in order', () => {
  const cluster = clusterOf(1, 2, 3);
  cluster.tick(25);
  for (const text of ['a', 'b', 'c']) cluster.propose(text);
  cluster.tick(2);
  for (const id of [1, 2, 3]) expect(cluster.texts(id)).toEqual(['a', 'b', 'c']);
  expect(cluster.up.filter((node) => node.role === 'leader')).toHaveLength(1);
});

test('raft 5.1: a server with a stale term steps down and its entries that nobody has are gone', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  isolate(cluster, 1);
  cluster.propose('lost');
  cluster.settle();
  electOther(cluster, 1);
  cluster.propose('kept');
  cluster.settle();
  heal(cluster);
  cluster.tick(3);
  for (const id of [1, 2, 3]) expect(cluster.texts(id)).toEqual(['kept']);
  expect(cluster.node(1).role).toBe('follower');
});

/** Ticks until another than `old` leads in a newer term; answers its id. */
function electOther(cluster: RaftCluster, old: number): number {
  for (let i = 0; i < 200; i++) {
    cluster.tick();
    const id = cluster.leader()?.id ?? old;
    if (id !== old) return id;
  }
  throw new Error('nobody was elected');
}

test('raft 5.2: one vote a term, also over a crash', () => {
  const cluster = clusterOf(1, 2, 3);
  const ask = (from: number, term: number): Message => ({ kind: 'vote', from, to: 3, term, isPreVote: false, isTransfer: false, lastIndex: 1, lastTerm: 1 }); // prettier-ignore
  cluster.node(3).step(ask(1, 5));
  cluster.pump(3);
  expect(cluster.network.pop()).toMatchObject({ to: 1, term: 5, granted: true });
  cluster.crash(3);
  cluster.restart(3);
  cluster.node(3).step(ask(2, 5));
  cluster.pump(3);
  expect(cluster.network.pop()).toMatchObject({ to: 2, term: 5, granted: false });
  cluster.node(3).step(ask(1, 5));
  cluster.pump(3);
  expect(cluster.network.pop()).toMatchObject({ to: 1, term: 5, granted: true });
});

test('raft 5.3: a follower that missed much, or holds entries of others, is brought in line', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  cluster.crash(3);
  for (let i = 0; i < 20; i++) cluster.propose(`x${i}`);
  cluster.settle();
  cluster.restart(3);
  cluster.tick(6);
  expect(cluster.texts(3)).toEqual(cluster.texts(1));
  expect(cluster.texts(3)).toHaveLength(20);
});

test('raft 5.4.1: a server whose log is behind does not get votes', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  isolate(cluster, 3);
  cluster.propose('a');
  cluster.settle();
  cluster.crash(1);
  heal(cluster);
  for (let i = 0; i < 30; i++) {
    cluster.node(3).campaign();
    cluster.settle();
    expect(cluster.node(3).role).not.toBe('leader');
    cluster.tick();
    if (cluster.leader()?.id === 2) break;
  }
  expect(cluster.leader()?.id).toBe(2);
  expect(cluster.texts(3)).toEqual(['a']);
});

test('raft 5.4.2: entries of an earlier term are committed only along with one of the leader’s own', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  cluster.isCut = (from, to) => from === 1 || (to === 1 && from !== 1);
  cluster.propose('old');
  cluster.settle();
  expect(cluster.node(1).commit).toBe(cluster.node(1).lastIndex - 1);
  cluster.crash(1);
  heal(cluster);
  electOther(cluster, 1);
  cluster.propose('new');
  cluster.settle();
  cluster.restart(1);
  cluster.tick(5);
  for (const id of [1, 2, 3]) expect(cluster.texts(id)).toEqual(['new']);
});

test('raft 6.2: a leader that hears of no majority steps down', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  isolate(cluster, 1);
  cluster.tick(21);
  expect(cluster.node(1).role).not.toBe('leader');
  expect(() => cluster.node(1).propose(new Uint8Array())).toThrow('this node does not lead');
});

test('raft 9.6: a server that was cut off does not disturb the term when it comes back', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  const { term } = cluster.node(1);
  isolate(cluster, 3);
  cluster.tick(100);
  heal(cluster);
  cluster.tick(30);
  expect(cluster.leader()?.id).toBe(1);
  expect(cluster.node(3).term).toBe(term);
});

test('raft 7: a follower too far behind takes a snapshot, and so does one that lost everything', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  cluster.crash(3);
  for (const text of ['a', 'b']) cluster.propose(text);
  cluster.settle();
  cluster.compact(1);
  cluster.propose('c');
  cluster.settle();
  cluster.restart(3);
  cluster.tick(10);
  expect(cluster.texts(3)).toEqual(['a', 'b', 'c']);
  cluster.crash(3);
  cluster.restart(3);
  cluster.tick(10);
  expect(cluster.texts(3)).toEqual(['a', 'b', 'c']);
});

test('raft 4.2.1: a learner takes the log without a vote, then becomes a voter; a removed leader goes', () => {
  const cluster = clusterOf(1);
  elect(cluster, 1);
  cluster.propose('a');
  cluster.settle();
  cluster.add(2);
  const leader = cluster.node(1);
  leader.proposeMembership({ voters: membersOf(1), learners: membersOf(2) });
  cluster.tick(3);
  expect(cluster.texts(2)).toEqual(['a']);
  leader.proposeMembership({ voters: membersOf(1, 2), learners: [] });
  expect(() => leader.proposeMembership({ voters: membersOf(1), learners: [] })).toThrow(
    'another membership change is under way',
  );
  cluster.tick(3);
  leader.proposeMembership({ voters: membersOf(2), learners: [] });
  cluster.tick(30);
  expect(cluster.node(1).role).not.toBe('leader');
  expect(cluster.leader()?.id).toBe(2);
  cluster.propose('b');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['a', 'b']);
});

test('raft 4.2.1: a learner that was taken out unheard names no leader once it hears of none', () => {
  const cluster = clusterOf(1);
  elect(cluster, 1);
  cluster.add(2);
  cluster.node(1).proposeMembership({ voters: membersOf(1), learners: membersOf(2) });
  cluster.tick(3);
  expect(cluster.node(2).leaderId).toBe(1);
  isolate(cluster, 2);
  cluster.node(1).proposeMembership({ voters: membersOf(1), learners: [] });
  cluster.tick(60);
  expect([cluster.node(2).role, cluster.node(2).leaderId]).toEqual(['follower', 0]);
});

test('raft 4.1: two voters at a time are refused', () => {
  const cluster = clusterOf(1);
  elect(cluster, 1);
  expect(() => cluster.node(1).proposeMembership({ voters: membersOf(1, 2, 3), learners: [] })).toThrow('one voter at a time'); // prettier-ignore
});

test('raft 4.1: a server or an address listed twice is refused, and nothing is logged', () => {
  const cluster = clusterOf(1, 2);
  elect(cluster, 1);
  const leader = cluster.node(1);
  const { lastIndex } = leader;
  const [one, two] = membersOf(1, 2);
  if (one === undefined || two === undefined) throw new Error('two members');
  for (const voters of [[one, two, two], [one, two, { ...two, id: 3 }]])
    expect(() => leader.proposeMembership({ voters, learners: [] })).toThrow('a meta node is a member once'); // prettier-ignore
  expect(() => leader.proposeMembership({ voters: [one, two], learners: [two] })).toThrow('a meta node is a member once'); // prettier-ignore
  expect(leader.lastIndex).toBe(lastIndex);
  expect(leader.proposeMembership(leader.membership)).toBeLessThanOrEqual(lastIndex);
});

test('raft 4.1: members that an earlier release listed several times count once, in snapshot and log', () => {
  const [one, two] = membersOf(1, 2);
  if (one === undefined || two === undefined) throw new Error('two members');
  const damaged = { voters: [one, two, two, two], learners: [two] };
  const cluster = new RaftCluster(damaged, { random: seededRandom(7) });
  cluster.isCut = () => true;
  cluster.node(2).campaign();
  cluster.tick(50);
  // Three of its four places were one server, which was a majority by itself.
  expect(cluster.node(2).role).not.toBe('leader');
  expect(cluster.node(2).membership).toEqual({ voters: [one, two], learners: [] });
  heal(cluster);
  cluster.tick(50);
  cluster.propose('a');
  cluster.settle();
  const leader = cluster.leader();
  expect(leader?.compact(leader.commit, new Uint8Array()).membership.voters).toEqual([one, two]);
  const entry = { kind: 'membership', index: 2, term: 1, membership: damaged } as const;
  const lone = clusterOf(1);
  lone.crash(1);
  lone.machine(1).entries = [entry];
  lone.restart(1);
  expect(lone.node(1).membership.voters).toEqual([one, two]);
});

test.each([1e300, Number.NaN, -1, 0.5, 2 ** 53, '7', undefined])(
  'raft: a message of term %s changes nothing, in memory or on disk',
  (term) => {
    const cluster = clusterOf(1, 2, 3);
    elect(cluster, 1);
    const { hardState } = cluster.machine(2);
    for (const kind of ['heartbeat', 'vote', 'append', 'append-reply', 'snapshot', 'timeout-now'])
      cluster.node(2).step({ kind, from: 3, to: 2, term, commit: 1, round: 1, lastIndex: 9, lastTerm: 9, index: 1, hintIndex: 1, hintTerm: 1, previousIndex: 1, previousTerm: 1, entries: [] } as unknown as Message); // prettier-ignore
    expect(cluster.node(2).hasReady).toBe(false);
    cluster.tick(5);
    expect(cluster.machine(2).hardState).toEqual(hardState);
    expect(cluster.leader()?.id).toBe(1);
  },
);

test('raft: counts out of range and entries with gaps are no message', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  const before = { commit: cluster.node(2).commit, lastIndex: cluster.node(2).lastIndex };
  const from1 = { from: 1, to: 2, term: cluster.node(2).term };
  const entry = { kind: 'command', index: 9, term: 2, data: new Uint8Array() };
  for (const body of [
    { kind: 'heartbeat', commit: 1e300, round: 1 },
    { kind: 'heartbeat', commit: 1, round: {} },
    { kind: 'append', previousIndex: before.lastIndex, previousTerm: from1.term, commit: 1, entries: [entry] }, // prettier-ignore
    { kind: 'append', previousIndex: before.lastIndex, previousTerm: from1.term, commit: 1, entries: 'x' }, // prettier-ignore
    { kind: 'toString' },
  ])
    cluster.node(2).step({ ...from1, ...body } as unknown as Message);
  const { commit, lastIndex } = cluster.node(2);
  expect({ commit, lastIndex }).toEqual(before);
});

test('raft: a leader that is told of another leader of its term goes on', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  const { term } = cluster.node(1);
  cluster.node(1).step({ kind: 'heartbeat', from: 3, to: 1, term, commit: 1, round: 1 });
  expect(cluster.node(1).role).toBe('leader');
});

test('raft 3.10: leadership moves to the server asked for, which leads at once', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  cluster.tick();
  cluster.node(1).transferLeadership(3);
  cluster.settle();
  expect(cluster.leader()?.id).toBe(3);
});

test('raft 6.4: a read is confirmed by a quorum; a leader that was cut off confirms none', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  cluster.propose('a');
  cluster.settle();
  cluster.node(1).readIndex(9);
  cluster.settle();
  expect(cluster.machine(1).reads).toEqual([{ context: 9, index: cluster.node(1).commit }]);
  isolate(cluster, 1);
  cluster.node(1).readIndex(10);
  cluster.tick(3);
  expect(cluster.machine(1).reads).toHaveLength(1);
  expect(() => {
    cluster.node(2).readIndex(1);
  }).toThrow('this node does not lead');
});

test('raft 6.4: a read that waits for one that is taken out is confirmed without it', () => {
  const cluster = clusterOf(1, 2);
  elect(cluster, 1);
  isolate(cluster, 1);
  cluster.node(1).readIndex(9);
  cluster.node(1).proposeMembership({ voters: membersOf(1), learners: [] });
  cluster.settle();
  heal(cluster);
  cluster.tick(20);
  expect(cluster.machine(1).reads).toMatchObject([{ context: 9 }]);
});

test('raft 4.2.2: one whose removal nobody else has stands for election; its longer log would stop all others', () => {
  const cluster = clusterOf(1, 2);
  elect(cluster, 1);
  isolate(cluster, 1);
  cluster.node(1).proposeMembership({ voters: membersOf(2), learners: [] });
  cluster.settle();
  cluster.crash(1);
  cluster.restart(1);
  heal(cluster);
  cluster.tick(60);
  expect(cluster.leader()?.id).toBe(2);
  expect(cluster.node(2).membership.voters).toEqual(membersOf(2));
  cluster.propose('a');
  cluster.settle();
  expect(cluster.texts(2)).toEqual(['a']);
});

test('raft: a cluster keeps a voter', () => {
  const cluster = clusterOf(1);
  elect(cluster, 1);
  expect(() => cluster.node(1).proposeMembership({ voters: [], learners: [] })).toThrow('a cluster keeps at least one meta node'); // prettier-ignore
});

test('raft: a leader that is cut off takes no more commands than it may hold', () => {
  const cluster = clusterOf(1, 2, 3);
  elect(cluster, 1);
  isolate(cluster, 1);
  for (let i = 0; i < 4096; i++) cluster.propose('x');
  expect(() => cluster.propose('y')).toThrow('too many commands wait to be committed');
});
