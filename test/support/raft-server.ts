import { RaftNode } from '../../src/raft/raft-node.ts';
import type {
  Entry,
  HardState,
  Message,
  MessageBody,
  Ready,
  Snapshot,
} from '../../src/raft/types.ts';
import { membersOf, seededRandom } from './raft-cluster.ts';

export interface RaftServerOptions {
  /** Terms of its entries 1, 2 and so on. */
  readonly terms?: readonly number[];
  readonly hardState?: Partial<HardState>;
  readonly snapshot?: Snapshot;
  readonly voters?: readonly number[];
  readonly seed?: number;
}

/** One server, number 1 of those given, that a test talks to; what it asks its driver to do is done at once. */
export class RaftServer {
  readonly node: RaftNode;

  constructor({
    terms = [],
    hardState,
    snapshot,
    voters = [1, 2, 3],
    seed = 1,
  }: RaftServerOptions) {
    const membership = { voters: membersOf(...voters), learners: [] };
    const base = snapshot ?? { index: 0, term: 0, membership, data: new Uint8Array() };
    this.node = new RaftNode({
      id: 1,
      electionTicks: 10,
      heartbeatTicks: 1,
      appendBytesMax: 1_000,
      random: seededRandom(seed),
      restored: {
        hardState: { term: terms.at(-1) ?? base.term, vote: 0, commit: base.index, ...hardState },
        snapshot: base,
        entries: terms.map((term, i) => entryOf(base.index + i + 1, term)),
      },
    });
  }

  /** Gives it a message of `from` and answers what it asks to be done. */
  step(from: number, term: number, body: MessageBody): Ready {
    this.node.step({ ...body, from, to: 1, term });
    return this.take();
  }

  take(): Ready {
    const ready = this.node.ready();
    this.node.advance(ready);
    return ready;
  }

  tick(count = 1): Ready {
    for (let i = 0; i < count; i++) this.node.tick();
    return this.take();
  }

  /** Ticks until it asks for votes, or pre-votes; answers how often. */
  ticksToCampaign(): number {
    for (let count = 1; count < 100; count++)
      if (this.tick().messages.some(({ kind }) => kind === 'vote')) return count;
    return Infinity;
  }

  /** Makes it ask for votes in the next term, with the pre-votes of all. */
  candidacy(): Ready {
    this.node.campaign();
    const { messages } = this.take();
    return this.#grant(messages, true);
  }

  /** Elects it; answers what it does first as leader. */
  lead(): Ready {
    return this.#grant(this.candidacy().messages, false);
  }

  get terms(): readonly number[] {
    return this.node.entries.map(({ term }) => term);
  }

  #grant(asked: readonly Message[], isPreVote: boolean): Ready {
    const reply = { kind: 'vote-reply', isPreVote, granted: true } as const;
    for (const { to: from, term } of asked) this.node.step({ ...reply, from, to: 1, term });
    return this.take();
  }
}

export function entryOf(index: number, term: number): Entry {
  return { index, term, kind: 'command', data: new TextEncoder().encode(`${index}/${term}`) };
}
