import type { TomlValue } from 'smol-toml';
import { quoteGo } from '../base/go-format.ts';
import { DbError } from '../base/errors.ts';
import { formatGoDuration } from '../influxql/duration.ts';
import { durationMs, parseTomlDurationNs } from './toml-duration.ts';
import { parseTomlSizeBytes } from './toml-size.ts';

/**
 * The exact value of a key, one form per kind, as it is merged, compared and printed. Integers, `bytes` (a plain count,
 * no suffix) and `size` (10k, 1g) are int64 or uint64, a duration is nanoseconds, a mode is the permission bits.
 */
export interface KindValues {
  readonly bool: boolean;
  readonly integer: bigint;
  readonly bytes: bigint;
  readonly size: bigint;
  readonly duration: bigint;
  readonly mode: bigint;
  readonly string: string;
  readonly group: string;
  readonly list: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
}
const goTableName = 'map[string]interface {}';

export type Kind = keyof KindValues;
export type Value = KindValues[Kind];

/** What the code base gets of a value: numbers are rounded past 2^53, durations are milliseconds. */
export type PlainOf<K extends Kind> = K extends Kind
  ? KindValues[K] extends bigint
    ? number
    : KindValues[K]
  : never;

/** Reads what a TOML file may hold for each kind. Throws invalid_argument with the reference's message. */
export const tomlReaders: { readonly [K in Kind]: (value: unknown) => KindValues[K] } = {
  bool: (value) => (typeof value === 'boolean' ? value : wrongType('boolean', value)),
  integer: readInteger,
  bytes: readInteger,
  size: fromText(parseTomlSizeBytes),
  duration: fromText(parseTomlDurationNs),
  mode: fromText(parseMode),
  string: readString,
  group: (value) => {
    if (typeof value === 'string') return value;
    if (typeof value === 'bigint') return String(value);
    throw new DbError('invalid_argument', 'group must be a name (string) or id (int)');
  },
  list: (value) =>
    Array.isArray(value) ? Object.freeze(value.map(readString)) : wrongType('slice', value),
  headers: (value) => {
    if (goTypeName(value) !== goTableName || typeof value !== 'object' || value === null)
      return wrongType('map', value);
    const entries = Object.entries(value).map(([name, text]) => [name, readString(text)] as const);
    return Object.freeze(Object.fromEntries(entries));
  },
};

/** `value` as it stands behind `key = ` in a TOML file. Keys of kind headers are tables and have no such form. */
export function formatTomlValue(kind: Kind, value: Value): string {
  if (kind === 'duration' && typeof value === 'bigint') return quoteToml(formatGoDuration(value));
  if (kind === 'mode' && typeof value === 'bigint') {
    return quoteToml(value.toString(8).padStart(4, '0'));
  }
  if (typeof value === 'string') return quoteToml(value);
  if (typeof value !== 'object') return String(value);
  if (isList(value)) return `[${value.map(quoteToml).join(', ')}]`;
  const entries = Object.entries(value).map(
    ([name, text]) => `${quoteToml(name)} = ${quoteToml(text)}`,
  );
  return entries.length === 0 ? '{}' : `{ ${entries.join(', ')} }`;
}

/** Any value of a TOML file, for the text of an error. */
export function describeTomlValue(value: TomlValue): string {
  if (typeof value === 'string') return quoteToml(value);
  if (Array.isArray(value)) return `[${value.map(describeTomlValue).join(', ')}]`;
  if (value instanceof Date) return value.toISOString();
  return typeof value === 'object' ? '{...}' : String(value);
}

export function plainValue(kind: Kind, value: Value): PlainOf<Kind> {
  if (typeof value === 'bigint') return kind === 'duration' ? durationMs(value) : Number(value);
  if (typeof value !== 'object') return value;
  return Object.freeze(isList(value) ? [...value] : { ...value });
}

/** A TOML basic string. JSON's escapes are a part of TOML's; DEL alone needs one more. */
export function quoteToml(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}

/** Go's name of the type that `value` had in the file. */
function goTypeName(value: unknown): string {
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return '[]interface {}';
  return value instanceof Date ? 'time.Time' : goTableName;
}

/** Octal permission bits, `0777`. */
function parseMode(text: string): bigint {
  const invalid = (reason: string): DbError =>
    new DbError('invalid_argument', `strconv.ParseUint: parsing ${quoteGo(text)}: ${reason}`);
  if (!/^[0-7]+$/.test(text)) throw invalid('invalid syntax');
  const bits = BigInt(`0o${text}`);
  if (bits === 0n) throw new DbError('invalid_argument', 'file mode cannot be zero');
  if (bits > 0xffffffffn) throw invalid('value out of range');
  return bits;
}

function isList(
  value: readonly string[] | Readonly<Record<string, string>>,
): value is readonly string[] {
  return Array.isArray(value);
}

function wrongType(destination: string, value: unknown): never {
  const text = `incompatible types: TOML value has type ${goTypeName(value)}; destination has type ${destination}`;
  throw new DbError('invalid_argument', text);
}

function readString(value: unknown): string {
  return typeof value === 'string' ? value : wrongType('string', value);
}

function readInteger(value: unknown): bigint {
  if (typeof value !== 'bigint') return wrongType('integer', value);
  if (BigInt.asIntN(64, value) === value) return value;
  throw new DbError('invalid_argument', `${String(value)} is out of range for int64`);
}

/** The reference hands every scalar to these kinds as text, so that 0 reads like "0". */
function fromText(parse: (text: string) => bigint): (value: unknown) => bigint {
  return (value) => {
    const isNumber = typeof value === 'number' && Number.isFinite(value);
    const isOther = ['string', 'bigint', 'boolean'].includes(typeof value);
    return isNumber || isOther ? parse(String(value)) : wrongType('string', value);
  };
}
