/**
 * Messages: the generated code of a type, and the table that says what its fields may be.
 * - A message that does not read, or reads to what the table does not allow, is an error, never a value.
 * - Fields that a reader does not know are passed over; those of a newer release are no reason to fail.
 */
import { assert } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import { refused, type AnyField, type Field } from './field.ts';
import type { MessageType } from './gen/wire.js';
import { ExactWriter } from './exact-writer.ts';
import { Int64Reader } from './int64-reader.ts';

type Fields = Readonly<Record<string, AnyField>>;
/** The value of a table of fields. */
export type FieldsValue<F extends Fields> = {
  readonly [Key in Exclude<keyof F, OptionalKey<F>>]: ReturnType<F[Key]['fromWire']>;
} & {
  readonly [Key in OptionalKey<F>]?: ReturnType<F[Key]['fromWire']>;
};
type OptionalKey<F extends Fields> = {
  [Key in keyof F]: undefined extends ReturnType<F[Key]['fromWire']> ? Key : never;
}[keyof F];

/** A message as a field of others, and by itself as bytes. */
export interface Message<T> extends Field<T> {
  encode(value: T): Uint8Array;
  /** Views of `bytes` may be in the value. Throws `corrupt` for what is no message, `invalid_argument` for a bad field. */
  decode(bytes: Uint8Array): T;
}

export function message<const F extends Fields>(
  type: MessageType,
  fields: F,
): Message<FieldsValue<F>> {
  const table = Object.entries(fields) as [string, Field<unknown>][];
  // A name that the .proto file does not have would be lost without a word.
  for (const [name] of table) assert(name in type.prototype, `the message has a field ${name}`);
  return withCodec(type, {
    toWire: (value) => {
      const wire: Record<string, unknown> = {};
      for (const [name, field] of table) {
        const part = field.toWire((value as Record<string, unknown>)[name]);
        if (part !== undefined) wire[name] = part;
      }
      return wire;
    },
    fromWire: (value, path) => {
      if (typeof value !== 'object' || value === null) throw refused(path, 'is missing');
      const parts: Record<string, unknown> = {};
      for (const [name, field] of table) {
        const part = field.fromWire((value as Record<string, unknown>)[name], name);
        if (part !== undefined) parts[name] = part;
      }
      return parts as FieldsValue<F>;
    },
  });
}

/**
 * A message with a oneof, which is a T by its `kind`: `variants` names, for each kind, the member of the oneof and what
 * is in it; `common` are the fields beside it. `none` is the kind of a message that has no member.
 */
export function union<T extends { readonly kind: string }>(
  type: MessageType,
  parts: {
    readonly common?: Fields;
    readonly variants: Readonly<Record<string, readonly [name: string, field: AnyField]>>;
    readonly none?: T['kind'];
  },
): Message<T> {
  const shared = message(type, parts.common ?? {});
  const table = Object.entries(parts.variants) as [string, readonly [string, Field<unknown>]][];
  for (const [, [name]] of table) assert(name in type.prototype, `the oneof has ${name}`);
  return withCodec(type, {
    toWire: (value) => {
      const variant = table.find(([kind]) => kind === value.kind)?.[1];
      const wire = shared.toWire(value) as Record<string, unknown>;
      if (variant !== undefined) wire[variant[0]] = variant[1].toWire(value);
      else assert(value.kind === parts.none, 'a kind that the table has');
      return wire;
    },
    fromWire: (value, path) => {
      const common = shared.fromWire(value, path);
      for (const [kind, [name, field]] of table) {
        const member = (value as Record<string, unknown>)[name];
        if (member === undefined || member === null) continue;
        return { ...common, kind, ...(field.fromWire(member, name) as object) } as unknown as T;
      }
      if (parts.none === undefined) throw refused(path, 'is of a kind that is not known');
      return { ...common, kind: parts.none } as unknown as T;
    },
  });
}

/** Memory of so many bytes or more, which may have been used before. */
export type Lend = (lengthBytes: number) => Uint8Array;

/** Protobuf's wire type of bytes. */
const lengthDelimited = 2;

/**
 * A message that has one field of bytes, by the field's number (below 16), and others that are encoded already: written with
 * one copy, where the generated writer makes several as it grows.
 */
export function encodeBytesField(
  number: number,
  value: Uint8Array,
  others: Uint8Array = new Uint8Array(),
): Uint8Array {
  // Absent and empty are the same.
  if (value.length === 0) return others;
  return joined([headOf(number, value.length), value, others]);
}

/**
 * A message that is a list of messages, its field `number` (below 16), each of which has a field of bytes besides others that
 * are encoded already: written with one copy too. `rest`: its other fields, encoded.
 */
export function encodeBytesList(
  number: number,
  items: readonly { readonly others: Uint8Array; readonly number: number; readonly value: Uint8Array }[], // prettier-ignore
  { rest, lend }: { readonly rest?: Uint8Array | undefined; readonly lend?: Lend | undefined } = {},
): Uint8Array {
  const parts: Uint8Array[] = rest === undefined ? [] : [rest];
  for (const { others, number: own, value } of items) {
    const head = headOf(own, value.length);
    parts.push(headOf(number, others.length + head.length + value.length), others, head, value);
  }
  return joined(parts, lend);
}

/** What stands before the bytes of a field. */
function headOf(number: number, lengthBytes: number): Uint8Array {
  const head = [(number << 3) | lengthDelimited];
  let left = lengthBytes;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) head.push((left % 0x80) | 0x80);
  head.push(left);
  return Uint8Array.from(head);
}

function joined(parts: readonly Uint8Array[], lend?: Lend): Uint8Array {
  const lengthBytes = parts.reduce((sum, { length }) => sum + length, 0);
  const bytes = lend?.(lengthBytes).subarray(0, lengthBytes) ?? new Uint8Array(lengthBytes);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A message whose values look otherwise here. */
export function mappedMessage<Wire, T>(
  whole: Message<Wire>,
  { to, from }: { readonly to: (value: T) => Wire; readonly from: (value: Wire) => T },
): Pick<Message<T>, 'encode' | 'decode'> {
  return {
    encode: (value) => whole.encode(to(value)),
    decode: (bytes) => from(whole.decode(bytes)),
  };
}

function withCodec<T>(type: MessageType, field: Field<T>): Message<T> {
  return {
    ...field,
    encode: (value) => type.encode(field.toWire(value) as object, new ExactWriter()).finish(),
    decode: (bytes) => {
      let wire: unknown;
      try {
        wire = type.decode(new Int64Reader(bytes));
      } catch (error) {
        // RangeError past the end, Error for a wrong wire type or a nesting without end.
        throw new DbError('corrupt', 'message: it does not read', { cause: error });
      }
      return field.fromWire(wire, 'it');
    },
  };
}
