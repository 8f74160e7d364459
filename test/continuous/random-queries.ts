/** Continuous queries at random, of windows of a few seconds. */
import type { RandomChoice } from '../conformance/fresh/random-choice.ts';

export const database = 'cq';
export const wholePolicy = 'c';
const secondMs = 1_000;

export interface RandomQuery {
  readonly name: string;
  readonly text: string;
  /** Asks for what it has written, or what `whole` has. */
  readonly written: (from: 'query' | 'whole') => string;
  /** Writes all windows of a range at once, to a policy of its own. */
  readonly whole: (range: string) => string;
  /** For so long what it writes hangs on when it was made. */
  readonly settlesMs: number;
}

export interface QueryShape {
  /** Some runs come late, and are of more windows then. */
  readonly isLate: boolean;
}

/** The query of this number: each writes to fields of its own. */
export function randomQuery(
  random: RandomChoice,
  number: number,
  { isLate }: QueryShape,
): RandomQuery {
  const intervalS = random.of([1, 2, 3, 4, 5, 7]);
  const offsetS = random.chance(0.3) ? random.integer(1, intervalS) : 0;
  const everyS = random.chance(0.5) ? random.of([1, 2, 3, 4, 6]) : 0;
  const widestS = Math.max(intervalS, everyS);
  // Runs that do not fit their windows leave some out, there as here.
  const isOdd = everyS > 0 && everyS % intervalS > 0 && intervalS % everyS > 0;
  const moreS = isLate && isOdd ? widestS : 0;
  const forS = moreS > 0 || random.chance(0.5) ? widestS + moreS + random.of([0, 1, 2, 5, 8]) : 0;
  // Of a subquery's rows of one time the reference loses values: it has one series.
  const source = random.of(['m', 'm', 'm', 'n', '/^[mn]$/', `${database}.a.m`, '(SELECT max(f) AS f, max(g) AS g FROM m GROUP BY time(1s))']); // prettier-ignore
  const isMany = source.startsWith('/');
  const measurement = isMany ? ':MEASUREMENT' : `t${number}`;
  const policy = isMany ? 'b' : random.of(['a', 'b']);
  const into = isMany || policy === 'b' || random.chance(0.3) ? `${database}.${policy}.${measurement}` : measurement; // prettier-ignore
  const condition = random.of(['', '', '', "host = 'a'", 'f > 20']);
  const time = random.of(['', '', 'time > 0', 'time > now() - 1s', "time < '2001-01-01'"]);
  const tags = random.of(['', '', ', host', ', *']);
  const fill = random.of(isLate ? ['', ' fill(none)'] : ['', '', ' fill(none)', ' fill(0)', ' fill(previous)', ' fill(linear)', ' fill(null)', ' fill(-7.5)']); // prettier-ignore
  const fields = random.some(isLate ? plainCalls : [...plainCalls, ...callsOverWindows], 3).map((call, i) => `${call} AS x${number}_${i}`); // prettier-ignore
  const isWide = random.chance(0.15) && !source.startsWith('(');
  const wide = isWide ? [random.of(['mean(*)', 'count(*)', 'last(*)', 'max(/^[fg]$/)'])] : fields;
  const resample = [everyS > 0 ? ` EVERY ${everyS}s` : '', forS > 0 ? ` FOR ${forS}s` : ''].join(
    '',
  );
  const select = (target: string, ...terms: readonly string[]): string => {
    const where = terms.filter((term) => term !== '').join(' AND ');
    return `SELECT ${wide.join(', ')} INTO ${target} FROM ${source}${where === '' ? '' : ` WHERE ${where}`} GROUP BY time(${intervalS}s${offsetS > 0 ? `, ${offsetS}s` : ''})${tags}${fill}`;
  };
  const asked = isWide && !isMany ? '*' : isWide ? '/^(mean|count|last|max)_/' : `/^x${number}_/`;
  return {
    name: `q${number}`,
    text: `CREATE CONTINUOUS QUERY q${number} ON ${database}${resample === '' ? '' : ` RESAMPLE${resample}`} BEGIN ${select(into, condition, time)} END`,
    written: (from) => `SELECT ${asked} FROM ${database}.${from === 'query' ? policy : wholePolicy}.${isMany ? '/^[mn]$/' : measurement}`, // prettier-ignore
    whole: (range) => select(`${database}.${wholePolicy}.${measurement}`, condition, range),
    settlesMs: (2 * widestS + offsetS + forS + 2) * secondMs,
  };
}

/** What fails each time, or finds nothing. */
export const fruitlessQueries: readonly string[] = [
  ['nobody', 'SELECT mean(f) INTO nobody.a.t FROM m GROUP BY time(2s)'],
  ['nowhere', `SELECT mean(f) INTO ${database}.none.t FROM m GROUP BY time(2s)`],
  ['nothing', 'SELECT mean(f) INTO nothing FROM never_written GROUP BY time(2s)'],
  ['text', 'SELECT mean(s) INTO texts FROM m GROUP BY time(2s)'],
].map(
  ([name = '', select = '']) =>
    `CREATE CONTINUOUS QUERY ${name} ON ${database} BEGIN ${select} END`,
);

const plainCalls = ['count(f)', 'sum(g)', 'mean(f)', 'min(g)', 'max(f)', 'first(f)', 'last(g)', 'spread(f)', 'median(f)', 'percentile(f, 90)', 'count(distinct(g))', 'mean(f) * 2 + 1', 'sum(g) / count(g)']; // prettier-ignore
const callsOverWindows = ['difference(mean(f))', 'derivative(max(f), 1s)', 'cumulative_sum(sum(g))', 'moving_average(mean(f), 2)', 'non_negative_difference(last(g))']; // prettier-ignore
