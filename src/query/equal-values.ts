/**
 * Which of two points that are equal counts, so that an answer does not hang on who was read first: 0 and -0 are equal, but do not
 * look the same. Of both at one time the positive one counts. Twin: `isPlusZero` of kernels/assembly/windows.ts.
 */

/** A zero where the other, which is equal, is a negative one. */
export function isPlusZero(value: unknown, other: unknown): boolean {
  return value === 0 && Object.is(other, -0) && !Object.is(value, -0);
}

/** Whether a point takes the place of another of the same value. */
export function precedes(value: unknown, timeNs: bigint, other: unknown, otherNs: bigint): boolean {
  return timeNs < otherNs || (timeNs === otherNs && isPlusZero(value, other));
}
