/**
 * Runs a RaftNode against clock, disk and network: one loop takes each Ready, makes it durable, then sends, applies and
 * answers.
 *
 * Invariants:
 * - Nothing leaves before what it depends on is durable.
 * - An error of storage or of apply ends the driver: a server that cannot keep its word must be silent (D9).
 */
import { DbError, errorText } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import { settledMembership } from '../../raft/membership.ts';
import { RaftNode } from '../../raft/raft-node.ts';
import type { Entry, HardState, Member, Message, Ready, Snapshot } from '../../raft/types.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { CatalogForm } from '../codec/catalog-codec.ts';
import { protobufVersion, type CommandSet } from '../command/command-set.ts';
import type { Command } from '../command/command.ts';
import { KnownCommands } from './known-commands.ts';
import { PeerListener } from './peer-listener.ts';
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
  /** The state after the last applied entry, to be written down later or never. */
  capture(): () => Uint8Array;
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
  /**
   * Entries, or bytes of them, after which a state is captured, when they are as many bytes as the latest snapshot; the
   * next capture makes a snapshot of the one before.
   */
  readonly snapshotEntries: number;
  readonly snapshotBytes?: number;
  /** Bytes of entries for each byte of the latest snapshot before there is another one; 1 when left out. */
  readonly snapshotShare?: number;
  readonly commandSet: CommandSet;
}

const appendBytesMax = 1 << 20;
/** A stream on which nothing came for so many elections' times is opened anew. */
const silentElections = 3;
/** A member that a new leader has not heard of for so long counts as down: much less than who sent a command waits for its answer. */
const silentMsMax = 3_000;
/** Entries are small, bodies of shard groups for many times are not: no log grows much beyond twice this. */
const snapshotBytesDefault = 4 << 20;

/** A state of the past: compaction goes up to there, so that a follower a little behind needs no snapshot. */
interface Capture {
  readonly index: number;
  readonly encode: () => Uint8Array;
}

export class RaftDriver {
  readonly raft: RaftNode;
  readonly #ports: RaftDriverPorts;
  readonly #options: RaftDriverOptions;
  readonly #senders = new Map<string, PeerSender>();
  readonly #listener: PeerListener;
  readonly #addresses = new Map<number, string>();
  readonly #knownCommands: KnownCommands;
  readonly #reads = new Map<number, Latch<undefined>>();
  readonly #ticker: Timer;
  #hardState: HardState;
  #appliedIndex: number;
  #lastRead = 0;
  #wasLeader = false;
  #capture: Capture | undefined;
  #bytesSinceCapture = 0;
  /** Of the latest snapshot. */
  #snapshotBytes: number;
  #loop: Promise<void> | undefined;
  /** While the disk has something in hand. */
  #savingSinceMs: number | undefined;
  #isClosed = false;

  constructor(ports: RaftDriverPorts, options: RaftDriverOptions, restored: Restored) {
    this.#ports = ports;
    this.#options = options;
    const { nodeId: id, electionTicks, heartbeatTicks } = options;
    const random = ports.random.fork('raft');
    const silentTicksMax = Math.ceil(silentMsMax / options.tickMs);
    this.#knownCommands = new KnownCommands(options.commandSet, id, { silentTicksMax });
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
    this.#snapshotBytes = restored.snapshot?.data.length ?? 0;
    if (restored.snapshot !== undefined) ports.machine.restore(restored.snapshot);
    if (hasDoubledMembers(restored)) {
      const voters = this.raft.membership.voters.map(({ address }) => address).join(' ');
      ports.log.warn('Raft members were listed more than once: each counts once', { voters });
    }
    const { tcpAddress: ownAddress, tickMs } = options;
    this.#listener = new PeerListener(
      {
        ...ports,
        onMessages: (messages) => {
          this.step(messages);
        },
      },
      { ownAddress, silenceMs: silentElections * electionTicks * tickMs },
    );
    this.#ticker = ports.clock.every(options.tickMs, () => {
      this.raft.tick();
      // A leader that hears of nobody steps down without anything to write or send.
      this.#noteLeadership();
      if (this.isLeader) this.#knownCommands.tick(this.raft.membership);
      this.#listener.want(this.#heardAddresses());
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

  /** What is in the log and not in the state yet. */
  get unapplied(): readonly Entry[] {
    return this.raft.entries.filter(({ index }) => index > this.#appliedIndex);
  }

  /** '' when none is known. */
  get leaderAddress(): string {
    const { leaderId, membership } = this.raft;
    return membership.voters.find(({ id }) => id === leaderId)?.address ?? '';
  }

  /** It has a leader, and its disk takes what comes from there: one whose disk hangs goes on hearing of its leader. */
  get isInTouch(): boolean {
    const { tickMs, electionTicks } = this.#options;
    const heldMs = this.#ports.clock.monotonicMs() - (this.#savingSinceMs ?? Infinity);
    return this.leaderAddress !== '' && heldMs < electionTicks * tickMs;
  }

  step({ from, messages, commandVersion }: PeerMessages): void {
    if (this.#isClosed) return;
    for (const message of messages) {
      this.#addresses.set(message.from, from);
      this.#knownCommands.note(message.from, commandVersion);
      this.raft.step(message);
    }
    this.#kick();
  }

  /** Messages for the member that listens at `address`, as long as it reads them. Throws `node_not_found` for a stranger. */
  listen(address: string, signal: AbortSignal): AsyncIterable<PeerMessages> {
    if (this.#isClosed || !this.#members().some((member) => member.address === address))
      throw new DbError('node_not_found', `${address} is not a member of this cluster`);
    return this.#senderTo(address).listen(signal);
  }

  /** Runs a call on the core, such as propose, and takes care of what follows from it. */
  drive<T>(act: (raft: RaftNode) => T): T {
    if (this.#isClosed) throw new DbError('shutdown', 'this meta node has stopped');
    try {
      return act(this.raft);
    } finally {
      this.#kick();
    }
  }

  /**
   * Resolves once this leader has heard of each member whether it knows `kind`, or the silent ones count as down. Undefined where there
   * is nothing to wait for.
   */
  heardFor(kind: Command['kind']): Promise<void> | undefined {
    const isOpen = this.isLeader && this.#knownCommands.isOpen(kind, this.raft.membership);
    return isOpen ? this.#untilHeard(kind) : undefined;
  }

  async #untilHeard(kind: Command['kind']): Promise<void> {
    while (
      this.isLeader &&
      !this.#isClosed &&
      this.#knownCommands.isOpen(kind, this.raft.membership)
    )
      await this.#ports.clock.sleep(this.#options.tickMs);
  }

  /** Throws `unsupported_version` for a kind that some meta node is not known to know, if this leads. */
  checkKnown(kind: Command['kind']): void {
    if (this.isLeader) this.#knownCommands.check(kind, this.raft.membership);
  }

  /** What commands may be written as: every meta node has to read them. */
  get commandForm(): CatalogForm {
    const isKnown = this.#knownCommands.areAll(protobufVersion, this.raft.membership);
    return isKnown ? 'protobuf' : 'json';
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
    await this.#listener.close();
    await this.#loop;
    this.#failReads();
  }

  /** Hands leadership to the fittest other, if this leads and there is one; gives up after an election's time. */
  async stepAside(): Promise<void> {
    const { clock } = this.#ports;
    const { tickMs, electionTicks } = this.#options;
    const giveUpMs = clock.monotonicMs() + electionTicks * tickMs;
    const successorId = this.raft.successorId;
    if (successorId === 0) return;
    this.drive((raft) => {
      raft.transferLeadership(successorId);
    });
    while (this.isLeader && !this.#isClosed && clock.monotonicMs() < giveUpMs)
      await clock.sleep(tickMs);
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
      this.#savingSinceMs = this.#ports.clock.monotonicMs();
      await this.#ports.storage.save(ready, this.#hardState);
      this.#savingSinceMs = undefined;
      this.#hardState = ready.hardState ?? this.#hardState;
      this.#send(ready.messages);
      this.#apply(ready);
      this.raft.advance(ready);
      this.#answerReads(ready);
      this.#noteLeadership();
      await this.#compactIfDue();
    }
  }

  async #compactIfDue(): Promise<void> {
    const { snapshotEntries, snapshotBytes = snapshotBytesDefault } = this.#options;
    const since = this.#appliedIndex - (this.#capture?.index ?? this.raft.firstIndex - 1);
    // A snapshot is written once as many bytes of entries are: a command costs the same however large the catalog is.
    const share = this.#options.snapshotShare ?? 1;
    if (this.#bytesSinceCapture < share * this.#snapshotBytes) return;
    if (since < snapshotEntries && this.#bytesSinceCapture < snapshotBytes) return;
    const before = this.#capture;
    this.#capture = { index: this.#appliedIndex, encode: this.#ports.machine.capture() };
    this.#bytesSinceCapture = 0;
    // A snapshot of the leader may have come meanwhile.
    if (before === undefined || before.index < this.raft.firstIndex) return;
    const data = before.encode();
    this.#snapshotBytes = data.length;
    await this.#ports.storage.compact(this.raft.compact(before.index, data));
  }

  #apply({ snapshot, committed }: Ready): void {
    const { machine } = this.#ports;
    if (snapshot !== undefined) {
      machine.restore(snapshot);
      this.#appliedIndex = snapshot.index;
      this.#snapshotBytes = snapshot.data.length;
      this.#capture = undefined;
      this.#bytesSinceCapture = 0;
    }
    for (const entry of committed) {
      machine.apply(entry);
      this.#appliedIndex = entry.index;
      if (entry.kind === 'command') this.#bytesSinceCapture += entry.data.length;
    }
  }

  #answerReads({ reads }: Ready): void {
    for (const { context } of reads) this.#reads.get(context)?.open(undefined);
  }

  #noteLeadership(): void {
    if (this.isLeader === this.#wasLeader) return;
    this.#wasLeader = this.isLeader;
    this.#knownCommands.countAnew();
    this.#ports.machine.onLeader(this.isLeader);
    if (this.isLeader) return;
    this.#failReads();
  }

  #failReads(): void {
    for (const latch of this.#reads.values())
      latch.fail(new DbError('not_leader', 'leadership was lost'));
  }

  #send(messages: readonly Message[]): void {
    for (const { id, address } of this.#members()) this.#addresses.set(id, address);
    for (const message of messages) {
      const address = this.#addresses.get(message.to);
      if (address === undefined) continue;
      this.#senderTo(address).send(message);
    }
  }

  #senderTo(address: string): PeerSender {
    const known = this.#senders.get(address);
    if (known !== undefined) return known;
    const { tcpAddress: from, commandSet } = this.#options;
    const sender = new PeerSender(this.#ports.rpc, address, {
      from,
      commandVersion: commandSet.version,
    });
    this.#senders.set(address, sender);
    return sender;
  }

  #members(): readonly Member[] {
    const { voters, learners } = this.raft.membership;
    return [...voters, ...learners];
  }

  /** Those with whom messages go back and forth all the time. */
  #heardAddresses(): readonly string[] {
    if (this.isLeader) return this.#members().map(({ address }) => address);
    const { leaderAddress } = this;
    return leaderAddress === '' ? [] : [leaderAddress];
  }
}

function hasDoubledMembers({ snapshot, entries }: Restored): boolean {
  const all = entries.flatMap((entry) => (entry.kind === 'membership' ? [entry.membership] : []));
  if (snapshot !== undefined) all.push(snapshot.membership);
  return all.some((membership) => settledMembership(membership) !== membership);
}
