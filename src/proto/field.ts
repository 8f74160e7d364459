/**
 * What the fields of messages may be: one table a message says type, range and size of each, and both ends are made of
 * it. Nothing that a table does not allow gets past `fromWire`.
 */
import { DbError } from '../base/errors.ts';
import { wireInt64 } from './int64-reader.ts';

export interface Field<T> {
  /** As the generated code takes it; `undefined` leaves it out. */
  toWire(value: T): unknown;
  /** Throws `invalid_argument` naming the field. `value` is what the generated code read, its default when absent. */
  fromWire(value: unknown, name: string): T;
}

/** Of names: databases, measurements, hosts. A key of a series is at most 64 KiB. */
export const nameBytesMax = 65_536;

/** Integers that are counts, ids and indexes: 0 to 2^53 - 1 or `max`. */
export function count({ min = 0, max = Number.MAX_SAFE_INTEGER } = {}): Field<number> {
  return {
    toWire: (value) => wireInt64(value),
    fromWire: (value, name) => {
      // A BigInt is beyond 2^53.
      if (typeof value !== 'number' || !Number.isSafeInteger(value))
        throw refused(name, 'is no whole number below 2^53');
      if (value < min || value > max) throw refused(name, `is not within ${min} and ${max}`);
      return value;
    },
  };
}

/** Of a shard, a node, an entry: 1 and up. */
export const id = count({ min: 1 });

function wide(min: bigint, max: bigint): Field<bigint> {
  return {
    toWire: (value) => wireInt64(value),
    fromWire: (value, name) => {
      if (typeof value !== 'bigint' && !Number.isSafeInteger(value))
        throw refused(name, 'is no integer');
      const exact = BigInt(value as number | bigint);
      if (exact < min || exact > max) throw refused(name, 'is beyond 64 bits');
      return exact;
    },
  };
}

export const int64 = wide(-(2n ** 63n), 2n ** 63n - 1n);
export const uint64 = wide(0n, 2n ** 64n - 1n);
/** One of the two, by its value. */
export const anyInt64 = wide(-(2n ** 63n), 2n ** 64n - 1n);

export const flag: Field<boolean> = {
  toWire: (value) => value,
  fromWire: (value, name) => {
    if (typeof value !== 'boolean') throw refused(name, 'is no boolean');
    return value;
  },
};

export function text({ lengthMax = nameBytesMax } = {}): Field<string> {
  return {
    toWire: (value) => value,
    fromWire: (value, name) => {
      if (typeof value !== 'string') throw refused(name, 'is no text');
      if (value.length > lengthMax) throw refused(name, `is longer than ${lengthMax}`);
      return value;
    },
  };
}

/** host:port. */
export const address: Field<string> = {
  toWire: (value) => value,
  fromWire: (value, name) => {
    const whole = text({ lengthMax: 300 }).fromWire(value, name);
    if (!/^[\w.:\-[\]%]*:\d{1,5}$/.test(whole)) throw refused(name, 'is no address');
    return whole;
  },
};

/** A view of the message, which it keeps alive. */
export function bytes({ lengthBytesMax }: { readonly lengthBytesMax: number }): Field<Uint8Array> {
  return {
    toWire: (value) => value,
    fromWire: (value, name) => {
      if (!(value instanceof Uint8Array)) throw refused(name, 'is no bytes');
      if (value.length > lengthBytesMax) throw refused(name, `is longer than ${lengthBytesMax}`);
      // No Buffer: its slice() is no copy, and JSON would write its toJSON().
      return new Uint8Array(value.buffer, value.byteOffset, value.length);
    },
  };
}

export function list<T>(item: Field<T>, { max }: { readonly max: number }): Field<readonly T[]> {
  return {
    toWire: (value) => value.map((one) => item.toWire(one)),
    fromWire: (value, name) => {
      if (!Array.isArray(value)) throw refused(name, 'is no list');
      if (value.length > max) throw refused(name, `has more than ${max} items`);
      return value.map((one) => item.fromWire(one, name));
    },
  };
}

/** A field that may be left out: one that the .proto file calls optional, or a message. */
export function optional<T>(field: Field<T>): Field<T | undefined> {
  return {
    toWire: (value) => (value === undefined ? undefined : field.toWire(value)),
    fromWire: (value, name) =>
      value === undefined || value === null ? undefined : field.fromWire(value, name),
  };
}

/** Names for the numbers of an enum. */
export function choice<const Name extends string>(
  numbers: Readonly<Record<Name, number>>,
): Field<Name> {
  const names = Object.keys(numbers) as Name[];
  return {
    toWire: (value) => numbers[value],
    fromWire: (value, name) => {
      const known = names.find((one) => numbers[one] === value);
      if (known === undefined) throw refused(name, `is ${String(value)}, which is not known`);
      return known;
    },
  };
}

/** A field whose values look otherwise here than in its message. `from` may throw. */
export function mapped<Wire, T>(
  field: Field<Wire>,
  {
    to,
    from,
  }: { readonly to: (value: T) => Wire; readonly from: (value: Wire, name: string) => T },
): Field<T> {
  return {
    toWire: (value) => field.toWire(to(value)),
    fromWire: (value, name) => from(field.fromWire(value, name), name),
  };
}

/** Numbers of 32 bits as little-endian bytes, wherever these lie in a message. */
export function words({ lengthBytesMax }: { readonly lengthBytesMax: number }): Field<Uint32Array> {
  return mapped(bytes({ lengthBytesMax }), {
    to: (value: Uint32Array) => new Uint8Array(value.buffer, value.byteOffset, value.byteLength),
    from: (value, path) => {
      if (value.length % 4 !== 0) throw refused(path, 'is no list of numbers');
      return new Uint32Array(value.slice().buffer);
    },
  });
}

/** A tree of plain data (rpc/message.ts), whose parts are checked as fields of messages are. */
export function plain<const F extends Readonly<Record<string, AnyField>>>(
  fields: F,
): (value: unknown, name: string) => { readonly [Key in keyof F]: ReturnType<F[Key]['fromWire']> } {
  const table = Object.entries(fields);
  return (value, name) => {
    if (typeof value !== 'object' || value === null) throw refused(name, 'is missing');
    const parts: Record<string, unknown> = {};
    for (const [key, field] of table) {
      const part = field.fromWire((value as Record<string, unknown>)[key], key);
      if (part !== undefined) parts[key] = part;
    }
    return parts as never;
  };
}

/** A field of whatever type. */
export interface AnyField {
  toWire(value: never): unknown;
  fromWire(value: unknown, name: string): unknown;
}

/** A field of plain data: it is written as it is. */
export function checked<T>(check: (value: unknown, name: string) => T): Field<T> {
  return { toWire: (value) => value, fromWire: check };
}

/** One of some texts. */
export function oneOf<const Name extends string>(names: readonly Name[]): Field<Name> {
  return checked((value, name) => {
    const known = names.find((one) => one === value);
    if (known === undefined) throw refused(name, `is ${String(value)}, which is not known`);
    return known;
  });
}

export function refused(name: string, why: string): DbError {
  return new DbError('invalid_argument', `message: ${name} ${why}`);
}
