import type { FieldValue } from './field-value.ts';
import { Byte, keyBytesMax, textOf, unescapeName } from './line-bytes.ts';
import {
  endOfPlainValue,
  readBoolean,
  readNumber,
  readText,
  startsNumber,
  type ValueEnd,
} from './line-value.ts';

/** A name that a line gives values of two types. */
export interface TypeConflict {
  readonly name: string;
  readonly earlier: FieldValue['type'];
  readonly later: FieldValue['type'];
}

export interface LineFields {
  /** In the order written; a name written twice has the later value. */
  readonly fields: ReadonlyMap<string, FieldValue>;
  /** The first one; undefined when no name has two types. */
  readonly conflict: TypeConflict | undefined;
  /** Position of the space behind the fields, or the end of the line. */
  readonly end: number;
}

/** What the storage puts between a series key and a field's name in its own keys. */
const keySeparatorBytes = 4;

/**
 * Reads `name=value,...` from `start`, behind a key of so many bytes. Like the reference it looks twice: first whether
 * the section is well formed, where a backslash hides any byte behind it; then for names and values, where a name ends at
 * an equals sign that no backslash stands before. Answers the reference's text for what is no list of fields.
 */
export function parseLineFields(
  line: Uint8Array,
  start: number,
  keyBytes: number,
): LineFields | string {
  const end = endOfFields(line, start);
  return typeof end === 'string' ? end : readFields(line.subarray(0, end), start, keyBytes);
}

function endOfFields(line: Uint8Array, start: number): ValueEnd {
  let isQuoted = false;
  let equals = 0;
  let commas = 0;
  let at = start;
  while (at < line.length) {
    const byte = line[at];
    if (byte === Byte.backslash && at + 1 < line.length) {
      at += 2;
    } else if (byte === Byte.quote && equals > commas) {
      isQuoted = !isQuoted;
      at++;
    } else if (isQuoted) {
      at++;
    } else if (byte === Byte.equals) {
      equals++;
      const next = endOfValueStart(line, at);
      if (typeof next === 'string') return next;
      at = next;
    } else {
      if (byte === Byte.space) break;
      if (byte === Byte.comma) commas++;
      at++;
    }
  }
  if (isQuoted) return 'unbalanced quotes';
  return equals === 0 || commas !== equals - 1 ? 'invalid field format' : at;
}

/** The end of a number or a boolean behind the equals sign; a string is left to the caller. */
function endOfValueStart(line: Uint8Array, equals: number): ValueEnd {
  const before = line[equals - 1];
  const isBare = before === Byte.space || before === Byte.comma;
  if (isBare && line[equals - 2] !== Byte.backslash) return 'missing field key';
  const first = line[equals + 1];
  if (first === undefined || first === Byte.comma || first === Byte.space)
    return 'missing field value';
  if (first === Byte.quote) return equals + 1;
  const end = endOfPlainValue(line, equals + 1);
  const value = readPlainValue(line, equals + 1, end);
  return typeof value === 'string' ? value : end;
}

function readPlainValue(line: Uint8Array, start: number, end: number): FieldValue | string {
  return startsNumber(line[start]) ? readNumber(line, start, end) : readBoolean(line, start, end);
}

function readFields(line: Uint8Array, start: number, keyBytes: number): LineFields | string {
  const fields = new Map<string, FieldValue>();
  let conflict: TypeConflict | undefined;
  for (let at = start; at < line.length;) {
    const equals = endOfName(line, at);
    if (equals > line.length - 2) return `invalid value: field-key=${textOf(line, at, equals)}`;
    // Behind a tab or a NUL the reference takes an empty name, which nobody could ask for.
    if (equals === at) return 'missing field key';
    const sizeBytes = keyBytes + keySeparatorBytes + equals - at;
    if (sizeBytes > keyBytesMax) return `max key length exceeded: ${sizeBytes} > ${keyBytesMax}`;
    const end = endOfValue(line, equals + 1);
    const value =
      line[equals + 1] === Byte.quote
        ? readText(line, equals + 1, end)
        : readPlainValue(line, equals + 1, end);
    if (typeof value === 'string') return value;
    const name = unescapeName(textOf(line, at, equals));
    conflict ??= conflictOf(name, fields.get(name), value);
    fields.set(name, value);
    at = end + 1;
  }
  return { fields, conflict, end: line.length };
}

function endOfName(line: Uint8Array, start: number): number {
  let at = start;
  while (at < line.length) {
    if (line[at] === Byte.equals && (at === start || line[at - 1] !== Byte.backslash)) break;
    at++;
  }
  return at;
}

/** The next comma outside of quotes, which may open again within a value. */
function endOfValue(line: Uint8Array, start: number): number {
  let isQuoted = false;
  let at = start;
  for (; at < line.length; at++) {
    const next = line[at + 1];
    if (line[at] === Byte.backslash && (next === Byte.quote || next === Byte.backslash)) at++;
    else if (line[at] === Byte.quote) isQuoted = !isQuoted;
    else if (line[at] === Byte.comma && !isQuoted) break;
  }
  return Math.min(at, line.length);
}

function conflictOf(
  name: string,
  earlier: FieldValue | undefined,
  { type: later }: FieldValue,
): TypeConflict | undefined {
  // A field of that name is never kept (spec 4.2), whatever its types.
  if (earlier === undefined || earlier.type === later || name === 'time') return undefined;
  return { name, earlier: earlier.type, later };
}
