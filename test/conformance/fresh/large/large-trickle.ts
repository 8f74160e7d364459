/**
 * What a running server is given: a few lines, then the same questions as before, again and again. Rows come behind all others or among them,
 * with fewer fields or more, of series that were not there, and some are deleted.
 */
import { RandomChoice } from '../random-choice.ts';
import { boundsText, type Bounds } from './large-bounds.ts';
import type { LargeWrite } from './large-data.ts';
import { dayNs, dense, hourNs, jitter, secondNs, startNs, tagsOf, type LargeMeasurement } from './large-shapes.ts'; // prettier-ignore
import { timeOf, valueOf, type SeriesState } from './large-values.ts';

export type TrickleStep =
  | { readonly kind: 'write'; readonly write: LargeWrite }
  | { readonly kind: 'change' | 'ask'; readonly text: string };

const roundCount = 40;
const asksOfRound = 3;

export function* trickle(seed: number): Generator<TrickleStep> {
  const random = new RandomChoice(seed, 'trickle');
  const measurements = [dense, jitter];
  const asked = measurements.flatMap((one) => standingQuestions(random, one));
  const ends = new Map(measurements.map((one) => [one, Number(one.spanNs / one.stepNs)]));
  for (let round = 0; round < roundCount; round++) {
    const measurement = random.of(measurements);
    const end = ends.get(measurement) ?? 0;
    if (random.chance(0.1)) yield { kind: 'change', text: recentDelete(random, measurement, end) };
    else {
      const { rows, body } = lines(random, measurement, end);
      ends.set(measurement, end + rows);
      if (body !== '') yield { kind: 'write', write: { policy: undefined, body } };
    }
    for (let i = 0; i < asksOfRound; i++) yield { kind: 'ask', text: random.of(asked) };
  }
}

/** Of the end of the data, and what comes behind it. */
function standingQuestions(random: RandomChoice, measurement: LargeMeasurement): readonly string[] {
  const { name, spanNs } = measurement;
  const endNs = startNs + spanNs;
  const within = (backNs: bigint): string => {
    const bounds: Bounds = { fromNs: endNs - backNs, toNs: endNs + 3n * hourNs };
    return `FROM ${name} WHERE ${boundsText(bounds)}`;
  };
  const near = within(random.of([600n * secondNs, hourNs]));
  const far = within(26n * hourNs);
  const day = `FROM ${name} WHERE ${boundsText({ fromNs: endNs - dayNs, toNs: endNs })}`;
  return [
    `SELECT mean(v), count(v) ${near} GROUP BY time(1m), host fill(none)`,
    `SELECT max(v), count(*) ${far} GROUP BY time(10m) fill(none)`,
    `SELECT sum(v) ${far} GROUP BY host`,
    `SELECT last(v), first(v) ${far} GROUP BY *`,
    `SELECT * ${near} GROUP BY *`,
    `SELECT * ${near}`,
    `SELECT v ${far} GROUP BY * ORDER BY time DESC LIMIT 1`,
    `SELECT v, extra ${far} GROUP BY * ORDER BY time DESC LIMIT 3`,
    `SELECT * ${far} GROUP BY * ORDER BY time DESC LIMIT 1`,
    `SELECT v ${far} AND host = 'h1' LIMIT 1200`,
    `SELECT median(v) ${far} GROUP BY time(1h), host fill(none)`,
    `SELECT difference(v) ${near} GROUP BY *`,
    `SELECT count(extra) ${far} GROUP BY time(1h) fill(0)`,
    `SELECT v ${far} AND v > 60 GROUP BY *`,
    // Of one shard, most of it in files and some in memory: two workers make them.
    `SELECT * ${day} GROUP BY *`,
    `SELECT * ${day}`,
    `SELECT v, host ${day} ORDER BY time DESC`,
    `SELECT * ${day} AND v > 70 GROUP BY *`,
    `SELECT * ${day} AND v > 70 GROUP BY * ORDER BY time DESC LIMIT 20`,
    `SELECT difference(v) ${day} GROUP BY * LIMIT 20`,
    `SELECT median(v), stddev(v) ${day} GROUP BY time(1h), * fill(none)`,
    `SELECT top(v, 5) ${day} GROUP BY *`,
    `SELECT distinct(v) ${day} GROUP BY *`,
    `SELECT * ${day} AND v > 80`,
    `SELECT v ${day} AND host != 'h1' GROUP BY *`,
    `SHOW TAG VALUES FROM ${name} WITH KEY = host`,
    `SHOW FIELD KEYS FROM ${name}`,
    `SHOW SERIES FROM ${name}`,
  ];
}

function lines(
  random: RandomChoice,
  measurement: LargeMeasurement,
  end: number,
): { readonly rows: number; readonly body: string } {
  const isAppended = random.chance(0.6);
  const rows = random.of([1, 1, 3, 12]);
  const first = isAppended ? end : random.integer(end - 3_000, end - rows);
  const keptShare = random.of([0, 0, 0.4, 0.8]);
  const isOfMore = random.chance(0.15);
  const texts: string[] = [];
  for (const series of someSeries(random, measurement))
    for (let row = first; row < first + rows; row++) {
      const timeNs = timeOf(measurement, series, row);
      if (timeNs === undefined) continue;
      const state: SeriesState = { series, values: new Map() };
      const names = Object.keys(measurement.kinds).filter((name) => name === 'v' || !random.chance(keptShare)); // prettier-ignore
      const fields = names.map((name) => `${name}=${valueOf(random, measurement.kinds[name]!, { name, state })}`); // prettier-ignore
      if (isOfMore) fields.push(`extra=${random.integer(0, 99)}`);
      texts.push(`${measurement.name},${tagsOf(measurement, series)} ${fields.join(',')} ${timeNs}`); // prettier-ignore
    }
  return { rows: isAppended ? rows : 0, body: texts.join('\n') };
}

/** All of them in turn, one, or one that is new. */
function someSeries(random: RandomChoice, { seriesCount }: LargeMeasurement): readonly number[] {
  const all = Array.from({ length: seriesCount }, (_, at) => at);
  return random.of([all, all, [random.integer(0, seriesCount - 1)], [seriesCount]]);
}

function recentDelete(random: RandomChoice, measurement: LargeMeasurement, end: number): string {
  const { name, stepNs, seriesCount } = measurement;
  const fromNs = startNs + BigInt(end - random.integer(1, 40)) * stepNs;
  const host = random.maybe(0.6, () => `host = 'h${random.integer(0, seriesCount)}' AND `);
  return `DELETE FROM ${name} WHERE ${host}time >= ${fromNs}${random.maybe(0.5, () => ` AND time < ${fromNs + 20n * stepNs}`)}`; // prettier-ignore
}
