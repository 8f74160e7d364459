/**
 * Lines of Graphite's plain text protocol, `path value time`, to line protocol in nanoseconds (spec F127). What comes as most lines
 * do is copied as bytes: a head that is known, a plain number, whole seconds. All else takes a slow way, which has the
 * reference's rules and texts.
 */
import { readGoFloat, type NoFloat } from '../../../base/go-float.ts';
import { quoteGo } from '../../../base/go-format.ts';
import type { GrowingBytes } from '../../../base/growing-bytes.ts';
import { canBeginLine, escapeMeasurement, escapeTag } from '../../../models/series-key.ts';
import { HeadTable } from './head-table.ts';
import { Templates, type NamedPath, type TemplateSettings } from './templates.ts';

export interface GraphiteParserSettings extends TemplateSettings {
  /** `key=value`, for points that lack the key. */
  readonly tags: readonly (readonly [key: string, value: string])[];
}

/** What a line says that is no number: not an error to Graphite. */
export const noNumber = 'NaN';

const newline = 10;
const space = 32;
const secondNs = 1_000_000_000n;
/** Of nanoseconds, behind seconds. */
const zeros = new Uint8Array(9).fill(48);
const defaultField = 'value';
const plainNumberBytesMax = 24;
/** 1901-12-13 and 2038-01-19. */
const secondsMin = -2_147_558_400;
const secondsMax = 2_147_472_000;
/** Of a key and its field, as the reference counts them. */
const keyBytesMax = 65_535;
const keySeparatorBytes = 4;

export interface GraphiteParserPorts {
  /** Where points go, a line each. */
  readonly lines: GrowingBytes;
  /** The time of a line without one. */
  readonly nowNs: () => bigint;
}

export class GraphiteParser {
  readonly #ports: GraphiteParserPorts;
  readonly #templates: Templates;
  readonly #tags: GraphiteParserSettings['tags'];
  readonly #heads = new HeadTable();
  /** Where the fields of a line begin and end. */
  readonly #bounds = new Int32Array(8);

  constructor(ports: GraphiteParserPorts, { templates, separator, tags }: GraphiteParserSettings) {
    this.#ports = ports;
    this.#templates = new Templates({
      templates: templates.map(bytesOf),
      separator: bytesOf(separator),
    });
    // Of one that is there twice the last counts.
    this.#tags = [...new Map(tags.map(([key, value]) => [bytesOf(key), bytesOf(value)]))];
  }

  /** Undefined when the line's point was pushed; otherwise what is wrong with it, or `noNumber`. */
  parse(bytes: Uint8Array, start: number, end: number): string | undefined {
    const bounds = this.#bounds;
    const fieldCount = findFields(bytes, start, end, bounds);
    if (fieldCount !== 2 && fieldCount !== 3)
      return `received ${quoteGo(shown(bytes, start, end))} which doesn't have required fields`;
    const [pathStart, pathEnd] = [bounds[0] ?? 0, bounds[1] ?? 0];
    if (!this.#heads.find(bytes, pathStart, pathEnd)) {
      const made = this.#headOf(latin1Of(bytes, pathStart, pathEnd));
      if (typeof made === 'string') return made;
      this.#heads.add(bytes, pathStart, pathEnd, made);
    }
    const [valueStart, valueEnd] = [bounds[2] ?? 0, bounds[3] ?? 0];
    const isPlainValue = isPlainNumber(bytes, valueStart, valueEnd);
    const value = isPlainValue ? 0 : readGoFloat(latin1Of(bytes, valueStart, valueEnd));
    if (typeof value === 'string' || !Number.isFinite(value)) return this.#valueError(bytes, value);
    const [timeStart, timeEnd] = [bounds[4] ?? 0, bounds[5] ?? 0];
    const isPlainTime = fieldCount === 3 && isPlainSeconds(bytes, timeStart, timeEnd);
    const timeNs = isPlainTime ? 0n : this.#timeOf(bytes, fieldCount === 3);
    if (typeof timeNs === 'string') return timeNs;
    const { lines } = this.#ports;
    lines.pushPart(this.#heads.pile, this.#heads.start, this.#heads.end);
    if (isPlainValue) lines.pushPart(bytes, valueStart, valueEnd);
    else pushText(lines, Object.is(value, -0) ? '-0' : String(value));
    lines.u8(space);
    if (isPlainTime) {
      lines.pushPart(bytes, timeStart, timeEnd);
      lines.pushPart(zeros, 0, zeros.length);
    } else pushText(lines, String(timeNs));
    lines.u8(newline);
    return undefined;
  }

  /** What the lines of a path begin with, up to the value; or what is wrong with it. */
  #headOf(path: string): Uint8Array | string {
    const named = this.#templates.apply(path);
    return typeof named === 'string' ? named : headBytes(named, this.#tags);
  }

  #valueError(bytes: Uint8Array, value: number | NoFloat): string {
    const [path, text] = [this.#field(bytes, 0), this.#field(bytes, 1)];
    if (typeof value === 'string')
      return `field "${path}" value: strconv.ParseFloat: parsing ${quoteGo(text)}: ${value}`;
    if (Number.isNaN(value)) return noNumber;
    return `field "${path}" value: "${value > 0 ? '+Inf' : '-Inf'}" is unsupported`;
  }

  /** Nanoseconds of a time in seconds, or what is wrong with it. */
  #timeOf(bytes: Uint8Array, isThere: boolean): bigint | string {
    if (!isThere) return this.#ports.nowNs();
    const text = this.#field(bytes, 2);
    const seconds = readGoFloat(text);
    if (typeof seconds === 'string')
      return `field "${this.#field(bytes, 0)}" time: strconv.ParseFloat: parsing ${quoteGo(text)}: ${seconds}`;
    return seconds === -1
      ? this.#ports.nowNs()
      : (nsOfSeconds(seconds) ?? 'timestamp out of range');
  }

  #field(bytes: Uint8Array, number: number): string {
    return shown(bytes, this.#bounds[number * 2] ?? 0, this.#bounds[number * 2 + 1] ?? 0);
  }
}

/** Undefined beyond what Graphite may say. */
function nsOfSeconds(seconds: number): bigint | undefined {
  if (!(seconds > secondsMin - 2 && seconds < secondsMax + 2)) return undefined;
  // As the reference: whole seconds towards zero, the part behind the point from below.
  const partNs = Math.trunc((seconds - Math.floor(seconds)) * 1e9);
  const timeNs = BigInt(Math.trunc(seconds)) * secondNs + BigInt(partNs);
  const isIn = timeNs >= BigInt(secondsMin) * secondNs && timeNs <= BigInt(secondsMax) * secondNs;
  return isIn ? timeNs : undefined;
}

/** Escaped as the reference's; the text of an error for what no line of a point can say. */
function headBytes(
  { measurement, tags, field }: NamedPath,
  defaults: GraphiteParserSettings['tags'],
): Uint8Array | string {
  const missing = defaults.filter(([key]) => !tags.has(key));
  const all = [...tags, ...missing].filter(([, value]) => value !== '');
  const sorted = all.sort(([a], [b]) => (a < b ? -1 : 1));
  const name = field === '' ? defaultField : field;
  if ([measurement, name, ...sorted.flat()].some((text) => text.endsWith('\\')))
    return 'a name that ends with a backslash has no line';
  // What is escaped in a measurement already is not escaped again.
  let key = escapeMeasurement(measurement.replaceAll('\\,', ','));
  for (const [tag, value] of sorted) key += `,${escapeTag(tag)}=${escapeTag(value)}`;
  if (!canBeginLine(key)) return `no line of a point begins with ${quoteGo(key.slice(0, 1))}`;
  const size = key.length + keySeparatorBytes + name.length;
  if (size > keyBytesMax) return `max key length exceeded: ${size} > ${keyBytesMax}`;
  return Buffer.from(`${key} ${name.replaceAll(/[,"= ]/g, (one) => `\\${one}`)}=`, 'latin1');
}

/** How many fields there are, 4 for more than 3. */
function findFields(bytes: Uint8Array, start: number, end: number, bounds: Int32Array): number {
  let count = 0;
  let at = start;
  while (count < 4) {
    for (let space = spaceAt(bytes, at, end); space > 0; space = spaceAt(bytes, at, end))
      at += space;
    if (at >= end) return count;
    bounds[count * 2] = at;
    while (at < end && spaceAt(bytes, at, end) === 0) at++;
    bounds[count * 2 + 1] = at;
    count++;
  }
  return count;
}

/** How many bytes of white space are there: Unicode's, as Go's strings.Fields. */
export function spaceAt(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return 0;
  const byte = bytes[at] ?? 0;
  if (byte < 128) return byte === 32 || (byte >= 9 && byte <= 13) ? 1 : 0;
  if (byte < 0xc2 || byte > 0xe3 || at + 1 >= end) return 0;
  const second = bytes[at + 1] ?? 0;
  if (byte === 0xc2) return second === 0x85 || second === 0xa0 ? 2 : 0;
  if (byte < 0xe1 || at + 2 >= end) return 0;
  const third = bytes[at + 2] ?? 0;
  const point = ((byte & 15) << 12) | ((second & 63) << 6) | (third & 63);
  return second >> 6 === 2 && third >> 6 === 2 && isWideSpace(point) ? 3 : 0;
}

function isWideSpace(point: number): boolean {
  if (point >= 0x2000 && point <= 0x200a) return true;
  return point === 0x1680 || point === 0x2028 || point === 0x2029 || point === 0x202f || point === 0x205f || point === 0x3000; // prettier-ignore
}

/** Digits with a point among them at most: what line protocol reads as the same number. */
function isPlainNumber(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > plainNumberBytesMax) return false;
  let at = bytes[start] === 45 ? start + 1 : start;
  const wholeStart = at;
  while (at < end && isDigit(bytes[at] ?? 0)) at++;
  if (at === wholeStart) return false;
  if (at === end) return true;
  if (bytes[at] !== 46) return false;
  const partStart = ++at;
  while (at < end && isDigit(bytes[at] ?? 0)) at++;
  return at === end && at > partStart;
}

/** Whole seconds in range, without zeros before them. */
function isPlainSeconds(bytes: Uint8Array, start: number, end: number): boolean {
  const first = bytes[start] ?? 0;
  if (end - start > 10 || end === start || first < 49 || first > 57) return false;
  let seconds = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] ?? 0;
    if (!isDigit(byte)) return false;
    seconds = seconds * 10 + byte - 48;
  }
  return seconds <= secondsMax;
}

function isDigit(byte: number): boolean {
  return byte >= 48 && byte <= 57;
}

/** A text as the bytes of its UTF-8, one to a character. */
function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

function latin1Of(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes, start, end).toString('latin1');
}

/** For people. */
function shown(bytes: Uint8Array, start: number, end: number): string {
  return bufferOf(bytes, start, end).toString('utf8');
}

function bufferOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start);
}

function pushText(lines: GrowingBytes, text: string): void {
  lines.push(Buffer.from(text, 'latin1'));
}
