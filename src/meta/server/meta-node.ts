/**
 * A meta node: founds a cluster or joins one, takes commands as leader, and streams the catalog to whoever watches.
 *
 * Not here: the HTTP API (http/meta), and what happens at a data node when one is added (server).
 */
import { assert } from '../../base/assert.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import { Mutex } from '../../base/async/mutex.ts';
import type { Clock } from '../../env/clock.ts';
import type { KvStore } from '../../env/kv.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import type { RpcTransport } from '../../env/transport.ts';
import { withLearner, withoutLearner, withoutMember, withVoter } from '../../raft/membership.ts';
import { isMember, isVoter, type Membership } from '../../raft/types.ts';
import { Membership as ClusterMembership } from '../../rpc/membership.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { serveCall, serveStream, type ServedMethod } from '../../rpc/served-method.ts';
import { executeMethod, joinMetaMethod, metaStatusMethod, readIndexMethod, removeMetaMethod, watchMethod, type CommandRequest, type ExecuteReply, type WatchReply, type WatchRequest } from '../client/meta-methods.ts'; // prettier-ignore
import { applyCommand } from '../apply/apply.ts';
import { emptyCatalog, type Catalog, type CommandValue } from '../model/catalog.ts'; // prettier-ignore
import { encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command, LoggedCommand } from '../command/command.ts';
import { commandSet, type CommandSet } from '../command/command-set.ts';
import { isLogged } from '../command/command-shape.ts';
import { CatalogMachine, type Executed } from './catalog-machine.ts';
import { leaveCluster } from './leave-cluster.ts';
import { caughtUp, changeMembership, type Pace } from './membership-changes.ts';
import { ForgottenCatalog } from './forgotten-catalog.ts';
import type { PeerMessages } from './peer-sender.ts';
import { proposalOf } from './proposal.ts';
import { refuseByLeader } from './refuse-by-leader.ts';
import { RaftDriver } from './raft-driver.ts';
import { answerProof, PeerProofs } from './peer-proofs.ts';
import { deliverMethod, listenMethod, proveMethod } from './raft-methods.ts';
import type { Identity } from './raft-records.ts';
import { RaftStorage, type Restored } from './raft-storage.ts';
import { settleRead } from './settled-read.ts';

export interface MetaNodePorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly kv: KvStore;
  readonly transport: RpcTransport;
  readonly onFatal: (error: unknown) => void;
}

export interface MetaNodeOptions {
  /** host:port of the HTTP API, as others reach it; it names the node (spec F9). */
  readonly httpAddress: string;
  /** host:port of Raft. */
  readonly tcpAddress: string;
  readonly tickMs: number;
  readonly electionTicks: number;
  readonly heartbeatTicks: number;
  readonly snapshotEntries: number;
  readonly snapshotBytes?: number;
  readonly snapshotShare?: number;
  /** `[meta] internal-shared-secret`; none when it is '' or left out. */
  readonly secret?: string;
  /** Nothing goes to a meta node that has not proved that it has the secret (`raft-dialer-auth-required`). */
  readonly provesPeers?: boolean;
  /** `retention-autocreate` is off. */
  readonly makesBareDatabases?: boolean;
  /** Another than this release's: for tests. */
  readonly commandSet?: CommandSet;
}

export interface MetaStatus {
  /** 0 while it belongs to no cluster. */
  readonly nodeId: number;
  readonly clusterId: bigint;
  readonly term: number;
  readonly leader: string;
  readonly peers: readonly string[];
}

const executeTimeoutMs = 5_000;
/** As long as an election takes. */
const settleLimitMs = 2_000;
const watchBeatMs = 2_000;
/** More than an election takes: whoever watches goes on to another meta node then. */
const leaderlessBeatsMax = 3;

export class MetaNode {
  /** What this node's requests show, and those of others have to. */
  readonly membership: ClusterMembership;
  readonly #ports: MetaNodePorts;
  readonly #options: MetaNodeOptions;
  readonly #storage: RaftStorage;
  #machine = new CatalogMachine();
  /** To other meta nodes. */
  readonly peers: RpcClient;
  /** One at a time: a message that came twice must find what the first one made. */
  readonly #starting = new Mutex();
  /** Members come and go one after the other; each step looks again all the same, as another may lead by then. */
  readonly #changing = new Mutex();
  #identity: Identity | undefined;
  #driver: RaftDriver | undefined;
  #forgotten: ForgottenCatalog;
  #isClosed = false;

  private constructor(ports: MetaNodePorts, options: MetaNodeOptions, storage: RaftStorage) {
    this.#ports = ports;
    this.#options = options;
    this.#storage = storage;
    this.#forgotten = this.#nothingForgotten();
    const clusterId = () => this.clusterId;
    this.membership = new ClusterMembership(ports.clock, { clusterId, secret: options.secret ?? '' }); // prettier-ignore
    const transport = { ...ports, random: ports.random.fork('proofs') };
    const proving = options.provesPeers === true && new PeerProofs(transport, options.secret ?? '');
    this.peers = new RpcClient(proving === false ? ports.transport : proving, this.membership);
  }

  /** Goes on where it was; a node without a cluster waits to found one or to be added. */
  static async open(ports: MetaNodePorts, options: MetaNodeOptions): Promise<MetaNode> {
    const storage = new RaftStorage(ports.kv);
    const restored = await storage.open();
    const node = new MetaNode(ports, options, storage);
    if (restored.identity !== undefined) node.#start(restored.identity, restored);
    return node;
  }

  get clusterId(): bigint {
    return this.#identity?.clusterId ?? 0n;
  }

  get catalog(): Catalog {
    return this.#machine.catalog;
  }

  get isLeader(): boolean {
    return this.#driver?.isLeader === true;
  }

  get isJoined(): boolean {
    return this.#identity !== undefined;
  }

  get status(): MetaStatus {
    const driver = this.#driver;
    return {
      nodeId: this.#identity?.nodeId ?? 0,
      clusterId: this.clusterId,
      term: driver?.raft.term ?? 0,
      leader: driver?.leaderAddress ?? '',
      peers: driver?.raft.membership.voters.map(({ address }) => address) ?? [],
    };
  }

  /** HTTP address of the leader; '' when none is known. */
  get leaderHttpAddress(): string {
    const { leader } = this.status;
    return (
      this.catalog.metaNodes.find(({ tcpAddress }) => tcpAddress === leader)?.httpAddress ?? ''
    );
  }

  /** What other nodes may ask. */
  get methods(): readonly ServedMethod[] {
    return [
      serveCall(deliverMethod, (messages) => {
        this.#deliver(messages);
        return Promise.resolve({});
      }),
      serveCall(proveMethod, (request) => {
        const { secret = '', tcpAddress: ownAddress } = this.#options;
        return Promise.resolve(answerProof(request, { secret, ownAddress }));
      }),
      serveCall(executeMethod, (request) => this.#executeForOther(request)),
      serveCall(readIndexMethod, async () => {
        await this.readBarrier();
        // Not what is applied: what Raft says for itself is in the log, too, and no catalog ever has the index of that.
        return { index: this.catalog.index };
      }),
      serveCall(joinMetaMethod, async (identity) => {
        await this.#starting.run(() => this.#join(identity));
        return {};
      }),
      serveCall(removeMetaMethod, async ({ nodeId }) => {
        await this.removeMeta(nodeId);
        return {};
      }),
      serveCall(metaStatusMethod, () => Promise.resolve(this.status)),
      serveStream(listenMethod, ({ from }, { signal }) => this.#joined().listen(from, signal)),
      serveStream(watchMethod, (from, { signal }) => this.#watch(from, signal)),
    ];
  }

  /** Makes this node the first of a new cluster, unless it is of one by now. */
  found(): Promise<void> {
    return this.#starting.run(() => this.#found());
  }

  async #found(): Promise<void> {
    if (this.#identity !== undefined) return;
    const { random } = this.#ports;
    const clusterId = (BigInt((random.u32() | 1) >>> 0) << 32n) | BigInt(random.u32());
    const { httpAddress, tcpAddress } = this.#options;
    const commands: readonly Command[] = [
      { kind: 'found-cluster', clusterId },
      { kind: 'create-meta-node', httpAddress, tcpAddress },
    ];
    let catalog = emptyCatalog;
    for (const [i, command] of commands.entries())
      ({ catalog } = applyCommand(catalog, 1, { id: `found ${i}`, command }));
    const identity = { nodeId: 1, clusterId };
    const membership = { voters: [{ id: 1, address: tcpAddress }], learners: [] };
    const snapshot = { index: 1, term: 1, membership, data: encodeCatalog(catalog) };
    const hardState = { term: 1, vote: 0, commit: 1 };
    await this.#storage.found(identity, snapshot, hardState);
    this.#start(identity, { identity, hardState, snapshot, entries: [] });
    this.#driver?.drive((raft) => {
      raft.campaign();
    });
  }

  /** Commits a command as leader. Throws its own error; `not_leader`; `outcome_unknown` when leadership went. */
  async execute(command: Command): Promise<CommandValue | undefined> {
    const { random } = this.#ports;
    const words = Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0'));
    const { answer } = await this.#execute({ id: words.join(''), command });
    if (!answer.ok) throw new DbError(answer.code as 'conflict', answer.text);
    return answer.value;
  }

  /** Resolves once this leader has applied all that was committed before. Throws `not_leader`. */
  async readBarrier(): Promise<void> {
    await this.#joined().readBarrier();
  }

  /** Whether this node's catalog has all that was committed before; waits for that as long as the limit says, whoever leads. */
  async settleRead(limitMs: number): Promise<boolean> {
    const [driver, { clock }] = [this.#driver, this.#ports];
    return driver !== undefined && settleRead({ driver, rpc: this.peers, clock }, limitMs);
  }

  /**
   * Adds another meta node: it follows the log first and gets its vote then. Answers its id; asked again, or several
   * times at once, it answers the same. Throws `conflict` for a node of another cluster and for one that is removed
   * meanwhile.
   */
  addMeta(httpAddress: string, tcpAddress: string): Promise<number> {
    return this.#changing.run(() => this.#addMeta(httpAddress, tcpAddress));
  }

  async #addMeta(httpAddress: string, tcpAddress: string): Promise<number> {
    const made = await this.execute({ kind: 'create-meta-node', httpAddress, tcpAddress });
    const id = made?.nodeId ?? 0;
    if (isVoter(this.#joined().raft.membership, id)) return id;
    try {
      const identity: Identity = { nodeId: id, clusterId: this.clusterId };
      await this.peers.call(tcpAddress, joinMetaMethod, identity, { deadlineMs: executeTimeoutMs });
    } catch (error) {
      // It is of another cluster for good, so it must not stay listed in this one.
      const isOfOther = isDbError(error, 'conflict') || isDbError(error, 'wrong_cluster');
      if (made?.isNew === true && isOfOther)
        await this.execute({ kind: 'delete-meta-node', nodeId: id });
      throw error;
    }
    if (isMember(this.#joined().raft.membership, id))
      await this.#changeMembership((membership) => withoutLearner(membership, id));
    const index = await this.#changeMembership((membership) => {
      if (!this.catalog.metaNodes.some((node) => node.id === id)) throw removedMeanwhile();
      return withLearner(membership, { id, address: tcpAddress });
    });
    await caughtUp(() => this.#joined(), this.#pace, { nodeId: id, index });
    await this.#changeMembership((membership) => withVoter(membership, id));
    return id;
  }

  /** Takes a meta node out of the catalog and then out of Raft; asked again it does what is left to do. */
  removeMeta(nodeId: number): Promise<void> {
    return this.#changing.run(() => this.#removeMeta(nodeId));
  }

  async #removeMeta(nodeId: number): Promise<void> {
    const { membership } = this.#joined().raft;
    // Before the catalog forgets it; the change itself is refused too.
    if (membership.voters.length === 1 && isVoter(membership, nodeId))
      throw new DbError('conflict', 'a cluster keeps at least one meta node');
    try {
      await this.execute({ kind: 'delete-meta-node', nodeId });
    } catch (error) {
      const isLeft = isMember(this.#joined().raft.membership, nodeId);
      if (!isLeft || !isDbError(error, 'node_not_found')) throw error;
    }
    await this.#changeMembership((membership) => withoutMember(membership, nodeId));
  }

  /**
   * Takes out whoever has this Raft address, of which the catalog may know nothing any more. Throws `node_not_found`
   * for a stranger.
   */
  async removeMetaAt(tcpAddress: string): Promise<void> {
    const { voters, learners } = this.#joined().raft.membership;
    const member = [...voters, ...learners].find(({ address }) => address === tcpAddress);
    if (member === undefined) throw new DbError('node_not_found', `node not found: ${tcpAddress}`);
    await this.removeMeta(member.id);
  }

  /**
   * Has the leader take this node out of its cluster, and forgets it then: a node like a new one. Throws `conflict` for
   * the last meta node, `no_leader` when nobody can do it.
   */
  leave(): Promise<void> {
    return this.#starting.run(() => this.#leave());
  }

  async #leave(): Promise<void> {
    const { clock } = this.#ports;
    const { nodeId, tcpAddress } = { ...this.status, ...this.#options };
    const { voters } = this.#joined().raft.membership;
    if (voters.length === 1 && voters[0]?.id === nodeId)
      throw new DbError('conflict', 'a cluster keeps at least one meta node');
    const cluster = () => this.status;
    const stepAside = () => this.stepAside();
    await leaveCluster(
      { clock, rpc: this.peers, cluster, stepAside },
      { nodeId, tcpAddress, stepMs: this.#options.tickMs },
    );
    await this.#forgetCluster();
  }

  async #forgetCluster(): Promise<void> {
    const [driver, machine] = [this.#driver, this.#machine];
    this.#driver = undefined;
    this.#identity = undefined;
    this.#machine = new CatalogMachine();
    this.#forgotten = this.#nothingForgotten();
    await driver?.close();
    machine.close();
    await this.#storage.wipe();
  }

  async transferLeadership(nodeId: number): Promise<void> {
    this.#joined().drive((raft) => {
      raft.transferLeadership(nodeId);
    });
    return Promise.resolve();
  }

  /** Before a stop: lets another lead, so that the cluster need not wait to find out. Call it while peers can answer. */
  async stepAside(): Promise<void> {
    await this.#driver?.stepAside();
  }

  async close(): Promise<void> {
    await this.stepAside();
    this.#isClosed = true;
    await this.#driver?.close();
    this.#machine.close();
  }

  #start(identity: Identity, restored: Restored): void {
    assert(this.#driver === undefined, 'a node joins once');
    const { clock, random, log, onFatal } = this.#ports;
    this.#identity = identity;
    this.#driver = new RaftDriver(
      {
        clock,
        random,
        log,
        rpc: this.peers,
        storage: this.#storage,
        machine: this.#machine,
        onFatal,
      },
      { commandSet, ...this.#options, nodeId: identity.nodeId },
      restored,
    );
  }

  /** Another cluster's leader has added this node; asked twice it answers twice. */
  async #join(identity: Identity): Promise<void> {
    if (this.#identity !== undefined) {
      const isSame = this.#identity.nodeId === identity.nodeId;
      if (isSame && this.#identity.clusterId === identity.clusterId) return;
      throw new DbError('conflict', 'already joined to cluster');
    }
    await this.#storage.saveIdentity(identity);
    this.#start(identity, { identity, hardState: undefined, snapshot: undefined, entries: [] });
  }

  async #execute(logged: LoggedCommand): Promise<Executed> {
    const driver = this.#joined();
    const { makesBareDatabases } = this.#options;
    const nowNs = this.#ports.clock.wallNs();
    const refuse = (command: Command) => {
      this.#forgotten.refuse();
      refuseByLeader(this.catalog, command, { nowNs, unapplied: () => driver.unapplied });
    };
    const heard = isLogged(logged) ? driver.heardFor(logged.command.kind) : undefined;
    if (heard !== undefined) await heard;
    const proposal = proposalOf(logged, driver, { makesBareDatabases, refuse });
    if (proposal.kind === 'refused') return { answer: proposal.answer, index: this.catalog.index };
    const known = this.catalog.answered.find(({ id }) => id === logged.id);
    if (known !== undefined && driver.isLeader)
      return { answer: known.answer, index: this.catalog.index };
    const executed = this.#machine.executed(logged.id);
    executed.catch(() => undefined);
    const clock = this.#ports.clock;
    const timeout = new AbortController();
    try {
      driver.drive((raft) => raft.propose(proposal.data));
      const late = clock.sleep(executeTimeoutMs, timeout.signal).then(() => {
        throw new DbError('outcome_unknown', 'the command was not committed in time');
      });
      late.catch(() => undefined);
      return await Promise.race([executed, late]);
    } finally {
      timeout.abort();
      this.#machine.forget(logged.id);
    }
  }

  async #executeForOther(request: CommandRequest): Promise<ExecuteReply> {
    if (!this.isLeader) return { kind: 'leader', leader: this.status.leader };
    await this.#forgotten.hear(request.heardIndex);
    // Whether it is a command is looked at there.
    return { kind: 'executed', ...(await this.#execute(request as LoggedCommand)) };
  }

  #deliver(messages: PeerMessages): void {
    for (const { to } of messages.messages)
      if (to !== this.#identity?.nodeId)
        throw new DbError('invalid_argument', 'the messages are for another node');
    this.#driver?.step(messages);
  }

  #changeMembership(change: (membership: Membership) => Membership): Promise<number> {
    return changeMembership(this.#joined(), this.#pace, change);
  }

  get #pace(): Pace {
    return { clock: this.#ports.clock, stepMs: this.#options.tickMs };
  }

  /** Ends where no leader is heard of, or nothing gets to the disk: in a cluster that has a leader its catalog may be of long ago. */
  async *#watch({ index, form }: WatchRequest, signal: AbortSignal): AsyncGenerator<WatchReply> {
    await this.#forgotten.hear(index);
    const machine = this.#machine;
    let known = index;
    let leaderlessBeats = 0;
    let news = new Latch<undefined>();
    const wake = (): void => {
      news.open(undefined);
    };
    const unwatch = machine.watch(wake);
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted && !this.#isClosed && machine === this.#machine) {
        news = new Latch();
        if (machine.catalog.index > known) {
          const { toIndex, ...update } = machine.updateSince(known, form);
          known = toIndex;
          yield update;
          continue;
        }
        yield {};
        const beat = this.#ports.clock.after(watchBeatMs, wake);
        await news.promise;
        beat.cancel();
        leaderlessBeats = this.#driver?.isInTouch === true ? 0 : leaderlessBeats + 1;
        if (leaderlessBeats > leaderlessBeatsMax) throw new DbError('no_leader', 'no leader');
      }
    } finally {
      unwatch();
      signal.removeEventListener('abort', wake);
    }
  }

  #nothingForgotten(): ForgottenCatalog {
    const settle = () => this.settleRead(settleLimitMs);
    return new ForgottenCatalog({ log: this.#ports.log, catalog: () => this.catalog, settle });
  }

  #joined(): RaftDriver {
    if (this.#driver === undefined) throw new DbError('not_leader', 'this node has no cluster');
    return this.#driver;
  }
}

function removedMeanwhile(): DbError {
  return new DbError('conflict', 'the meta node was removed while it was being added');
}
