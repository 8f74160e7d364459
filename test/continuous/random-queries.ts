/** Continuous queries at random, of windows of a few seconds. */
import type { RandomChoice } from '../conformance/fresh/random-choice.ts';

export const database = 'cq';
const secondMs = 1_000;

export interface RandomQuery {
  readonly name: string;
  readonly text: string;
  /** Asks for what it has written; '' for one that writes nothing. */
  readonly target: string;
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
  const forS = random.chance(0.5) ? widestS + random.of([0, 1, 2, 5, 8]) : 0;
  const source = random.of(['m', 'm', 'm', 'n', '/^[mn]$/', `${database}.a.m`, '(SELECT max(f) AS f, max(g) AS g FROM m GROUP BY time(1s), host)']); // prettier-ignore
  const isMany = source.startsWith('/');
  const measurement = isMany ? ':MEASUREMENT' : `t${number}`;
  const policy = isMany ? 'b' : random.of(['a', 'b']);
  const into = isMany || policy === 'b' || random.chance(0.3) ? `${database}.${policy}.${measurement}` : measurement; // prettier-ignore
  const where = random.of(['', '', '', " WHERE host = 'a'", ' WHERE f > 20', ' WHERE time > 0', ` WHERE time > now() - 1s AND host != 'b'`]); // prettier-ignore
  const tags = random.of(['', '', ', host', ', *']);
  const fill = random.of(isLate ? ['', '', ' fill(none)', ' fill(0)'] : ['', '', ' fill(none)', ' fill(0)', ' fill(previous)', ' fill(linear)', ' fill(null)', ' fill(-7.5)']); // prettier-ignore
  const fields = random.some(isLate ? plainCalls : [...plainCalls, ...callsOverWindows], 3).map((call, i) => `${call} AS x${number}_${i}`); // prettier-ignore
  const wide = random.chance(0.15) && !source.startsWith('(') ? [random.of(['mean(*)', 'count(*)', 'last(*)', 'max(/^[fg]$/)'])] : fields; // prettier-ignore
  const resample = [everyS > 0 ? ` EVERY ${everyS}s` : '', forS > 0 ? ` FOR ${forS}s` : ''].join(
    '',
  );
  const group = `GROUP BY time(${intervalS}s${offsetS > 0 ? `, ${offsetS}s` : ''})${tags}${fill}`;
  const select = `SELECT ${wide.join(', ')} INTO ${into} FROM ${source}${where} ${group}`;
  return {
    name: `q${number}`,
    text: `CREATE CONTINUOUS QUERY q${number} ON ${database}${resample === '' ? '' : ` RESAMPLE${resample}`} BEGIN ${select} END`,
    target: isMany ? `SELECT ${wide === fields ? `/^x${number}_/` : '*'} FROM ${database}.b./^[mn]$/` : `SELECT * FROM ${database}.${policy}.t${number}`, // prettier-ignore
    settlesMs: (2 * widestS + offsetS + forS + 2) * secondMs,
  };
}

/** What fails each time, or finds nothing. */
export const fruitlessQueries: readonly RandomQuery[] = [
  ['nobody', 'SELECT mean(f) INTO nobody.a.t FROM m GROUP BY time(2s)'],
  ['nowhere', `SELECT mean(f) INTO ${database}.none.t FROM m GROUP BY time(2s)`],
  ['nothing', 'SELECT mean(f) INTO nothing FROM never_written GROUP BY time(2s)'],
  ['text', 'SELECT mean(s) INTO texts FROM m GROUP BY time(2s)'],
].map(([name = '', select = '']) => {
  const text = `CREATE CONTINUOUS QUERY ${name} ON ${database} BEGIN ${select} END`;
  return { name, text, target: '', settlesMs: 0 };
});

const plainCalls = ['count(f)', 'sum(g)', 'mean(f)', 'min(g)', 'max(f)', 'first(f)', 'last(g)', 'spread(f)', 'median(f)', 'percentile(f, 90)', 'count(distinct(g))', 'mean(f) * 2 + 1', 'sum(g) / count(g)']; // prettier-ignore
const callsOverWindows = ['difference(mean(f))', 'derivative(max(f), 1s)', 'cumulative_sum(sum(g))', 'moving_average(mean(f), 2)', 'non_negative_difference(last(g))']; // prettier-ignore
