import type { RandomChoice } from '../random-choice.ts';
import { blockRows, dayNs, hourNs, type LargeMeasurement } from './large-shapes.ts';

/** From the first time on, to before the second. */
export interface Bounds {
  readonly fromNs: bigint;
  readonly toNs: bigint;
}

/** How a statement says them, and which it leaves out. */
export type BoundsForm = 'plain' | 'inclusive' | 'from' | 'to' | 'none';

export function boundsText({ fromNs, toNs }: Bounds, form: BoundsForm = 'plain'): string {
  if (form === 'none') return '';
  if (form === 'from') return `time >= ${fromNs}`;
  if (form === 'to') return `time < ${toNs}`;
  return form === 'inclusive'
    ? `time > ${fromNs - 1n} AND time <= ${toNs - 1n}`
    : `time >= ${fromNs} AND time < ${toNs}`;
}

export function wholeOf({ originNs, spanNs }: LargeMeasurement): Bounds {
  return { fromNs: originNs, toNs: originNs + spanNs + hourNs };
}

/** All of it, or a range that begins on, before or behind where a block, a day or an hour does. */
export function someBounds(
  random: RandomChoice,
  measurement: LargeMeasurement,
  rowsMax = Infinity,
): Bounds {
  const { stepNs, spanNs, originNs } = measurement;
  const rowCount = Number(spanNs / stepNs);
  if (rowsMax >= rowCount && random.chance(0.3)) return wholeOf(measurement);
  const edge = random.of([
    () => BigInt(random.integer(0, Math.floor(rowCount / blockRows)) * blockRows) * stepNs,
    () => BigInt(random.integer(0, rowCount)) * stepNs,
    () => BigInt(random.integer(0, 1)) * dayNs,
    () => BigInt(random.integer(0, 40)) * hourNs,
    () => BigInt(Math.floor(rowCount * random.of([0.25, 0.5, 0.75, 0.8]))) * stepNs,
  ])();
  const shiftNs = random.of([0n, 0n, -1n, 1n, stepNs, -stepNs, stepNs / 2n]);
  const fromNs = originNs + edge + shiftNs;
  const rows = random.of([1, 10, blockRows - 1, blockRows, blockRows + 1, 3_000, rowCount]);
  const lengthNs = BigInt(Math.min(rows, rowsMax)) * stepNs + random.of([0n, 0n, 1n, -1n]);
  return random.chance(0.15)
    ? { fromNs: fromNs - lengthNs, toNs: fromNs }
    : { fromNs, toNs: fromNs + lengthNs };
}

/** The same question a moment later: as long a range, a little behind. */
export function slid({ fromNs, toNs }: Bounds, byNs: bigint): Bounds {
  return { fromNs: fromNs + byNs, toNs: toNs + byNs };
}
