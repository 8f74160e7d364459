import { goExp } from './exponential.ts';
import { exponentOf, scaleByPower, withExponent } from './float-bits.ts';
import { goLog } from './logarithm.ts';

/** Beyond it no product of exponents comes back into the range of floats. */
const exponentMax = 4096;

/**
 * `base ** exponent`, bit by bit what Go's math.Pow gives on amd64: the whole part of the exponent by squares of the
 * base's fraction, the rest by a logarithm. What is special is so by IEEE 754-2008, 9.2.1: 1 to any power is 1.
 */
export function goPow(base: number, exponent: number): number {
  if (exponent === 0 || base === 1) return 1;
  if (exponent === 1) return base;
  if (Number.isNaN(base) || Number.isNaN(exponent)) return Number.NaN;
  const size = Math.abs(exponent);
  if (base === 0 || !Number.isFinite(base)) return ofZeroOrInfinity(base, exponent);
  // An exponent so large is even.
  if (size >= 2 ** 63) return base === -1 ? 1 : Math.abs(base) < 1 === exponent > 0 ? 0 : Number.POSITIVE_INFINITY; // prettier-ignore
  if (exponent === 0.5) return Math.sqrt(base);
  if (exponent === -0.5) return 1 / Math.sqrt(base);
  const whole = Math.trunc(size);
  const rest = size - whole;
  if (rest !== 0 && base < 0) return Number.NaN;
  return ofFinite(base, whole, rest, exponent < 0);
}

function ofFinite(base: number, whole: number, rest: number, isInverse: boolean): number {
  const isNearNext = rest > 0.5;
  let result = rest === 0 ? 1 : goExp((isNearNext ? rest - 1 : rest) * goLog(base));
  let resultExponent = 0;
  let square = withExponent(base, -1);
  let squareExponent = exponentOf(base) + 1;
  let left = isNearNext ? whole + 1 : whole;
  while (left !== 0) {
    if (squareExponent < -exponentMax || squareExponent > exponentMax) {
      resultExponent += squareExponent;
      break;
    }
    if (left % 2 === 1) {
      result *= square;
      resultExponent += squareExponent;
    }
    left = Math.floor(left / 2);
    square *= square;
    squareExponent *= 2;
    if (square < 0.5) {
      square += square;
      squareExponent--;
    }
  }
  return isInverse ? scaleByPower(1 / result, -resultExponent) : scaleByPower(result, resultExponent); // prettier-ignore
}

function ofZeroOrInfinity(base: number, exponent: number): number {
  const isHuge = (base !== 0) === exponent > 0;
  const isNegative = base < 0 || Object.is(base, -0);
  const size = isHuge ? Number.POSITIVE_INFINITY : 0;
  return isNegative && Math.abs(exponent) % 2 === 1 ? -size : size;
}
