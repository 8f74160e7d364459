/** Turns a memtable into a TSM file. The memtable does not change meanwhile; other work goes on between slices. */
import { exactBytesOf } from '../../../base/exact-text.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { encodeBlock } from '../../../codec/block.ts';
import { encodeTimes } from '../../../codec/times.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk, DiskFile } from '../../../env/disk.ts';
import { Slices } from '../../../env/slices.ts';
import type { StoreKernel } from '../../../kernels/store-kernel.ts';
import { FieldType } from '../../../models/field-value.ts';
import { noStamp } from '../../../models/stamp.ts';
import type { ResidentSeries } from '../../index/resident-series.ts';
import { sortSeries } from '../../index/sort-series.ts';
import { blockRowsMax, keySeparator, tsmKey } from '../../tsm/tsm-format.ts';
import type { PageCache } from '../../pages/page-cache.ts';
import { TsmFile, type TsmSeal } from '../../tsm/tsm-file.ts';
import { TsmWriter } from '../../tsm/tsm-writer.ts';
import { sliceRun } from '../columns/column-run.ts';
import { type EncodedBlock, FlushEncoder } from './flush-encoder.ts';
import { excessOf } from '../limits/key-length.ts';
import type { Memtable } from '../memtable/memtable.ts';
import type { MemtableView } from '../memtable/memtable-view.ts';
import { SeriesFlusher } from './series-flusher.ts';
import type { SeriesHeads } from '../memtable/series-heads.ts';
import type { ShapeTable } from '../memtable/shape-table.ts';

export interface FlushPorts {
  readonly disk: Disk;
  readonly clock: Clock;
  /** Lets other messages run. */
  readonly turn: () => Promise<void>;
  readonly kernel: StoreKernel;
  /** Of the indexes of files. */
  readonly cache: PageCache | undefined;
  /** Of their blocks. */
  readonly blocks: PageCache | undefined;
}

/** Of a measurement; the memtable stays as it is, and more are worth a list by series. */
const fewTables = 8;

interface FlushSeries {
  readonly id: number;
  readonly key: string;
  readonly measurement: string;
  /** Those that have rows of it. */
  readonly tables: readonly ShapeTable[];
}

/** Writes `memtable` to `path`, under a name of its own until it is whole and durable. */
export async function flushMemtable(
  memtable: Memtable,
  path: string,
  ports: FlushPorts,
): Promise<TsmFile> {
  const { disk, cache, blocks, kernel } = ports;
  const temporary = `${path}.tmp`;
  const file = await disk.open(temporary, 'create');
  const writer = new TsmWriter(file, kernel.buffers);
  const work = new FlushWork(memtable, kernel);
  let seal: TsmSeal;
  try {
    await work.run(writer, new Slices(ports));
    seal = await writer.finish();
  } catch (error) {
    await discard(disk, file);
    throw error;
  } finally {
    work.release();
    writer.release();
  }
  await disk.rename(temporary, path);
  await disk.syncDir(path.slice(0, path.lastIndexOf('/')));
  const { stamps } = memtable;
  const stamped = stamps === undefined || stamps.greatest === noStamp ? seal : { ...seal, stamps };
  return TsmFile.open({ disk, cache, blocks }, path, stamped);
}

/** A flush that fails is tried again, maybe often: it leaves neither a descriptor nor bytes on a full disk. */
async function discard(disk: Disk, file: DiskFile): Promise<void> {
  // The failure that matters is the one of the flush.
  await file.close().catch(() => undefined);
  await disk.remove(file.path).catch(() => undefined);
}

/** The way of all series of a memtable into a file: by the thousand where the kernel takes them, else one by one. */
class FlushWork {
  readonly #memtable: Memtable;
  readonly #index: ResidentSeries;
  readonly #kernel: StoreKernel;
  readonly #view: MemtableView;
  readonly #flusher: SeriesFlusher;
  readonly #encoder: FlushEncoder;
  /** Room for the ids of all series. */
  readonly #ids: { readonly at: number; readonly lengthBytes: number };

  constructor(memtable: Memtable, kernel: StoreKernel) {
    this.#memtable = memtable;
    this.#index = memtable.series;
    this.#kernel = kernel;
    this.#view = memtable.pin();
    this.#flusher = new SeriesFlusher(kernel, memtable);
    this.#encoder = new FlushEncoder(kernel, blockRowsMax);
    const lengthBytes =
      Math.max(
        1,
        this.#heads().reduce((sum, { count }) => sum + count, 0),
      ) * 4;
    this.#ids = { at: kernel.heap.allocate(lengthBytes), lengthBytes };
  }

  async run(writer: TsmWriter, slices: Slices): Promise<void> {
    const series = { ids: this.#ids.at, count: await this.#order(slices) };
    for (let number = 0; number < series.count;) {
      await this.#flusher.place(series, number, slices);
      const next = this.#flusher.flush(series, number, writer);
      if (next === number) this.#flushOne(this.#kernel.words(series.ids + number * 4, 1)[0] ?? 0, writer); // prettier-ignore
      number = Math.max(next, number + 1);
      if (writer.isFull) await writer.drain();
      await slices.next();
    }
  }

  release(): void {
    this.#view.release();
    this.#flusher.release();
    this.#encoder.release();
    this.#kernel.heap.free(this.#ids.at, this.#ids.lengthBytes);
  }

  #flushOne(id: number, writer: TsmWriter): void {
    const measurement = this.#index.measurementOf(id);
    const tables = [...this.#memtable.tablesOf(measurement, id, fewTables)].filter((table) =>
      table.hasRows(id, table.rowCount),
    );
    const series = { id, key: this.#index.keyText(id), measurement, tables };
    const work = { encoder: this.#encoder, view: this.#view };
    for (const { key: text, type, blocks } of columnsOf(series, work)) {
      const key = exactBytesOf(text);
      for (const block of blocks) writer.add({ key, type, ...block });
    }
  }

  #heads(): readonly SeriesHeads[] {
    return this.#memtable.allTables().map(({ heads }) => heads);
  }

  /** Lists all series that have rows in the order of their keys in files; answers how many. */
  async #order(slices: Slices): Promise<number> {
    const kernel = this.#kernel;
    const { at } = this.#ids;
    let count = 0;
    for (const heads of this.#heads()) {
      heads.list(at + count * 4);
      count += heads.count;
    }
    // A series with rows of several shapes is there as often, and comes once.
    if (this.#heads().length > 1) {
      const distinct = new Set(kernel.words(at, count));
      if (distinct.size < count) kernel.words(at, distinct.size).set([...distinct]);
      count = distinct.size;
    }
    if (this.#index.hasSeparator) {
      kernel.words(at, count).set(orderedByText(kernel.words(at, count), this.#index));
      return count;
    }
    const steps = sortSeries(kernel, this.#index.table, { ids: at, count }, { tail: keySeparator });
    while (steps.next().done !== true) await slices.next();
    return count;
  }
}

/** Keys with the head of a separator in them are written with a backslash more, which may change their order. */
function orderedByText(ids: Uint32Array, index: ResidentSeries): Uint32Array {
  const keys = new Map([...ids].map((id) => [id, tsmKey(index.keyText(id), '')]));
  return Uint32Array.from(
    [...keys].sort(([, a], [, b]) => compareUtf8(a, b)),
    ([id]) => id,
  );
}

interface FlushColumn {
  readonly key: string;
  readonly type: FieldType;
  readonly blocks: Iterable<EncodedBlock>;
}

/** In order of the fields' names. */
function* columnsOf(
  series: FlushSeries,
  { encoder, view }: { readonly encoder: FlushEncoder; readonly view: MemtableView },
): Generator<FlushColumn> {
  const { id } = series;
  const encoded = { timesNs: new BigInt64Array(), blocks: [] as Uint8Array[] };
  for (const { name: field, type, tables } of fieldsOf(series.tables)) {
    // Only a log of before such rows were refused has them: they would make each flush fail.
    if (excessOf(series.key, field) !== undefined) continue;
    const [table, ...others] = tables;
    const isSimple = table !== undefined && others.length === 0 && type !== FieldType.string;
    const blocks = isSimple
      ? encoder.blocks(table, { seriesId: id, column: table.columnOf(field), type })
      : runBlocks(view, { ...series, tables, field }, encoded);
    yield { key: tsmKey(series.key, field), type, blocks };
  }
}

interface NamedColumn {
  readonly name: string;
  readonly type: FieldType;
  /** Those that have it. */
  readonly tables: readonly ShapeTable[];
}

function fieldsOf(tables: readonly ShapeTable[]): readonly NamedColumn[] {
  const [table, ...others] = tables;
  if (table !== undefined && others.length === 0)
    return table.columnsByName().map(({ name, type }) => ({ name, type, tables }));
  const byName = new Map<string, { name: string; type: FieldType; tables: ShapeTable[] }>();
  for (const one of tables)
    for (const { name, type } of one.fields) {
      const known = byName.get(name);
      if (known === undefined) byName.set(name, { name, type, tables: [one] });
      else {
        known.type = type;
        known.tables.push(one);
      }
    }
  return [...byName.values()].sort((a, b) => compareUtf8(a.name, b.name));
}

/** Any column, by the twins of the kernel. Fields of a series mostly share their times: these are encoded once. */
function* runBlocks(
  view: MemtableView,
  { measurement, id: seriesId, field, tables }: FlushSeries & { readonly field: string },
  encoded: { timesNs: BigInt64Array; blocks: Uint8Array[] },
): Generator<EncodedBlock> {
  const run = view.read({ measurement, seriesId, field }, tables);
  if (run === undefined) return;
  if (!isSame(run.timesNs, encoded.timesNs)) [encoded.timesNs, encoded.blocks] = [run.timesNs, []];
  const count = run.timesNs.length;
  for (let start = 0; start < count; start += blockRowsMax) {
    const part = sliceRun(run, start, Math.min(count, start + blockRowsMax));
    const times = (encoded.blocks[start / blockRowsMax] ??= encodeTimes(part.timesNs));
    const minTimeNs = part.timesNs[0] ?? 0n;
    const maxTimeNs = part.timesNs.at(-1) ?? 0n;
    yield { minTimeNs, maxTimeNs, bytes: encodeBlock(part, times) };
  }
}

function isSame(left: BigInt64Array, right: BigInt64Array): boolean {
  return left.length === right.length && Buffer.compare(bytesOf(left), bytesOf(right)) === 0;
}

function bytesOf({ buffer, byteOffset, byteLength }: BigInt64Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
