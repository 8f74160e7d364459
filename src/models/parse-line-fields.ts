import { exactTextOf } from './exact-text.ts';
import type { FieldValue } from './field-value.ts';
import { Byte, isDigit, keyBytesMax, parseError, textOf, unescapeName } from './line-bytes.ts';

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

/** The separator of series key and field in the storage's keys. */
const separatorBytes = 4;

/**
 * Reads `name=value,...` from `start`, of a line whose series key has `keyBytes`. Throws `parse_error` with the reference's
 * text.
 */
export function parseLineFields(line: Uint8Array, start: number, keyBytes = 0): LineFields {
  const fields = new Map<string, FieldValue>();
  let conflict: TypeConflict | undefined;
  let nameStart = start;
  let at = start;
  let isValueSeen = false;
  let excess: number | undefined;
  while (at < line.length && line[at] !== Byte.space) {
    if (line[at] === Byte.backslash && at + 1 < line.length) {
      at += 2;
    } else if (line[at] === Byte.comma) {
      if (!isValueSeen) throw parseError('invalid field format');
      isValueSeen = false;
      nameStart = ++at;
    } else if (line[at] === Byte.equals) {
      if (at === nameStart) throw parseError('missing field key');
      const [value, end] = readValue(line, at + 1);
      const storedBytes = keyBytes + separatorBytes + at - nameStart;
      if (storedBytes > keyBytesMax) excess ??= storedBytes;
      const name = unescapeName(textOf(line, nameStart, at));
      conflict ??= conflictOf(name, fields.get(name), value);
      fields.set(name, value);
      isValueSeen = true;
      at = end;
    } else {
      at++;
    }
  }
  if (!isValueSeen) throw parseError('invalid field format');
  if (excess !== undefined) throw parseError(`max key length exceeded: ${excess} > ${keyBytesMax}`);
  return { fields, conflict, end: at };
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

function readValue(line: Uint8Array, start: number): [FieldValue, number] {
  const first = line[start];
  if (first === undefined || first === Byte.comma || first === Byte.space) {
    throw parseError('missing field value');
  }
  if (first === Byte.quote) return readString(line, start);
  let end = start;
  while (end < line.length && line[end] !== Byte.comma && line[end] !== Byte.space) end++;
  const text = textOf(line, start, end);
  return [/^[-.\dnN]/.test(text) ? parseNumber(text) : parseBoolean(text), end];
}

/**
 * A string ends at the first space or comma outside quotes. Quotes may open again within it, and bytes may follow the
 * closing one: the reference takes what lies between the first and the last byte.
 */
function readString(line: Uint8Array, start: number): [FieldValue, number] {
  let isQuoted = false;
  let end = start;
  for (; end < line.length; end++) {
    if (line[end] === Byte.backslash && end + 1 < line.length) end++;
    else if (line[end] === Byte.quote) isQuoted = !isQuoted;
    else if (!isQuoted && (line[end] === Byte.comma || line[end] === Byte.space)) break;
  }
  if (isQuoted) throw parseError('unbalanced quotes');
  const value = exactTextOf(line.subarray(start + 1, end - 1)).replaceAll(/\\(["\\])/g, '$1');
  return [{ type: 'string', value }, end];
}

const int64Min = -(1n << 63n);
const int64Max = (1n << 63n) - 1n;

function parseNumber(text: string): FieldValue {
  if (!/^-?(?=\.?\d)\d*(\.\d*)?([eE][-+]?\d*)?$|^-?\d+i$/.test(text)) {
    throw parseError('invalid number');
  }
  if (!text.endsWith('i')) {
    const value = Number(text);
    if (!Number.isFinite(value)) throw parseError('invalid float');
    return { type: 'float', value };
  }
  const digits = text.slice(0, -1);
  const value = BigInt(digits);
  if (value < int64Min || value > int64Max) {
    throw parseError(`unable to parse integer ${digits}: ${outOfRange(digits)}`);
  }
  return { type: 'integer', value };
}

/** The text of Go's integer parser for a number past 64 bits. */
export function outOfRange(digits: string): string {
  return `strconv.ParseInt: parsing "${digits}": value out of range`;
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ...['t', 'T', 'true', 'True', 'TRUE'].map((text) => [text, true] as const),
  ...['f', 'F', 'false', 'False', 'FALSE'].map((text) => [text, false] as const),
]);

function parseBoolean(text: string): FieldValue {
  const value = booleans.get(text);
  if (value === undefined) throw parseError('invalid boolean');
  return { type: 'boolean', value };
}

/** True when the byte starts a time. */
export function startsTime(byte: number | undefined): boolean {
  return byte === Byte.minus || isDigit(byte);
}
