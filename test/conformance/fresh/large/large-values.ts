import type { RandomChoice } from '../random-choice.ts';
import { ages, dense, hours, many, secondNs, skew, type LargeMeasurement, type ValueKind } from './large-shapes.ts'; // prettier-ignore

/** What the values of a series go on from. */
export interface SeriesState {
  readonly series: number;
  readonly values: Map<string, number>;
  /** The day that it is at. */
  day?: number;
}

/** Of other measurements: that no two series have a row of one time. */
const placesOfSeries = 16n;
/** Rows of which some in a row are not there. */
const gapEvery = 700;
const gapRows = 90;

/** Of the row of this number; undefined in a gap. */
export function timeOf(
  measurement: LargeMeasurement,
  series: number,
  row: number,
): bigint | undefined {
  const { stepNs, originNs } = measurement;
  const plainNs = originNs + BigInt(row) * stepNs;
  if (measurement === dense) return plainNs;
  // All of a minute at one time.
  if (measurement === many) return plainNs + BigInt(series % 60) * 60n * secondNs;
  if (measurement === hours) return plainNs + BigInt(series) * secondNs;
  if (measurement === skew) return isOfSkew(series, row) ? plainNs : undefined;
  if (measurement === ages && row >= ageGap.from && row < ageGap.to) return undefined;
  if (row % gapEvery < gapRows * (series % 3)) return undefined;
  // Some thousand rows at equal steps, then such that are early or late.
  const isEven = row % 5_000 < 2_000;
  const shiftNs = isEven ? 0n : BigInt(hashed(row * 31 + series) % 8_000_000) * 1_000n;
  const noiseNs = isEven ? 0n : BigInt(hashed(row + series * 7_919) % 60) * placesOfSeries;
  return plainNs + shiftNs + noiseNs + BigInt(series);
}

const ageGap = { from: 1_200, to: 1_700 };

/** All rows, each 33rd, or three. */
function isOfSkew(series: number, row: number): boolean {
  if (series % 193 === 0) return true;
  return series % 13 === 0 ? row % 33 === 0 : row % 650 === series % 650;
}

/** A number that has nothing to do with its neighbours'. */
function hashed(number: number): number {
  return (Math.imul(number ^ 0x5bd1e995, 0x9e3779b1) ^ (number << 7)) >>> 1;
}

const wildFloats = ['1.7976931348623157e308', '-1.7976931348623157e308', '5e-324', '-1e-310', '0', '-0.0', '1e21', '-1e-7', '9007199254740993', '0.1', '2.2250738585072014e-308']; // prettier-ignore
const bigIntegers = [9_223_372_036_854_775_807n, -9_223_372_036_854_775_808n, 9_007_199_254_740_993n, -4_611_686_018_427_387_905n, 1n << 60n, 0n, -1n]; // prettier-ignore

export function valueOf(
  random: RandomChoice,
  kind: ValueKind,
  { name, state }: { readonly name: string; readonly state: SeriesState },
): string {
  const before = state.values.get(name) ?? state.series * 10;
  const next = (value: number): number => {
    state.values.set(name, value);
    return value;
  };
  switch (kind) {
    case 'quarter':
      return String(next(random.chance(0.7) ? before + random.integer(-4, 4) / 4 : random.integer(-400, 400) / 4)); // prettier-ignore
    case 'uniform':
      return String(
        0.5 + random.integer(1, 2 ** 31) / 2 ** 31 + random.integer(0, 2 ** 20) / 2 ** 52,
      );
    case 'wild':
      return random.chance(0.5) ? random.of(wildFloats) : String(random.integer(-1e9, 1e9) / 1_000);
    case 'counter':
      return `${next(random.chance(0.002) ? 0 : before + random.of([0, 1, 1, 2, 100, 40_000]))}i`;
    case 'turning':
      return valueOf(random, (state.day ?? 0) < 1 ? 'counter' : 'quarter', { name, state });
    case 'big':
      return `${random.chance(0.1) ? random.of(bigIntegers) : (1n << 53n) + BigInt(random.integer(-9_999, 9_999))}i`; // prettier-ignore
    case 'run':
      return `${next(random.chance(0.01) ? random.integer(-3, 9) : before)}i`;
    case 'text':
      return textOf(random);
    case 'flag':
      return next(random.chance(0.1) ? random.integer(0, 1) : before) % 2 === 0 ? 't' : 'f';
  }
}

function textOf(random: RandomChoice): string {
  if (random.chance(0.3)) return '""';
  if (random.chance(0.003)) return `"${'long '.repeat(random.integer(200, 4_000))}"`;
  return JSON.stringify(random.of(['up', 'down', 'ünïcode 🙂', 'a,b c=d', 'quo"te', `t${random.integer(0, 999)}`])); // prettier-ignore
}
