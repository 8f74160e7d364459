/**
 * Lists of values as points (spec F128). `split` makes one point of each value, named `plugin_source` with a field `value`; `join`
 * one of all, named as the plugin, with a field for each source. What cannot be a point is counted and told, and the rest of its
 * datagram counts.
 */
import { quoteGo } from '../../../base/go-format.ts';
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { Byte } from '../../../models/line-bytes.ts';
import { canBegin, canStand, floatText, isOneLine, isStorableTime, keyFault, PointFault, pushAscii, pushName, pushTagText } from '../point-line.ts'; // prettier-ignore
import { HeadText, type PacketHead } from './packet.ts';
import { packetValue } from './packet-value.ts';
import type { DataSource, Types } from './types-db.ts';

export type MultiValue = 'split' | 'join';

export interface CollectdPointsParts {
  readonly types: Types;
  readonly multiValue: MultiValue;
  /** Where the lines go. */
  readonly lines: GrowingBytes;
  /** Values that are no point, and why. */
  dropped(name: string, reason: string): void;
  /** Values whose type is none, or has another number of sources. */
  unknown(reason: string): void;
}

const encoder = new TextEncoder();
const tagStarts = [',host=', ',instance=', ',type=', ',type_instance='].map((text) => encoder.encode(text)); // prettier-ignore
const valueStart = encoder.encode(' value=');
const underscore = 95;
const numberBytes = 8;

export class CollectdPoints {
  readonly #parts: CollectdPointsParts;
  /** Of the list of values: with their commas. */
  readonly #tags = new GrowingBytes();
  /** Points whose lines were pushed. */
  pointCount = 0;

  constructor(parts: CollectdPointsParts) {
    this.#parts = parts;
  }

  /** As packet.ts tells them. */
  values(head: PacketHead, at: number, count: number): void {
    const type = headText(head, HeadText.type);
    const sources = this.#parts.types.get(type);
    if (sources === undefined) {
      this.#parts.unknown(`unable to find ${quoteGo(type)} in TypesDB`);
      return;
    }
    if (sources.length !== count) {
      const text = `unable to convert values according to TypesDB: len(args) = ${count}, want ${sources.length}`; // prettier-ignore
      this.#parts.unknown(text);
      return;
    }
    const fault = this.#headFault(head);
    const time = ` ${head.timeNs ?? 0n}\n`;
    if (this.#parts.multiValue === 'join') this.#join(head, { at, sources, fault, time });
    else this.#split(head, { at, sources, fault, time });
  }

  /** What makes all points of the list none. */
  #headFault(head: PacketHead): string | undefined {
    const { bytes, starts, ends, timeNs } = head;
    const [start = 0, end = 0] = [starts[HeadText.plugin], ends[HeadText.plugin]];
    // Of split ones the name goes on.
    const isName =
      this.#parts.multiValue === 'split'
        ? isOneLine(bytes, start, end) && (start === end || canBegin(bytes, start, end))
        : canStand(bytes, start, end) && canBegin(bytes, start, end);
    if (!isName || !this.#gatherTags(head)) return PointFault.name;
    return timeNs === undefined || !isStorableTime(timeNs) ? PointFault.time : undefined;
  }

  #gatherTags({ bytes, starts, ends }: PacketHead): boolean {
    this.#tags.clear();
    for (const [tag, tagStart] of tagStarts.entries()) {
      const [start = 0, end = 0] = [starts[tag], ends[tag]];
      if (start === end) continue;
      if (!canStand(bytes, start, end)) return false;
      this.#tags.push(tagStart);
      pushTagText(this.#tags, bytes, start, end);
    }
    return true;
  }

  #split(head: PacketHead, { at, sources, fault, time }: ValuesOf): void {
    const { lines } = this.#parts;
    for (const [i, source] of sources.entries()) {
      const before = lines.lengthBytes;
      this.#pushPlugin(head);
      lines.u8(underscore);
      lines.push(source.suffix);
      lines.push(this.#tags.view());
      const keyBytes = lines.lengthBytes - before;
      const value = valueAt(head.bytes, source, { at, count: sources.length, i });
      const reason = fault ?? keyFault(keyBytes, 'value'.length) ?? valueFault(value, 'value');
      if (reason === undefined) {
        lines.push(valueStart);
        pushAscii(lines, floatText(value));
        pushAscii(lines, time);
        this.pointCount++;
      } else {
        lines.lengthBytes = before;
        this.#parts.dropped(`${headText(head, HeadText.plugin)}_${source.name}`, reason);
      }
    }
  }

  #join(head: PacketHead, { at, sources, fault, time }: ValuesOf): void {
    const { lines } = this.#parts;
    const before = lines.lengthBytes;
    this.#pushPlugin(head);
    lines.push(this.#tags.view());
    const keyBytes = lines.lengthBytes - before;
    let separator: number = Byte.space;
    let reason = sources.length === 0 ? 'point without fields is unsupported' : fault;
    for (const [i, source] of sources.entries()) {
      if (reason !== undefined) break;
      if (source.isHidden) continue;
      const value = valueAt(head.bytes, source, { at, count: sources.length, i });
      reason = keyFault(keyBytes, source.field.length) ?? valueFault(value, source.name);
      lines.u8(separator);
      separator = Byte.comma;
      lines.push(source.field);
      lines.u8(Byte.equals);
      pushAscii(lines, floatText(value));
    }
    if (reason === undefined) {
      pushAscii(lines, time);
      this.pointCount++;
    } else {
      lines.lengthBytes = before;
      this.#parts.dropped(headText(head, HeadText.plugin), reason);
    }
  }

  #pushPlugin({ bytes, starts, ends }: PacketHead): void {
    const { lines } = this.#parts;
    pushName(lines, bytes, starts[HeadText.plugin] ?? 0, ends[HeadText.plugin] ?? 0);
  }
}

interface ValuesOf {
  readonly at: number;
  readonly sources: readonly DataSource[];
  readonly fault: string | undefined;
  readonly time: string;
}

/** `count` kinds are at `at`, and the numbers behind them. */
function valueAt(
  bytes: Uint8Array,
  { kind }: DataSource,
  { at, count, i }: { readonly at: number; readonly count: number; readonly i: number },
): number {
  const start = at + count + i * numberBytes;
  return packetValue(bytes, start, { sent: bytes[at + i] ?? 0, wanted: kind });
}

function valueFault(value: number, field: string): string | undefined {
  if (Number.isFinite(value)) return undefined;
  return Number.isNaN(value) ? PointFault.notANumber(field) : PointFault.infinite(field);
}

function headText({ bytes, starts, ends }: PacketHead, text: HeadText): string {
  const [start = 0, end = 0] = [starts[text], ends[text]];
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString();
}
