/** Floats taken apart by their bits, as C's frexp and ldexp do, without a bigint or an array for each. */

const double = new DataView(new ArrayBuffer(8));
const fractionBitsOfHigh = 0x000f_ffff;
const signOfHigh = 0x8000_0000;
const bias = 1023;
/** Below it a float has no exponent of its own. */
const normalMin = 2 ** -1022;

/** `e` of |x| = f * 2 ** e, f from 1 to below 2; `x` is finite and not zero. */
export function exponentOf(x: number): number {
  const isTiny = Math.abs(x) < normalMin;
  double.setFloat64(0, isTiny ? x * 2 ** 52 : x);
  return ((double.getUint32(0) >>> 20) & 0x7ff) - bias - (isTiny ? 52 : 0);
}

/** `x` with the exponent `exponent` of a normal float in place of its own; `x` is finite and not zero. */
export function withExponent(x: number, exponent: number): number {
  double.setFloat64(0, Math.abs(x) < normalMin ? x * 2 ** 52 : x);
  const high = double.getUint32(0) & (signOfHigh | fractionBitsOfHigh);
  double.setUint32(0, high | ((exponent + bias) << 20));
  return double.getFloat64(0);
}

/** The bits behind the point of `x` after a 1 with the exponent -1: from a half to one, where `x` is normal. */
export function storedFraction(x: number): number {
  double.setFloat64(0, x);
  double.setUint32(0, (double.getUint32(0) & fractionBitsOfHigh) | ((bias - 1) << 20));
  return double.getFloat64(0);
}

/** The exponent as it is stored, less its bias: -1023 of all that is smaller than normal floats. */
export function storedExponent(x: number): number {
  double.setFloat64(0, x);
  return ((double.getUint32(0) >>> 20) & 0x7ff) - bias;
}

/** `x * 2 ** exponent`, rounded once. */
export function scaleByPower(x: number, exponent: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const sum = exponentOf(x) + exponent;
  if (sum > bias) return x < 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
  if (sum >= -1022) return withExponent(x, sum);
  if (sum < -1075) return x < 0 ? -0 : 0;
  return withExponent(x, sum + 53) * 2 ** -53;
}

/** The float beside `x` that is farther from zero, or nearer to it; `x` is finite and not zero. */
export function neighbour(x: number, isFarther: boolean): number {
  double.setFloat64(0, x);
  const low = double.getUint32(4);
  const next = isFarther ? low + 1 : low - 1;
  if (next < 0 || next > 0xffff_ffff) double.setUint32(0, double.getUint32(0) + (isFarther ? 1 : -1)); // prettier-ignore
  double.setUint32(4, next);
  return double.getFloat64(0);
}

/** Whether the last bit of `x` is set. */
export function isOdd(x: number): boolean {
  double.setFloat64(0, x);
  return (double.getUint32(4) & 1) === 1;
}
