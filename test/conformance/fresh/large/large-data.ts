/**
 * Some hundred thousand rows in shapes that the fast ways of the engine are made for, and what is at their seams. They come in phases: no
 * point is twice in the writes of one, so that these may come in any order.
 */
import { RandomChoice } from '../random-choice.ts';
import { timeOf, valueOf, type SeriesState } from './large-values.ts';
import {
  ages,
  blockRows,
  crowd,
  crowdCount,
  crowdName,
  dayNs,
  dense,
  hourNs,
  hours,
  jitter,
  many,
  past,
  rackCount,
  secondNs,
  skew,
  startNs,
  tagsOf,
  texts,
  turns,
  wide,
  wideFieldCount,
  type LargeMeasurement,
} from './large-shapes.ts';

export interface LargeWrite {
  readonly policy: string | undefined;
  readonly body: string;
}

const bodyLines = 4_000;

/** A part of the rows of each series: from one share of them to another, and each `of`th of these, from `at`. */
interface Part {
  readonly from: number;
  readonly to: number;
  readonly of?: number;
  readonly at?: number;
  /** The share of rows that come. */
  readonly share?: number;
  /** Each row has some of its fields only. */
  readonly isOfSomeFields?: boolean;
}

/** What comes first, of each day most; jitter in generations, each over all of the time. */
export function* firstWrites(seed: number): Generator<LargeWrite> {
  for (let generation = 0; generation < 3; generation++) {
    const part = { from: 0, to: 0.75, of: 3, at: generation };
    yield* rowsOf(jitter, seed, part);
    yield* rowsOf(dense, seed, { from: generation * 0.25, to: (generation + 1) * 0.25 });
    yield* rowsOf(texts, seed, part);
    yield* rowsOf(past, seed, part);
    yield* rowsOf(turns, seed, part);
    yield* rowsOf(ages, seed, part);
    yield* rowsOf(wide, seed, { ...part, share: 0.5 });
  }
  yield* rowsOf(many, seed, { from: 0, to: 0.75 });
  yield* rowsOf(skew, seed, { from: 0, to: 0.75 });
  yield* rowsOf(hours, seed, { from: 0, to: 0.8 });
  yield* crowdRows(seed, { from: 0, to: 0.8 });
}

/** The rest, and rows written again: whole, and some fields of them. */
export function* laterWrites(seed: number): Generator<LargeWrite> {
  for (const one of [dense, jitter, texts, many, hours, past, turns, skew, ages])
    yield* rowsOf(one, seed, { from: 0.75, to: 1 });
  yield* rowsOf(wide, seed, { from: 0.7, to: 1, share: 0.7 });
  yield* crowdRows(seed, { from: 0.8, to: 1 });
  yield* againWrites(seed, 'later');
}

/** Rows that were there already, and such as have been deleted. */
export function* againWrites(seed: number, label: string): Generator<LargeWrite> {
  const random = new RandomChoice(seed, `again ${label}`);
  for (const one of [dense, jitter, texts, hours, many, past, turns, skew, ages]) {
    const from = random.integer(0, 60) / 100;
    const again = random.integer(1, 1_000_000);
    const isOfSomeFields = random.chance(0.6);
    const part = { from, to: from + 0.1, share: random.of([0.02, 0.3, 1]), isOfSomeFields };
    yield* rowsOf(one, seed + again, part);
  }
  yield* rowsOf(wide, seed + 1, { from: 0.1, to: 0.4, share: 0.2 });
}

/** What is deleted, one after the other. */
export function largeDeletes(seed: number): readonly string[] {
  const random = new RandomChoice(seed, 'deletes');
  const range = ({ stepNs, spanNs, originNs }: LargeMeasurement): string => {
    const rows = Number(spanNs / stepNs);
    const first = random.integer(0, rows);
    const length = random.of([1, 7, blockRows - 1, blockRows, blockRows + 1, 2_500]);
    const from = originNs + BigInt(first) * stepNs;
    return `time >= ${from} AND time ${random.of(['<', '<='])} ${from + BigInt(length) * stepNs}`;
  };
  const host = (count: number): string => `host = 'h${random.integer(0, count - 1)}'`;
  const some = (): string =>
    random.of([
      () => `DELETE FROM dense WHERE ${host(8)} AND ${range(dense)}`,
      () => `DELETE FROM dense WHERE ${range(dense)}`,
      () => `DELETE FROM dense WHERE dc = 'd${random.integer(0, 1)}' AND ${range(dense)}`,
      () => `DELETE FROM jitter WHERE ${host(4)} AND ${range(jitter)}`,
      () => `DELETE FROM jitter WHERE host =~ /[${random.integer(0, 3)}3]/ AND ${range(jitter)}`,
      () => `DELETE FROM skew WHERE ${random.of([`rack = 'r${random.integer(0, rackCount - 1)}'`, 'host =~ /9/'])} AND ${range(skew)}`,
      () => `DELETE FROM ages WHERE ${host(3)} AND ${range(ages)}`,
      () => `DELETE FROM past WHERE ${host(3)} AND ${range(past)}`,
      () => `DELETE FROM turns WHERE ${range(turns)}`,
      () => `DELETE FROM texts WHERE ${range(texts)}`,
      () => `DELETE FROM wide WHERE ${host(6)} AND ${range(wide)}`,
      () => `DELETE FROM hours WHERE ${range(hours)}`,
      () => `DELETE FROM many WHERE host =~ /${random.integer(0, 9)}$/ AND time < ${startNs + 30n * hourNs}`,
      () => `DELETE FROM many WHERE rack = 'r${random.integer(0, rackCount - 1)}'`,
      () => `DELETE FROM ${crowdName(random.integer(0, crowdCount - 1))}`,
      () => `DELETE FROM /^c0${random.integer(0, 9)}/ WHERE time > ${startNs + hourNs / 2n}`,
    ])(); // prettier-ignore
  return [
    ...Array.from({ length: 14 }, some),
    `DROP SERIES FROM many WHERE rack = 'r${random.integer(0, rackCount - 1)}'`,
    `DROP SERIES FROM ${random.of(['wide', 'texts'])} WHERE host = 'h1'`,
    `DROP MEASUREMENT ${crowdName(random.integer(0, crowdCount - 1))}`,
  ];
}

function* rowsOf(measurement: LargeMeasurement, seed: number, part: Part): Generator<LargeWrite> {
  const { seriesCount, name, policy, order } = measurement;
  const first = Math.floor(part.from * rowCountOf(measurement));
  const random = new RandomChoice(seed, `${name} ${first} ${part.at ?? 0}`);
  const states = Array.from({ length: seriesCount }, (_, series): SeriesState => {
    return { series, values: new Map() };
  });
  let lines: string[] = [];
  const taken = (): LargeWrite => {
    const body = (order === 'none' ? random.shuffled(lines) : lines).join('\n');
    lines = [];
    return { policy, body };
  };
  for (const { series, row } of placesOf(measurement, part)) {
    if (part.share !== undefined && !random.chance(part.share)) continue;
    const timeNs = timeOf(measurement, series, row);
    if (timeNs === undefined) continue;
    const state = states[series]!;
    state.day = Number((timeNs - measurement.originNs) / dayNs);
    lines.push(`${name},${tagsOf(measurement, series)} ${fieldsOf(random, measurement, { state, part })} ${timeNs}`); // prettier-ignore
    if (lines.length === bodyLines) yield taken();
  }
  if (lines.length > 0) yield taken();
}

function rowCountOf({ spanNs, stepNs }: LargeMeasurement): number {
  return Number(spanNs / stepNs);
}

function* placesOf(
  measurement: LargeMeasurement,
  { from, to, of = 1, at = 0 }: Part,
): Generator<{ readonly series: number; readonly row: number }> {
  const { seriesCount, order } = measurement;
  const rowCount = rowCountOf(measurement);
  const [first, end] = [Math.floor(from * rowCount), Math.floor(to * rowCount)];
  const start = first + ((at - (first % of) + of) % of);
  if (order === 'time')
    for (let row = start; row < end; row += of)
      for (let series = 0; series < seriesCount; series++) yield { series, row };
  else
    for (let series = 0; series < seriesCount; series++)
      for (let row = start; row < end; row += of) yield { series, row };
}

function fieldsOf(
  random: RandomChoice,
  measurement: LargeMeasurement,
  { state, part }: { readonly state: SeriesState; readonly part: Part },
): string {
  const names = namesOf(random, measurement, state);
  const kept = part.isOfSomeFields === true ? names.filter(() => random.chance(0.4)) : names;
  const written = kept.length === 0 ? names.slice(0, 1) : kept;
  return written
    .map((name) => `${name}=${valueOf(random, measurement.kinds[name]!, { name, state })}`)
    .join(',');
}

function namesOf(
  random: RandomChoice,
  measurement: LargeMeasurement,
  { series }: SeriesState,
): readonly string[] {
  if (measurement === wide) return wideNames(random);
  if (measurement === skew && series % 5 === 0) return ['v'];
  if (measurement === skew && series % 7 === 0) return ['n'];
  return Object.keys(measurement.kinds);
}

/** Mostly one of some lists, else one of its own; seldom all there are. */
function wideNames(random: RandomChoice): readonly string[] {
  const names = Object.keys(wide.kinds);
  if (random.chance(0.01)) return names;
  const first = random.integer(0, wideFieldCount - 1);
  if (random.chance(0.5)) return names.slice(first - (first % 20), first - (first % 20) + 12);
  return names.filter(() => random.chance(0.03)).concat(names[first]!).filter((name, i, all) => all.indexOf(name) === i); // prettier-ignore
}

function* crowdRows(seed: number, part: Part): Generator<LargeWrite> {
  const random = new RandomChoice(seed, `crowd ${part.from}`);
  const lines: string[] = [];
  for (let at = 0; at < crowdCount; at++) {
    const state: SeriesState = { series: at, values: new Map() };
    const rowCount = 10 + (at % 7) * 6;
    for (let row = Math.floor(part.from * rowCount); row < Math.floor(part.to * rowCount); row++)
      for (let series = 0; series < crowd.seriesCount; series++)
        lines.push(`${crowdName(at)},host=h${series} ${fieldsOf(random, crowd, { state, part })} ${startNs + BigInt(row * 60) * secondNs}`); // prettier-ignore
  }
  for (let from = 0; from < lines.length; from += bodyLines)
    yield { policy: undefined, body: lines.slice(from, from + bodyLines).join('\n') };
}
