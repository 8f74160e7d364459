/**
 * Hinted handoff (spec F43 to F46): what an owner did not take waits on the disk of the node that took it from the client.
 *
 * Layout: `<hh>/<node>/<shard>/<number>.hint` (docs/internals/format/hint-queue.md), `<hh>/cluster` and
 * `<hh>/cluster.copy` with the id of the cluster that node and shard ids are of, `<hh>/damaged/`.
 *
 * Invariants:
 * - A queue of another cluster is never delivered: its folder is set aside.
 * - A folder that cannot be read costs what is in it, not the start of the node.
 * - A clock that steps ahead or back drops nothing for its age (hint-clock.ts).
 * - What belongs to a node or shard that has left the catalog is dropped within a second of hearing of it.
 *
 * Not here: owners and catalogs (HintTarget), files (hint-queue.ts), bringing it there (node-drain.ts).
 */
import { Tasks } from '../base/async/tasks.ts';
import { DbError, errorText, isDbError } from '../base/errors.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Disk } from '../env/disk.ts';
import { DiskFailures, type DiskFailure } from '../env/disk-failures.ts';
import type { Log } from '../env/log.ts';
import { makeDurableDir } from '../env/make-durable-dir.ts';
import { rowCountOf } from '../models/point-batch.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import type { HintOptions } from './hint-options.ts';
import { HintClock } from './hint-clock.ts';
import { queueName, takeHintEnds, writeHintEnds, type HintEnds, type QueueEnds } from './hint-ends.ts'; // prettier-ignore
import { HintQuarantine } from './hint-quarantine.ts';
import type { HintTarget } from './hint-target.ts';
import { NodeHints } from './node-hints.ts';

export interface HintedHandoffPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly log: Log;
  readonly target: HintTarget;
  /** 0 while this node is in no cluster. */
  readonly clusterId: () => bigint;
  /** Writes of clients that this node was given so far. */
  readonly freshCount: () => number;
}

const goneCheckMs = 1_000;
/** Two files, as one that is damaged names another cluster, whose queues nobody is brought. */
const clusterFiles = ['cluster', 'cluster.copy'];
const idPattern = /^[1-9]\d{0,15}$/;

export class HintedHandoff {
  readonly #ports: HintedHandoffPorts;
  readonly #options: HintOptions;
  readonly #quarantine: HintQuarantine;
  readonly #hintClock: HintClock;
  readonly #nodes = new Map<number, NodeHints>();
  readonly #tasks: Tasks;
  readonly #diskFailures: DiskFailures;
  readonly #timers: readonly Timer[];
  #claimed: { readonly clusterId: bigint; readonly written: Promise<void> } | undefined;
  #isForeign = false;
  #isPurging = false;
  #lastPurgeMs: number;
  #writeCount = 0;
  #pointCount = 0;

  private constructor(ports: HintedHandoffPorts, options: HintOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#quarantine = new HintQuarantine(ports, options.folder);
    this.#hintClock = new HintClock(ports.clock);
    this.#lastPurgeMs = ports.clock.monotonicMs();
    this.#diskFailures = new DiskFailures(ports);
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of hinted handoff failed', { name, error: errorText(error) });
    });
    const check = (): void => {
      this.#tasks.spawn('purge', this.#purge());
    };
    this.#timers = options.isEnabled ? [ports.clock.every(goneCheckMs, check)] : [];
  }

  /** Takes up the queues that earlier runs left. */
  static async open(ports: HintedHandoffPorts, options: HintOptions): Promise<HintedHandoff> {
    const handoff = new HintedHandoff(ports, options);
    if (options.isEnabled) await handoff.#openAll();
    return handoff;
  }

  /** Nothing waits for anybody. */
  get isEmpty(): boolean {
    return [...this.#nodes.values()].every((node) => node.isEmpty);
  }

  /** What waits, by the node that lacks it. */
  waiting(): readonly { readonly nodeId: number; readonly shardIds: readonly number[] }[] {
    return [...this.#nodes].flatMap(([nodeId, { waitingShardIds: shardIds }]) =>
      shardIds.length === 0 ? [] : [{ nodeId, shardIds }],
    );
  }

  /** Whether new writes for an owner have to wait behind others. */
  isQueued(nodeId: number, shardId: number): boolean {
    if (this.#options.mayOvertake) return false;
    return this.#nodes.get(nodeId)?.isQueued(shardId) === true;
  }

  /** While a queue is about to be empty, to resolve once it is or cannot be: whoever waits need not follow it. */
  closing(nodeId: number, shardId: number): Promise<void> | undefined {
    return this.#nodes.get(nodeId)?.closing(shardId);
  }

  /**
   * Keeps payloads for an owner, in order; resolves once they are durable. Throws `queue_full` with the reference's texts
   * (`queue is full`, `queue is blocked`), `unavailable` when it is switched off, and what the disk says.
   */
  async append(nodeId: number, shardId: number, payloads: readonly Uint8Array[]): Promise<void> {
    if (!this.#options.isEnabled) throw new DbError('unavailable', 'hinted handoff disabled');
    if (this.#isForeign) throw new DbError('unavailable', 'hinted handoff is of another cluster');
    // From here on the queue counts as not empty: nothing may come between.
    const node = this.#nodeOf(nodeId);
    this.#pointCount += payloads.reduce((sum, one) => sum + rowCountOf(one), 0);
    try {
      await node.append(shardId, payloads, () => this.#claim());
    } catch (error) {
      this.#diskFailures.failed('hinted handoff', error);
      throw error;
    }
    this.#diskFailures.succeeded('hinted handoff');
  }

  /** What the disk does not take. */
  get failing(): readonly DiskFailure[] {
    return this.#diskFailures.current;
  }

  /** The node has answered something: what waits for it is brought now. */
  wake(nodeId: number): void {
    this.#nodes.get(nodeId)?.wake();
  }

  statistics(): readonly Statistic[] {
    const values = { writeShardReq: this.#writeCount, writeShardReqPoints: this.#pointCount };
    const own: Statistic = { name: 'hh', tags: { path: this.#options.folder }, values };
    return [own, ...[...this.#nodes.values()].flatMap((node) => node.statistics())];
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) timer.cancel();
    await Promise.all([...this.#nodes.values()].map((node) => node.close()));
    await this.#tasks.settled();
    await this.#noteEnds();
  }

  async #noteEnds(): Promise<void> {
    const { endsFolder, isEnabled } = this.#options;
    if (endsFolder === undefined || !isEnabled) return;
    const all = [...this.#nodes].flatMap(([nodeId, node]) => [...node.ends()].map(([shardId, ends]) => [queueName(nodeId, shardId), ends] as const)); // prettier-ignore
    try {
      await writeHintEnds(this.#ports.disk, endsFolder, new Map(all));
    } catch (error) {
      this.#ports.log.warn('What waits in hinted handoff could not be noted', { path: endsFolder, error: errorText(error) }); // prettier-ignore
    }
  }

  #nodeOf(nodeId: number): NodeHints {
    const known = this.#nodes.get(nodeId);
    if (known !== undefined) return known;
    this.#writeCount++;
    const made = new NodeHints(nodeId, { ...this.#ports, quarantine: this.#quarantine, hintClock: this.#hintClock }, this.#options); // prettier-ignore
    this.#nodes.set(nodeId, made);
    return made;
  }

  async #openAll(): Promise<void> {
    const { disk, log } = this.#ports;
    const { folder } = this.#options;
    try {
      const noted = await this.#takeNoted();
      const isOurs = await this.#isOurs();
      if (!isOurs) await this.#setAside();
      // What was noted of queues that are not there at all is looked for as well.
      const names = new Set(isOurs ? noted.keys() : []);
      for (const node of await disk.list(folder)) {
        if (!node.isDirectory || !idPattern.test(node.name)) continue;
        for (const shard of await disk.list(`${folder}/${node.name}`))
          if (shard.isDirectory && idPattern.test(shard.name)) names.add(`${node.name}/${shard.name}`); // prettier-ignore
      }
      for (const name of names) await this.#openShard(name, isOurs ? noted.get(name) : undefined);
    } catch (error) {
      log.error('Hinted handoff could not be read', { path: folder, error: errorText(error) });
    }
  }

  /** Queues are there without it; one that stays is held against them once more. */
  async #takeNoted(): Promise<HintEnds> {
    const { endsFolder } = this.#options;
    try {
      if (endsFolder !== undefined) return await takeHintEnds(this.#ports, endsFolder);
    } catch (error) {
      this.#ports.log.warn('What waited in hinted handoff could not be looked up', { path: endsFolder, error: errorText(error) }); // prettier-ignore
    }
    return new Map();
  }

  async #openShard(name: string, ends: QueueEnds | undefined): Promise<void> {
    const [nodeId, shardId] = name.split('/').map(Number);
    if (nodeId === undefined || shardId === undefined) return;
    try {
      await this.#nodeOf(nodeId).open(shardId, ends);
    } catch (error) {
      const path = `${this.#options.folder}/${name}`;
      this.#ports.log.error('A hinted handoff queue could not be read', { path, error: errorText(error) }); // prettier-ignore
      this.#ports.target.onDropped(nodeId, shardId);
    }
  }

  async #isOurs(): Promise<boolean> {
    const { folder } = this.#options;
    const texts = clusterFiles.map((name) => readText(this.#ports.disk, `${folder}/${name}`));
    const ids = (await Promise.all(texts)).filter((id) => id !== undefined);
    return ids.length === 0 || ids.includes(String(this.#ports.clusterId()));
  }

  /** Until they are out of the way nothing is queued: it would be taken for theirs. */
  async #setAside(): Promise<void> {
    const { disk, log } = this.#ports;
    const { folder } = this.#options;
    this.#isForeign = true;
    for (const { name, isDirectory } of await disk.list(folder)) {
      if (!isDirectory || !idPattern.test(name)) continue;
      const aside = `${folder}/of-another-cluster-${name}`;
      log.warn('Hinted writes of another cluster are set aside', { path: aside });
      await disk.removeTree(aside);
      await disk.rename(`${folder}/${name}`, aside);
    }
    await disk.syncDir(folder);
    this.#isForeign = false;
  }

  /** Says of which cluster the queues are, before there is one: once in each that the node joins, as none waits when it leaves. */
  #claim(): Promise<void> {
    const clusterId = this.#ports.clusterId();
    const { clusterId: known, written } = this.#claimed ?? {};
    // One that is about to leave keeps what it has.
    if (written !== undefined && (clusterId === known || clusterId === 0n)) return written;
    const claimed = { clusterId, written: this.#writeClaim(clusterId) };
    this.#claimed = claimed;
    return claimed.written.catch((error: unknown) => {
      if (this.#claimed === claimed) this.#claimed = undefined;
      throw error;
    });
  }

  async #writeClaim(clusterId: bigint): Promise<void> {
    const { disk } = this.#ports;
    const { folder } = this.#options;
    await makeDurableDir(disk, folder);
    const id = new TextEncoder().encode(String(clusterId));
    for (const name of clusterFiles) await disk.replaceFile(`${folder}/${name}`, id);
  }

  async #purge(): Promise<void> {
    if (this.#isPurging) return;
    this.#isPurging = true;
    try {
      for (const [nodeId, node] of this.#nodes) await this.#purgeNode(nodeId, node);
      if (this.#isDue()) this.#lastPurgeMs = this.#ports.clock.monotonicMs();
    } finally {
      this.#isPurging = false;
    }
  }

  async #purgeNode(nodeId: number, node: NodeHints): Promise<void> {
    const { log } = this.#ports;
    try {
      await node.dropGone();
      const ageNs = BigInt(Math.round(this.#options.ageMsMax)) * 1_000_000n;
      if (this.#isDue()) await node.dropOld(this.#hintClock.agedAtNs - ageNs);
    } catch (error) {
      log.warn('Hinted writes could not be dropped', { nodeId, error: errorText(error) });
    }
  }

  #isDue(): boolean {
    const { clock } = this.#ports;
    return clock.monotonicMs() - this.#lastPurgeMs >= this.#options.purgeMs;
  }
}

async function readText(disk: Disk, path: string): Promise<string | undefined> {
  try {
    return new TextDecoder().decode(await disk.readFile(path)).trim();
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    throw error;
  }
}
