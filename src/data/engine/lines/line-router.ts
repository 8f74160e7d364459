/**
 * The fast way from a body to batches: the kernel parses, and its columns are gathered per shard and shape, eight bytes a
 * value, without a JavaScript value for each. It equals the slow way (route-lines.ts), which any body can go.
 *
 * - A body is routed piece by piece, so that the memory of the kernel is bounded whatever its length.
 * - Lines that the kernel does not take are read by its twin: those that are no points, or that no shard may take, are left
 *   out and told of, the others are spelled anew (mend-lines.ts), and the kernel takes the piece again.
 * - What it does not take even then goes the slow way.
 */
import { exactBytesOf, exactTextOf } from '../../../base/exact-text.ts';
import { must } from '../../../base/assert.ts';
import { KiB, MiB } from '../../../base/units.ts';
import { FieldType } from '../../../models/field-value.ts';
import { Byte, unescapeName } from '../../../models/line-bytes.ts';
import { endOfLine } from '../../../models/line-protocol.ts';
import { parseLineKey } from '../../../models/parse-line-key.ts';
import { BatchWriter, type LendBytes } from '../../../models/batch-writer.ts';
import type { BatchField } from '../../../models/point-batch.ts';
import { seriesKey } from '../../../models/series-key.ts';
import type {
  LineKernel,
  RoutedPlace,
  KernelLines,
  LinePiece,
} from '../../../kernels/line-kernel.ts';
import type { RoutedShape } from '../../../kernels/routed-shape.ts';
import { BatchNames, NamedBefore, type NamedShapes } from './batch-names.ts';
import { BodyRouting } from './body-routing.ts';
import { mergeRanges } from './mend-lines.ts';
import type { JoinedTask, RoutedJoined } from './joined-bodies.ts';
import type { LinesTask, RoutedLines } from './route-lines.ts';

/** Of a body that is routed at once. A kernel's columns take up to some 12 times as much. */
const pieceBytesMax = 4 * MiB;
/** A piece that has more keys, field sets or shapes than the kernel knows at once is halved down to this, or to one whole line. */
const pieceBytesMin = 64 * KiB;

type Piece = Pick<LinePiece, 'bytes' | 'isLast'>;

/** Of lines of one shape. */
interface KnownShape {
  readonly fields: readonly BatchField[];
  /** Its measurement's name and those of its fields, by their numbers among all names. */
  readonly nameIds: readonly number[];
  /** Of a batch of nothing else, which most are. */
  readonly alone: NamedShapes;
}

export class LineRouter {
  readonly #kernel: LineKernel;
  /** By the kernel's ids. */
  #fieldSets: (readonly BatchField[])[] = [];
  #shapes: KnownShape[] = [];
  #names = new BatchNames();
  readonly #named = new NamedBefore();
  #leftKeyCount = 0;
  #generation = 0;
  /** Of the body at hand. */
  #lendFor: ((shardId: number) => LendBytes | undefined) | undefined;

  constructor(kernel: LineKernel) {
    this.#kernel = kernel;
  }

  /** `lendFor` says where batches of a shard are written, which may be memory that is used again. */
  route(task: LinesTask, lendFor?: (shardId: number) => LendBytes | undefined): RoutedLines {
    this.#lendFor = lendFor;
    const routing = new BodyRouting(task);
    const { body } = task;
    let from = 0;
    let bytesMax = pieceBytesMax;
    /** A piece of so many bytes ends within its first line. */
    let cutBytes = 0;
    while (from < body.length) {
      const piece = pieceAt(body, from, bytesMax);
      const taken = this.#routePiece(piece, routing);
      const halfBytes = bytesMax / 2;
      if (taken === 'cut') {
        cutBytes = bytesMax;
        bytesMax *= 2;
        continue;
      }
      if (taken === 'full' && halfBytes >= pieceBytesMin && halfBytes > cutBytes) {
        bytesMax = halfBytes;
        continue;
      }
      if (taken === 'full') {
        const end = endOfLines(body, from, pieceBytesMin);
        routing.addSlowly(body.subarray(from, end));
        from = end;
        bytesMax = Math.min(bytesMax, pieceBytesMax);
      } else {
        from += taken;
        bytesMax = pieceBytesMax;
      }
      cutBytes = 0;
    }
    return routing.finish();
  }

  /**
   * Routes short bodies as one, whose lines all go to one shard: their batch, if there is a line. Undefined where any of their lines
   * is not as usual, or goes elsewhere: each body has to be routed by itself then.
   */
  routeJoined(
    { text, table, ...task }: JoinedTask,
    lend: (shardId: number) => LendBytes | undefined,
  ): RoutedJoined | undefined {
    this.#lendFor = lend;
    const routing = new BodyRouting({ ...task, body: text });
    const { stepNs, defaultTimeNs } = task;
    const lines = this.#kernel.parseBodies({ bytes: text, table, stepNs, defaultTimeNs });
    this.#learn();
    if (lines === undefined || lines.odd.length > 0) return undefined;
    const isInTime = routing.leastNs <= lines.minTimeNs && lines.maxTimeNs <= routing.greatestNs;
    if (lines.lineCount === 0) return { batch: undefined };
    if (!isInTime || !this.#routeLines(lines, routing)) return undefined;
    const { batches, unroutedNs } = routing.finish();
    return batches.length === 1 && unroutedNs.length === 0 ? { batch: batches[0] } : undefined;
  }

  /** How many bytes were routed; or that it has too much for the kernel, or that its only line is cut off. */
  #routePiece(piece: Piece, routing: BodyRouting): number | 'full' | 'cut' {
    const lines = this.#parse(piece, routing);
    if (lines === undefined) return 'full';
    const { consumedBytes } = lines;
    if (consumedBytes === 0) return 'cut';
    const text = piece.bytes.subarray(0, consumedBytes);
    const { leastNs, greatestNs } = routing;
    const isInTime = leastNs <= lines.minTimeNs && lines.maxTimeNs <= greatestNs;
    if (lines.odd.length === 0 && isInTime && this.#routeLines(lines, routing))
      return consumedBytes;
    const alsoOdd = this.#kernel.listOdd(lines.lineCount, leastNs, greatestNs);
    const mended = routing.mend(text, mergeRanges(lines.odd, alsoOdd));
    const again = this.#parse({ bytes: mended, isLast: true }, routing);
    const isRouted = again?.odd.length === 0 && this.#routeLines(again, routing);
    if (!isRouted) routing.addSlowly(mended);
    return consumedBytes;
  }

  #parse(piece: Piece, { stepNs, cutTimeNs }: BodyRouting): KernelLines | undefined {
    const lines = this.#kernel.parse({ ...piece, stepNs, defaultTimeNs: cutTimeNs });
    this.#learn();
    return lines;
  }

  /** False when the kernel does not take all of the lines. */
  #routeLines(lines: KernelLines, routing: BodyRouting): boolean {
    const { lineCount } = lines;
    if (lineCount === 0) return true;
    const groups = routing.groupsOf(lines);
    const shardIds = groups.flatMap((group) => group.shardIds);
    const places = this.#kernel.route(
      lineCount,
      groups.map(({ startNs, endNs, shardIds: { length: placeCount } }) => ({ startNs, endNs, placeCount })), // prettier-ignore
    );
    if (places === 'odd' || places === 'full') return false;
    if (places === 'outside') {
      routing.addUnrouted(this.#kernel.times(lineCount), groups);
      return true;
    }
    for (const place of places) {
      const shardId = shardIds[place.place] ?? 0;
      const { writer, valueCount } = this.#encode(place);
      routing.addBatch({ shardId, payload: writer.finish(this.#lendFor?.(shardId)) });
      routing.addValues(valueCount);
    }
    routing.addPoints(lineCount);
    return true;
  }

  /** Takes note of new field sets, and reads the keys that the kernel has left. */
  #learn(): void {
    if (this.#generation !== this.#kernel.generation) {
      this.#generation = this.#kernel.generation;
      this.#fieldSets = [];
      this.#shapes = [];
      this.#names = new BatchNames();
      this.#named.clear();
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

  #encode(place: RoutedPlace): { readonly writer: BatchWriter; readonly valueCount: number } {
    const { rowCount, seriesCount, keyBytes, heads, sole, minTimeNs, maxTimeNs } = place;
    const { names, words } = sole === undefined ? this.#namesOf(heads) : this.#shape(heads[0] ?? 0).alone; // prettier-ignore
    const writer = new BatchWriter();
    writer.header({ rowCount, seriesCount, shapeCount: heads.length / 2, minTimeNs, maxTimeNs });
    writer.align();
    writer.filledColumn((seriesCount + 1) * 4, () => this.#kernel.seriesOffsets(place));
    writer.filledColumn(keyBytes, () => this.#kernel.seriesBytes(place));
    writer.u32s([names.offsets.length - 1], false);
    writer.align();
    writer.column(names);
    if (sole === undefined) {
      const { lengthBytes, valueCount } = this.#kernel.measureShapes(place, words);
      writer.filledColumn(lengthBytes, () => this.#kernel.shapes(place, words, lengthBytes));
      return { writer, valueCount };
    }
    const { fields } = this.#shape(heads[0] ?? 0);
    writer.u32s([rowCount, ...words], true);
    writeColumns(writer, sole, fields);
    return { writer, valueCount: rowCount * fields.length };
  }

  #namesOf(heads: Uint32Array): NamedShapes {
    const known = this.#named.find(heads);
    if (known !== undefined) return known;
    // New ones are named before the batch begins.
    for (let at = 0; at < heads.length; at += 2) this.#shape(heads[at] ?? 0);
    this.#names.begin();
    for (let at = 0; at < heads.length; at += 2) {
      const { nameIds, fields } = this.#shape(heads[at] ?? 0);
      this.#names.add(nameIds, fields);
    }
    return this.#named.add(heads, this.#names.end());
  }

  #shape(id: number): KnownShape {
    const known = this.#shapes[id];
    if (known !== undefined) return known;
    for (let next = this.#shapes.length; next <= id; next++) {
      const { measurement, fieldSet } = this.#kernel.shape(next);
      const fields = this.#fieldSets[fieldSet] ?? [];
      const names = [exactTextOf(measurement), ...fields.map(({ name }) => name)];
      const nameIds = names.map((name) => this.#names.idOf(name));
      this.#names.begin();
      this.#names.add(nameIds, fields);
      this.#shapes.push({ fields, nameIds, alone: this.#names.end() });
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

/** Whole lines from `from` on, of about so many bytes: a newline that quotes hide may end it. */
function pieceAt(body: Uint8Array, from: number, bytesMax: number): Piece {
  if (body.length - from <= bytesMax) return { bytes: body.subarray(from), isLast: true };
  const before = body.lastIndexOf(Byte.newline, from + bytesMax - 1);
  const at = before >= from ? before : body.indexOf(Byte.newline, from + bytesMax);
  if (at < 0) return { bytes: body.subarray(from), isLast: true };
  return { bytes: body.subarray(from, at + 1), isLast: false };
}

/** The end of the lines from `from` on that have so many bytes together. */
function endOfLines(body: Uint8Array, from: number, bytesMin: number): number {
  let at = from;
  while (at < body.length && at - from < bytesMin) at = endOfLine(body, at) + 1;
  return Math.min(at, body.length);
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
  const canonical = exactBytesOf(seriesKey(measurement, tags));
  return { canonical, measurement: exactBytesOf(measurement) };
}
