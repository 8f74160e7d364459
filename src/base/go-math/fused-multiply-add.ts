import { isOdd, neighbour } from './float-bits.ts';

/** Splits a double into two halves of 26 bits (Veltkamp). */
const splitter = 2 ** 27 + 1;

/**
 * `a * b + c` rounded once, as processors have it. Dekker's exact product, and the sum with its rest rounded to odd
 * (Boldo and Melquiond, "Emulation of FMA and correctly rounded sums", 2008). Products are neither near the largest float
 * nor so small, beside `c`, that their rest would matter and be lost.
 */
export function fusedMultiplyAdd(a: number, b: number, c: number): number {
  const product = a * b;
  const aScaled = splitter * a;
  const aHigh = aScaled - (aScaled - a);
  const aLow = a - aHigh;
  const bScaled = splitter * b;
  const bHigh = bScaled - (bScaled - b);
  const bLow = b - bHigh;
  const rest = aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);

  const low = c + rest;
  const lowRest = sumRest(c, rest, low);
  const high = product + low;
  const highRest = sumRest(product, low, high);
  return high + oddSum(highRest, lowRest);
}

/** What `sum` of two floats lacks (Knuth). */
function sumRest(a: number, b: number, sum: number): number {
  const bPart = sum - a;
  return a - (sum - bPart) + (b - bPart);
}

/** The sum, and of the two floats about one that is none the odd one: another rounding after it has no halves that are none. */
function oddSum(a: number, b: number): number {
  const sum = a + b;
  const rest = sumRest(a, b, sum);
  if (rest === 0 || isOdd(sum)) return sum;
  return neighbour(sum, rest > 0 === sum > 0);
}
