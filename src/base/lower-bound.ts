/** The first index at or after `from` whose time is not before `timeNs`; the times are in order. */
export function lowerBound(timesNs: BigInt64Array, timeNs: bigint, from = 0): number {
  let low = from;
  let high = timesNs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((timesNs[middle] ?? 0n) < timeNs) low = middle + 1;
    else high = middle;
  }
  return low;
}
