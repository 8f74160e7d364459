/**
 * The fast way from a body to batches: the kernel parses, and its columns are gathered per shard and shape, eight bytes a
 * value, without a JavaScript value for each. Whatever the kernel does not take goes the slow way (route-lines.ts), which
 * it equals on all that it takes.
 */
import { FieldType } from '../../models/field-value.ts';
import { Byte, unescapeName } from '../../models/line-bytes.ts';
import { parseLineKey } from '../../models/parse-line-key.ts';
import { BatchWriter, joinTexts } from '../../models/batch-writer.ts';
import { seriesKey, seriesKeyHash } from '../../models/series-key.ts';
import { escapedText, type LineKernel, type KernelLines } from '../../kernels/line-kernel.ts';
import {
  SeriesPlaces,
  ShardLines,
  type KnownFields,
  type KnownKey,
  type ShapeLines,
} from './shard-lines.ts';
import { routeLines, type LinesTask, type RoutedLines, type RouteGroup } from './route-lines.ts';

const encoder = new TextEncoder();

/** A series key and a field's name of so many bytes together are stored without a question. */
const pairBytesMax = 65_000;

export class LineRouter {
  readonly #kernel: LineKernel;
  /** By the kernel's ids. */
  #keys: (KnownKey | undefined)[] = [];
  #fieldSets: (KnownFields | undefined)[] = [];
  #generation = 0;
  /** By place of the group among those of the body. */
  readonly #seriesPlaces: SeriesPlaces[] = [];
  #bodyCount = 0;

  constructor(kernel: LineKernel) {
    this.#kernel = kernel;
  }

  route(task: LinesTask): RoutedLines {
    const { body, stepNs, defaultTimeNs } = task;
    const cutTimeNs = defaultTimeNs - (defaultTimeNs % stepNs);
    const lines = this.#kernel.parse(body, stepNs, cutTimeNs);
    if (lines === undefined) return routeLines(task);
    this.#learn();
    if (lines.lineCount === 0) return { batches: [], pointCount: 0, errors: '', unroutedNs: [] };
    const unroutedNs = unroutedTimes(task, lines);
    if (unroutedNs.length > 0)
      return { batches: [], pointCount: lines.lineCount, errors: '', unroutedNs, body };
    // Points that may have to be dropped, or have no group: rare enough for the slow way.
    const groups = groupsOfAll(task, lines);
    return (groups && this.#routeTo(groups, lines)) ?? routeLines(task);
  }

  /** Takes note of new keys and field sets; those that are not as usual stay undefined. */
  #learn(): void {
    if (this.#generation !== this.#kernel.generation) {
      this.#generation = this.#kernel.generation;
      this.#keys = [];
      this.#fieldSets = [];
    }
    while (this.#keys.length < this.#kernel.keyCount)
      this.#keys.push(learnKey(this.#kernel.keyBytes(this.#keys.length)));
    while (this.#fieldSets.length < this.#kernel.fieldSetCount) {
      const written = this.#kernel.fieldSet(this.#fieldSets.length);
      const nameBytesMax = Math.max(...written.map(({ name }) => Buffer.byteLength(name)));
      const fields = written.map(({ name, type }) => ({
        name: unescapeName(name),
        type: type as FieldType,
      }));
      const names = new Set(fields.map(({ name }) => name));
      const isUsual = names.size === fields.length && !names.has('time');
      this.#fieldSets.push(isUsual ? { fields, nameBytesMax } : undefined);
    }
  }

  /** Undefined when a line is not as usual, or lies in none of the groups. */
  #routeTo(groups: readonly RouteGroup[], lines: KernelLines): RoutedLines | undefined {
    const shards = new Map<number, ShardLines>();
    const shardAt = ({ shardIds }: RouteGroup, place: number): ShardLines => {
      const shardId = shardIds[place] ?? 0;
      const shard = shards.get(shardId) ?? new ShardLines(shardId);
      shards.set(shardId, shard);
      return shard;
    };
    this.#bodyCount = (this.#bodyCount + 1) >>> 0 || 1;
    let groupNumber = 0;
    let group = groups[0];
    let single = group?.shardIds.length === 1 ? shardAt(group, 0) : undefined;
    for (let line = 0; line < lines.lineCount; line++) {
      if (groups.length > 1) {
        const timeNs = lines.timesNs[line] ?? 0n;
        if (group === undefined || timeNs < group.startNs || timeNs >= group.endNs) {
          groupNumber = groups.findIndex(({ startNs, endNs }) => startNs <= timeNs && timeNs < endNs); // prettier-ignore
          group = groups[groupNumber];
          if (group === undefined) return undefined;
          single = group.shardIds.length === 1 ? shardAt(group, 0) : undefined;
        }
      }
      const keyId = lines.keyIds[line] ?? 0;
      const key = this.#keys[keyId];
      const fieldSetId = lines.fieldSetIds[line] ?? 0;
      const fieldSet = this.#fieldSets[fieldSetId];
      if (group === undefined || key === undefined || fieldSet === undefined) return undefined;
      // Of a key that may be too long to be stored the slow way tells.
      if (key.writtenBytes + fieldSet.nameBytesMax > pairBytesMax) return undefined;
      const shard = single ?? shardAt(group, Number(key.hash % BigInt(group.shardIds.length)));
      const places = (this.#seriesPlaces[groupNumber] ??= new SeriesPlaces());
      const shape = shard.shape(key.measurement, fieldSetId, fieldSet);
      shape.lines.push(line);
      shape.ordinals.push(shard.rowCount++);
      shape.series.push(places.of(keyId, this.#bodyCount, shard));
    }
    const batches = [...shards.values()].map((shard) => ({
      shardId: shard.shardId,
      payload: this.#encode(shard, lines),
    }));
    return { batches, pointCount: lines.lineCount, errors: '', unroutedNs: [] };
  }

  #encode(shard: ShardLines, lines: KernelLines): Uint8Array {
    const { shapes } = shard;
    const keys = this.#distinctKeys(shard, shapes);
    const names = new Map<string, number>();
    const nameOf = (name: string): number => {
      const known = names.get(name) ?? names.size;
      names.set(name, known);
      return known;
    };
    const heads = shapes.map(({ lines: own, measurement, fields }) => {
      const packed = fields.map(({ name, type }) => ((type << 24) | nameOf(name)) >>> 0);
      return [own.length, nameOf(measurement), fields.length, ...packed];
    });
    const writer = new BatchWriter();
    writer.header({
      rowCount: shard.rowCount,
      seriesCount: keys.length,
      shapeCount: shapes.length,
      ...boundsOf(shard.rowCount, shapes, lines),
    });
    writer.textBytes(keys);
    writer.u32s([names.size], false);
    writer.texts([...names.keys()]);
    shapes.forEach((shape, i) => {
      writer.u32s(heads[i] ?? [], true);
      writer.u32s(shape.ordinals.view(), true);
      writer.u32s(shape.series.view(), true);
      this.#writeColumns(writer, shape, lines);
    });
    return writer.finish();
  }

  /** Times and values, gathered by the kernel as the batch takes them. */
  #writeColumns(writer: BatchWriter, { lines: own, fields }: ShapeLines, lines: KernelLines): void {
    const numbers = own.view();
    const rowCount = numbers.length;
    const placed = () => this.#kernel.place(numbers);
    writer.filledColumn(rowCount * 8, () => this.#kernel.timesOf(placed()));
    fields.forEach(({ type }, field) => {
      if (type === FieldType.string) {
        const texts = Array.from(numbers, (line) => textAt(lines, ((lines.starts[line] ?? 0) + field) * 2)); // prettier-ignore
        writer.column(joinTexts(texts));
        return;
      }
      const width = type === FieldType.boolean ? 1 : 8;
      writer.filledColumn(rowCount * width, () => this.#kernel.valuesOf(placed(), field, width));
    });
  }

  /** Two spellings of one series are one: their rows are pointed to the first. */
  #distinctKeys(shard: ShardLines, shapes: readonly ShapeLines[]): readonly Uint8Array[] {
    const known = shard.keyIds.map((keyId) => this.#keys[keyId]);
    const byHash = new Map<bigint, number>();
    const kept: Uint8Array[] = [];
    const placeOf = known.map((key) => {
      const hash = key?.hash ?? 0n;
      const place = byHash.get(hash);
      if (place !== undefined && isSame(kept[place], key?.bytes)) return place;
      byHash.set(hash, kept.length);
      return kept.push(key?.bytes ?? new Uint8Array()) - 1;
    });
    if (kept.length === known.length) return kept;
    for (const shape of shapes) {
      const series = shape.series.view();
      series.forEach((one, i) => (series[i] = placeOf[one] ?? 0));
    }
    return kept;
  }
}

/** The groups that the lines of the body may lie in, when none of these is beyond the bounds. */
function groupsOfAll(
  task: LinesTask,
  { minTimeNs, maxTimeNs }: KernelLines,
): readonly RouteGroup[] | undefined {
  const { retentionMinNs, windowMinNs, windowMaxNs } = task.bounds;
  if (retentionMinNs !== undefined && minTimeNs < retentionMinNs) return undefined;
  if (windowMinNs !== undefined && minTimeNs < windowMinNs) return undefined;
  if (windowMaxNs !== undefined && maxTimeNs > windowMaxNs) return undefined;
  const isWithin = ({ startNs, endNs }: RouteGroup) => startNs <= minTimeNs && maxTimeNs < endNs;
  const whole = task.groups.find(isWithin);
  if (whole !== undefined) return [whole];
  const some = task.groups.filter(
    ({ startNs, endNs }) => startNs <= maxTimeNs && minTimeNs < endNs,
  );
  // The first or the last line lies outside of the only one: the slow way says where.
  return some.length === 1 ? undefined : some;
}

/** The ends of the body's time when no group overlaps it at all: what a first write of a new week looks like. */
function unroutedTimes(task: LinesTask, { minTimeNs, maxTimeNs }: KernelLines): readonly bigint[] {
  const { retentionMinNs, windowMinNs, windowMaxNs } = task.bounds;
  const isBounded = retentionMinNs !== undefined || windowMinNs !== undefined || windowMaxNs !== undefined; // prettier-ignore
  const isKnown = task.groups.some(
    ({ startNs, endNs }) => startNs <= maxTimeNs && minTimeNs < endNs,
  );
  if (isBounded || isKnown) return [];
  return minTimeNs === maxTimeNs ? [minTimeNs] : [minTimeNs, maxTimeNs];
}

/** Undefined for a key that is not as usual; the slow way then says why. */
function learnKey(written: Uint8Array): KnownKey | undefined {
  // A key ends at a space, which the kernel does not keep.
  const line = new Uint8Array(written.length + 1).fill(Byte.space);
  line.set(written);
  const key = parseLineKey(line, 0);
  if (typeof key === 'string' || key.end !== written.length) return undefined;
  const { measurement, tags } = key;
  if (tags.some(({ key: name }) => name === 'time')) return undefined;
  const text = seriesKey(measurement, tags);
  const writtenBytes = written.length;
  return { measurement, writtenBytes, bytes: encoder.encode(text), hash: seriesKeyHash(text) };
}

function boundsOf(
  rowCount: number,
  shapes: readonly ShapeLines[],
  lines: KernelLines,
): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } {
  if (rowCount === lines.lineCount) return lines;
  let [minTimeNs, maxTimeNs] = [lines.maxTimeNs, lines.minTimeNs];
  for (const shape of shapes) {
    for (const line of shape.lines.view()) {
      const timeNs = lines.timesNs[line] ?? 0n;
      if (timeNs < minTimeNs) minTimeNs = timeNs;
      if (timeNs > maxTimeNs) maxTimeNs = timeNs;
    }
  }
  return { minTimeNs, maxTimeNs };
}

function textAt({ words, memory }: KernelLines, at: number): Uint8Array {
  const length = words[at + 1] ?? 0;
  const ptr = words[at] ?? 0;
  if ((length & escapedText) === 0) return memory.subarray(ptr, ptr + length);
  const raw = memory.subarray(ptr, ptr + (length & ~escapedText));
  const out: number[] = [];
  for (let i = 0; i < raw.length; i++) {
    const next = raw[i + 1];
    // Only a quote and a backslash are escaped in a string; before anything else a backslash stands for itself.
    if (raw[i] === 0x5c && (next === 0x22 || next === 0x5c)) out.push(raw[++i] ?? 0);
    else out.push(raw[i] ?? 0);
  }
  return Uint8Array.from(out);
}

function isSame(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left?.length !== right?.length) return false;
  return left?.every((byte, i) => byte === right?.[i]) ?? false;
}
