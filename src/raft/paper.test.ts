import { describe, expect, test } from 'vitest';
import { RaftServer, entryOf } from '../../test/support/raft-server.ts';
import { membersOf } from '../../test/support/raft-cluster.ts';
import type { MessageBody } from './types.ts';

/** One test for each statement of the Raft paper (extended version of 2014) that a server can be held to. */

const vote = (lastIndex: number, lastTerm: number): MessageBody => ({ kind: 'vote', isPreVote: false, isTransfer: false, lastIndex, lastTerm }); // prettier-ignore
const voted = (granted: boolean): MessageBody => ({
  kind: 'vote-reply',
  isPreVote: false,
  granted,
});
const heartbeat = (commit = 0): MessageBody => ({ kind: 'heartbeat', commit, round: 1 });
const taken = (index: number): MessageBody => ({ kind: 'append-reply', index, rejected: false, hintIndex: 0, hintTerm: 0 }); // prettier-ignore
const refused = (index: number, hintIndex: number, hintTerm: number): MessageBody => ({ kind: 'append-reply', index, rejected: true, hintIndex, hintTerm }); // prettier-ignore

/** Entries of these terms after entry `previousIndex`. */
function append(
  previousIndex: number,
  previousTerm: number,
  terms: readonly number[],
  commit = 0,
): MessageBody {
  // prettier-ignore
  const entries = terms.map((term, i) => entryOf(previousIndex + 1 + i, term));
  return { kind: 'append', previousIndex, previousTerm, entries, commit };
}

const everyKind: readonly MessageBody[] = [
  vote(0, 0),
  voted(false),
  append(0, 0, []),
  taken(0),
  heartbeat(),
  { kind: 'heartbeat-reply', round: 1 },
  { kind: 'timeout-now' },
];

describe('raft paper, figure 2, persistent state', () => {
  test('term and vote are to be durable with the answer that they are given in, not after it', () => {
    const { hardState, messages } = new RaftServer({}).step(2, 4, vote(0, 0));
    expect(hardState).toEqual({ term: 4, vote: 2, commit: 0 });
    expect(messages).toMatchObject([{ kind: 'vote-reply', granted: true, term: 4 }]);
  });

  test('entries are to be durable with the answer that they are there', () => {
    const { entries, messages } = new RaftServer({}).step(2, 4, append(0, 0, [4, 4]));
    expect(entries.map(({ index }) => index)).toEqual([1, 2]);
    expect(messages).toMatchObject([{ kind: 'append-reply', index: 2, rejected: false }]);
  });

  test('a leader’s own entries count only once they are durable', () => {
    const server = new RaftServer({ voters: [1] });
    server.node.campaign();
    const won = server.node.ready();
    expect(server.node.commit).toBe(0);
    server.node.advance(won);
    expect(server.node.commit).toBe(1);
  });
});

describe('raft paper, figure 2, rules for all servers', () => {
  test('what is committed is applied, once, in the order of the log', () => {
    const server = new RaftServer({});
    server.step(2, 1, append(0, 0, [1, 1, 1]));
    const applied = [heartbeat(2), heartbeat(2), heartbeat(1), heartbeat(3)].map((body) => server.step(2, 1, body).committed.map(({ index }) => index)); // prettier-ignore
    expect(applied).toEqual([[1, 2], [], [], [3]]);
  });

  test.each(everyKind.map((body) => [body.kind, body] as const))(
    'a higher term in a message makes a follower of it, %s',
    (kind, body) => {
      for (const prepare of ['follower', 'candidate', 'leader'] as const) {
        const server = new RaftServer({ hardState: { term: 3 } });
        if (prepare === 'candidate') server.candidacy();
        if (prepare === 'leader') server.lead();
        const isStanding = kind === 'timeout-now';
        // A leader and its followers pass over a vote that nobody has asked for (6).
        if (kind === 'vote' && prepare === 'leader') continue;
        server.step(2, 9, body);
        expect(server.node.term).toBe(isStanding ? 10 : 9);
        expect(server.node.role).toBe(isStanding ? 'candidate' : 'follower');
      }
    },
  );
});

describe('raft paper 5.1', () => {
  test.each(everyKind.map((body) => [body.kind, body] as const))(
    'a message of a lower term changes nothing, %s',
    (_kind, body) => {
      const server = new RaftServer({ terms: [1, 2], hardState: { term: 5, vote: 3 } });
      const { hardState, entries, committed } = server.step(2, 4, body);
      expect([hardState, entries, committed]).toEqual([undefined, [], []]);
      expect([server.node.term, server.node.role, server.terms]).toEqual([5, 'follower', [1, 2]]);
    },
  );

  test('the present term is told to a leader and to a candidate of a lower one', () => {
    for (const body of [vote(0, 0), append(0, 0, []), heartbeat()]) {
      const { messages } = new RaftServer({ hardState: { term: 5 } }).step(2, 4, body);
      expect(messages.map(({ to, term }) => [to, term])).toEqual([[2, 5]]);
    }
  });
});

describe('raft paper 5.2, followers', () => {
  test('a follower stays one as long as it hears of a leader', () => {
    const server = new RaftServer({});
    for (let i = 0; i < 20; i++) {
      server.tick(9);
      server.step(2, 1, i % 2 === 0 ? heartbeat() : append(0, 0, []));
    }
    expect(server.node.role).toBe('follower');
  });

  test('a follower that has given its vote waits again, one that refused does not', () => {
    const waited = [1, 2].map((lastIndex) => {
      const server = new RaftServer({ terms: [1, 1], hardState: { term: 1 } });
      const ticks = new RaftServer({ terms: [1, 1], hardState: { term: 1 } }).ticksToCampaign();
      server.tick(ticks - 1);
      // The higher term alone begins the wait anew, so the candidate is of the term that it has.
      server.step(2, 1, vote(lastIndex, 1));
      return server.ticksToCampaign();
    });
    expect(waited[0]).toBe(1);
    expect(waited[1]).toBeGreaterThan(1);
  });

  test('the wait is chosen at random from [T, 2T), and anew for each election', () => {
    const waits = Array.from({ length: 300 }, (_, seed) => new RaftServer({ seed }).ticksToCampaign()); // prettier-ignore
    expect([Math.min(...waits), Math.max(...waits)]).toEqual([10, 19]);
    const server = new RaftServer({ seed: 5 });
    const again = Array.from({ length: 20 }, () => server.ticksToCampaign());
    expect(new Set(again).size).toBeGreaterThan(3);
  });
});

describe('raft paper 5.2, candidates', () => {
  test('a candidate takes the next term, votes for itself and asks all others', () => {
    const { hardState, messages } = new RaftServer({ terms: [1, 2], hardState: { term: 4 } }).candidacy(); // prettier-ignore
    expect(hardState).toMatchObject({ term: 5, vote: 1 });
    expect(messages).toMatchObject([2, 3].map((to) => ({ kind: 'vote', to, term: 5, lastIndex: 2, lastTerm: 2 }))); // prettier-ignore
  });

  test('a candidate leads with the votes of a majority, each voter counted once', () => {
    const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
    server.candidacy();
    server.step(2, 1, voted(true));
    server.step(2, 1, voted(true));
    expect(server.node.role).toBe('candidate');
    server.step(3, 1, voted(true));
    expect(server.node.role).toBe('leader');
  });

  test('votes of an earlier term, and of who is no voter, do not count', () => {
    const server = new RaftServer({ hardState: { term: 4 } });
    server.candidacy();
    server.step(2, 4, voted(true));
    server.step(9, 5, voted(true));
    expect(server.node.role).toBe('candidate');
  });

  test('a candidate that hears of a leader of its term follows it, of a lower term not', () => {
    for (const [term, role] of [
      [4, 'candidate'],
      [5, 'follower'],
    ] as const) {
      // prettier-ignore
      const server = new RaftServer({ hardState: { term: 4 } });
      server.candidacy();
      server.step(2, term, append(0, 0, []));
      expect(server.node.role).toBe(role);
    }
  });

  test('a candidate without an outcome stands again after a wait', () => {
    const server = new RaftServer({});
    server.candidacy();
    expect(server.ticksToCampaign()).toBeLessThan(20);
    expect(server.candidacy().hardState).toMatchObject({ term: 2, vote: 1 });
  });

  test('who is refused by a majority stops asking', () => {
    const server = new RaftServer({});
    server.candidacy();
    server.step(2, 1, voted(false));
    server.step(3, 1, voted(false));
    expect(server.node.role).toBe('follower');
  });
});

describe('raft paper 5.2 and 5.4.1, RequestVote', () => {
  test('one vote a term, first come, first served; who has it gets it again', () => {
    const server = new RaftServer({});
    const answers = [2, 3, 2].map((from) => server.step(from, 4, vote(0, 0)).messages[0]);
    expect(answers).toMatchObject([{ granted: true }, { granted: false }, { granted: true }]);
    expect(server.step(3, 5, vote(0, 0)).messages).toMatchObject([{ granted: true }]);
  });

  test.each([
    [3, 3, true, 'the same log'],
    [4, 3, true, 'a longer log of the same last term'],
    [2, 3, false, 'a shorter log of the same last term'],
    [1, 4, true, 'a shorter log of a later last term'],
    [9, 2, false, 'a longer log of an earlier last term'],
  ])('last entry %i of term %i against 3 of term 3: %s, %s', (index, term, granted) => {
    const server = new RaftServer({ terms: [1, 1, 3] });
    expect(server.step(2, 7, vote(index, term)).messages).toMatchObject([{ granted }]);
  });

  test('a refusal for the log takes the term, not the vote', () => {
    const server = new RaftServer({ terms: [1, 1, 3] });
    expect(server.step(2, 7, vote(1, 1)).hardState).toMatchObject({ term: 7, vote: 0 });
  });
});

describe('raft paper 5.3, AppendEntries', () => {
  test('refused when the log lacks the entry before, or has another there', () => {
    for (const [index, term] of [
      [4, 2],
      [3, 1],
    ] as const) {
      // prettier-ignore
      const server = new RaftServer({ terms: [1, 1, 2] });
      expect(server.step(2, 3, append(index, term, [3])).messages).toMatchObject([{ rejected: true, index }]); // prettier-ignore
      expect(server.terms).toEqual([1, 1, 2]);
    }
  });

  test('an entry that disagrees goes, with all after it', () => {
    const server = new RaftServer({ terms: [1, 1, 2, 2, 2] });
    const { entries } = server.step(2, 3, append(2, 1, [3]));
    expect(server.terms).toEqual([1, 1, 3]);
    expect(entries.map(({ index, term }) => [index, term])).toEqual([[3, 3]]);
  });

  test('what agrees stays, also when the message is older and shorter than the log', () => {
    const server = new RaftServer({ terms: [1, 1, 2] });
    server.step(2, 2, append(1, 1, [1]));
    expect(server.terms).toEqual([1, 1, 2]);
  });

  test('the commit index is the leader’s, but not beyond the last new entry', () => {
    const server = new RaftServer({ terms: [1, 1, 2, 2] });
    // Entries 3 and 4 may still disagree with the leader's.
    server.step(2, 3, append(1, 1, [1], 9));
    expect(server.node.commit).toBe(2);
    server.step(2, 3, append(2, 1, [3], 3));
    expect(server.node.commit).toBe(3);
  });

  test('5.5: a message that comes twice is answered twice and done once', () => {
    const server = new RaftServer({});
    const first = server.step(2, 1, append(0, 0, [1, 1], 1));
    const again = server.step(2, 1, append(0, 0, [1, 1], 1));
    expect(again.entries).toEqual([]);
    expect(again.committed).toEqual([]);
    expect(first.messages.map(({ kind }) => kind)).toEqual(['append-reply']);
    expect(again.messages).toMatchObject([{ rejected: false }]);
    expect(server.terms).toEqual([1, 1]);
  });
});

describe('raft paper, figure 2, leaders', () => {
  test('8: a leader begins with an entry of its own term and says so to all at once', () => {
    const { entries, messages } = new RaftServer({ terms: [1], hardState: { term: 3 } }).lead();
    expect(entries).toMatchObject([{ kind: 'empty', index: 2, term: 4 }]);
    expect(messages).toMatchObject([2, 3].map((to) => ({ kind: 'append', to, term: 4, previousIndex: 1, previousTerm: 1 }))); // prettier-ignore
  });

  test('an idle leader beats, so that no election comes', () => {
    const server = new RaftServer({});
    server.lead();
    expect(server.tick().messages).toMatchObject([{ kind: 'heartbeat', to: 2 }, { kind: 'heartbeat', to: 3 }]); // prettier-ignore
  });

  test('a command is appended and sent, and applied when a majority has it', () => {
    const server = new RaftServer({});
    server.lead();
    for (const id of [2, 3]) server.step(id, 1, taken(1));
    const index = server.node.propose(new Uint8Array([7]));
    const { entries, messages, committed } = server.take();
    expect(entries.map((entry) => entry.index)).toEqual([index]);
    expect(messages).toMatchObject([2, 3].map((to) => ({ to, previousIndex: 1, entries: [{ index }] }))); // prettier-ignore
    expect(committed).toEqual([]);
    expect(server.step(3, 1, taken(index)).committed).toMatchObject([{ index }]);
  });

  test('a follower that refuses gets earlier entries until one agrees', () => {
    const server = new RaftServer({ terms: [1, 1, 2, 3] });
    server.lead();
    const [first] = server.step(2, 4, refused(4, 3, 2)).messages;
    expect(first).toMatchObject({ kind: 'append', to: 2, previousIndex: 3, previousTerm: 2 });
    const [second] = server.step(2, 4, refused(3, 2, 1)).messages;
    expect(second).toMatchObject({ previousIndex: 2, previousTerm: 1, entries: [{ index: 3 }, { index: 4 }, { index: 5 }] }); // prettier-ignore
  });

  test('5.3: a follower that does not answer is tried again and again', () => {
    const server = new RaftServer({});
    server.lead();
    server.step(3, 1, taken(1));
    for (let i = 0; i < 5; i++) {
      expect(server.tick().messages).toMatchObject([{ to: 2 }, { to: 3 }]);
      // Its heartbeats arrive, its appends do not.
      const { messages } = server.step(2, 1, { kind: 'heartbeat-reply', round: i + 1 });
      expect(messages).toMatchObject([{ kind: 'append', to: 2, entries: [{ index: 1 }] }]);
      server.step(3, 1, { kind: 'heartbeat-reply', round: i + 1 });
    }
  });

  test('5.4.2: entries of an earlier term are committed by counting only together with one of its own', () => {
    const server = new RaftServer({ terms: [1, 2, 2] });
    server.lead();
    for (const id of [2, 3]) server.step(id, 3, taken(3));
    expect(server.node.commit).toBe(0);
    server.step(2, 3, taken(4));
    expect(server.node.commit).toBe(4);
  });

  test('the majority counts the followers’ logs, not their number of answers', () => {
    const server = new RaftServer({ voters: [1, 2, 3, 4, 5] });
    server.lead();
    for (let i = 0; i < 3; i++) server.step(2, 1, taken(1));
    expect(server.node.commit).toBe(0);
    server.step(3, 1, taken(1));
    expect(server.node.commit).toBe(1);
  });

  test('5.3: the commit index goes along with appends and heartbeats', () => {
    const server = new RaftServer({});
    server.lead();
    const { messages } = server.step(2, 1, taken(1));
    expect(messages).toContainEqual(expect.objectContaining({ kind: 'append', to: 2, commit: 1 }));
    // A heartbeat vouches for no more than the follower is known to have.
    expect(server.tick().messages).toMatchObject([{ to: 2, commit: 1 }, { to: 3, commit: 0 }]); // prettier-ignore
  });
});

describe('raft paper 6', () => {
  test('who has heard of a leader lately passes over candidates, whatever their term', () => {
    const server = new RaftServer({});
    server.step(2, 1, heartbeat());
    server.tick(9);
    expect(server.step(3, 9, vote(5, 5))).toMatchObject({ messages: [], hardState: undefined });
    expect(server.node.term).toBe(1);
  });

  test('a membership is in force from the moment it is in the log', () => {
    const server = new RaftServer({});
    server.lead();
    server.step(2, 1, taken(1));
    server.node.proposeMembership({ voters: membersOf(1, 2, 3, 4), learners: [] });
    server.take();
    server.step(2, 1, taken(2));
    expect(server.node.commit).toBe(1);
    server.step(4, 1, taken(2));
    expect(server.node.commit).toBe(2);
  });

  test('a leader that is not a member counts the others only', () => {
    const server = new RaftServer({});
    server.lead();
    server.step(2, 1, taken(1));
    server.node.proposeMembership({ voters: membersOf(2, 3), learners: [] });
    server.take();
    server.step(2, 1, taken(2));
    expect([server.node.commit, server.node.role]).toEqual([1, 'leader']);
    server.step(3, 1, taken(2));
    expect([server.node.commit, server.node.role]).toEqual([2, 'follower']);
  });
});

describe('raft paper 7, InstallSnapshot', () => {
  const snapshot = (index: number, term: number) => ({
    kind: 'snapshot' as const,
    snapshot: { index, term, membership: { voters: membersOf(1, 2), learners: [] }, data: new Uint8Array([1]) }, // prettier-ignore
  });

  test('a log that disagrees or ends before goes as a whole; members are the snapshot’s', () => {
    for (const terms of [
      [1, 1],
      [1, 1, 1, 1, 1],
    ]) {
      // prettier-ignore
      const server = new RaftServer({ terms });
      const ready = server.step(2, 5, snapshot(4, 3));
      expect(ready.snapshot).toMatchObject({ index: 4, term: 3 });
      expect(ready.messages).toMatchObject([{ kind: 'append-reply', index: 4, rejected: false }]);
      expect([server.node.firstIndex, server.node.lastIndex, server.node.commit]).toEqual([
        5, 4, 4,
      ]);
      expect(server.node.membership.voters.map(({ id }) => id)).toEqual([1, 2]);
    }
  });

  test('a log that has its last entry keeps what follows', () => {
    const server = new RaftServer({ terms: [1, 1, 3, 3] });
    const ready = server.step(2, 5, snapshot(3, 3));
    expect(ready.snapshot).toBeUndefined();
    expect(ready.committed.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(server.terms).toEqual([1, 1, 3, 3]);
  });

  test('one that is older than what is committed changes nothing', () => {
    const server = new RaftServer({ terms: [1, 1, 3, 3], hardState: { commit: 4 } });
    expect(server.step(2, 5, snapshot(3, 3)).messages).toMatchObject([{ index: 4, rejected: false }]); // prettier-ignore
    expect(server.node.firstIndex).toBe(1);
  });

  test('its last index and term stand in for the entry in the check of what comes before', () => {
    const server = new RaftServer({});
    server.step(2, 5, snapshot(4, 3));
    expect(server.step(2, 5, append(4, 3, [5])).messages).toMatchObject([{ index: 5, rejected: false }]); // prettier-ignore
    expect(server.step(2, 5, append(6, 5, [5])).messages).toMatchObject([{ rejected: true }]);
  });

  test('a follower that needs what is compacted away gets one, and then what follows', () => {
    const server = new RaftServer({ terms: [1, 1, 1] });
    server.lead();
    server.step(2, 2, taken(4));
    server.node.compact(3, new Uint8Array());
    expect(server.step(3, 2, refused(3, 0, 0)).messages).toMatchObject([{ kind: 'snapshot', to: 3 }]); // prettier-ignore
    expect(server.step(3, 2, taken(3)).messages).toMatchObject([{ kind: 'append', to: 3, previousIndex: 3, entries: [{ index: 4 }] }]); // prettier-ignore
  });

  test('it is left alone while it takes a snapshot, also when another is made meanwhile', () => {
    const server = new RaftServer({ terms: [1, 1, 1] });
    server.lead();
    server.step(2, 2, taken(4));
    server.node.compact(3, new Uint8Array());
    server.step(3, 2, refused(3, 0, 0));
    server.node.propose(new Uint8Array());
    expect(server.take().messages.filter(({ to }) => to === 3)).toEqual([]);
    server.step(2, 2, taken(5));
    server.node.compact(4, new Uint8Array());
    expect(server.step(3, 2, taken(3)).messages.filter(({ to }) => to === 3)).toMatchObject([{ kind: 'snapshot' }]); // prettier-ignore
  });
});

describe('raft paper 8, reads', () => {
  test('a leader answers no read before it has committed in its term', () => {
    const server = new RaftServer({ terms: [1] });
    server.lead();
    expect(() => {
      server.node.readIndex(1);
    }).toThrow('the leader has not committed in its term yet');
  });

  test('a leader hears of a majority in a round begun after the read was asked', () => {
    const server = new RaftServer({});
    server.lead();
    server.step(2, 1, taken(1));
    server.tick();
    server.node.readIndex(7);
    server.take();
    expect(server.step(2, 1, { kind: 'heartbeat-reply', round: 1 }).reads).toEqual([]);
    expect(server.step(2, 1, { kind: 'heartbeat-reply', round: 2 }).reads).toEqual([{ context: 7, index: 1 }]); // prettier-ignore
  });

  test('a leader that has stepped down answers none', () => {
    const server = new RaftServer({});
    server.lead();
    server.step(2, 1, taken(1));
    server.node.readIndex(7);
    server.step(3, 2, heartbeat());
    expect(server.step(2, 1, { kind: 'heartbeat-reply', round: 1 }).reads).toEqual([]);
  });
});
