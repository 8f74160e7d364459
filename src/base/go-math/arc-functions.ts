/** Arcs of sines, cosines and tangents, bit by bit what Go's math gives on amd64: Cephes' atan.c (S. L. Moshier). */

/** What pi / 2 as a float lacks. */
const halfPiRest = 6.12323399573676588613e-17;
/** The tangent of 3 / 8 pi. */
const nearOneMax = 2.4142135623730950488;
const nearZeroMax = 0.66;
const threeQuartersPi = 2.35619449019234492885;

export function goAtan(x: number): number {
  if (x === 0) return x;
  return x > 0 ? positiveArc(x) : -positiveArc(-x);
}

export function goAsin(x: number): number {
  const size = Math.abs(x);
  if (size === 0) return x;
  if (!(size <= 1)) return Number.NaN;
  const cosine = Math.sqrt(1 - size * size);
  const arc = size > 0.7 ? Math.PI / 2 - positiveArc(cosine / size) : positiveArc(size / cosine);
  return x < 0 ? -arc : arc;
}

export function goAcos(x: number): number {
  return Math.PI / 2 - goAsin(x);
}

export function goAtan2(y: number, x: number): number {
  if (Number.isNaN(y) || Number.isNaN(x)) return Number.NaN;
  const isLeft = x < 0 || Object.is(x, -0);
  const isBelow = y < 0 || Object.is(y, -0);
  const special = specialDirection(Math.abs(y), Math.abs(x), isLeft);
  if (special !== undefined) return isBelow ? -special : special;
  const arc = goAtan(y / x);
  if (!isLeft) return arc;
  return arc <= 0 ? arc + Math.PI : arc - Math.PI;
}

/** The angle to an axis, and to what is at an infinity. */
function specialDirection(height: number, width: number, isLeft: boolean): number | undefined {
  const infinity = Number.POSITIVE_INFINITY;
  if (height === 0 || (width === infinity && height !== infinity)) return isLeft ? Math.PI : 0;
  if (width === 0 || (height === infinity && width !== infinity)) return Math.PI / 2;
  if (width !== infinity) return undefined;
  return isLeft ? threeQuartersPi : Math.PI / 4;
}

function positiveArc(x: number): number {
  if (x <= nearZeroMax) return smallArc(x);
  if (x > nearOneMax) return Math.PI / 2 - smallArc(1 / x) + halfPiRest;
  return Math.PI / 4 + smallArc((x - 1) / (x + 1)) + 0.5 * halfPiRest;
}

function smallArc(x: number): number {
  const z = x * x;
  let upper = -8.750608600031904122785e-1 * z - 1.615753718733365076637e1;
  upper = upper * z - 7.50085579231470466734e1;
  upper = upper * z - 1.22886668449013617341e2;
  upper = upper * z - 6.485021904942025371773e1;
  let lower = z + 2.485846490142306297962e1;
  lower = lower * z + 1.650270098316988542046e2;
  lower = lower * z + 4.328810604912902668951e2;
  lower = lower * z + 4.853903996359136964868e2;
  lower = lower * z + 1.945506571482613964425e2;
  return x * ((z * upper) / lower) + x;
}
