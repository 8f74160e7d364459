import { maxTimeNs, minTimeNs } from '../base/units.ts';
import type { FieldValue } from './field-value.ts';
import { Byte, isDigit, skipSpace, textOf } from './line-bytes.ts';
import { LineErrors } from './line-errors.ts';
import { parseInteger } from './line-value.ts';
import { parseLineFields, type LineFields, type TypeConflict } from './parse-line-fields.ts';
import { parseLineKey, type LineKey } from './parse-line-key.ts';
import type { Tag } from './series-key.ts';

/** A point as written; `timeNs` is int64 nanoseconds within [minTimeNs, maxTimeNs]. */
export interface LinePoint {
  readonly measurement: string;
  readonly tags: readonly Tag[];
  readonly fields: ReadonlyMap<string, FieldValue>;
  readonly timeNs: bigint;
  /** Two types of one field in the line: no shard may take it. */
  readonly conflict?: TypeConflict;
}

/** Nanoseconds of one step of a time, by the `precision` parameter of /write (spec 4.2). */
export const precisionNs: ReadonlyMap<string, bigint> = new Map([
  ['n', 1n],
  ['ns', 1n],
  ['u', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

export interface LineOptions {
  readonly stepNs: bigint;
  /** For lines without a time; cut to the step. */
  readonly defaultTimeNs: bigint;
}

export interface ParsedLines {
  readonly points: readonly LinePoint[];
  /** What is wrong with the lines that are no points; the other lines count nevertheless. */
  readonly errors: LineErrors;
}

/** Parses line protocol: the slow, obvious form that the kernel is held to. */
export function parseLines(
  body: Uint8Array,
  options: LineOptions,
  errors = new LineErrors(),
): ParsedLines {
  const points: LinePoint[] = [];
  for (let at = 0; at < body.length;) {
    const end = endOfLine(body, at);
    const point = parseLineAt(body.subarray(at, end), options, errors);
    if (point !== undefined) points.push(point);
    at = end + 1;
  }
  return { points, errors };
}

/** The point of a line, without its newline; undefined when there is none, and `errors` is told if there should be. */
export function parseLineAt(
  line: Uint8Array,
  options: LineOptions,
  errors: LineErrors,
): LinePoint | undefined {
  const read = readLineAt(line, options, errors);
  if (read === undefined) return undefined;
  const { measurement, tags, fields, conflict, timeNs } = read;
  const point = { measurement, tags, fields, timeNs };
  return conflict === undefined ? point : { ...point, conflict };
}

/** A line as it was read, and its fields as they were written. */
export interface ReadLine extends LineKey, LineFields {
  readonly timeNs: bigint;
  readonly fieldBytes: Uint8Array;
}

/** The same with what the line says beside the point. */
export function readLineAt(
  line: Uint8Array,
  options: LineOptions,
  errors: LineErrors,
): ReadLine | undefined {
  const start = skipSpace(line, 0);
  if (start >= line.length || line[start] === Byte.hash) return undefined;
  // One that a quote or a backslash hides at the end of the body.
  const end = line.at(-1) === Byte.newline ? line.length - 1 : line.length;
  const text = line.subarray(start, end);
  const read = readLine(text, options);
  if (typeof read !== 'string') return read;
  errors.add(text, read);
  return undefined;
}

/**
 * A newline within the quotes of a field's string does not end the line; quotes elsewhere mean nothing. White space before
 * the measurement makes all of the line its fields here, as in the reference.
 */
export function endOfLine(body: Uint8Array, start: number): number {
  let isQuoted = false;
  let areFields = false;
  let values = 0;
  let i = start;
  for (; i < body.length; i++) {
    const byte = body[i];
    if (byte === Byte.backslash && i + 2 < body.length) i++;
    else if (byte === Byte.newline && !isQuoted) break;
    else if (byte === Byte.space) areFields = true;
    else if (!areFields) continue;
    else if (byte === Byte.quote && values > 0) isQuoted = !isQuoted;
    else if (byte === Byte.equals && !isQuoted) values++;
    else if (byte === Byte.comma && !isQuoted) values--;
  }
  return i;
}

function readLine(line: Uint8Array, options: LineOptions): ReadLine | string {
  const key = parseLineKey(line, 0);
  if (typeof key === 'string') return key;
  const fieldsStart = skipSpace(line, key.end);
  const read = parseLineFields(line, fieldsStart, key.end);
  if (typeof read === 'string') return read;
  const timeNs = parseTime(line, skipSpace(line, read.end), options);
  if (typeof timeNs === 'string') return timeNs;
  const { measurement, tags } = key;
  return { measurement, tags, ...read, timeNs, fieldBytes: line.subarray(fieldsStart, read.end) };
}

function parseTime(line: Uint8Array, start: number, options: LineOptions): bigint | string {
  const { stepNs, defaultTimeNs } = options;
  let end = start;
  for (; end < line.length && line[end] !== Byte.space && line[end] !== Byte.newline; end++) {
    const isMinus = end === start && line[end] === Byte.minus;
    if (!isMinus && !isDigit(line[end])) return 'bad timestamp';
  }
  if (end === start) return defaultTimeNs - (defaultTimeNs % stepNs);
  const steps = parseInteger(textOf(line, start, end));
  if (typeof steps === 'string') return steps;
  const timeNs = steps * stepNs;
  if (timeNs < minTimeNs || timeNs > maxTimeNs)
    return `time outside range ${minTimeNs} - ${maxTimeNs}`;
  while (line[end] === Byte.space) end++;
  return end < line.length ? 'point is invalid' : timeNs;
}
