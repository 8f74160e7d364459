/**
 * Lets go of segments of the log whose records are all in files, whichever worker's shards they are of.
 *
 * Invariants:
 * - one look at a time, and one more behind it for all who ask meanwhile: thousands of shards are flushed one after the other;
 * - a segment that has nothing of shards that are home here is another worker's to let go of;
 * - those of runs before stay until letRunsGo(), where somebody is still to read them;
 * - shards that are home elsewhere are asked for of segments alone of which nothing is needed here, no further than to one
 *   that is needed, and not again once they are known to be in files: what they have flushed never gets less.
 */
import type { Disk } from '../../../env/disk.ts';
import type { Log } from '../../../env/log.ts';
import { parseSegmentName } from '../../wal/segment-name.ts';
import type { WalSegment, WalWriter } from '../../wal/wal-writer.ts';
import { flushedElsewhere, type FlushedElsewhere } from './flushed-elsewhere.ts';

export interface ReleasePorts {
  /**
   * The last segments that are no longer than this together stay: what they have may not have got to other owners (decision 137), and a start
   * remembers it (decision 144).
   */
  readonly keptBytes: number;
  /** Segments of this run and those before it stay until letRunsGo(): what they have is still to be read. Absent: none does for that. */
  readonly keptRun?: number | undefined;
  /** Told of each segment that goes. */
  readonly trace?: Pick<Log, 'info'> | undefined;
  readonly disk: Disk;
  readonly dataFolder: string;
  readonly isHome: (shardId: number) => boolean;
  /** Of a shard that is home elsewhere: whether it is to be here, though its folder is missed. */
  readonly isListed: (shardId: number) => boolean;
  /** Of a shard that is home here: whether nobody needs that record of the log any more. */
  readonly isFlushed: (shardId: number, sequence: number) => boolean;
}

export class SegmentReleases {
  readonly #wal: WalWriter;
  readonly #ports: ReleasePorts;
  /** Of shards that are home elsewhere. */
  readonly #flushed = new Map<number, number>();
  #keptRun: number;
  #running: Promise<void> | undefined;
  #next: Promise<void> | undefined;

  constructor(wal: WalWriter, ports: ReleasePorts) {
    this.#wal = wal;
    this.#ports = ports;
    this.#keptRun = ports.keptRun ?? 0;
  }

  /** Nobody reads the runs before any more: what is needed of them by nothing else goes with the next look. */
  letRunsGo(): void {
    this.#keptRun = 0;
  }

  /** Resolves once a look is over that began after the call. Throws what the disk says. */
  release(): Promise<void> {
    if (this.#running === undefined) return this.#begin();
    this.#next ??= this.#running
      .catch(() => undefined)
      .then(() => {
        this.#next = undefined;
        return this.#begin();
      });
    return this.#next;
  }

  #begin(): Promise<void> {
    const running = this.#look().finally(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  async #look(): Promise<void> {
    const needless = new Set<string>();
    const elsewhere = flushedElsewhere(this.#ports.disk, { ...this.#ports, known: this.#flushed });
    for (const segment of this.#beforeKept())
      if (await this.#isNeedless(segment, elsewhere)) needless.add(segment.path);
    for (const path of needless) this.#ports.trace?.info('Removing WAL file', { path });
    await this.#wal.release(({ path }) => needless.has(path));
  }

  #beforeKept(): readonly WalSegment[] {
    const closed = this.#wal.closed.filter((segment) => this.#isOurs(segment));
    let count = closed.length;
    for (let bytes = 0; count > 0; count--) {
      bytes += closed[count - 1]?.lengthBytes ?? 0;
      if (bytes > this.#ports.keptBytes) break;
    }
    return closed.slice(0, count).filter(({ path }) => runOf(path) > this.#keptRun);
  }

  #isOurs({ sequences }: WalSegment): boolean {
    let isEmpty = true;
    for (const [shardId] of sequences) {
      if (this.#ports.isHome(shardId)) return true;
      isEmpty = false;
    }
    return isEmpty;
  }

  async #isNeedless({ sequences }: WalSegment, elsewhere: FlushedElsewhere): Promise<boolean> {
    const { isHome, isFlushed } = this.#ports;
    for (const [shardId, sequence] of sequences)
      if (isHome(shardId) && !isFlushed(shardId, sequence)) return false;
    for (const [shardId, sequence] of sequences)
      if (!isHome(shardId) && !(await elsewhere(shardId, sequence))) return false;
    return true;
  }
}

/** No segment has run 0. */
function runOf(path: string): number {
  return parseSegmentName(path.slice(path.lastIndexOf('/') + 1))?.run ?? 0;
}
