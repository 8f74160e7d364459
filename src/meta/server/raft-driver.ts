/**
 * Runs a RaftNode against clock, disk and network: one loop takes each Ready, makes it durable, then sends, applies and
 * answers.
 *
 * Invariants:
 * - Nothing leaves before what it depends on is durable.
 * - An error of storage or of apply ends the driver: a server that cannot keep its word must be silent (D9).
 */
import { errorText } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import { RaftNode } from '../../raft/raft-node.ts';
import type { Entry, HardState, Member, Message, Ready, Snapshot } from '../../raft/types.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { PeerSender, type PeerMessages } from './peer-sender.ts';
import type { RaftStorage, Restored } from './raft-storage.ts';

export interface RaftDriverPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly rpc: RpcClient;
  readonly storage: RaftStorage;
  readonly machine: StateMachine;
  /** The driver has ended by an error. */
  readonly onFatal: (error: unknown) => void;
}

/** What the log drives. Calls come one at a time, in the order of the log. */
export interface StateMachine {
  apply(entry: Entry): void;
  restore(snapshot: Snapshot): void;
  /** The state after the last applied entry. */
  encode(): Uint8Array;
  /** Leadership came or went. */
  onLeader(isLeader: boolean): void;
}

export interface RaftDriverOptions {
  readonly nodeId: number;
  /** Where this node listens. */
  readonly tcpAddress: string;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  /** Entries between two snapshots. */
  readonly snapshotEntries: number;
}

const appendBytesMax = 1 << 20;

export class RaftDriver {
  readonly raft: RaftNode;
  readonly #ports: RaftDriverPorts;
  readonly #options: RaftDriverOptions;
  readonly #senders = new Map<string, PeerSender>();
  readonly #addresses = new Map<number, string>();
  readonly #reads = new Map<number, Latch<undefined>>();
  readonly #ticker: Timer;
  #hardState: HardState;
  #appliedIndex: number;
  #lastRead = 0;
  #wasLeader = false;
  #loop: Promise<void> | undefined;
  #isClosed = false;

  constructor(ports: RaftDriverPorts, options: RaftDriverOptions, restored: Restored) {
    this.#ports = ports;
    this.#options = options;
    const { nodeId: id, electionTicks, heartbeatTicks } = options;
    const random = ports.random.fork('raft');
    this.raft = new RaftNode({
      id,
      electionTicks,
      heartbeatTicks,
      appendBytesMax,
      random,
      restored,
    });
    this.#hardState = restored.hardState ?? { term: 0, vote: 0, commit: 0 };
    this.#appliedIndex = restored.snapshot?.index ?? 0;
    if (restored.snapshot !== undefined) ports.machine.restore(restored.snapshot);
    this.#ticker = ports.clock.every(options.tickMs, () => {
      this.raft.tick();
      this.#kick();
    });
    this.#kick();
  }

  get isLeader(): boolean {
    return this.raft.role === 'leader';
  }

  get appliedIndex(): number {
    return this.#appliedIndex;
  }

  /** '' when none is known. */
  get leaderAddress(): string {
    const { leaderId, membership } = this.raft;
    return membership.voters.find(({ id }) => id === leaderId)?.address ?? '';
  }

  step({ from, messages }: PeerMessages): void {
    if (this.#isClosed) return;
    for (const message of messages) {
      this.#addresses.set(message.from, from);
      this.raft.step(message);
    }
    this.#kick();
  }

  /** Runs a call on the core, such as propose, and takes care of what follows from it. */
  drive<T>(act: (raft: RaftNode) => T): T {
    try {
      return act(this.raft);
    } finally {
      this.#kick();
    }
  }

  /** Resolves once this server has applied all that was committed when it was called. Throws `not_leader`. */
  async readBarrier(): Promise<void> {
    const context = ++this.#lastRead;
    const latch = new Latch<undefined>();
    this.#reads.set(context, latch);
    try {
      this.drive((raft) => {
        raft.readIndex(context);
      });
      await latch.promise;
    } finally {
      this.#reads.delete(context);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#ticker.cancel();
    await this.#loop;
  }

  #kick(): void {
    if (this.#loop !== undefined || this.#isClosed || !this.raft.hasReady) return;
    this.#loop = this.#run()
      .catch((error: unknown) => {
        this.#isClosed = true;
        this.#ticker.cancel();
        this.#ports.log.error('Raft has ended', { error: errorText(error) });
        this.#ports.onFatal(error);
      })
      .finally(() => {
        this.#loop = undefined;
        this.#kick();
      });
  }

  async #run(): Promise<void> {
    while (!this.#isClosed && this.raft.hasReady) {
      const ready = this.raft.ready();
      await this.#ports.storage.save(ready, this.#hardState);
      this.#hardState = ready.hardState ?? this.#hardState;
      this.#send(ready.messages);
      this.#apply(ready);
      this.raft.advance(ready);
      this.#answerReads(ready);
      this.#noteLeadership();
      if (this.#appliedIndex - this.raft.firstIndex >= this.#options.snapshotEntries) {
        const snapshot = this.raft.compact(this.#appliedIndex, this.#ports.machine.encode());
        await this.#ports.storage.compact(snapshot);
      }
    }
  }

  #apply({ snapshot, committed }: Ready): void {
    const { machine } = this.#ports;
    if (snapshot !== undefined) {
      machine.restore(snapshot);
      this.#appliedIndex = snapshot.index;
    }
    for (const entry of committed) {
      machine.apply(entry);
      this.#appliedIndex = entry.index;
    }
  }

  #answerReads({ reads }: Ready): void {
    for (const { context } of reads) this.#reads.get(context)?.open(undefined);
  }

  #noteLeadership(): void {
    if (this.isLeader === this.#wasLeader) return;
    this.#wasLeader = this.isLeader;
    this.#ports.machine.onLeader(this.isLeader);
    if (this.isLeader) return;
    for (const latch of this.#reads.values()) latch.fail(new Error('leadership was lost'));
  }

  #send(messages: readonly Message[]): void {
    const { voters, learners } = this.raft.membership;
    for (const { id, address } of [...voters, ...learners] satisfies Member[])
      this.#addresses.set(id, address);
    for (const message of messages) {
      const address = this.#addresses.get(message.to);
      if (address === undefined) continue;
      const sender =
        this.#senders.get(address) ??
        new PeerSender(this.#ports.rpc, address, this.#options.tcpAddress);
      this.#senders.set(address, sender);
      sender.send(message);
    }
  }
}
