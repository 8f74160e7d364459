/** Turns a memtable into a TSM file. The memtable does not change meanwhile; other work goes on between slices. */
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { encodeBlock } from '../../codec/block.ts';
import { encodeTimes } from '../../codec/times.ts';
import type { Clock } from '../../env/clock.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { FlushKernel, FlushSeries, LoadedTable } from '../../kernels/flush-kernel.ts';
import type { FlushKernelPool } from '../../kernels/flush-kernel-pool.ts';
import { FieldType } from '../../models/field-value.ts';
import type { ShardIndex } from '../index/shard-index.ts';
import { blockRowsMax, tsmKey } from '../tsm/tsm-format.ts';
import { TsmFile } from '../tsm/tsm-file.ts';
import { TsmWriter } from '../tsm/tsm-writer.ts';
import { excessOf } from './key-length.ts';
import { sliceRun } from './column-run.ts';
import type { Memtable, MemtableView } from './memtable.ts';
import type { ShapeTable } from './shape-table.ts';

export interface FlushPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
  /** Encode what they can; without one its twins do. */
  readonly kernels?: FlushKernelPool | undefined;
}

interface FlushColumn {
  readonly key: string;
  readonly measurement: string;
  readonly seriesId: number;
  readonly field: string;
  readonly type: FieldType;
  /** The one table that has rows of the series, and the field's place in it; undefined when several have. */
  readonly place: { readonly table: ShapeTable; readonly column: number } | undefined;
}

const sliceMs = 5;

/** Writes `memtable` to `path`, under a name of its own until it is whole and durable. */
export async function flushMemtable(
  memtable: Memtable,
  index: ShardIndex,
  path: string,
  ports: FlushPorts,
): Promise<TsmFile> {
  const { disk, kernels } = ports;
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, 'create');
  const writer = new TsmWriter(file);
  const kernel = kernels?.take();
  try {
    const encoders = [
      ...(kernel ? [new KernelFlush(kernel, memtable)] : []),
      new RunFlush(memtable),
    ];
    await writeColumns(columnsOf(memtable, index), writer, { encoders, ...ports });
    await writer.finish();
  } catch (error) {
    await discard(disk, file);
    throw error;
  } finally {
    if (kernel !== undefined) kernels?.giveBack(kernel);
  }
  await disk.rename(temporary, path);
  await disk.syncDir(path.slice(0, path.lastIndexOf('/')));
  return TsmFile.open(disk, path);
}

/** A flush that fails is tried again, maybe often: it leaves neither a descriptor nor bytes on a full disk. */
async function discard(disk: Disk, file: DiskFile): Promise<void> {
  // The failure that matters is the one of the flush.
  await file.close().catch(() => undefined);
  await disk.remove(file.path).catch(() => undefined);
}

async function writeColumns(
  columns: readonly FlushColumn[],
  writer: TsmWriter,
  { encoders, clock, turn }: FlushPorts & { readonly encoders: readonly ColumnEncoder[] },
): Promise<void> {
  let sliceStartMs = clock.monotonicMs();
  for (const column of columns) {
    const { key, type } = column;
    let isFull = false;
    for (const block of encode(column, encoders))
      isFull = writer.add({ key, type, ...block }) || isFull;
    if (isFull) await writer.drain();
    if (clock.monotonicMs() - sliceStartMs < sliceMs) continue;
    await turn();
    sliceStartMs = clock.monotonicMs();
  }
}

/** By the first that takes the column. */
function encode(column: FlushColumn, encoders: readonly ColumnEncoder[]): Iterable<EncodedBlock> {
  for (const encoder of encoders) {
    const blocks = encoder.blocks(column);
    if (blocks !== undefined) return blocks;
  }
  return [];
}

interface ColumnEncoder {
  /** Undefined for a column that it leaves to another one. */
  blocks(column: FlushColumn): Iterable<EncodedBlock> | undefined;
}

interface EncodedBlock {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  /** Holds until the next one. */
  readonly bytes: Uint8Array;
}

/** The usual columns: numbers and booleans of series that one table has all rows of. */
class KernelFlush implements ColumnEncoder {
  readonly #tables = new Map<ShapeTable, LoadedTable>();
  #table: ShapeTable | undefined;
  #seriesId = -1;
  #series: FlushSeries | undefined;

  constructor(kernel: FlushKernel, memtable: Memtable) {
    const tables = [...memtable.measurements()].flatMap((name) => memtable.tables(name));
    kernel.begin(tables.reduce((most, { rowCount }) => Math.max(most, rowCount), 0));
    for (const table of tables) {
      const loaded = kernel.load(table.whole());
      if (loaded !== undefined) this.#tables.set(table, loaded);
    }
  }

  blocks({ seriesId, type, place }: FlushColumn): Iterable<EncodedBlock> | undefined {
    const loaded = place && this.#tables.get(place.table);
    if (loaded === undefined || type === FieldType.string) return undefined;
    return place && this.#encode(loaded, { seriesId, type, ...place });
  }

  *#encode(
    loaded: LoadedTable,
    { table, seriesId, type, column }: Pick<FlushColumn, 'seriesId' | 'type'> & NonNullable<FlushColumn['place']>, // prettier-ignore
  ): Generator<EncodedBlock> {
    if (this.#table !== table || this.#seriesId !== seriesId || this.#series === undefined) {
      this.#series = loaded.series(table.lastRow(seriesId));
      this.#table = table;
      this.#seriesId = seriesId;
    }
    loaded.gather(column);
    for (const [number, block] of this.#series.blocks.entries()) {
      const { minTimeNs, maxTimeNs } = block;
      yield { minTimeNs, maxTimeNs, bytes: loaded.encode(type, column, number, block) };
    }
  }
}

/** Any column, by the twins of the kernel. */
class RunFlush implements ColumnEncoder {
  readonly #view: MemtableView;
  // Fields of a series mostly share their times: these are encoded once.
  #timesNs: BigInt64Array = new BigInt64Array();
  #encoded: Uint8Array[] = [];

  constructor(memtable: Memtable) {
    this.#view = memtable.pin();
  }

  *blocks({ measurement, seriesId, field }: FlushColumn): Generator<EncodedBlock> {
    const run = this.#view.read(measurement, seriesId, field);
    if (run === undefined) return;
    if (run.timesNs !== this.#timesNs) [this.#timesNs, this.#encoded] = [run.timesNs, []];
    const count = run.timesNs.length;
    for (let start = 0; start < count; start += blockRowsMax) {
      const part = sliceRun(run, start, Math.min(count, start + blockRowsMax));
      const times = (this.#encoded[start / blockRowsMax] ??= encodeTimes(part.timesNs));
      const minTimeNs = part.timesNs[0] ?? 0n;
      const maxTimeNs = part.timesNs.at(-1) ?? 0n;
      yield { minTimeNs, maxTimeNs, bytes: encodeBlock(part, times) };
    }
  }
}

function columnsOf(memtable: Memtable, index: ShardIndex): readonly FlushColumn[] {
  const columns = new Map<string, FlushColumn>();
  for (const measurement of memtable.measurements()) {
    for (const table of memtable.tables(measurement)) {
      for (const seriesId of table.seriesIds()) {
        const { key: seriesKey } = index.series(seriesId);
        for (const [column, { name: field, type }] of table.fields.entries()) {
          // Only a log of before such rows were refused has them: they would make each flush fail.
          if (excessOf(seriesKey, field) !== undefined) continue;
          const key = tsmKey(seriesKey, field);
          const place = columns.has(key) ? undefined : { table, column };
          columns.set(key, { key, measurement, seriesId, field, type, place });
        }
      }
    }
  }
  return [...columns.values()].sort((a, b) => compareUtf8(a.key, b.key));
}
