import { isDbError } from '../base/errors.ts';
import { maxTimeNs, minTimeNs } from '../base/units.ts';
import type { FieldValue } from './field-value.ts';
import { Byte, isDigit, parseError, skipSpace, textOf } from './line-bytes.ts';
import { outOfRange, parseLineFields, startsTime, type TypeConflict } from './parse-line-fields.ts';
import { parseLineKey } from './parse-line-key.ts';
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
  /** One text a bad line, as the reference words it; the other lines count nevertheless. */
  readonly errors: readonly string[];
}

/** Parses line protocol: the slow, obvious form that the kernel is held to. */
export function parseLines(body: Uint8Array, options: LineOptions): ParsedLines {
  const points: LinePoint[] = [];
  const errors: string[] = [];
  for (let at = 0; at < body.length;) {
    const end = endOfLine(body, at);
    const start = skipSpace(body, at);
    at = end + 1;
    if (start >= end || body[start] === Byte.hash) continue;
    const line = body.subarray(start, end);
    try {
      points.push(parseLine(line, options));
    } catch (error) {
      if (!isDbError(error, 'parse_error')) throw error;
      errors.push(`unable to parse '${textOf(line, 0, line.length)}': ${error.message}`);
    }
  }
  return { points, errors };
}

/** A newline within the quotes of a field's string does not end the line; quotes elsewhere mean nothing. */
function endOfLine(body: Uint8Array, start: number): number {
  let isQuoted = false;
  let areFields = false;
  let values = 0;
  let i = skipSpace(body, start);
  for (; i < body.length; i++) {
    const byte = body[i];
    if (byte === Byte.backslash) i++;
    else if (byte === Byte.newline && !isQuoted) break;
    else if (byte === Byte.space) areFields = true;
    else if (!areFields) continue;
    else if (byte === Byte.quote && values > 0) isQuoted = !isQuoted;
    else if (byte === Byte.equals && !isQuoted) values++;
    else if (byte === Byte.comma && !isQuoted) values--;
  }
  return Math.min(i, body.length);
}

function parseLine(line: Uint8Array, options: LineOptions): LinePoint {
  const { measurement, tags, end } = parseLineKey(line, 0);
  if (end >= line.length) throw parseError('missing fields');
  const { fields, conflict, end: fieldsEnd } = parseLineFields(line, skipSpace(line, end), end);
  const timeNs = parseTime(line, skipSpace(line, fieldsEnd), options);
  const point = { measurement, tags, fields, timeNs };
  return conflict === undefined ? point : { ...point, conflict };
}

function parseTime(line: Uint8Array, start: number, options: LineOptions): bigint {
  const { stepNs, defaultTimeNs } = options;
  if (start >= line.length) return defaultTimeNs - (defaultTimeNs % stepNs);
  if (!startsTime(line[start])) throw parseError('bad timestamp');
  let end = start + 1;
  for (; end < line.length && line[end] !== Byte.space; end++) {
    if (!isDigit(line[end])) throw parseError('bad timestamp');
  }
  if (skipSpace(line, end) < line.length) throw parseError('point is invalid');
  const digits = textOf(line, start, end);
  if (digits === '-') throw parseError('strconv.ParseInt: parsing "-": invalid syntax');
  const steps = BigInt(digits);
  if (BigInt.asIntN(64, steps) !== steps) throw parseError(outOfRange(digits));
  const timeNs = steps * stepNs;
  if (timeNs < minTimeNs || timeNs > maxTimeNs) {
    throw parseError(`time outside range ${minTimeNs} - ${maxTimeNs}`);
  }
  return timeNs;
}
