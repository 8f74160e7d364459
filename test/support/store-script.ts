/**
 * A day in the life of a Store, for tests that break it at every point: writes of several series and types, one point
 * written over and over, flushes, compactions, a shard that is deleted. Remembers what was acknowledged.
 */
import { exactBytesOf } from '../../src/base/exact-text.ts';
import type { Clock } from '../../src/env/clock.ts';
import type { Disk } from '../../src/env/disk.ts';
import type { Log } from '../../src/env/log.ts';
import type { Random } from '../../src/env/random.ts';
import type { ColumnKernel } from '../../src/kernels/column-kernel.ts';
import { parseLines } from '../../src/models/line-protocol.ts';
import { PointBatchBuilder } from '../../src/models/point-batch-builder.ts';
import { seriesKey } from '../../src/models/series-key.ts';
import type { ShardView } from '../../src/storage/engine/shard-view.ts';
import type { PointDelete } from '../../src/storage/store/deletes/point-deletes.ts';
import { Store } from '../../src/storage/store/store.ts';
import type { DeleteFilters } from '../../src/storage/store/deletes/stored-deletes.ts';
import type { StoreOptions } from '../../src/storage/store/store-options.ts';
import { finished } from './finished.ts';
import { memoryArena } from './memory-source.ts';

export const kept = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
export const doomed = { shardId: 8, database: 'db', retentionPolicy: 'autogen' };

export const silent = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
} as unknown as Log;

export interface StoreKnobs extends Partial<StoreOptions> {
  readonly random?: Random;
  readonly log?: Log;
  readonly columnKernel?: ColumnKernel;
}

export function openStore(
  disk: Disk,
  clock: Clock,
  { random, log = silent, columnKernel, ...options }: StoreKnobs = {},
): Promise<Store> {
  const turn = () => Promise.resolve();
  return Store.open(
    { disk, log, clock, turn, random, filters: filtersByKey, columnKernel },
    {
      dataFolder: 'data',
      walFolder: 'wal',
      rosterFolder: 'meta',
      worker: 0,
      isHome: () => true,
      segmentBytesMax: 700,
      queueBytesMax: 1 << 20,
      snapshotBytes: 1 << 20,
      snapshotColdMs: 600_000,
      cacheBytesMax: 1 << 24,
      memtablesBytesMax: 1 << 24,
      ...options,
    },
  );
}

/** A filter is what the keys of its series begin with, measurement first. */
const filtersByKey: DeleteFilters = {
  test: (filter) => (seriesKey) => isMeant(filter, Buffer.from(seriesKey).toString()),
  async *select(filter, view) {
    const [measurement = ''] = filter.split(',');
    const ids = [...finished(view.seriesIds(measurement))].filter((id) =>
      isMeant(filter, view.seriesKey(id)),
    );
    yield await Promise.resolve({ measurement, seriesIds: Uint32Array.from(ids) });
  },
};

function isMeant(filter: string, key: string): boolean {
  return key === filter || key.startsWith(`${filter},`);
}

/** As a node with other nodes is asked to delete: with its stamp. */
export function deleteOf(
  filter: string,
  range: PointDelete['range'],
  stamp: bigint,
): Required<Pick<PointDelete, 'select' | 'range' | 'said'>> {
  return { range, said: { stamp, filter }, select: (view) => filtersByKey.select(filter, view) };
}

export function batchOf(lines: string): Uint8Array {
  const { points } = parseLines(exactBytesOf(lines), { stepNs: 1n, defaultTimeNs: 9n });
  const builder = new PointBatchBuilder();
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

/** What was asked of the kept shard, and what it acknowledged. */
export class StoreHistory {
  readonly asked = new Set<number>();
  readonly acknowledged = new Set<number>();
  isDeleteAcknowledged = false;
  #nextId = 1;

  /** Writes a batch of three points with one id, and that id over one more point. */
  async write(store: Store): Promise<void> {
    const id = this.#nextId++;
    this.asked.add(id);
    const lines = [
      `m,h=a v=${id},i=${id}i ${id * 10}`,
      `m,h=b s="${id}" ${id * 10}`,
      `m,h=a v=${id},i=${id}i ${id * 10 + 1}`,
      `o v=${id}i 5`,
    ];
    await store.write(kept, batchOf(lines.join('\n')));
    this.acknowledged.add(id);
  }

  /** Throws on the first failure of the disk; what was acknowledged until then stays noted. */
  async run(disk: Disk, clock: Clock): Promise<void> {
    const store = await openStore(disk, clock);
    await this.write(store);
    await store.write(doomed, batchOf('m v=1 1'));
    await Promise.all([this.write(store), this.write(store), this.write(store)]);
    await store.flush(kept.shardId);
    await this.write(store);
    await Promise.all([this.write(store), store.flush(kept.shardId), this.write(store)]);
    await store.deleteShard(doomed.shardId);
    this.isDeleteAcknowledged = true;
    await this.write(store);
    await Promise.all([store.compact(kept.shardId), this.write(store), store.flush(kept.shardId)]);
    await this.write(store);
    await store.flush(kept.shardId);
    await store.compact(kept.shardId);
    await this.write(store);
    await store.close();
  }

  /** What is wrong with what a store holds; '' when nothing is. */
  fault(store: Store): string {
    const idsOf = (measurement: string, field: string) => readField(store, measurement, field);
    const found = { v: idsOf('m', 'v'), i: idsOf('m', 'i'), s: idsOf('m', 's') };
    for (const id of [...found.v, ...found.i, ...found.s].map(({ value }) => Number(value)))
      if (!this.asked.has(id)) return `a point of ${id} is there, which nobody wrote`;
    for (const id of this.asked) {
      const of = (field: keyof typeof found) =>
        found[field].filter((one) => Number(one.value) === id).map(({ time }) => time);
      const times = `${of('v').join()} ${of('i').join()} ${of('s').join()}`;
      const wanted = `${id * 10},${id * 10 + 1} ${id * 10},${id * 10 + 1} ${id * 10}`;
      if (times === wanted) continue;
      if (times.trim() !== '') return `batch ${id} is there in part: ${times}`;
      if (this.acknowledged.has(id)) return `batch ${id} is gone`;
    }
    const [register] = idsOf('o', 'v');
    const last = Math.max(0, ...this.acknowledged);
    if (last > 0 && register === undefined) return 'the register is gone';
    if (last > 0 && !this.mayBeLast(Number(register?.value))) return `the register is ${register?.value}, after ${last}`; // prettier-ignore
    if (this.isDeleteAcknowledged && store.view(doomed.shardId) !== undefined)
      return 'the deleted shard is back';
    return '';
  }

  /** Batches enter the log in the order of their ids. */
  mayBeLast(id: number): boolean {
    return id >= Math.max(0, ...this.acknowledged);
  }
}

export function readField(
  store: Store,
  measurement: string,
  field: string,
  shardId = kept.shardId,
): readonly ReadRow[] {
  const view = store.view(shardId);
  const seriesIds = [...(finished(view?.seriesIds(measurement)) ?? [])];
  return seriesIds.flatMap((seriesId) => (view ? readSeries(view, seriesId, field) : []));
}

export interface ReadRow {
  readonly time: number;
  readonly value: string;
}

/** One field of one series. */
export function readSeries(view: ShardView, seriesId: number, field: string): readonly ReadRow[] {
  const rows: ReadRow[] = [];
  const arena = memoryArena();
  const bounds = { minTimeNs: 0n, maxTimeNs: 10_000n, ascending: true };
  const cursor = view.openCursor({ seriesId, field, ...bounds });
  for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
    const memory = new DataView(arena.memory.buffer);
    for (let i = 0; i < batch.count; i++) {
      const time = Number(memory.getBigInt64(batch.timesPtr + i * 8, true));
      rows.push({ time, value: valueAt(memory, batch, i) });
    }
  }
  return rows;
}

function valueAt(
  memory: DataView<ArrayBuffer>,
  batch: { readonly type: string; readonly valuesPtr: number },
  row: number,
): string {
  const at = batch.valuesPtr + row * 8;
  if (batch.type === 'float') return String(memory.getFloat64(at, true));
  if (batch.type === 'integer') return String(memory.getBigInt64(at, true));
  const text = new Uint8Array(memory.buffer, memory.getUint32(at, true), memory.getUint32(at + 4, true)); // prettier-ignore
  return new TextDecoder().decode(text);
}
