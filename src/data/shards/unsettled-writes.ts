/**
 * Batches that other nodes coordinated and that are here, as long as nobody can tell whether the other owners have them: where their
 * coordinator dies, this node brings them there (decision 137).
 *
 * Invariants:
 * - Held is what was written here of shards with other owners, until its coordinator says that its copies are settled: with its
 *   next call, or when it is asked a second later.
 * - It is passed on once its coordinator has another run, has left, or has not answered twice. What is brought twice is stored once.
 * - At most `heldBytesMax` are held: past it what came first goes, whosever it is, and anti-entropy is left for it.
 *
 * Not here: the other end (data/write/settled-calls.ts).
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { ShardBatch, WriteCall } from '../engine/shard-access.ts';
import { passOnAll, type PassOn, type PassOnPorts } from './pass-on.ts';

export interface UnsettledWritesPorts {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs' | 'sleep'>;
  readonly log: Log;
  /** Besides this node. */
  readonly otherOwners: (shardId: number) => readonly number[];
  /** What a coordinator says of its calls to this node. Throws `node_not_found` where it has left the cluster. */
  readonly ask: (
    nodeId: number,
  ) => Promise<{ readonly run: number; readonly settledBelow: number }>;
  readonly passOn: PassOn;
  readonly nodeId: () => number;
  readonly storedDeletes: PassOnPorts['storedDeletes'];
}

/** Of the memory that batches lie in. */
const heldBytesMaxDefault = 32 * MiB;
/** The next call says it as a rule. */
const askAfterMs = 1_000;
const silentMax = 2;
/** As this node stops: an owner that hangs keeps copies unsettled for longer, and nobody waits for that. */
const lastAsksMax = 10;
const lastAskEveryMs = 20;

interface Held {
  readonly number: number;
  readonly batch: ShardBatch;
  readonly atMs: number;
  /** Gives the memory back. */
  readonly release: () => void;
}

/** Shards of which a node may lack something. */
export interface OwnerInDoubt {
  readonly nodeId: number;
  readonly shardIds: readonly number[];
}

interface Coordinator {
  run: number;
  /** In the order in which they were written. */
  held: Held[];
  settledBelow: number;
  silentCount: number;
  isAsked: boolean;
}

export class UnsettledWrites {
  readonly #ports: UnsettledWritesPorts;
  readonly #bytesMax: number;
  /** As many as there were nodes while this process runs. */
  readonly #coordinators = new Map<number, Coordinator>();
  readonly #tasks: Tasks;
  /** Being passed on. */
  readonly #passing = new Set<Held>();
  #heldBytes = 0;
  #timer: Timer | undefined;
  #isClosing = false;
  /** Nothing is passed on any more. */
  #isClosed = false;

  constructor(ports: UnsettledWritesPorts, bytesMax = heldBytesMaxDefault) {
    this.#ports = ports;
    this.#bytesMax = bytesMax;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('Writes could not be passed on', { name, error: errorText(error) });
    });
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** A call has come: what it says of those before it. */
  heard({ nodeId, run, settledBelow }: WriteCall): void {
    const coordinator = this.#coordinators.get(nodeId);
    if (coordinator === undefined) return;
    coordinator.silentCount = 0;
    if (coordinator.run === run) this.#settle(coordinator, settledBelow);
    else this.#begin(nodeId, coordinator, run);
  }

  /** What was written of a call; false where it has no other owner. `release` is called once it is held no more. */
  hold(call: WriteCall, batch: ShardBatch, release: () => void): boolean {
    if (this.#isClosing || this.#ports.otherOwners(batch.shardId).length === 0) return false;
    const coordinator = this.#coordinatorOf(call);
    // It has said so meanwhile.
    if (call.number < coordinator.settledBelow) return false;
    const atMs = this.#ports.clock.monotonicMs();
    coordinator.held.push({ number: call.number, batch, atMs, release });
    this.#heldBytes += sizeOf(batch);
    while (this.#heldBytes > this.#bytesMax) this.#forgetOldest();
    this.#timer ??= this.#lookLater();
    return true;
  }

  /**
   * Asks what is settled until all of it is, as a rule after some milliseconds: a node that is stopped has nothing to bring at its next
   * start then. What a coordinator that does not answer had in hand is passed on.
   */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#timer?.cancel();
    for (let count = 0; count < lastAsksMax && this.#waiting().length > 0; count++) {
      if (count > 0) await this.#ports.clock.sleep(lastAskEveryMs);
      await Promise.all(this.#waiting().map(([nodeId, coordinator]) => this.#ask(nodeId, coordinator))); // prettier-ignore
    }
    this.#isClosed = true;
    await this.#tasks.settled();
  }

  /** Asks at once what is settled: of which shards other owners may lack what a node had in hand that does not answer. */
  async inDoubt(): Promise<readonly OwnerInDoubt[]> {
    const waiting = this.#waiting();
    await Promise.all(waiting.map(([nodeId, coordinator]) => this.#ask(nodeId, coordinator)));
    const silent = waiting.filter(([, { silentCount }]) => silentCount > 0);
    const shardIds = new Map<number, Set<number>>();
    for (const { batch } of [...this.#passing, ...silent.flatMap(([, { held }]) => held)])
      for (const owner of this.#ports.otherOwners(batch.shardId))
        shardIds.set(owner, (shardIds.get(owner) ?? new Set()).add(batch.shardId));
    return Array.from(shardIds, ([nodeId, some]) => ({ nodeId, shardIds: [...some] }));
  }

  #waiting(): readonly (readonly [number, Coordinator])[] {
    return [...this.#coordinators].filter(([, { held }]) => held.length > 0);
  }

  #coordinatorOf({ nodeId, run }: WriteCall): Coordinator {
    const known = this.#coordinators.get(nodeId);
    if (known !== undefined) {
      if (known.run !== run) this.#begin(nodeId, known, run);
      return known;
    }
    const made: Coordinator = { run, held: [], settledBelow: 0, silentCount: 0, isAsked: false };
    this.#coordinators.set(nodeId, made);
    return made;
  }

  /** The run of before has ended, however it did. */
  #begin(nodeId: number, coordinator: Coordinator, run: number): void {
    this.#passOnAll(nodeId, coordinator);
    coordinator.run = run;
    coordinator.settledBelow = 0;
  }

  #settle(coordinator: Coordinator, settledBelow: number): void {
    if (settledBelow <= coordinator.settledBelow) return;
    coordinator.settledBelow = settledBelow;
    const { held } = coordinator;
    coordinator.held = held.filter(({ number }) => number >= settledBelow);
    for (const one of held) if (one.number < settledBelow) this.#release(one);
  }

  #release({ batch, release }: Held): void {
    this.#heldBytes -= sizeOf(batch);
    release();
  }

  #forgetOldest(): void {
    const all = [...this.#coordinators.values()].filter(({ held }) => held.length > 0);
    const first = all.reduce((oldest, one) => ((one.held[0]?.atMs ?? 0) < (oldest.held[0]?.atMs ?? 0) ? one : oldest)); // prettier-ignore
    const oldest = first.held.shift();
    if (oldest !== undefined) this.#release(oldest);
  }

  #lookLater(): Timer {
    return this.#ports.clock.after(askAfterMs, () => {
      this.#timer = undefined;
      this.#look();
    });
  }

  #look(): void {
    const waiting = this.#waiting();
    if (waiting.length === 0 || this.#isClosing) return;
    const beforeMs = this.#ports.clock.monotonicMs() - askAfterMs;
    for (const [nodeId, coordinator] of waiting) {
      const isDue = coordinator.held.some(({ atMs }) => atMs <= beforeMs);
      if (isDue && !coordinator.isAsked) this.#tasks.spawn('ask', this.#ask(nodeId, coordinator));
    }
    this.#timer = this.#lookLater();
  }

  async #ask(nodeId: number, coordinator: Coordinator): Promise<void> {
    coordinator.isAsked = true;
    try {
      const { run, settledBelow } = await this.#ports.ask(nodeId);
      coordinator.silentCount = 0;
      if (run === coordinator.run) this.#settle(coordinator, settledBelow);
      else this.#begin(nodeId, coordinator, run);
    } catch (error) {
      coordinator.silentCount++;
      const isOver = coordinator.silentCount >= silentMax || isDbError(error, 'node_not_found');
      if (isOver) this.#passOnAll(nodeId, coordinator);
    } finally {
      coordinator.isAsked = false;
    }
  }

  #passOnAll(nodeId: number, coordinator: Coordinator): void {
    const { held } = coordinator;
    if (held.length === 0 || this.#isClosed) return;
    coordinator.held = [];
    for (const one of held) this.#passing.add(one);
    this.#tasks.spawn('pass on', this.#passOn(nodeId, held));
  }

  async #passOn(nodeId: number, held: readonly Held[]): Promise<void> {
    const { log, otherOwners } = this.#ports;
    log.info('Writes of a node that is away are brought to the other owners', { nodeId, batches: held.length }); // prettier-ignore
    const all = held.map((one) => ({
      batch: one.batch,
      owners: otherOwners(one.batch.shardId),
      whenOver: () => {
        this.#passing.delete(one);
        this.#release(one);
      },
    }));
    await passOnAll(all, { ...this.#ports, isOver: () => this.#isClosed });
  }
}

/** What is lent is larger than what lies in it. */
function sizeOf({ payload }: ShardBatch): number {
  return payload.buffer.byteLength;
}
