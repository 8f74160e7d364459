/**
 * When memtables of a worker's shards go to files, and what is done to a shard then.
 *
 * Invariants:
 * - memory is bounded: a memtable is flushed when it is large, when all of them together are large, or when it is cold;
 * - where memory has no room for a write, what may make some is flushed: writes that are refused never make a memtable large;
 * - whether all together are large is asked after so many bytes as could make them so, not at each write;
 * - a shard is flushed once at a time, and not at all once it was taken out;
 * - of shards that are cold `coldAtOnce` are flushed at a time, however many are: each has files and memory under way; what
 *   fails rests (flush-pauses.ts);
 * - an index of which a segment is damaged is made anew, once a start.
 */
import { inLanes } from '../../../base/async/in-lanes.ts';
import type { Tasks } from '../../../base/async/tasks.ts';
import { isDbError, type DbError } from '../../../base/errors.ts';
import type { DiskFailures } from '../../../env/disk-failures.ts';
import type { StoreOptions, StorePorts } from '../store-options.ts';
import { residentBytesDefault } from '../store-options.ts';
import type { OpeningPorts, OpenShard } from '../shards/open-shards.ts';
import { isColdFlushDue, largestOf, largestPast } from './flush-choice.ts';
import { FlushPauses } from './flush-pauses.ts';
import { flushShard } from './flush-shard.ts';
import { shardStalls, StallWatch } from '../stall-watch.ts';

export interface FlusherPorts extends StorePorts, Pick<OpeningPorts, 'cache' | 'blocks'> {
  readonly tasks: Tasks;
  readonly diskFailures: Pick<DiskFailures, 'failed' | 'succeeded'>;
  shards(): Iterable<OpenShard>;
  /** Whether the shard is the store's still. */
  isOpen(open: OpenShard): boolean;
  folderOf(open: OpenShard): string;
  /** Records of the log are not needed any more. */
  release(): Promise<void>;
  /** All series of a shard have been learned anew. */
  onRebuilt(): void;
}

/** While one waits for the disk another has the processor. */
const coldAtOnce = 4;

export class Flusher {
  readonly #ports: FlusherPorts;
  readonly #options: StoreOptions;
  readonly #watch: StallWatch<OpenShard>;
  readonly #pauses = new FlushPauses();
  #isFlushingCold = false;
  #isClosed = false;
  /** Memtables cannot be large together before so many more bytes are in them. */
  #slackBytes = 0;

  constructor(ports: FlusherPorts, options: StoreOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#watch = new StallWatch(ports, shardStalls('flush'));
  }

  /** What the series of all shards take of memory, pages of segments aside. */
  get seriesBytes(): number {
    let sizeBytes = 0;
    for (const { shard } of this.#ports.shards())
      for (const table of shard.index.tables) sizeBytes += table.sizeBytes;
    return sizeBytes;
  }

  /** Throws what the disk says; the points are where they were then. */
  flush(open: OpenShard): Promise<void> {
    // A write that was under way may ask for it after the shard was taken out.
    if (!this.#ports.isOpen(open)) return Promise.resolve();
    const { memtableBytes } = open.shard;
    open.flushing ??= open.work
      .count('flush', () => this.#watch.during(open, () => this.#flushNow(open)))
      .then(
        () => {
          open.work.addFlushed(memtableBytes);
          this.#pauses.succeeded(open);
          this.#ports.diskFailures.succeeded('files of shards');
        },
        (error: unknown) => {
          this.#pauses.failed(open, this.#ports.clock.monotonicMs());
          this.#ports.diskFailures.failed('files of shards', error);
          throw error;
        },
      )
      .finally(() => {
        open.flushing = undefined;
      });
    return open.flushing;
  }

  /** After a write to the shard that has put so many bytes into its memtable. */
  flushIfLarge(open: OpenShard, grownBytes: number): void {
    const { snapshotBytes, memtablesBytesMax } = this.#options;
    if (open.shard.activeBytes >= snapshotBytes) this.#spawn(open);
    this.#slackBytes -= grownBytes;
    if (this.#slackBytes > 0) return;
    const { largest, slackBytes } = largestPast(this.#ports.shards(), memtablesBytesMax);
    this.#slackBytes = slackBytes;
    if (largest !== undefined) this.#spawn(largest);
  }

  /** After a write to the shard that found no room in memory. */
  flushForRoom(open: OpenShard): void {
    const { cacheBytesMax } = this.#options;
    const isOwn = cacheBytesMax > 0 && open.shard.memtableBytes >= cacheBytesMax;
    const one = isOwn ? open : largestOf(this.#ports.shards());
    if (one !== undefined && !this.#isPausedFor(one)) this.#spawn(one);
  }

  /** From time to time. */
  flushCold(): void {
    this.#watch.look();
    // Not all that memtables get comes by a write.
    this.#slackBytes = 0;
    const cold: OpenShard[] = [];
    for (const open of this.#ports.shards()) {
      if (this.#isColdDue(open)) cold.push(open);
      const { damage } = open.shard.index;
      if (damage === undefined || open.isRebuilding || this.#isPausedFor(open)) continue;
      open.isRebuilding = true;
      this.#ports.tasks.spawn('rebuild index', this.#rebuildIndex(open, damage));
    }
    if (cold.length === 0 || this.#isFlushingCold) return;
    this.#isFlushingCold = true;
    const flushed = inLanes(cold, coldAtOnce, (open) => this.#flushIfCold(open));
    const ended = flushed.finally(() => {
      this.#isFlushingCold = false;
    });
    this.#ports.tasks.spawn('flush cold shards', ended);
  }

  /** Begins no flush of a cold shard any more. */
  close(): void {
    this.#isClosed = true;
  }

  #isColdDue(open: OpenShard): boolean {
    const nowMs = this.#ports.clock.monotonicMs();
    if (this.#isClosed || open.flushing !== undefined) return false;
    if (this.#isPausedFor(open)) return false;
    return isColdFlushDue(open, nowMs - this.#options.snapshotColdMs);
  }

  #isPausedFor(open: OpenShard): boolean {
    const nowMs = this.#ports.clock.monotonicMs();
    return this.#pauses.isPaused(nowMs) || this.#pauses.isPausedFor(open, nowMs);
  }

  /** It may have been written to, or have failed with others, since it was found cold. Never rejects. */
  async #flushIfCold(open: OpenShard): Promise<void> {
    if (!this.#isColdDue(open)) return;
    this.#spawn(open);
    await open.flushing?.catch(() => undefined);
  }

  #spawn(open: OpenShard): void {
    if (open.flushing === undefined) this.#ports.tasks.spawn('flush', this.flush(open));
  }

  async #flushNow(open: OpenShard): Promise<void> {
    const folder = this.#ports.folderOf(open);
    const beginsTable = this.#beginsTable(open);
    const turn = (): Promise<void> => {
      this.#watch.moved(open);
      return this.#ports.turn();
    };
    this.#ports.trace?.info('Compacting cache', { shard: open.place.shardId, path: folder });
    if (await flushShard(open, { folder, beginsTable }, { ...this.#ports, turn })) await this.#ports.release(); // prettier-ignore
  }

  /** Makes the index of a shard anew, one of whose segments was found damaged. */
  async #rebuildIndex(open: OpenShard, damage: DbError): Promise<void> {
    const { shardId: shard } = open.place;
    this.#ports.log.warn('The index of a shard is damaged and is made anew', { shard, error: damage.message }); // prettier-ignore
    try {
      await open.segments.rebuild(() => open.shard.rebuildIndex(damage, this.#ports));
    } catch (error) {
      // One that failed since a file is damaged too is tried again at the next start.
      if (isDbError(error, 'disk_full')) {
        open.isRebuilding = false;
        this.#pauses.failed(open, this.#ports.clock.monotonicMs());
      }
      throw error;
    }
    open.isRebuilding = false;
    this.#ports.onRebuilt();
    await this.flush(open);
  }

  /** Series of a cold shard are not kept in memory, nor those of the one at hand when all together are many. */
  #beginsTable(open: OpenShard): boolean {
    const { residentBytesMax = residentBytesDefault, snapshotColdMs } = this.#options;
    if (open.lastWriteMs < this.#ports.clock.monotonicMs() - snapshotColdMs) return true;
    return this.seriesBytes > residentBytesMax;
  }
}
