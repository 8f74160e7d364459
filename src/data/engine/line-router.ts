/**
 * The fast way from a body to batches: the kernel parses, and its columns are gathered per shard and shape, eight bytes a
 * value, without a JavaScript value for each. Whatever the kernel does not take goes the slow way (route-lines.ts), which
 * it equals on all that it takes.
 */
import { FieldType } from '../../models/field-value.ts';
import { unescapeName } from '../../models/line-bytes.ts';
import { parseLineKey } from '../../models/parse-line-key.ts';
import { BatchWriter, joinTexts } from '../../models/batch-writer.ts';
import { seriesKey, seriesKeyHash } from '../../models/series-key.ts';
import { escapedText, type LineKernel, type KernelLines } from '../../kernels/line-kernel.ts';
import { routeLines, type LinesTask, type RoutedLines, type RouteGroup } from './route-lines.ts';

/** What is known of a key the kernel has given an id. */
interface KnownKey {
  readonly measurement: string;
  readonly bytes: Uint8Array;
  readonly hash: bigint;
}

interface KnownFields {
  readonly fields: readonly { readonly name: string; readonly type: FieldType }[];
}

/** Lines of one shape that go to one shard. */
interface ShapeLines {
  readonly measurement: string;
  readonly fields: KnownFields['fields'];
  readonly lines: number[];
  readonly ordinals: number[];
  readonly series: number[];
}

class ShardLines {
  readonly series = new Map<number, number>();
  readonly shapes = new Map<string, Map<number, ShapeLines>>();
  rowCount = 0;
}

const encoder = new TextEncoder();

export class LineRouter {
  readonly #kernel: LineKernel;
  #keys: KnownKey[] = [];
  #fieldSets: KnownFields[] = [];

  constructor(kernel: LineKernel) {
    this.#kernel = kernel;
  }

  route(task: LinesTask): RoutedLines {
    const { body, stepNs, defaultTimeNs } = task;
    const cutTimeNs = defaultTimeNs - (defaultTimeNs % stepNs);
    const lines = this.#kernel.parse(body, stepNs, cutTimeNs);
    if (lines === undefined || !this.#learn()) return routeLines(task);
    if (lines.lineCount === 0) return { batches: [], pointCount: 0, errors: [], unroutedNs: [] };
    const unroutedNs = unroutedTimes(task, lines);
    if (unroutedNs.length > 0)
      return { batches: [], pointCount: lines.lineCount, errors: [], unroutedNs, body };
    const group = groupOfAll(task, lines);
    // Several groups in one body, or points that may have to be dropped: rare enough for the slow way.
    return group === undefined ? routeLines(task) : this.#routeTo(group, lines);
  }

  /** Takes note of new keys and field sets; false when one of them is not as usual. */
  #learn(): boolean {
    if (this.#keys.length > this.#kernel.keyCount) this.#keys = [];
    if (this.#fieldSets.length > this.#kernel.fieldSetCount) this.#fieldSets = [];
    try {
      while (this.#keys.length < this.#kernel.keyCount)
        this.#keys.push(learnKey(this.#kernel.keyBytes(this.#keys.length)));
    } catch {
      return false;
    }
    while (this.#fieldSets.length < this.#kernel.fieldSetCount) {
      const fields = this.#kernel.fieldSet(this.#fieldSets.length).map(({ name, type }) => ({
        name: unescapeName(name),
        type: type as FieldType,
      }));
      const names = new Set(fields.map(({ name }) => name));
      if (names.size < fields.length || names.has('time')) return false;
      this.#fieldSets.push({ fields });
    }
    return true;
  }

  #routeTo(group: RouteGroup, lines: KernelLines): RoutedLines {
    const { shardIds } = group;
    const shards = new Map<number, ShardLines>();
    const shardCount = BigInt(shardIds.length);
    const single = shardIds.length === 1 ? new ShardLines() : undefined;
    if (single !== undefined) shards.set(shardIds[0] ?? 0, single);
    for (let line = 0; line < lines.lineCount; line++) {
      const keyId = lines.keyIds[line] ?? 0;
      let shard = single;
      if (shard === undefined) {
        const place = Number((this.#keys[keyId]?.hash ?? 0n) % shardCount);
        const shardId = shardIds[place] ?? 0;
        shard = shards.get(shardId) ?? new ShardLines();
        shards.set(shardId, shard);
      }
      this.#addLine(shard, lines, line);
    }
    const batches = [...shards].map(([shardId, shard]) => ({
      shardId,
      payload: this.#encode(shard, lines),
    }));
    return { batches, pointCount: lines.lineCount, errors: [], unroutedNs: [] };
  }

  #addLine(shard: ShardLines, lines: KernelLines, line: number): void {
    const keyId = lines.keyIds[line] ?? 0;
    const fieldSetId = lines.fieldSetIds[line] ?? 0;
    const measurement = this.#keys[keyId]?.measurement ?? '';
    let shapes = shard.shapes.get(measurement);
    if (shapes === undefined)
      shard.shapes.set(measurement, (shapes = new Map<number, ShapeLines>()));
    let shape = shapes.get(fieldSetId);
    if (shape === undefined) {
      const { fields = [] } = this.#fieldSets[fieldSetId] ?? {};
      shape = { measurement, fields, lines: [], ordinals: [], series: [] };
      shapes.set(fieldSetId, shape);
    }
    let series = shard.series.get(keyId);
    if (series === undefined) shard.series.set(keyId, (series = shard.series.size));
    shape.lines.push(line);
    shape.ordinals.push(shard.rowCount++);
    shape.series.push(series);
  }

  #encode(shard: ShardLines, lines: KernelLines): Uint8Array {
    const shapes = [...shard.shapes.values()].flatMap((byFields) => [...byFields.values()]);
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
    const times = new Uint32Array(
      lines.timesNs.buffer,
      lines.timesNs.byteOffset,
      lines.lineCount * 2,
    );
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
      writer.u32s(shape.ordinals, true);
      writer.u32s(shape.series, true);
      writer.column(new BigInt64Array(gatherPairs(times, shape.lines).buffer as ArrayBuffer));
      shape.fields.forEach(({ type }, field) => {
        writeColumn(writer, { type, field }, shape.lines, lines);
      });
    });
    return writer.finish();
  }

  /** Two spellings of one series are one: their rows are pointed to the first. */
  #distinctKeys(shard: ShardLines, shapes: readonly ShapeLines[]): readonly Uint8Array[] {
    const known = [...shard.series.keys()].map((keyId) => this.#keys[keyId]);
    const byHash = new Map<bigint, number>();
    const kept: Uint8Array[] = [];
    const placeOf = known.map((key) => {
      const hash = key?.hash ?? 0n;
      const place = byHash.get(hash);
      if (place !== undefined && isSame(kept[place], key?.bytes)) return place;
      byHash.set(hash, kept.length);
      return kept.push(key?.bytes ?? new Uint8Array()) - 1;
    });
    if (kept.length < known.length)
      for (const shape of shapes)
        shape.series.forEach((series, i) => (shape.series[i] = placeOf[series] ?? 0));
    return kept;
  }
}

/** The group that takes every line of the body, none of which is beyond the bounds. */
function groupOfAll(
  task: LinesTask,
  { minTimeNs, maxTimeNs }: KernelLines,
): RouteGroup | undefined {
  const { retentionMinNs, windowMinNs, windowMaxNs } = task.bounds;
  if (retentionMinNs !== undefined && minTimeNs < retentionMinNs) return undefined;
  if (windowMinNs !== undefined && minTimeNs < windowMinNs) return undefined;
  if (windowMaxNs !== undefined && maxTimeNs > windowMaxNs) return undefined;
  return task.groups.find(({ startNs, endNs }) => startNs <= minTimeNs && maxTimeNs < endNs);
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

/** Throws on a key that is not as usual; the slow way then says why. */
function learnKey(written: Uint8Array): KnownKey {
  const { measurement, tags, end } = parseLineKey(written, 0);
  if (end !== written.length || tags.some(({ key }) => key === 'time')) throw new Error('unusual');
  const text = seriesKey(measurement, tags);
  return { measurement, bytes: encoder.encode(text), hash: seriesKeyHash(text) };
}

function boundsOf(
  rowCount: number,
  shapes: readonly ShapeLines[],
  lines: KernelLines,
): { readonly minTimeNs: bigint; readonly maxTimeNs: bigint } {
  if (rowCount === lines.lineCount) return lines;
  let [minTimeNs, maxTimeNs] = [lines.maxTimeNs, lines.minTimeNs];
  for (const shape of shapes) {
    for (const line of shape.lines) {
      const timeNs = lines.timesNs[line] ?? 0n;
      if (timeNs < minTimeNs) minTimeNs = timeNs;
      if (timeNs > maxTimeNs) maxTimeNs = timeNs;
    }
  }
  return { minTimeNs, maxTimeNs };
}

function writeColumn(
  writer: BatchWriter,
  { type, field }: { readonly type: FieldType; readonly field: number },
  own: readonly number[],
  lines: KernelLines,
): void {
  const { words, starts } = lines;
  if (type === FieldType.string) {
    writer.column(joinTexts(own.map((line) => textAt(lines, ((starts[line] ?? 0) + field) * 2))));
    return;
  }
  if (type === FieldType.boolean) {
    const bytes = new Uint8Array(own.length);
    own.forEach((line, i) => (bytes[i] = words[((starts[line] ?? 0) + field) * 2] ?? 0));
    writer.column(bytes);
    return;
  }
  const column = new Uint32Array(own.length * 2);
  for (let i = 0; i < own.length; i++) {
    const from = ((starts[own[i] ?? 0] ?? 0) + field) * 2;
    column[i * 2] = words[from] ?? 0;
    column[i * 2 + 1] = words[from + 1] ?? 0;
  }
  writer.column(new Float64Array(column.buffer));
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

function gatherPairs(words: Uint32Array, own: readonly number[]): Uint32Array {
  const gathered = new Uint32Array(own.length * 2);
  for (let i = 0; i < own.length; i++) {
    const from = (own[i] ?? 0) * 2;
    gathered[i * 2] = words[from] ?? 0;
    gathered[i * 2 + 1] = words[from + 1] ?? 0;
  }
  return gathered;
}

function isSame(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left?.length !== right?.length) return false;
  return left?.every((byte, i) => byte === right?.[i]) ?? false;
}
