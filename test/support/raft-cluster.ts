import { assert } from '../../src/base/assert.ts';
import { Prng } from '../../src/base/prng.ts';
import type { Random } from '../../src/env/random.ts';
import { RaftNode } from '../../src/raft/raft-node.ts';
import type {
  Entry,
  HardState,
  Member,
  Membership,
  Message,
  Ready,
  Snapshot,
} from '../../src/raft/types.ts';

export interface Machine {
  node: RaftNode | undefined;
  hardState: HardState | undefined;
  snapshot: Snapshot | undefined;
  entries: Entry[];
  /** Commands applied, in order, with their places. */
  applied: { readonly index: number; readonly text: string }[];
  appliedIndex: number;
  reads: { readonly context: number; readonly index: number }[];
  /** Taken from the core, not yet durable. */
  pending: Ready | undefined;
}

export interface RaftClusterOptions {
  readonly random: Random;
  readonly electionTicks?: number;
  /** Leaves the vote unwritten: what a driver must never do. */
  readonly forgetsVotes?: boolean;
  /** Says that entries are durable when they are not: what a driver must never do. */
  readonly forgetsEntries?: boolean;
}

export function membersOf(...ids: readonly number[]): readonly Member[] {
  return ids.map((id) => ({ id, address: `m${id}:8089` }));
}

/** Raft servers in memory whose durable state survives crash(), and a network that the test drives. */
export class RaftCluster {
  readonly machines = new Map<number, Machine>();
  /** Messages under way. */
  readonly network: Message[] = [];
  /** True cuts the way between two. */
  isCut: (from: number, to: number) => boolean = () => false;
  /** Sees each Ready as it becomes durable. */
  onReady: (id: number, ready: Ready) => void = () => undefined;
  /** The leader of each term, to be one at most. */
  readonly leaders = new Map<number, number>();
  readonly #options: RaftClusterOptions;

  constructor(membership: Membership, options: RaftClusterOptions) {
    this.#options = options;
    const snapshot = { index: 1, term: 1, membership, data: new Uint8Array() };
    for (const { id } of [...membership.voters, ...membership.learners]) this.add(id, snapshot);
  }

  /** A server that waits to be added, unless a snapshot names it. */
  add(id: number, snapshot?: Snapshot): void {
    this.machines.set(id, {
      node: undefined,
      hardState: snapshot && { term: 1, vote: 0, commit: 1 },
      snapshot,
      entries: [],
      applied: [],
      appliedIndex: 0,
      reads: [],
      pending: undefined,
    });
    this.restart(id);
  }

  node(id: number): RaftNode {
    const { node } = this.machine(id);
    assert(node !== undefined, 'the server is up');
    return node;
  }

  machine(id: number): Machine {
    const machine = this.machines.get(id);
    assert(machine !== undefined, 'the server exists');
    return machine;
  }

  get up(): readonly RaftNode[] {
    return [...this.machines.values()].flatMap(({ node }) => node ?? []);
  }

  leader(): RaftNode | undefined {
    const leaders = this.up.filter((node) => node.role === 'leader');
    return leaders.sort((a, b) => b.term - a.term)[0];
  }

  /** What was under way to the disk is there or not: it is one batch. */
  crash(id: number, { isPendingDurable = false } = {}): void {
    const machine = this.machine(id);
    if (machine.pending !== undefined && isPendingDurable) this.#save(machine, machine.pending);
    machine.pending = undefined;
    machine.node = undefined;
  }

  restart(id: number): void {
    const machine = this.machine(id);
    const { hardState, snapshot, entries } = machine;
    machine.appliedIndex = snapshot?.index ?? 0;
    machine.applied = decodeState(snapshot?.data ?? new Uint8Array());
    machine.node = new RaftNode({
      id,
      electionTicks: this.#options.electionTicks ?? 10,
      heartbeatTicks: 1,
      appendBytesMax: 200,
      random: this.#options.random.fork(`raft/${id}/${this.#options.random.u32()}`),
      restored: { hardState, snapshot, entries },
    });
  }

  tick(count = 1): void {
    for (let i = 0; i < count; i++) {
      for (const node of this.up) node.tick();
      this.settle();
    }
  }

  /** Does what the servers ask for and delivers messages in order until nothing is left to do. */
  settle(): void {
    for (let i = 0; i < 10_000; i++) {
      for (const id of this.machines.keys()) this.pump(id);
      const message = this.network.shift();
      if (message !== undefined) this.deliver(message);
      else if (!this.up.some((node) => node.hasReady)) return;
    }
    throw new Error('the cluster does not come to rest');
  }

  deliver(message: Message): void {
    if (this.isCut(message.from, message.to)) return;
    this.machines.get(message.to)?.node?.step(structuredClone(message));
  }

  /** One server's Ready, if it has one, from beginning to end. */
  pump(id: number): void {
    this.begin(id);
    this.finish(id);
  }

  /** Takes a Ready from the core; nothing of it is durable or sent yet. */
  begin(id: number): void {
    const machine = this.machine(id);
    const { node } = machine;
    if (machine.pending !== undefined || !node?.hasReady) return;
    if (node.role === 'leader') {
      const known = this.leaders.get(node.term) ?? id;
      assert(known === id, 'one leader a term');
      this.leaders.set(node.term, id);
    }
    machine.pending = node.ready();
  }

  /** Makes the Ready that was begun durable, sends, applies and answers. */
  finish(id: number): void {
    const machine = this.machine(id);
    const { node, pending: ready } = machine;
    if (ready === undefined || node === undefined) return;
    machine.pending = undefined;
    this.#save(machine, ready);
    this.onReady(id, ready);
    this.network.push(...ready.messages);
    if (ready.snapshot !== undefined) {
      machine.applied = decodeState(ready.snapshot.data);
      machine.appliedIndex = ready.snapshot.index;
    }
    for (const entry of ready.committed) {
      machine.appliedIndex = entry.index;
      if (entry.kind !== 'command') continue;
      machine.applied.push({ index: entry.index, text: new TextDecoder().decode(entry.data) });
    }
    machine.reads.push(...ready.reads);
    node.advance(ready);
  }

  propose(text: string): number {
    const leader = this.leader();
    assert(leader !== undefined, 'there is a leader');
    return leader.propose(new TextEncoder().encode(text));
  }

  /** Compacts all that a server has applied. */
  compact(id: number): void {
    const machine = this.machine(id);
    assert(machine.pending === undefined, 'a driver compacts between two Readys');
    const snapshot = this.node(id).compact(machine.appliedIndex, encodeState(machine.applied));
    machine.snapshot = snapshot;
    machine.entries = machine.entries.filter(({ index }) => index > snapshot.index);
  }

  texts(id: number): readonly string[] {
    return this.machine(id).applied.map(({ text }) => text);
  }

  #save(machine: Machine, ready: Ready): void {
    const { forgetsVotes = false, forgetsEntries = false } = this.#options;
    const { hardState, snapshot, entries } = ready;
    if (hardState !== undefined)
      machine.hardState = forgetsVotes ? { ...hardState, vote: 0 } : hardState;
    if (snapshot !== undefined) {
      machine.snapshot = snapshot;
      machine.entries = [];
    }
    if (forgetsEntries) {
      const commit = Math.min(machine.hardState?.commit ?? 0, machine.snapshot?.index ?? 0);
      machine.hardState = machine.hardState && { ...machine.hardState, commit };
      return;
    }
    const [first] = entries;
    if (first === undefined) return;
    machine.entries = machine.entries.filter(({ index }) => index < first.index);
    machine.entries.push(...entries);
  }
}

function encodeState(applied: Machine['applied']): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(applied));
}

function decodeState(data: Uint8Array): Machine['applied'] {
  return data.length === 0
    ? []
    : (JSON.parse(new TextDecoder().decode(data)) as Machine['applied']);
}

/** A Random from a seed. */
export function seededRandom(seed: number): Random {
  return Prng.fromSeed(seed);
}
