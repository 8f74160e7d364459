/**
 * The fast way from a body to batches: the kernel parses, and its columns are gathered per shard and shape, eight bytes a
 * value, without a JavaScript value for each. Whatever the kernel does not take goes the slow way (route-lines.ts), which
 * it equals on all that it takes.
 */
import { must } from '../../base/assert.ts';
import { FieldType } from '../../models/field-value.ts';
import { Byte, unescapeName } from '../../models/line-bytes.ts';
import { parseLineKey } from '../../models/parse-line-key.ts';
import { BatchWriter } from '../../models/batch-writer.ts';
import type { BatchField } from '../../models/point-batch.ts';
import { seriesKey } from '../../models/series-key.ts';
import type { LineKernel, RoutedPlace, KernelLines } from '../../kernels/line-kernel.ts';
import type { RoutedShape } from '../../kernels/routed-shape.ts';
import { routeLines, type LinesTask, type RoutedLines, type RouteGroup } from './route-lines.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Of lines of one shape. */
interface KnownShape {
  readonly measurement: string;
  readonly fields: readonly BatchField[];
}

export class LineRouter {
  readonly #kernel: LineKernel;
  /** By the kernel's ids. */
  #fieldSets: (readonly BatchField[])[] = [];
  #shapes: KnownShape[] = [];
  #leftKeyCount = 0;
  #generation = 0;

  constructor(kernel: LineKernel) {
    this.#kernel = kernel;
  }

  route(task: LinesTask): RoutedLines {
    const { body, stepNs, defaultTimeNs } = task;
    const cutTimeNs = defaultTimeNs - (defaultTimeNs % stepNs);
    const lines = this.#kernel.parse(body, stepNs, cutTimeNs);
    this.#learn();
    if (lines === undefined) return routeLines(task);
    if (lines.lineCount === 0) return { batches: [], pointCount: 0, errors: '', unroutedNs: [] };
    const unroutedNs = unroutedTimes(task, lines);
    if (unroutedNs.length > 0)
      return { batches: [], pointCount: lines.lineCount, errors: '', unroutedNs, body };
    // Points that may have to be dropped, or have no group: rare enough for the slow way.
    const groups = groupsOfAll(task, lines);
    return (groups && this.#routeTo(groups, lines)) ?? routeLines(task);
  }

  /** Takes note of new field sets, and reads the keys that the kernel has left. */
  #learn(): void {
    if (this.#generation !== this.#kernel.generation) {
      this.#generation = this.#kernel.generation;
      this.#fieldSets = [];
      this.#shapes = [];
      this.#leftKeyCount = 0;
    }
    for (; this.#leftKeyCount < this.#kernel.leftKeyCount; this.#leftKeyCount++) {
      const key = learnKey(this.#kernel.leftKey(this.#leftKeyCount));
      if (key !== undefined) this.#kernel.setLeftKey(this.#leftKeyCount, key.canonical, key.measurement); // prettier-ignore
    }
    while (this.#fieldSets.length < this.#kernel.fieldSetCount) {
      const id = this.#fieldSets.length;
      const fields = this.#kernel.fieldSet(id).map(({ name, type }) => ({
        name: unescapeName(name),
        type: type as FieldType,
      }));
      const names = new Set(fields.map(({ name }) => name));
      this.#kernel.setFieldSet(id, names.size === fields.length && !names.has('time'));
      this.#fieldSets.push(fields);
    }
  }

  /** Undefined when a line is not as usual, or lies in none of the groups. */
  #routeTo(groups: readonly RouteGroup[], { lineCount }: KernelLines): RoutedLines | undefined {
    const shardIds = groups.flatMap((group) => group.shardIds);
    const places = this.#kernel.route(
      lineCount,
      groups.map(({ startNs, endNs, shardIds: { length: placeCount } }) => ({ startNs, endNs, placeCount })), // prettier-ignore
    );
    if (places === undefined) return undefined;
    const batches: { shardId: number; payload: Uint8Array }[] = [];
    for (const place of places)
      batches.push({ shardId: shardIds[place.place] ?? 0, payload: this.#encode(place) });
    return { batches, pointCount: lineCount, errors: '', unroutedNs: [] };
  }

  #encode(place: RoutedPlace): Uint8Array {
    const { rowCount, seriesCount, keyBytes, shapes } = place;
    const names = new Map<string, number>();
    const nameOf = (name: string): number => {
      const known = names.get(name) ?? names.size;
      names.set(name, known);
      return known;
    };
    const heads = shapes.map((shape) => {
      const { measurement, fields } = this.#shape(shape.id);
      const packed = fields.map(({ name, type }) => ((type << 24) | nameOf(name)) >>> 0);
      return [shape.rowCount, nameOf(measurement), fields.length, ...packed];
    });
    const { minTimeNs, maxTimeNs } = place;
    const writer = new BatchWriter();
    writer.header({ rowCount, seriesCount, shapeCount: shapes.length, minTimeNs, maxTimeNs });
    writer.align();
    writer.filledColumn((seriesCount + 1) * 4, () => this.#kernel.seriesOffsets(place));
    writer.filledColumn(keyBytes, () => this.#kernel.seriesBytes(place));
    writer.u32s([names.size], false);
    writer.texts([...names.keys()]);
    shapes.forEach((shape, i) => {
      writer.u32s(heads[i] ?? [], true);
      writeColumns(writer, shape, this.#shape(shape.id).fields);
    });
    return writer.finish();
  }

  #shape(id: number): KnownShape {
    for (let next = this.#shapes.length; next <= id; next++) {
      const { measurement, fieldSet } = this.#kernel.shape(next);
      const fields = this.#fieldSets[fieldSet] ?? [];
      this.#shapes.push({ measurement: decoder.decode(measurement), fields });
    }
    return must(this.#shapes[id], 'shapes are dense');
  }
}

/** All of it is gathered by the kernel as the batch takes it. */
function writeColumns(writer: BatchWriter, shape: RoutedShape, fields: KnownShape['fields']): void {
  const { rowCount } = shape;
  writer.filledColumn(rowCount * 4, () => shape.ordinals());
  writer.filledColumn(rowCount * 4, () => shape.series());
  writer.filledColumn(rowCount * 8, () => shape.times());
  fields.forEach(({ type }, field) => {
    if (type === FieldType.string) {
      const lengthBytes = shape.textBytes(field);
      writer.filledColumn((rowCount + 1) * 4, () => shape.textOffsets(field, lengthBytes));
      writer.filledColumn(lengthBytes, () => shape.texts(field, lengthBytes));
      return;
    }
    const width = type === FieldType.boolean ? 1 : 8;
    writer.filledColumn(rowCount * width, () => shape.values(field, width));
  });
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
function learnKey(
  written: Uint8Array,
): { readonly canonical: Uint8Array; readonly measurement: Uint8Array } | undefined {
  // A key ends at a space, which the kernel does not keep.
  const line = new Uint8Array(written.length + 1).fill(Byte.space);
  line.set(written);
  const key = parseLineKey(line, 0);
  if (typeof key === 'string' || key.end !== written.length) return undefined;
  const { measurement, tags } = key;
  if (tags.some(({ key: name }) => name === 'time')) return undefined;
  const canonical = encoder.encode(seriesKey(measurement, tags));
  return { canonical, measurement: encoder.encode(measurement) };
}
