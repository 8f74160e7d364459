import { Buffer } from 'node:buffer';
import type { HyperLogLog } from '../../src/base/collections/hyper-log-log.ts';
import { seriesKey } from '../../src/models/series-key.ts';
import { cellValue, copyBatch } from '../../src/query/exec/columns/column-builder.ts';
import type {
  ColumnBatch,
  ColumnCost,
  ColumnCursor,
  CursorRequest,
  EndPoint,
  ShardSource,
  SourceArena,
  SourceField,
  SourceFieldType,
  SourceSeries,
} from '../../src/query/source.ts';

export interface MemoryPoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number | bigint | string | boolean>>;
  readonly timeNs: bigint;
}

/** A slow, obvious shard for tests of the query engine; batches are tiny so that their borders are crossed. */
export class MemorySource implements ShardSource {
  readonly shardId: number;
  readonly #keys: string[] = [];
  readonly #series: (SourceSeries & { readonly measurement: string })[] = [];
  readonly #points = new Map<string, Map<bigint, number | bigint | string | boolean>>();
  readonly #types = new Map<string, Map<string, SourceFieldType>>();
  readonly #batchRows: number;

  constructor(points: readonly MemoryPoint[], options?: { shardId?: number; batchRows?: number }) {
    this.shardId = options?.shardId ?? 1;
    this.#batchRows = options?.batchRows ?? 3;
    for (const point of points) this.#add(point);
  }

  measurements(): readonly string[] {
    return [...this.#types.keys()].sort();
  }

  fields(measurement: string): readonly SourceField[] {
    const types = this.#types.get(measurement) ?? new Map<string, SourceFieldType>();
    return [...types]
      .map(([name, type]) => ({ name, type }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  tagKeys(measurement: string): readonly string[] {
    const members = this.#series.filter((series) => series.measurement === measurement);
    return [...new Set(members.flatMap((series) => [...series.tags.keys()]))].sort();
  }

  *seriesIds(measurement: string): Generator<undefined, readonly number[]> {
    yield;
    return this.idsOf(measurement);
  }

  idsOf(measurement: string): readonly number[] {
    const ids = this.#series.flatMap((series, id) =>
      series.measurement === measurement ? [id] : [],
    );
    return ids.sort((a, b) => ((this.#keys[a] ?? '') < (this.#keys[b] ?? '') ? -1 : 1));
  }

  *sketchSeries(into: HyperLogLog, measurement?: string): Generator<undefined> {
    yield;
    this.#series.forEach((series, id) => {
      if (measurement === undefined || series.measurement === measurement)
        into.add(this.#keys[id] ?? '');
    });
  }

  *seriesIdsWith(
    measurement: string,
    tagKey: string,
    values: Iterable<string>,
  ): Generator<undefined, readonly number[]> {
    yield;
    const wanted = new Set(values);
    return this.idsOf(measurement).filter((id) =>
      wanted.has(this.series(id).tags.get(tagKey) ?? ''),
    );
  }

  tagValueLists(measurement: string, tagKey: string): Iterable<readonly string[]> {
    const ids = this.idsOf(measurement);
    return [[...new Set(ids.flatMap((id) => this.series(id).tags.get(tagKey) ?? []))]];
  }

  seriesKey(seriesId: number): string {
    return this.series(seriesId).key;
  }

  series(seriesId: number): SourceSeries {
    const series = this.#series[seriesId];
    if (series === undefined) throw new Error(`no series ${seriesId}`);
    return series;
  }

  timeBounds(): { minTimeNs: bigint; maxTimeNs: bigint } | undefined {
    let bounds: { minTimeNs: bigint; maxTimeNs: bigint } | undefined;
    for (const points of this.#points.values()) {
      for (const timeNs of points.keys()) {
        const { minTimeNs, maxTimeNs } = bounds ?? { minTimeNs: timeNs, maxTimeNs: timeNs };
        bounds = {
          minTimeNs: timeNs < minTimeNs ? timeNs : minTimeNs,
          maxTimeNs: timeNs > maxTimeNs ? timeNs : maxTimeNs,
        };
      }
    }
    return bounds;
  }

  openCursor(request: CursorRequest): ColumnCursor {
    const { seriesId, field, minTimeNs, maxTimeNs, ascending } = request;
    const stored = this.#points.get(`${seriesId} ${field}`) ?? new Map<bigint, never>();
    const points = [...stored]
      .filter(([timeNs]) => timeNs >= minTimeNs && timeNs <= maxTimeNs)
      .sort(([a], [b]) => (a < b === ascending ? -1 : 1));
    const measurement = this.#series[seriesId]?.measurement ?? '';
    const type = this.#types.get(measurement)?.get(field) ?? 'float';
    let at = 0;
    return {
      next: (arena) => {
        const part = points.slice(at, at + this.#batchRows);
        at += part.length;
        return part.length === 0 ? undefined : writeBatch(part, type, arena);
      },
    };
  }

  cost({ seriesId, field }: Pick<CursorRequest, 'seriesId' | 'field'>): ColumnCost {
    const cachedValues = this.#points.get(`${seriesId} ${field}`)?.size ?? 0;
    return { cachedValues, fileCount: 0, blockCount: 0, blockBytes: 0 };
  }

  end(request: CursorRequest, arena: SourceArena): EndPoint | undefined {
    const batch = this.openCursor(request).next(arena);
    if (batch === undefined) return undefined;
    const [[timeNs = 0n], column] = copyBatch({ ...batch, count: 1 }, arena);
    const value = cellValue(column, 0) ?? 0;
    return { timeNs, value: typeof value === 'string' ? Buffer.from(value) : value };
  }

  #add(point: MemoryPoint): void {
    const tags = new Map(Object.entries(point.tags).sort(([a], [b]) => (a < b ? -1 : 1)));
    const key = seriesKey(
      point.measurement,
      Array.from(tags, ([name, value]) => ({ key: name, value })),
    );
    let id = this.#keys.indexOf(key);
    if (id < 0) {
      id = this.#keys.push(key) - 1;
      this.#series.push({
        key,
        tags,
        tag: (name) => tags.get(name),
        measurement: point.measurement,
      });
    }
    const types = this.#types.get(point.measurement) ?? new Map<string, SourceFieldType>();
    this.#types.set(point.measurement, types);
    for (const [field, value] of Object.entries(point.fields)) {
      types.set(field, typeOf(value));
      const stored = this.#points.get(`${id} ${field}`) ?? new Map<bigint, typeof value>();
      this.#points.set(`${id} ${field}`, stored.set(point.timeNs, value));
    }
  }
}

function typeOf(value: number | bigint | string | boolean): SourceFieldType {
  if (typeof value === 'number') return 'float';
  if (typeof value === 'bigint') return 'integer';
  return typeof value === 'string' ? 'string' : 'boolean';
}

function writeBatch(
  points: readonly (readonly [bigint, number | bigint | string | boolean])[],
  type: SourceFieldType,
  arena: SourceArena,
): ColumnBatch {
  const count = points.length;
  const timesPtr = arena.allocate(count * 8);
  const valuesPtr = arena.allocate(count * 8);
  const view = new DataView(arena.memory.buffer);
  points.forEach(([timeNs, value], i) => {
    view.setBigInt64(timesPtr + i * 8, timeNs, true);
    if (typeof value === 'number') view.setFloat64(valuesPtr + i * 8, value, true);
    else if (typeof value === 'bigint') view.setBigInt64(valuesPtr + i * 8, value, true);
    else if (typeof value === 'boolean') view.setUint8(valuesPtr + i, value ? 1 : 0);
    else {
      const text = Buffer.from(value, 'utf8');
      const textPtr = arena.allocate(text.length);
      new Uint8Array(arena.memory.buffer).set(text, textPtr);
      view.setUint32(valuesPtr + i * 8, textPtr, true);
      view.setUint32(valuesPtr + i * 8 + 4, text.length, true);
    }
  });
  return { type, count, timesPtr, valuesPtr };
}

/** An arena of one page, enough for the tiny batches above. */
export function memoryArena(): SourceArena {
  const memory = new WebAssembly.Memory({ initial: 1 });
  let top = 16;
  return {
    memory,
    allocate: (lengthBytes) => {
      const at = top;
      top += (lengthBytes + 15) & ~15;
      const lackingBytes = top - memory.buffer.byteLength;
      if (lackingBytes > 0) memory.grow(Math.ceil(lackingBytes / 65_536));
      return at;
    },
    mark: () => top,
    release: (mark) => {
      top = mark;
    },
  };
}
