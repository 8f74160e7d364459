/**
 * Writes what some TSM files of a shard hold to new ones: each point once, blocks full, deleted points left out.
 *
 * Invariants:
 * - inputs are read only; outputs have temporary names and are durable when this resolves, and gone when it throws;
 * - memory is bounded by a block per input and the writer's staging, whatever the files hold;
 * - others run every few milliseconds, and disk traffic stays below the throttle's rate.
 *
 * Not here: which files (compaction-plan.ts), and how outputs take the place of inputs (store/).
 */
import { DbError } from '../../base/errors.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { Slices } from '../../env/slices.ts';
import type { ColumnKernel } from '../../kernels/column-kernel.ts';
import { FieldType } from '../../models/field-value.ts';
import { BlockReader } from '../tsm/block-reader.ts';
import type { TsmFile, TsmSeal } from '../tsm/tsm-file.ts';
import { keyBlocksMax } from '../tsm/tsm-format.ts';
import { TsmWriter } from '../tsm/tsm-writer.ts';
import { mergeColumns, type BlockLane, type MergedBlock } from './merge-columns.ts';
import { kernelForm, runForm } from './rows-forms.ts';
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
  /** Paths of the outputs, `.tmp` still to be added; as many as are needed are used, the first ones first. */
  readonly paths: readonly string[];
  readonly rowsPerBlock: number;
  readonly fileBytesMax: number;
}

const minTimeNs = -(1n << 63n);
const maxTimeNs = (1n << 63n) - 1n;

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
    for (const { key, type, files } of sharedKeys(request.inputs)) {
      if (ports.isCancelled()) throw new DbError('cancelled', 'the compaction was given up');
      for (const block of blocksOf({ key, type, files }, request.rowsPerBlock, ports)) {
        const written = await outputs.add(key, type, block);
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

interface SharedKey {
  readonly key: string;
  readonly type: FieldType;
  /** Those that have it, oldest first. */
  readonly files: readonly TsmFile[];
}

/** Keys of all files in the order of their bytes, each once. */
function* sharedKeys(files: readonly TsmFile[]): Generator<SharedKey> {
  const heads = files.map((file) => {
    const keys = file.keys()[Symbol.iterator]();
    return { file, keys, next: keys.next() };
  });
  for (;;) {
    let least: string | undefined;
    for (const { next } of heads) {
      if (next.done === true) continue;
      const [key] = next.value;
      if (least === undefined || compareUtf8(key, least) < 0) least = key;
    }
    if (least === undefined) return;
    const own: TsmFile[] = [];
    let type: FieldType | undefined;
    for (const head of heads) {
      if (head.next.done === true || head.next.value[0] !== least) continue;
      const found = head.next.value[1].type;
      if (type !== undefined && type !== found)
        throw new DbError(
          'corrupt',
          `${head.file.path}: ${least} is of another type than in an older file`,
        );
      type = found;
      own.push(head.file);
      head.next = head.keys.next();
    }
    yield { key: least, type: type ?? FieldType.float, files: own };
  }
}

function blocksOf(
  { key, type, files }: SharedKey,
  rowsPerBlock: number,
  { kernel }: CompactionPorts,
): Generator<MergedBlock> {
  const lanes = files.map((file) => laneOf(file, key));
  return kernel !== undefined && type !== FieldType.string
    ? mergeColumns(lanes, kernelForm(kernel, type), { rowsPerBlock })
    : mergeColumns(lanes, runForm(type), { rowsPerBlock });
}

function laneOf(file: TsmFile, key: string): BlockLane {
  const entries = file.entries(key, { minTimeNs, maxTimeNs });
  const reader = new BlockReader(file, entries);
  return {
    count: entries.length,
    block: (i) => reader.block(i),
    deleted: file.deletedRanges(key),
  };
}

/** Files that are written one after the other: the next begins when one is large, or a key has all the blocks it can. */
class Outputs {
  readonly #disk: Disk;
  readonly #request: CompactionRequest;
  readonly #finished: WrittenFile[] = [];
  #file: DiskFile | undefined;
  #writer: TsmWriter | undefined;
  #key = '';
  #keyBlocks = 0;
  #fileBytes = 0;

  constructor(disk: Disk, request: CompactionRequest) {
    this.#disk = disk;
    this.#request = request;
  }

  /** Answers how many bytes went to the disk. */
  async add(key: string, type: FieldType, block: MergedBlock): Promise<number> {
    const isNewKey = key !== this.#key;
    const isLarge = isNewKey && this.#fileBytes >= this.#request.fileBytesMax;
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
    const path = this.#request.paths[this.#finished.length];
    if (path === undefined)
      throw new DbError('internal', 'a compaction needs more files than it was given');
    this.#file = await this.#disk.open(`${path}.tmp`, 'create');
    this.#writer = new TsmWriter(this.#file);
    this.#fileBytes = 0;
    return this.#writer;
  }

  async #close(): Promise<void> {
    if (this.#writer === undefined || this.#file === undefined) return;
    const seal = await this.#writer.finish();
    this.#finished.push({ path: this.#file.path, seal });
    this.#writer = undefined;
    this.#file = undefined;
    this.#keyBlocks = 0;
  }
}
