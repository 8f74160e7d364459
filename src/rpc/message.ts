/**
 * How nodes write down what they send each other and keep in the Raft log: a tree of plain data in which int64 is exact
 * and columns of numbers are raw bytes.
 *
 * Layout (little endian): magic u32 `VMG1`, length of the JSON in bytes u32, the JSON, zeros up to a multiple of 8, then
 * the attachments, each padded to 8. In the JSON a bigint is {"$i":"<decimal>"} and a typed array
 * {"$a":[kind, offset from the first attachment, byte length]}. Readers ignore keys they do not know, so that fields can
 * be added; a change of the layout changes the magic.
 */
import { DbError } from '../base/errors.ts';

const magic = 0x31474d56;
const headerBytes = 8;
/** Made once: making one takes longer than decoding a small message. */
const [encoder, decoder] = [new TextEncoder(), new TextDecoder()];

const arrayKinds = {
  u8: Uint8Array,
  u32: Uint32Array,
  f64: Float64Array,
  i64: BigInt64Array,
  u64: BigUint64Array,
} as const;
type ArrayKind = keyof typeof arrayKinds;
type WireArray = InstanceType<(typeof arrayKinds)[ArrayKind]>;

/** Plain data only: null, booleans, numbers, bigint, strings, typed arrays, arrays and objects of these. */
export function encodeMessage(value: unknown): Uint8Array {
  const attachments: WireArray[] = [];
  let attachedBytes = 0;
  const json = JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return { $i: part.toString() };
    const kind = arrayKindOf(part);
    if (kind === undefined) return part;
    const array = part as WireArray;
    const reference = { $a: [kind, attachedBytes, array.byteLength] };
    attachments.push(array);
    attachedBytes += padded(array.byteLength);
    return reference;
  });
  const text = encoder.encode(json);
  const start = padded(headerBytes + text.length);
  const bytes = new Uint8Array(start + attachedBytes);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, magic, true);
  view.setUint32(4, text.length, true);
  bytes.set(text, headerBytes);
  let at = start;
  for (const array of attachments) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += padded(array.byteLength);
  }
  return bytes;
}

/** Whether encodeMessage wrote it, by its first bytes; a message of protobuf does not begin so. */
export function isMessageBlock(bytes: Uint8Array): boolean {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return bytes.length >= headerBytes && view.getUint32(0, true) === magic;
}

/** Arrays of the result may share memory with `bytes`. Throws `corrupt` on anything encodeMessage did not write. */
export function decodeMessage(bytes: Uint8Array): unknown {
  if (bytes.length < headerBytes) throw corrupt('too short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.getUint32(0, true) !== magic) throw corrupt('unknown format');
  const textBytes = view.getUint32(4, true);
  const start = padded(headerBytes + textBytes);
  if (start > bytes.length) throw corrupt('cut short');
  const text = decoder.decode(bytes.subarray(headerBytes, headerBytes + textBytes));
  const attached = aligned(bytes.subarray(start));
  try {
    return restore(JSON.parse(text), attached);
  } catch (error) {
    // A text nested too deep for the stack is a RangeError.
    if (error instanceof SyntaxError || error instanceof RangeError) throw corrupt('bad JSON');
    throw error;
  }
}

/** Puts integers and columns back in their places; a reviver of JSON.parse would cost a call for every value. */
function restore(part: unknown, attached: Uint8Array): unknown {
  if (typeof part !== 'object' || part === null) return part;
  if ('$i' in part) return BigInt(String(part.$i));
  if ('$a' in part && Array.isArray(part.$a)) return arrayAt(part.$a, attached);
  const tree = part as Record<string, unknown>;
  for (const key of Object.keys(tree)) {
    const child = tree[key];
    if (typeof child !== 'object' || child === null) continue;
    const restored = restore(child, attached);
    if (restored !== child) tree[key] = restored;
  }
  return part;
}

function arrayAt(reference: readonly unknown[], attached: Uint8Array): WireArray {
  const [kind, offset, lengthBytes] = reference;
  const Kind = kindNamed(kind);
  if (Kind === undefined || !isCount(offset) || !isCount(lengthBytes)) throw corrupt('bad array');
  const length = lengthBytes / Kind.BYTES_PER_ELEMENT;
  if (offset % 8 !== 0 || !Number.isInteger(length) || offset + lengthBytes > attached.length)
    throw corrupt('bad array');
  return new Kind(attached.buffer as ArrayBuffer, attached.byteOffset + offset, length);
}

function kindNamed(name: unknown): (typeof arrayKinds)[ArrayKind] | undefined {
  if (typeof name !== 'string' || !Object.hasOwn(arrayKinds, name)) return undefined;
  return arrayKinds[name as ArrayKind];
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function arrayKindOf(part: unknown): ArrayKind | undefined {
  if (!ArrayBuffer.isView(part)) return undefined;
  for (const [kind, Kind] of Object.entries(arrayKinds)) {
    if (part instanceof Kind) return kind as ArrayKind;
  }
  throw new DbError('internal', 'a message holds an array of an unknown kind');
}

function aligned(bytes: Uint8Array): Uint8Array {
  return bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
}

function padded(lengthBytes: number): number {
  // Not by bits: lengths that a damaged head names go beyond int32.
  return Math.ceil(lengthBytes / 8) * 8;
}

function corrupt(what: string): DbError {
  return new DbError('corrupt', `message: ${what}`);
}
