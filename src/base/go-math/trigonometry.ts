import { largeAngle, reduceLargeAngle } from './large-angle.ts';

/** Sine, cosine and tangent, bit by bit what Go's math gives on amd64: Cephes' sin.c and tan.c (S. L. Moshier). */

/** A quarter of pi in three parts: products of the first two and the number of them in an angle are exact. */
const quarterHigh = 7.85398125648498535156e-1;
const quarterMiddle = 3.77489470793079817668e-8;
const quarterLow = 2.69515142907905952645e-15;
const octantsPerRadian = 1.27323954473516268615;

export function goSin(x: number): number {
  const size = Math.abs(x);
  if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return size === 0 ? x : Number.NaN;
  const large = size >= largeAngle ? reduceLargeAngle(size) : undefined;
  const octants = large?.octants ?? evenOctants(size);
  const rest = large?.rest ?? restOf(size, octants);
  const value = (octants & 2) === 0 ? sineSeries(rest) : cosineSeries(rest);
  return x < 0 === ((octants & 4) !== 0) ? value : -value;
}

export function goCos(x: number): number {
  const size = Math.abs(x);
  if (!(size < Number.POSITIVE_INFINITY)) return Number.NaN;
  const large = size >= largeAngle ? reduceLargeAngle(size) : undefined;
  const octants = large?.octants ?? evenOctants(size);
  const rest = large?.rest ?? restOf(size, octants);
  const value = (octants & 2) === 0 ? cosineSeries(rest) : sineSeries(rest);
  return ((octants + 2) & 4) === 0 ? value : -value;
}

export function goTan(x: number): number {
  const size = Math.abs(x);
  if (!(size > 0 && size < Number.POSITIVE_INFINITY)) return size === 0 ? x : Number.NaN;
  const large = size >= largeAngle ? reduceLargeAngle(size) : undefined;
  const octants = large?.octants ?? evenOctants(size);
  const rest = large?.rest ?? restOf(size, octants);
  const series = tangentSeries(rest);
  const value = (octants & 2) === 0 ? series : -1 / series;
  return x < 0 ? -value : value;
}

/** How many quarters of pi there are in an angle, the next even number where it is an odd one. */
function evenOctants(size: number): number {
  const octants = Math.trunc(size * octantsPerRadian);
  return octants + (octants & 1);
}

function restOf(size: number, octants: number): number {
  return size - octants * quarterHigh - octants * quarterMiddle - octants * quarterLow;
}

function sineSeries(z: number): number {
  const zz = z * z;
  let sum = 1.5896230157654656806e-10 * zz - 2.50507477628578072866e-8;
  sum = sum * zz + 2.75573136213857245213e-6;
  sum = sum * zz - 1.98412698295895385996e-4;
  sum = sum * zz + 8.33333333332211858878e-3;
  sum = sum * zz - 1.66666666666666307295e-1;
  return z + z * zz * sum;
}

function cosineSeries(z: number): number {
  const zz = z * z;
  let sum = -1.135853652138768173e-11 * zz + 2.08757008419747316778e-9;
  sum = sum * zz - 2.75573141792967388112e-7;
  sum = sum * zz + 2.48015872888517045348e-5;
  sum = sum * zz - 1.38888888888730564116e-3;
  sum = sum * zz + 4.16666666666665929218e-2;
  return 1 - 0.5 * zz + zz * zz * sum;
}

function tangentSeries(z: number): number {
  const zz = z * z;
  if (!(zz > 1e-14)) return z;
  let upper = -1.30936939181383777646e4 * zz + 1.1535166483858741614e6;
  upper = upper * zz - 1.79565251976484877988e7;
  let lower = zz + 1.36812963470692954678e4;
  lower = lower * zz - 1.32089234440210967447e6;
  lower = lower * zz + 2.50083801823357915839e7;
  lower = lower * zz - 5.38695755929454629881e7;
  return z + z * ((zz * upper) / lower);
}
