import { DbError } from '../base/errors.ts';
import { planWords } from './close-words.ts';
import { bigEndian, ByteReader, joinBytes, putUvarint } from './bytes.ts';
import { hasWideValues, packSimple8b, unpackSimple8b } from './simple8b.ts';
import { addDelta, deltaAt, exactMax, unzigzag, unzigzagBig, wordsOf, zigzag, zigzagBig } from './words.ts'; // prettier-ignore

/** Integers of a TSM block: zigzag deltas as a run, packed by simple8b, or raw. Unsigned ones are the same bits. */
const raw = 0;
const packed = 1;
const run = 2;

/** Packed as quickly as can be, or in as few words as there can be. */
export function encodeIntegers(values: BigInt64Array, isClose = false): Uint8Array {
  const words = wordsOf(values);
  const deltas = new Float64Array(values.length);
  let isRun = values.length > 2;
  let isWide = false;
  for (let i = 1; i < deltas.length; i++) {
    const delta = zigzag(deltaAt(words, i));
    deltas[i] = delta;
    if (delta >= exactMax) isWide = true;
    if (delta !== deltas[1]) isRun = false;
  }
  const first = bigEndian(zigzagBig(values[0] ?? 0n));
  if (isWide) return encodeRaw(values);
  if (isRun) {
    const tail: number[] = [];
    putUvarint(tail, BigInt(deltas[1] ?? 0));
    putUvarint(tail, BigInt(values.length - 1));
    return joinBytes([run << 4], first, tail);
  }
  const plan = isClose ? planWords(deltas, 1) : undefined;
  return joinBytes([packed << 4], first, packSimple8b(deltas, 1, plan));
}

export function decodeIntegers(bytes: Uint8Array, count: number): BigInt64Array {
  const reader = new ByteReader(bytes);
  const values = new BigInt64Array(count);
  const kind = reader.u8() >>> 4;
  if (kind === raw) {
    for (let i = 0; i < count; i++) values[i] = unzigzagBig(reader.u64()) + (values[i - 1] ?? 0n);
    return values;
  }
  values[0] = unzigzagBig(reader.u64());
  const words = wordsOf(values);
  if (kind === run) {
    const delta = unzigzagBig(reader.uvarint());
    if (reader.count() !== count - 1) throw new DbError('corrupt', 'values differ in number');
    for (let i = 1; i < count; i++) values[i] = (values[i - 1] ?? 0n) + delta;
    return values;
  }
  if (kind !== packed) throw new DbError('corrupt', `unknown encoding of integers ${kind}`);
  const rest = reader.rest();
  if (hasWideValues(rest)) {
    const deltas = new BigUint64Array(count);
    unpackSimple8b(rest, deltas, 1);
    for (let i = 1; i < count; i++)
      values[i] = (values[i - 1] ?? 0n) + unzigzagBig(deltas[i] ?? 0n);
    return values;
  }
  const deltas = new Float64Array(count);
  unpackSimple8b(rest, deltas, 1);
  for (let i = 1; i < count; i++) addDelta(words, i, unzigzag(deltas[i] ?? 0));
  return values;
}

function encodeRaw(values: BigInt64Array): Uint8Array {
  const out = new Uint8Array(1 + values.length * 8);
  const view = new DataView(out.buffer);
  values.forEach((value, i) => {
    const delta = BigInt.asIntN(64, value - (values[i - 1] ?? 0n));
    view.setBigUint64(1 + i * 8, zigzagBig(delta));
  });
  return out;
}
