/**
 * Writes what some TSM files of a shard hold to new ones: each point once, blocks full, deleted points left out.
 *
 * Invariants:
 * - inputs are read only; outputs have temporary names and are durable when this resolves, and gone when it throws;
 * - memory is bounded by a piece and a block per input and the writer's staging, whatever the files hold;
 * - others run every few milliseconds, and disk traffic stays below the throttle's rate.
 *
 * Not here: which files (compaction-plan.ts), and how outputs take the place of inputs (store/).
 */
import { exactTextOf } from '../../../base/exact-text.ts';
import { must } from '../../../base/assert.ts';
import { DbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk, DiskFile } from '../../../env/disk.ts';
import { Slices } from '../../../env/slices.ts';
import type { ColumnKernel } from '../../../kernels/column-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import { noStamp, rangeOfAll } from '../../../models/stamp.ts';
import { BlockSweep } from '../../tsm/block-sweep.ts';
import { covers } from '../../tsm/deleted-ranges.ts';
import type { TsmColumn } from '../../tsm/tsm-column.ts';
import type { TsmFile, TsmSeal } from '../../tsm/tsm-file.ts';
import { keyBlocksMax as formatBlocksMax, tsmNameOf } from '../../tsm/tsm-format.ts';
import { TsmWriter } from '../../tsm/tsm-writer.ts';
import { mergeColumns, type BlockLane, type MergedBlock } from '../columns/merge-columns.ts';
import { kernelForm, runForm } from '../columns/rows-forms.ts';
import { levelMax } from './compaction-plan.ts';
import { stampsOfFile } from './stamped-parts.ts';
import type { Throttle } from './throttle.ts';

export interface CompactionPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
  /** Merges numbers; without one its twin does. */
  readonly kernel?: ColumnKernel | undefined;
  readonly throttle: Throttle;
  /** Asked often; true ends the work with `cancelled`. */
  readonly isCancelled: () => boolean;
}

export interface CompactionRequest {
  /** Oldest first. */
  readonly inputs: readonly TsmFile[];
  /** Path of each output, counted from 0, `.tmp` still to be added: of a key with many blocks there may be more than inputs. */
  readonly pathOf: (output: number) => string;
  readonly rowsPerBlock: number;
  readonly fileBytesMax: number;
  /** Blocks of a key in a file: as many as the format takes when left out. */
  readonly keyBlocksMax?: number | undefined;
  /** Of what is not likely to be written again: numbers are packed as closely as can be. */
  readonly isClose: boolean;
}

/** A block of so much is not packed closely where that is all there is to do: it would save a few bytes. */
const closeBytesMin = 256;

/** Texts of a block: many long ones would be a block of gigabytes. */
const bytesPerBlock = 16 << 20;

/** A file that was written, its path still with `.tmp` behind it. */
export interface WrittenFile {
  readonly path: string;
  readonly seal: TsmSeal;
}

/** None when no point is left. */
export async function compactFiles(
  request: CompactionRequest,
  ports: CompactionPorts,
): Promise<readonly WrittenFile[]> {
  const outputs = new Outputs(ports.disk, request);
  try {
    const slices = new Slices(ports);
    for (const shared of sharedKeys(request.inputs)) {
      if (ports.isCancelled()) throw new DbError('cancelled', 'the compaction was given up');
      if (shared === undefined) {
        await slices.next();
        continue;
      }
      for (const block of blocksOf(shared, request, ports)) {
        const written = await outputs.add(shared.key, shared.type, block);
        if (written > 0) await ports.throttle.take(written);
        if ((await slices.next()) && ports.isCancelled())
          throw new DbError('cancelled', 'the compaction was given up');
      }
    }
    return await outputs.finish();
  } catch (error) {
    await outputs.discard();
    throw error;
  }
}

/** A key in one of the inputs. */
interface KeyPart {
  readonly file: TsmFile;
  readonly column: TsmColumn;
  readonly sweep: BlockSweep;
}

interface SharedKey {
  /** A view that holds until the next one. */
  readonly key: Uint8Array;
  readonly type: FieldType;
  /** Of those that have it, oldest first. */
  readonly parts: readonly KeyPart[];
}

/** Keys of all files in the order of their bytes, each once; undefined is a place to rest at. */
function* sharedKeys(files: readonly TsmFile[]): Generator<SharedKey | undefined> {
  const heads = files.map((file) => {
    const columns = file.columnsAndRests()[Symbol.iterator]();
    return { file, sweep: new BlockSweep(file), columns, next: columns.next() };
  });
  for (;;) {
    // Of a file whose next key is not known none is the least.
    const resting = heads.find(({ next }) => next.done !== true && next.value === undefined);
    if (resting !== undefined) {
      resting.next = resting.columns.next();
      yield undefined;
      continue;
    }
    let least: Uint8Array | undefined;
    for (const { next } of heads) {
      if (next.done === true || next.value === undefined) continue;
      const [key] = next.value;
      if (least === undefined || Buffer.compare(key, least) < 0) least = key;
    }
    if (least === undefined) return;
    const parts: KeyPart[] = [];
    for (const head of heads) {
      if (head.next.done === true || head.next.value === undefined) continue;
      const [key, column] = head.next.value;
      if (key !== least && Buffer.compare(key, least) !== 0) continue;
      const [first] = parts;
      if (first !== undefined && first.column.type !== column.type)
        throw new DbError(
          'corrupt',
          `${head.file.path}: ${exactTextOf(key)} is of another type than in an older file`,
        );
      parts.push({ file: head.file, column, sweep: head.sweep });
      head.next = head.columns.next();
    }
    yield { key: least, type: parts[0]?.column.type ?? FieldType.float, parts };
  }
}

function blocksOf(
  shared: SharedKey,
  { rowsPerBlock, isClose }: CompactionRequest,
  { kernel }: CompactionPorts,
): Iterable<MergedBlock> {
  const { key, type, parts } = shared;
  const single = singleBlock(shared, isClose);
  if (single !== undefined) return [single];
  const lanes = parts.map((part) => laneOf(part, key));
  return kernel !== undefined && type !== FieldType.string
    ? mergeColumns(lanes, kernelForm(kernel, type, { isClose }), { rowsPerBlock })
    : mergeColumns(lanes, runForm(type, { isClose }), { rowsPerBlock, bytesPerBlock });
}

/**
 * That of a key which has one in all, of which nothing is deleted, where it would be made to the same again, or hardly get
 * shorter.
 */
function singleBlock({ key, type, parts }: SharedKey, isClose: boolean): MergedBlock | undefined {
  const [part, ...others] = parts;
  if (part === undefined || others.length > 0 || part.column.count !== 1) return undefined;
  if (part.file.deletedRanges(key).length > 0) return undefined;
  const entry = part.column.entry(0);
  const mayShrink = isClose && type !== FieldType.string && type !== FieldType.boolean;
  if (mayShrink && entry.lengthBytes >= closeBytesMin && !isOfLastLevel(part.file))
    return undefined;
  const bytes = part.sweep.block(entry);
  return bytes[0] === type ? { ...entry, bytes } : undefined;
}

/** What is in such files is packed closely. */
function isOfLastLevel({ path }: TsmFile): boolean {
  const parts = tsmNameOf(path.slice(path.lastIndexOf('/') + 1));
  return parts !== undefined && parts.sequence >= levelMax;
}

function laneOf({ file, column, sweep }: KeyPart, key: Uint8Array): BlockLane {
  const deleted = file.deletedRanges(key);
  const entries = column.entries().filter((entry) => !covers(deleted, entry));
  return {
    count: entries.length,
    block: (i) => sweep.block(must(entries[i], 'a lane has its blocks')),
    deleted,
  };
}

/** Files that are written one after the other: the next begins when one is large, or a key has all the blocks it can. */
class Outputs {
  readonly #disk: Disk;
  readonly #request: CompactionRequest;
  readonly #finished: WrittenFile[] = [];
  #file: DiskFile | undefined;
  #writer: TsmWriter | undefined;
  #key: Uint8Array = new Uint8Array();
  #keyBlocks = 0;
  #fileBytes = 0;

  constructor(disk: Disk, request: CompactionRequest) {
    this.#disk = disk;
    this.#request = request;
  }

  /** Answers how many bytes went to the disk. */
  async add(key: Uint8Array, type: FieldType, block: MergedBlock): Promise<number> {
    const isNewKey = Buffer.compare(key, this.#key) !== 0;
    const { fileBytesMax, keyBlocksMax = formatBlocksMax } = this.#request;
    const isLarge = isNewKey && this.#fileBytes >= fileBytesMax;
    if (isLarge || (!isNewKey && this.#keyBlocks === keyBlocksMax)) await this.#close();
    if (isNewKey) this.#keyBlocks = 0;
    this.#key = key;
    const writer = this.#writer ?? (await this.#open());
    this.#keyBlocks++;
    this.#fileBytes += block.bytes.length;
    return writer.add({ key, type, ...block }) ? writer.drain() : 0;
  }

  async finish(): Promise<readonly WrittenFile[]> {
    await this.#close();
    return this.#finished;
  }

  /** Leaves neither a descriptor nor bytes on the disk; the failure that matters is the one that led here. */
  async discard(): Promise<void> {
    await this.#file?.close().catch(() => undefined);
    const finished = this.#finished.map(({ path }) => path);
    for (const path of [...finished, ...(this.#file === undefined ? [] : [this.#file.path])])
      await this.#disk.remove(path).catch(() => undefined);
  }

  async #open(): Promise<TsmWriter> {
    const path = this.#request.pathOf(this.#finished.length);
    this.#file = await this.#disk.open(`${path}.tmp`, 'create');
    this.#writer = new TsmWriter(this.#file);
    this.#fileBytes = 0;
    return this.#writer;
  }

  async #close(): Promise<void> {
    if (this.#writer === undefined || this.#file === undefined) return;
    const seal = await this.#writer.finish();
    const stamps = rangeOfAll(this.#request.inputs.map(stampsOfFile));
    const stamped =
      stamps === undefined || stamps.greatest === noStamp ? seal : { ...seal, stamps };
    this.#finished.push({ path: this.#file.path, seal: stamped });
    this.#writer = undefined;
    this.#file = undefined;
    this.#keyBlocks = 0;
  }
}
