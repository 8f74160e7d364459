/**
 * What one owner lacks of one shard, in segment files under `<hh>/<node>/<shard>/`, oldest first.
 *
 * Invariants:
 * - `append` resolves only once its records are durable; they are handed out in the order of the appends.
 * - A segment whose append failed, and those of earlier runs, take no more: good bytes never follow torn ones. Nor does
 *   one whose name is not durable take any.
 * - A segment goes only when all of its records are consumed, and the queue is empty only once that is durable: what was
 *   brought once is not brought again behind newer writes that went past an empty queue.
 * - What is consumed within a segment is written down and not synced (brought-mark.ts): after a loss of power it may begin anew, behind it nothing is lost
 *   or out of order.
 *
 * Not here: whom to bring it to and when (node-drain.ts), limits.
 */
import { Mutex } from '../base/async/mutex.ts';
import { DbError } from '../base/errors.ts';
import type { SharedBuffers } from '../base/shared-buffers.ts';
import type { Disk, DiskFile } from '../env/disk.ts';
import { makeDurableDir } from '../env/make-durable-dir.ts';
import { BroughtMark } from './brought-mark.ts';
import { BlockMemory } from './block-memory.ts';
import { FailingSegment } from './failing-segment.ts';
import type { HintClock } from './hint-clock.ts';
import type { QueueEnds } from './hint-ends.ts';
import { encodeHintHeader, hintHeaderBytes } from './hint-record.ts';
import { readHints, type HintDamage, type HintRead } from './read-hints.ts';

export interface HintQueuePorts {
  readonly disk: Disk;
  readonly clock: Pick<HintClock, 'queuedAtNs'>;
  /** What is read lies in memory of theirs. */
  readonly buffers: SharedBuffers;
  /** Bytes that are no record are handed over before the queue goes past them. */
  readonly onDamage: (path: string, damage: HintDamage, bytes: Uint8Array) => Promise<void>;
  /** Whether the disk takes a file now. */
  readonly isDiskWell: () => Promise<boolean>;
}

export interface HintQueueOptions {
  readonly folder: string;
  readonly segmentBytesMax: number;
}

/** Records from the head of the queue; they stay until they are consumed, and their payloads are nobody's once the work on them is over. */
export interface HintBlock {
  readonly records: readonly HintRead[];
  /** Behind damage at the end of the block too. */
  readonly nextOffset: number;
}

/** Bytes of a segment that nobody was brought. */
export interface MissedHints {
  readonly path: string;
  readonly lengthBytes: number;
}

interface Segment {
  readonly number: number;
  readonly path: string;
  /** Behind the last record that counts as queued; undefined for one of an earlier run, where the file's length says it. */
  endOffset: number | undefined;
  sizeBytes: number;
  /** Its name is removed, which may not be durable yet. */
  isRemoved: boolean;
}

const namePattern = /^\d{10}\.hint$/;
/** Damaged bytes that are kept in memory at a time; the rest of longer damage is only told of. */
const damageBytesMax = 1_048_576;

export class HintQueue {
  readonly #ports: HintQueuePorts;
  readonly #options: HintQueueOptions;
  readonly #mark: BroughtMark;
  readonly #failing: FailingSegment;
  readonly #writing = new Mutex();
  readonly #reading = new Mutex();
  #segments: Segment[] = [];
  #active: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  #reader: { readonly segment: Segment; readonly file: DiskFile } | undefined;
  #offset = 0;
  /** Number of a segment, and up to where its damage has been told. */
  #reported: readonly [number: number, offset: number] = [0, 0];
  #lastNumber = 0;
  #isLoaded = false;
  #appendCount = 0;
  #isDropped = false;

  constructor(ports: HintQueuePorts, options: HintQueueOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#mark = new BroughtMark(ports.disk, options.folder);
    this.#failing = new FailingSegment(ports.isDiskWell);
  }

  /**
   * Takes up what earlier runs left, once; a folder that is missing is an empty queue. `ends` says what was there as the last of them
   * closed it. Answers what is not there any more.
   */
  async load(ends?: QueueEnds): Promise<readonly MissedHints[]> {
    if (this.#isLoaded) return [];
    const { disk } = this.#ports;
    const { folder } = this.#options;
    const segments: Segment[] = [];
    for (const { name } of await disk.list(folder)) {
      if (!namePattern.test(name)) continue;
      const path = `${folder}/${name}`;
      const sizeBytes = (await disk.size(path)) ?? 0;
      segments.push({ number: Number(name.slice(0, 10)), path, endOffset: undefined, sizeBytes, isRemoved: false }); // prettier-ignore
    }
    this.#segments = segments;
    this.#lastNumber = Math.max(0, ...segments.map(({ number }) => number));
    this.#isLoaded = true;
    const [head] = segments;
    if (head !== undefined) this.#offset = await this.#mark.offsetIn(head.path);
    const sizes = new Map(segments.map(({ number, sizeBytes }) => [number, sizeBytes]));
    return (ends ?? []).flatMap(([number, lengthBytes]) => {
      const there = sizes.get(number) ?? 0;
      return there >= lengthBytes ? [] : [{ path: this.#pathOf(number), lengthBytes: lengthBytes - there }]; // prettier-ignore
    });
  }

  #pathOf(number: number): string {
    return `${this.#options.folder}/${String(number).padStart(10, '0')}.hint`;
  }

  /** Numbers and lengths of the segments, once it rests. */
  get ends(): QueueEnds {
    return this.#segments
      .filter(({ isRemoved }) => !isRemoved)
      .map(({ number, endOffset, sizeBytes }) => [number, endOffset ?? sizeBytes]);
  }

  get isEmpty(): boolean {
    return this.#segments.length === 0 && this.#appendCount === 0;
  }

  /** Whether consume() has something to do; a queue may be neither empty nor this while an append is under way. */
  get hasUnread(): boolean {
    const [head] = this.#segments;
    if (head === undefined) return false;
    const isBeingAppended = this.#active?.segment === head && this.#appendCount > 0;
    return !isBeingAppended || this.#offset < (head.endOffset ?? 0);
  }

  /** On disk, what is consumed of a segment included (spec F45). */
  get sizeBytes(): number {
    return this.#segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  }

  get unreadBytes(): number {
    return Math.max(0, this.sizeBytes - this.#offset);
  }

  get segmentCount(): number {
    return this.#segments.length;
  }

  /** Runs `before` first. Throws what the disk says: then none of the payloads counts as queued, though they may come out all the same. */
  append(
    payloads: readonly Uint8Array[],
    before: () => Promise<void> = () => Promise.resolve(),
  ): Promise<void> {
    this.#appendCount++;
    return this.#writing
      .run(async () => {
        await before();
        await this.#append(payloads);
      })
      .finally(() => {
        this.#appendCount--;
      });
  }

  /**
   * Runs `work` on the head of the queue; it answers how many records of the block are consumed. False when there was
   * nothing to read. One at a time.
   */
  consume(
    bytesMax: number,
    work: (block: HintBlock) => Promise<number> | number,
  ): Promise<boolean> {
    return this.#reading.run(async () => {
      const memory = new BlockMemory(this.#ports.buffers);
      try {
        return await this.#consume(await this.#peek(bytesMax, memory), work);
      } finally {
        memory.giveBackAll();
      }
    });
  }

  async #consume(
    block: HintBlock | undefined,
    work: (block: HintBlock) => Promise<number> | number,
  ): Promise<boolean> {
    if (block === undefined) return false;
    const count = await work(block);
    const { records } = block;
    const isAll = count >= records.length;
    const offset = isAll ? block.nextOffset : records[count - 1]?.endOffset;
    if (offset !== undefined) this.#offset = offset;
    await this.#removeConsumed();
    const reader = this.#reader;
    if (count > 0 && reader !== undefined && reader.segment === this.#segments[0])
      await this.#mark.note(reader.file, this.#offset);
    return true;
  }

  /** Lets go of its files; the next append begins another one. */
  rest(): Promise<void> {
    return this.#reading.run(() =>
      this.#writing.run(async () => {
        await this.#closeFiles();
        await this.#mark.settled();
      }),
    );
  }

  /** Lets go of the file that was read last; appends go on with theirs. */
  endReading(): Promise<void> {
    return this.#reading.run(() => this.#closeReader());
  }

  /** Removes all there is; durable once resolved. Appends that come later fail. */
  drop(): Promise<void> {
    this.#isDropped = true;
    return this.#reading.run(() =>
      this.#writing.run(async () => {
        await this.#closeFiles();
        await this.#mark.settled();
        const { disk } = this.#ports;
        const { folder } = this.#options;
        await disk.removeTree(folder);
        await disk.syncDir(folder.slice(0, folder.lastIndexOf('/')));
        this.#segments = [];
        this.#offset = 0;
      }),
    );
  }

  async #append(payloads: readonly Uint8Array[]): Promise<void> {
    if (this.#isDropped) throw new DbError('shard_not_found', 'the shard is gone');
    const { queuedAtNs } = this.#ports.clock;
    const { segment, file } = await this.#openActive();
    const lengthBytes = payloads.reduce((sum, one) => sum + hintHeaderBytes + one.length, 0);
    try {
      await file.append(payloads.flatMap((one) => [encodeHintHeader(one, queuedAtNs), one]));
      await file.sync();
    } catch (error) {
      await this.#abandonActive(lengthBytes);
      throw error;
    }
    segment.endOffset = (segment.endOffset ?? 0) + lengthBytes;
    segment.sizeBytes = segment.endOffset;
  }

  async #openActive(): Promise<{ readonly segment: Segment; readonly file: DiskFile }> {
    const { disk } = this.#ports;
    const { folder, segmentBytesMax } = this.#options;
    if (this.#active !== undefined && this.#active.segment.sizeBytes < segmentBytesMax)
      return this.#active;
    await this.#closeActive();
    await this.load();
    await makeDurableDir(disk, folder);
    const number = ++this.#lastNumber;
    const path = this.#pathOf(number);
    const file = await disk.open(path, 'create');
    try {
      await disk.syncDir(folder);
    } catch (error) {
      // A crash may take the name, and with it all that a later append would call durable. What stays of it is empty.
      await file.close().catch(() => undefined);
      await disk.remove(path).catch(() => undefined);
      throw error;
    }
    const segment: Segment = { number, path, endOffset: 0, sizeBytes: 0, isRemoved: false };
    this.#active = { segment, file };
    this.#segments = [...this.#segments, segment];
    return this.#active;
  }

  /** What got to the disk of a failed append is unknown; a segment that has nothing else goes at once. */
  async #abandonActive(lengthBytes: number): Promise<void> {
    const active = this.#active;
    if (active === undefined) return;
    const { segment } = active;
    this.#active = undefined;
    await active.file.close().catch(() => undefined);
    if (segment.endOffset === 0) {
      const isGone = await this.#ports.disk.remove(segment.path).then(() => true, () => false); // prettier-ignore
      // Its name may come back at a crash, with bytes that nobody was told are kept.
      if (isGone) this.#segments = this.#segments.filter((one) => one !== segment);
      if (isGone) return;
    }
    segment.sizeBytes += lengthBytes;
  }

  async #peek(bytesMax: number, memory: BlockMemory): Promise<HintBlock | undefined> {
    for (;;) {
      const [segment] = this.#segments;
      if (segment === undefined) return undefined;
      if (segment.isRemoved) {
        await this.#removeConsumed();
        continue;
      }
      const file = await this.#openReader(segment);
      const endOffset = segment.endOffset ?? file.lengthBytes;
      const bounds = { offset: this.#offset, endOffset, bytesMax, memory };
      const { records, damages, nextOffset } = await this.#failing.reading(file, (readable) => readHints(readable, bounds)); // prettier-ignore
      for (const damage of damages) await this.#report(segment, file, damage);
      if (records.length > 0) return { records, nextOffset };
      // Of damage, however much of it follows, nothing is kept.
      memory.giveBackAll();
      this.#offset = nextOffset;
      await this.#removeConsumed();
    }
  }

  async #openReader(segment: Segment): Promise<DiskFile> {
    if (this.#reader?.segment === segment) return this.#reader.file;
    await this.#closeReader();
    const file = await this.#ports.disk.open(segment.path, 'read');
    this.#reader = { segment, file };
    return file;
  }

  /** Once for each: a block that was not consumed is read again. */
  async #report({ number }: Segment, file: DiskFile, damage: HintDamage): Promise<void> {
    const [reportedNumber, reportedOffset] = this.#reported;
    if (number === reportedNumber && damage.offset < reportedOffset) return;
    const bytes = new Uint8Array(Math.min(damage.lengthBytes, damageBytesMax));
    const count = await this.#failing.reading(file, (readable) => readable.readAt(damage.offset, bytes)); // prettier-ignore
    const end = damage.offset + damage.lengthBytes;
    const isUnreadable = this.#failing.isUnreadable({ start: damage.offset, end });
    await this.#ports.onDamage(file.path, { ...damage, ...(isUnreadable && { isUnreadable }) }, bytes.subarray(0, count)); // prettier-ignore
    this.#reported = [number, end];
  }

  /** Removes the head when all of it is consumed and nothing is being appended to it. */
  async #removeConsumed(): Promise<void> {
    const [head] = this.#segments;
    // One whose first append failed has gone as it was being opened: as long as somebody has it, it takes room.
    if (this.#reader?.segment !== head) await this.#closeReader();
    if (head === undefined || this.#offset < this.#endOf(head)) return;
    await this.#writing.run(async () => {
      if (this.#offset < this.#endOf(head)) return;
      if (this.#active?.segment === head) await this.#closeActive();
      await this.#closeReader();
      const { disk } = this.#ports;
      await disk.remove(head.path);
      head.isRemoved = true;
      if (this.#segments.length === 1) await this.#mark.remove();
      await disk.syncDir(this.#options.folder);
      this.#segments = this.#segments.filter((one) => one !== head);
      this.#offset = 0;
    });
  }

  #endOf(segment: Segment): number {
    if (segment.isRemoved) return 0;
    const file = this.#reader?.segment === segment ? this.#reader.file : undefined;
    return segment.endOffset ?? file?.lengthBytes ?? Infinity;
  }

  async #closeFiles(): Promise<void> {
    await this.#closeActive();
    await this.#closeReader();
  }

  async #closeActive(): Promise<void> {
    const active = this.#active;
    this.#active = undefined;
    await active?.file.close();
  }

  async #closeReader(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    await reader?.file.close();
  }
}
