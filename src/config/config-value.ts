import type { TomlValue } from 'smol-toml';
import { z } from 'zod';
import { DbError, isDbError } from '../base/errors.ts';
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
export type Kind = keyof KindValues;
export type Value = KindValues[Kind];

/** What the code base gets of a value: numbers are rounded past 2^53, durations are milliseconds. */
export type PlainOf<K extends Kind> = K extends Kind
  ? KindValues[K] extends bigint
    ? number
    : KindValues[K]
  : never;

/** Reads what a TOML file may hold for each kind; the messages are the reference's. */
export const tomlSchemas: { readonly [K in Kind]: z.ZodType<KindValues[K]> } = {
  bool: z.boolean({ error: wrongType('boolean') }),
  integer: integer(),
  bytes: integer(),
  size: fromText(parseTomlSizeBytes),
  duration: fromText(parseTomlDurationNs),
  mode: fromText(parseMode),
  string: z.string({ error: wrongType('string') }),
  group: z.union([z.string(), z.bigint().transform(String)], {
    error: 'group must be a name (string) or id (int)',
  }),
  list: z.array(z.string({ error: wrongType('string') }), { error: wrongType('slice') }).readonly(),
  headers: z
    .record(z.string(), z.string({ error: wrongType('string') }), { error: wrongType('map') })
    .readonly(),
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

export function isSameValue(kind: Kind, a: Value, b: Value): boolean {
  return formatTomlValue(kind, a) === formatTomlValue(kind, b);
}

/** A TOML basic string. JSON's escapes are a part of TOML's; DEL alone needs one more. */
export function quoteToml(text: string): string {
  return JSON.stringify(text).replaceAll('\x7f', '\\u007f');
}

/** Go's name of the type that `value` had in the file. */
export function goTypeName(value: unknown): string {
  if (typeof value === 'bigint') return 'int64';
  if (typeof value === 'number') return 'float64';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return '[]interface {}';
  return value instanceof Date ? 'time.Time' : 'map[string]interface {}';
}

/** Octal permission bits, `0777`. */
export function parseMode(text: string): bigint {
  const invalid = (reason: string): DbError =>
    new DbError(
      'invalid_argument',
      `strconv.ParseUint: parsing ${JSON.stringify(text)}: ${reason}`,
    );
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

function wrongType(destination: string): (issue: { readonly input?: unknown }) => string {
  return ({ input }) =>
    `incompatible types: TOML value has type ${goTypeName(input)}; destination has type ${destination}`;
}

function integer(): z.ZodType<bigint> {
  return z
    .bigint({ error: wrongType('integer') })
    .refine((value) => BigInt.asIntN(64, value) === value, {
      error: ({ input }) => `${String(input)} is out of range for int64`,
    });
}

/** The reference hands every scalar to these kinds as text, so that 0 reads like "0". */
function fromText(parse: (text: string) => bigint): z.ZodType<bigint> {
  return z
    .union([z.string(), z.bigint(), z.boolean(), z.number()], { error: wrongType('string') })
    .transform((scalar, context) => {
      try {
        return parse(String(scalar));
      } catch (error) {
        if (!isDbError(error, 'invalid_argument')) throw error;
        context.addIssue(error.message);
        return z.NEVER;
      }
    });
}
