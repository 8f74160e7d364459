/**
 * A data node's view of the cluster: which node it is, a cached catalog that a watch keeps fresh, and commands to the
 * meta leader (spec F16).
 *
 * Invariants:
 * - The catalog never goes back to an older index.
 * - It is on disk too (catalog-cache.ts), so that the node serves what it knows while all metas are down, also after a
 *   restart.
 * - A command has one id however often it is sent, so that it applies once; and it is for the cluster that the node was of when it was given.
 */
import { DbError, errorText, isDbError, type DbErrorCode } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import { Mutex } from '../../base/async/mutex.ts';
import { Tasks } from '../../base/async/tasks.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import type { Random } from '../../env/random.ts';
import type { RpcTransport } from '../../env/transport.ts';
import { Membership } from '../../rpc/membership.ts';
import type { CallMethod } from '../../rpc/method.ts';
import { RpcClient } from '../../rpc/rpc-client.ts';
import { emptyCatalog, type Catalog, type CommandValue } from '../model/catalog.ts';
import { applyStep, newsOfWhole, type CatalogNews } from '../apply/catalog-changes.ts'; // prettier-ignore
import { decodeCatalog } from '../codec/catalog-codec.ts';
import type { Command } from '../command/command.ts';
import { CatalogCache } from './catalog-cache.ts';
import type { DataIdentity } from './data-methods.ts';
import { RefusalLog } from './refusal-log.ts';
import { ServersFile } from './servers-file.ts';
import { SettledCatalog } from './settled-catalog.ts';
import { OwnIdentity } from './own-identity.ts';
import type { LeaseGrant, MetaAccess } from './meta-access.ts';
import { executeMethod, leaseMethod, readIndexMethod, watchMethod, type CommandRequest, type ExecuteReply, type LeaseReply, type WatchReply } from './meta-methods.ts'; // prettier-ignore

export interface MetaClientPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly disk: Disk;
  readonly transport: RpcTransport;
  readonly log: Log;
}

const executeLimitMs = 15_000;
/** Whoever wants a lease asks again soon. */
const leaseLimitMs = 3_000;
const callDeadlineMs = 6_000;
/** As long as an election takes, and less than a client waits for its write. */
const settleLimitMs = 3_000;
/** Whoever leads answers sooner; one that stands still must not take the time of those behind it. */
const settleCallMs = 800;
/** As the node stops: what is not done by then others do, or its next run. */
const stopLimitMs = 2_000;
const retryMs = 100;
/** The metas show life each two seconds. */
const watchSilenceMs = 5_000;
/** One that has not brought by then what another one has told of has lost touch with it, though it shows life. */
const watchLagMs = 3_000;
/** What a message or a change says that cannot be taken as it is. */
const ofCatalog = ['corrupt', 'invalid_argument', 'unsupported_version'] as const;

export interface MetaClientOptions {
  /** `[meta] meta-internal-shared-secret`; none when it is '' or left out. */
  readonly secret?: string;
}

/** What becomes of a node's points as it leaves. */
export interface Leaving {
  /** Throws when something of them is nowhere else yet. */
  readonly settle: () => Promise<void>;
  /** Left out where all of it stays, as that of a node that may not join after all. */
  readonly erase?: () => Promise<void>;
}

/** Of what is asked for: until when, and what ends it before. */
interface Wait {
  readonly giveUpMs: number;
  readonly signal: AbortSignal;
}

export class MetaClient implements MetaAccess {
  /** What this node's requests show, and those of others have to. */
  readonly membership: Membership;
  readonly #ports: MetaClientPorts;
  readonly #rpc: RpcClient;
  readonly #tasks: Tasks;
  readonly #closing = new AbortController();
  /** Ends what was asked for before the node was about to stop, if that takes long. */
  readonly #patience = new AbortController();
  #isHastened = false;
  /** Aborts when the node leaves its cluster, and when it stops. */
  #membership = new AbortController();
  /** One at a time: a message that came twice must not make two watches. */
  readonly #joining = new Mutex();
  #introducing: Promise<void> | undefined;
  readonly #identity: OwnIdentity;
  /** Of meta nodes that have called this one, until it has a catalog that names them. */
  #toldAddresses: readonly string[] = [];
  #catalog: Catalog;
  #changed = new Latch<undefined>();
  #leader = '';
  readonly #cache: CatalogCache;
  readonly #servers: ServersFile;
  readonly #refusals: RefusalLog;
  readonly #settled: SettledCatalog;
  readonly #listeners = new Set<(news: CatalogNews) => void>();
  /** The last step did not fit: the whole catalog is asked for. */
  #isLost = false;
  /** What should have been brought by now; a look at that is to come. */
  #overdueIndex = 0;
  #lagTimer: Timer | undefined;

  private constructor(ports: MetaClientPorts, folder: string, restored: Restored) {
    this.#ports = ports;
    this.#identity = restored.identity;
    this.#catalog = restored.catalog;
    this.#cache = restored.cache;
    this.#servers = new ServersFile(ports, folder);
    this.#refusals = new RefusalLog(ports);
    const clusterId = () => this.clusterId;
    this.membership = new Membership(ports.clock, { clusterId, secret: restored.secret });
    this.#rpc = new RpcClient(ports.transport, this.membership);
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the meta client failed', { name, error: errorText(error) });
    });
    const { signal } = this.#closing;
    const read = this.#readSettled.bind(this);
    this.#settled = new SettledCatalog({ clock: ports.clock, read, signal });
    if (this.isJoined && !this.isLeaving)
      this.#tasks.spawn('watch', this.#watch(this.#membership.signal));
  }

  /** Reads what it knew when it last ran. Throws `corrupt`, naming the file, when who it is cannot be read. */
  static async open(
    ports: MetaClientPorts,
    folder: string,
    { secret = '' }: MetaClientOptions = {},
  ): Promise<MetaClient> {
    await makeDurableDir(ports.disk, folder);
    const identity = await OwnIdentity.read(ports.disk, folder);
    const kept = new CatalogCache(ports, folder);
    const catalog = await kept.read();
    if (catalog.clusterId === identity.current.clusterId && !identity.isLeaving)
      return new MetaClient(ports, folder, { identity, cache: kept, catalog, secret });
    // The power went as the node left a cluster: it owns nothing, and with that one's index it would take no catalog of a younger cluster.
    const cache = new CatalogCache(ports, folder);
    return new MetaClient(ports, folder, { identity, cache, catalog: emptyCatalog, secret });
  }

  get catalog(): Catalog {
    return this.#catalog;
  }

  get nodeId(): number {
    return this.#identity.current.nodeId;
  }

  get clusterId(): bigint {
    return this.#identity.current.clusterId;
  }

  get isJoined(): boolean {
    return this.#identity.isJoined;
  }

  /** Whether it was ended in the midst of leave(), or that failed, and is to be called again. */
  get isLeaving(): boolean {
    return this.#identity.isLeaving;
  }

  /** host:8091 of the meta nodes; '' entries never. */
  get metaHttpAddresses(): readonly string[] {
    return this.#catalog.metaNodes.map(({ httpAddress }) => httpAddress);
  }

  /**
   * Becomes a node of a cluster for good. Asked again with the same identity it answers the same, and looks for meta nodes at the addresses that it
   * is told now, too: those that it knows may all be gone (decision 157). A new node says what `introduce` does before anything else is said
   * through it, and forgets the cluster again where that throws.
   */
  join(identity: DataIdentity, introduce = (): Promise<void> => Promise.resolve()): Promise<void> {
    return this.#joining.run(async () => {
      if (this.isJoined) return this.#join(identity);
      this.#introducing = this.#join(identity).then(introduce).catch(async (error: unknown) => {
        await this.#leave({ settle: () => Promise.resolve() });
        throw error;
      }); // prettier-ignore
      return this.#introducing.finally(() => (this.#introducing = undefined));
    });
  }

  async #join(identity: DataIdentity): Promise<void> {
    if (this.isJoined) {
      const { nodeId, clusterId } = this.#identity.current;
      if (nodeId !== identity.nodeId || clusterId !== identity.clusterId || this.isLeaving)
        throw new DbError('conflict', 'already joined to cluster');
      this.#toldAddresses = identity.metaAddresses;
      return;
    }
    await this.#identity.become(identity);
    this.#startWatch();
  }

  /**
   * Becomes a node without a cluster, once `settle` has not refused: from before it is called this node knows no database. `erase`
   * takes away what the node has stored, and there is no way back from then on: interrupted, also by the end of the process, it
   * is to be called again until it has resolved, and then the node forgets its cluster.
   */
  leave(work: Leaving): Promise<void> {
    return this.#joining.run(() => this.#leave(work));
  }

  async #leave({ settle, erase }: Leaving): Promise<void> {
    if (!this.isJoined) return;
    this.#membership.abort(new DbError('shutdown', 'the node leaves its cluster'));
    const before = this.#catalog;
    this.#set({ before, after: emptyCatalog, droppedShardIds: [] });
    try {
      await settle();
      await (erase === undefined ? this.#identity.forget() : this.#identity.beginLeaving());
    } catch (error) {
      if (this.isLeaving) throw error;
      this.#set({ before: emptyCatalog, after: before, droppedShardIds: [] });
      this.#startWatch();
      throw error;
    }
    await erase?.();
    await this.#identity.forget();
    this.#leader = '';
    this.#overdueIndex = 0;
    await this.#cache.forget();
  }

  #startWatch(): void {
    this.#membership = new AbortController();
    this.#tasks.spawn('watch', this.#watch(this.#membership.signal));
  }

  async execute(command: Command): Promise<CommandValue | undefined> {
    if (command.kind !== 'import-databases') await this.#introducing?.catch(() => undefined);
    if (!this.isJoined) throw new DbError('unavailable', 'meta service unavailable');
    const { random } = this.#ports;
    const words = Array.from({ length: 4 }, () => random.u32().toString(16).padStart(8, '0'));
    const logged = { id: words.join(''), command, heardIndex: this.#catalog.index };
    const wait = this.#wait(executeLimitMs);
    const { index, answer } = await this.#askLeader<CommandRequest, ExecuteReply>(executeMethod, logged, wait); // prettier-ignore
    await this.#reach(index, wait);
    if (answer.ok) return answer.value;
    throw new DbError(answer.code as DbErrorCode, answer.text);
  }

  /**
   * What only one node at a time may have, granted to this one or renewed; undefined while another has it. Once it is
   * granted this node's catalog has what the holder before said. Throws `unavailable`, `timeout`.
   */
  async acquireLease(name: string): Promise<LeaseGrant | undefined> {
    if (!this.isJoined) throw new DbError('unavailable', 'meta service unavailable');
    const identity = this.#identity.current;
    const wait = this.#wait(leaseLimitMs);
    const request = { name, nodeId: identity.nodeId };
    const reply = await this.#askLeader<typeof request, LeaseReply>(leaseMethod, request, wait);
    if (reply.kind !== 'granted') return undefined;
    await this.#reach(reply.index, wait);
    // Of a cluster that the node has left meanwhile it is none.
    return this.#identity.current === identity ? reply : undefined;
  }

  /**
   * Resolves once this node's catalog has all that was committed before. Throws `unavailable` where no meta node that leads has
   * said so in time; a node without a cluster has nothing to ask for.
   */
  settle(): Promise<void> {
    return this.isJoined ? this.#settled.settle() : Promise.resolve();
  }

  async #readSettled(): Promise<void> {
    const { clock } = this.#ports;
    const { clusterId } = this;
    const wait = this.#wait(settleLimitMs);
    for (let attempt = 0; clock.monotonicMs() < wait.giveUpMs; attempt++) {
      const target = this.#target(attempt);
      const reply = await this.#ask(target, readIndexMethod, {}, { ...wait, callMs: settleCallMs });
      this.#refuseLeft(clusterId);
      if (reply !== undefined) {
        this.#leader = target;
        await this.#reach(reply.index, wait);
        return;
      }
      this.#leader = '';
      await clock.sleep(retryMs, wait.signal);
    }
    throw new DbError('unavailable', 'meta service unavailable');
  }

  /** Asks one meta node after the other until the one that leads has answered. */
  async #askLeader<Request, Reply extends { readonly kind: string }>(
    method: CallMethod<Request, Reply | LeaderReply>,
    request: Request,
    wait: Wait,
  ): Promise<Exclude<Reply, LeaderReply>> {
    const { clock } = this.#ports;
    const { clusterId } = this;
    const options = { ...wait, callMs: callDeadlineMs };
    for (let attempt = 0; clock.monotonicMs() < wait.giveUpMs; attempt++) {
      this.#refuseLeft(clusterId);
      const reply = await this.#ask(this.#target(attempt), method, request, options);
      this.#refuseLeft(clusterId);
      if (reply !== undefined && !isOfOther(reply)) return reply as Exclude<Reply, LeaderReply>;
      this.#leader = reply?.leader ?? '';
      if (this.#leader === '' && attempt > 0) await clock.sleep(retryMs, wait.signal);
    }
    throw new DbError('unavailable', 'meta service unavailable');
  }

  /** What was asked of the metas of a cluster is nothing to those of another that the node is of by now. */
  #refuseLeft(clusterId: bigint): void {
    if (this.clusterId !== clusterId) throw new DbError('unavailable', 'meta service unavailable');
  }

  #wait(limitMs: number): Wait {
    const nowMs = this.#ports.clock.monotonicMs();
    if (!this.#isHastened) return { giveUpMs: nowMs + limitMs, signal: this.#patience.signal };
    return { giveUpMs: nowMs + Math.min(limitMs, stopLimitMs), signal: this.#closing.signal };
  }

  /** The node is about to stop: nobody waits long for a leader any more, or the stop would take as long as all of them. */
  hasten(): void {
    this.#isHastened = true;
    this.#ports.clock.after(stopLimitMs, this.#endWaits.bind(this));
  }

  #endWaits(): void {
    this.#patience.abort(new DbError('shutdown', 'the node stops'));
    this.#wake();
  }

  async close(): Promise<void> {
    this.#closing.abort(new DbError('shutdown', 'the node stops'));
    this.#membership.abort(this.#closing.signal.reason);
    this.#endWaits();
    this.#lagTimer?.cancel();
    await this.#tasks.settled();
    await this.#cache.close();
  }

  watch(listener: (news: CatalogNews) => void): () => void {
    this.#listeners.add(listener);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** The leader when it is known, else one meta after the other. */
  #target(attempt: number): string {
    if (this.#leader !== '') return this.#leader;
    const addresses = this.#metaAddresses();
    return addresses[attempt % addresses.length] ?? '';
  }

  #metaAddresses(): readonly string[] {
    const known = this.#catalog.metaNodes.map(({ tcpAddress }) => tcpAddress);
    const first = known.length > 0 ? known : this.#identity.current.metaAddresses;
    return [...new Set([...first, ...this.#toldAddresses])];
  }

  async #ask<Request, Reply>(
    address: string,
    method: CallMethod<Request, Reply>,
    request: Request,
    { giveUpMs, signal, callMs }: Wait & { readonly callMs: number },
  ): Promise<Reply | undefined> {
    const deadlineMs = Math.min(callMs, Math.max(1, giveUpMs - this.#ports.clock.monotonicMs()));
    try {
      return await this.#rpc.call(address, method, request, { deadlineMs, signal });
    } catch (error) {
      // Whatever became of it, the same id may be sent again.
      if (signal.aborted) throw error;
      this.#refusals.note(address, error);
      // The leader's own word, and it stays so.
      if (isDbError(error, 'catalog_forgotten')) throw error;
      return undefined;
    }
  }

  /** Resolves once this node's catalog is that of `index`, or a later one. Throws `timeout`. */
  reach(index: number, withinMs = executeLimitMs): Promise<void> {
    return this.#reach(index, this.#wait(withinMs));
  }

  async #reach(index: number, { giveUpMs, signal }: Wait): Promise<void> {
    const { clock } = this.#ports;
    if (this.#catalog.index < index) this.#noteTold(index);
    const late = new Latch<undefined>();
    const state = { isLate: false };
    // Once, and not by what is left each time: of a remainder too small to add to the time no clock makes progress.
    const timer = clock.after(giveUpMs - clock.monotonicMs(), () => {
      state.isLate = true;
      late.open(undefined);
    });
    try {
      while (this.#catalog.index < index) {
        if (state.isLate) throw new DbError('timeout', 'meta service unavailable');
        signal.throwIfAborted();
        await Promise.race([this.#changed.promise, late.promise]);
      }
    } finally {
      timer.cancel();
    }
  }

  /** The meta node that is watched may stand still, as with a disk that hangs: if it does not bring that soon another one is. */
  #noteTold(index: number): void {
    this.#lagTimer ??= this.#ports.clock.after(watchLagMs, () => {
      this.#lagTimer = undefined;
      this.#overdueIndex = index;
    });
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#ports;
    for (let attempt = random.u32() % 8; !signal.aborted; attempt++) {
      const addresses = this.#metaAddresses();
      const address = addresses[attempt % addresses.length] ?? '';
      try {
        const options = { deadlineMs: watchSilenceMs, signal };
        const from = { index: this.#isLost ? 0 : this.#catalog.index, form: 'protobuf' as const };
        for await (const reply of this.#rpc.stream(address, watchMethod, from, options)) {
          if (isOpen(signal)) this.#take(reply);
          const isOfLife = reply.catalog === undefined && reply.step === undefined;
          if (isOfLife && this.#catalog.index < this.#overdueIndex) break;
        }
      } catch (error) {
        if (isDbError(error, 'wrong_cluster'))
          this.#ports.log.warn('A meta node is of another cluster', { address });
        else if (isDbError(error, 'catalog_forgotten')) this.#refusals.note(address, error);
        else this.#noteLost(error, address);
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }

  #take({ catalog: bytes, step }: WatchReply): void {
    if (bytes !== undefined) {
      const whole = decodeCatalog(bytes);
      if (whole.index < this.#catalog.index) return;
      this.#isLost = false;
      this.#cache.replace(whole);
      this.#set(newsOfWhole(this.#catalog, whole));
    } else if (step !== undefined && step.toIndex > this.#catalog.index) {
      const news = applyStep(this.#catalog, step);
      this.#cache.add(step, news.after);
      this.#set(news);
    }
  }

  #set(news: CatalogNews): void {
    this.#catalog = news.after;
    this.#toldAddresses = [];
    this.#wake();
    for (const listener of this.#listeners) listener(news);
    this.#tasks.spawn('save meta servers', this.#servers.save(this.metaHttpAddresses));
  }

  /** A stream ends for many reasons; only one of the catalog itself means that steps are of no use. */
  #noteLost(error: unknown, address: string): void {
    if (!ofCatalog.some((code) => isDbError(error, code))) return;
    this.#isLost = true;
    const fields = { address, error: errorText(error) };
    this.#ports.log.warn('A change of the catalog did not fit: it is fetched anew', fields);
  }

  #wake(): void {
    const changed = this.#changed;
    this.#changed = new Latch();
    changed.open(undefined);
  }
}

interface LeaderReply {
  readonly kind: 'leader';
  readonly leader: string;
}

function isOfOther(reply: { readonly kind: string }): reply is LeaderReply {
  return reply.kind === 'leader';
}

/** Asked anew after each await. */
function isOpen(signal: AbortSignal): boolean {
  return !signal.aborted;
}

interface Restored {
  readonly secret: string;
  readonly identity: OwnIdentity;
  readonly cache: CatalogCache;
  readonly catalog: Catalog;
}
