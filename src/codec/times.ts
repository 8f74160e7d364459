import { DbError } from '../base/errors.ts';
import { bigEndian, ByteReader, joinBytes, putUvarint } from './bytes.ts';
import { hasWideValues, packSimple8b, unpackSimple8b } from './simple8b.ts';
import { addDelta, deltaAt, exactMax, wordsOf } from './words.ts';

/**
 * Times of a TSM block: the first one, then deltas divided by the greatest power of ten up to 10^12 that divides all of
 * them, as a run, packed by simple8b, or raw. The upper four bits of the first byte say which, the lower the power.
 */
const raw = 0;
const packed = 1;
const run = 2;
const powerMax = 12;

export function encodeTimes(timesNs: BigInt64Array): Uint8Array {
  const words = wordsOf(timesNs);
  const deltas = new Float64Array(timesNs.length);
  let isRun = true;
  let largest = 0;
  for (let i = 1; i < deltas.length; i++) {
    const delta = deltaAt(words, i);
    deltas[i] = delta;
    if (delta > largest) largest = delta;
    if (delta < 0) largest = Infinity;
    if (delta !== deltas[1]) isRun = false;
  }
  if (largest >= exactMax) return encodeRaw(timesNs);
  const first = bigEndian(timesNs[0] ?? 0n);
  const power = commonPower(deltas);
  const divisor = 10 ** power;
  if (isRun && timesNs.length > 1) {
    const tail: number[] = [];
    putUvarint(tail, BigInt((deltas[1] ?? 0) / divisor));
    putUvarint(tail, BigInt(timesNs.length));
    return joinBytes([(run << 4) | power], first, tail);
  }
  for (let i = 1; i < deltas.length; i++) deltas[i] = (deltas[i] ?? 0) / divisor;
  return joinBytes([(packed << 4) | power], first, packSimple8b(deltas, 1));
}

/** `count` is the number of values in the block; only packed blocks do not tell it themselves. */
export function decodeTimes(bytes: Uint8Array, count: number): BigInt64Array {
  const reader = new ByteReader(bytes);
  const head = reader.u8();
  const divisor = 10 ** (head & 15);
  switch (head >>> 4) {
    case raw: {
      const times = new BigInt64Array(count);
      for (let i = 0; i < count; i++) times[i] = reader.u64() + (times[i - 1] ?? 0n);
      return times;
    }
    case packed: {
      const times = new BigInt64Array(count);
      times[0] = reader.u64();
      const rest = reader.rest();
      if (hasWideValues(rest)) return wideTimes(times, rest, BigInt(divisor));
      const deltas = new Float64Array(count);
      unpackSimple8b(rest, deltas, 1);
      const words = wordsOf(times);
      for (let i = 1; i < count; i++) {
        const delta = (deltas[i] ?? 0) * divisor;
        if (delta < exactMax) addDelta(words, i, delta);
        else times[i] = (times[i - 1] ?? 0n) + BigInt(deltas[i] ?? 0) * BigInt(divisor);
      }
      return times;
    }
    case run: {
      const first = reader.u64();
      const delta = reader.uvarint() * BigInt(divisor);
      if (reader.count() !== count)
        throw new DbError('corrupt', 'times and values differ in number');
      const times = new BigInt64Array(count);
      times[0] = first;
      const words = wordsOf(times);
      const step = Number(delta);
      for (let i = 1; i < count; i++) {
        if (step < exactMax) addDelta(words, i, step);
        else times[i] = (times[i - 1] ?? 0n) + delta;
      }
      return times;
    }
  }
  throw new DbError('corrupt', `unknown encoding of times ${head >>> 4}`);
}

function wideTimes(times: BigInt64Array, rest: Uint8Array, divisor: bigint): BigInt64Array {
  const deltas = new BigUint64Array(times.length);
  unpackSimple8b(rest, deltas, 1);
  for (let i = 1; i < times.length; i++)
    times[i] = (times[i - 1] ?? 0n) + (deltas[i] ?? 0n) * divisor;
  return times;
}

function encodeRaw(timesNs: BigInt64Array): Uint8Array {
  const out = new Uint8Array(1 + timesNs.length * 8);
  const view = new DataView(out.buffer);
  timesNs.forEach((timeNs, i) => {
    view.setBigInt64(1 + i * 8, i === 0 ? timeNs : timeNs - (timesNs[i - 1] ?? 0n));
  });
  return out;
}

function commonPower(deltas: Float64Array): number {
  let power = powerMax;
  for (let i = 1; i < deltas.length && power > 0; i++) {
    const delta = deltas[i] ?? 0;
    while (power > 0 && delta % 10 ** power !== 0) power--;
  }
  return power;
}
