import { exponentOf, storedExponent, storedFraction, withExponent } from './float-bits.ts';

/** ln 2 in two parts: the product of the upper one and an exponent is exact. */
const ln2High = 6.9314718036912381649e-1;
const ln2Low = 1.90821492927058770002e-10;

/**
 * The natural logarithm, bit by bit what Go's math.Log gives on amd64: FreeBSD's msun/e_log.c (Sun Microsystems, 1993).
 * Of numbers too small for an exponent of their own it is as wrong as there: they are taken for 2 ** -1023 and more.
 */
export function goLog(x: number): number {
  if (x < 0) return Number.NaN;
  if (x === 0) return Number.NEGATIVE_INFINITY;
  if (!(x < Number.POSITIVE_INFINITY)) return x;
  const fraction = storedFraction(x);
  const isSmall = fraction <= Math.SQRT1_2;
  const exponent = storedExponent(x) + (isSmall ? 0 : 1);
  const f = (isSmall ? fraction * 2 : fraction) - 1;

  const s = f / (2 + f);
  const s2 = s * s;
  const s4 = s2 * s2;
  const odd =
    s2 * (6.666666666666735130e-1 + s4 * (2.857142874366239149e-1 + s4 * (1.818357216161805012e-1 + s4 * 1.479819860511658591e-1))); // prettier-ignore
  const even =
    s4 * (3.999999999940941908e-1 + s4 * (2.222219843214978396e-1 + s4 * 1.531383769920937332e-1));
  const halfSquare = 0.5 * f * f;
  const series = s * (halfSquare + (odd + even));
  return exponent * ln2High - (halfSquare - (series + exponent * ln2Low) - f);
}

/** It shows at powers of ten that it is no function of its own: of 1e15 it is 14.999999999999998. */
export function goLog10(x: number): number {
  return goLog(x) * Math.LOG10E;
}

/** By the exponent and the logarithm of what is left, between a half and one. */
export function goLog2(x: number): number {
  if (!(x > 0 && x < Number.POSITIVE_INFINITY)) return goLog(x);
  const exponent = exponentOf(x) + 1;
  const fraction = withExponent(x, -1);
  if (fraction === 0.5) return exponent - 1;
  return goLog(fraction) * Math.LOG2E + exponent;
}
