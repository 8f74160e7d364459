import { efficiencyNames, followingNames, mathFunctions, smootherNames } from './random-calls.ts';
import { fills } from './random-clauses.ts';
import { edges } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const [f, i, b, s] = edges.fields.map(([name]) => name) as [string, string, string, string];
const aggregates = ['count', 'sum', 'mean', 'median', 'mode', 'stddev', 'spread', 'min', 'max', 'first', 'last', 'distinct', 'integral']; // prettier-ignore
/** As many rows as there are at the least in the hour of the data. */
const bounds = `time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:10:00Z'`;

/**
 * Every function of values at the ends of their types: sums that wrap, floats beyond which there is none, texts that end a
 * line. Of one series, of which the rows have one order.
 */
export function edgeSelect(random: RandomChoice): string {
  const field = random.of([f, i, i, i, b, s]);
  const time = random.maybe(0.5, () => `time(${random.of(['1m', '70s', '5m', '17m', '1h'])}${random.maybe(0.2, () => `, ${random.of(['3s', '-5s'])}`)})`); // prettier-ignore
  const inner = random.of([field, `${field} + 1`, `abs(${field})`, `-${field}`]);
  const outer = time === '' ? field : `${random.of(['sum', 'mean', 'last', 'max', 'count', 'median', 'mode', 'spread'])}(${field})`; // prettier-ignore
  const call = random.of([
    () => `${random.of(aggregates)}(${field})`,
    () => `${random.of(aggregates)}(${field})`,
    () => `percentile(${field}, ${random.of(['0', '1', '33.3', '50', '100'])})`,
    () => `${random.of(['top', 'bottom'])}(${field}, ${random.integer(1, 5)})`,
    () => `count(distinct(${field}))`,
    () => `integral(${field}, ${random.of(['1ns', '1s', '1w'])})`,
    () => followed(random, outer),
    () => followed(random, outer),
    () => `${random.of(mathFunctions)}(${time === '' ? field : outer})`,
    () => `${random.of(mathFunctions)}(${time === '' ? field : outer})`,
    () => `${random.of(['pow', 'atan2', 'log'])}(${outer}, ${random.of(['2', '-1', '0.5', '0', '1e300', '63', outer])})`,
  ]); // prettier-ignore
  const list = call() + random.maybe(0.2, () => `, ${call()}`);
  const term = random.maybe(0.3, () => ` AND ${random.of([`${i} > 0`, `${i} = 9223372036854775807`, `${f} != 0`, `${f} < 1e300`, `${s} != ''`, `${s} =~ /a|x/`, `${b} = true`, `${i} >= -9223372036854775808`, `${f} = -0`])}`); // prettier-ignore
  const groups = time === '' ? '*' : `*, ${time}`;
  const filling = time === '' ? '' : random.maybe(0.8, () => ` fill(${random.of([...fills, '9223372036854775807', '-9223372036854775808', '1e308', '0.1'])})`); // prettier-ignore
  const order = random.maybe(0.15, () => ' ORDER BY time DESC');
  const text = `SELECT ${list} FROM ${edges.name} WHERE ${bounds}${term} GROUP BY ${groups}${filling}${order}`; // prettier-ignore
  if (random.chance(0.8) || order !== '') return text;
  const over = `SELECT ${inner} AS x, ${random.of([b, s, f])} AS y FROM ${edges.name} WHERE ${bounds} GROUP BY *`; // prettier-ignore
  return `SELECT ${random.of([...aggregates.map((name) => `${name}(x)`), followed(random, 'x'), 'x, y', 'top(x, 2)', 'count(y), max(x)'])} FROM (${over}) GROUP BY host`; // prettier-ignore
}

function followed(random: RandomChoice, inner: string): string {
  return random.of([
    ...followingNames.map((name) => () => `${name}(${inner})`),
    () => `${random.of(['derivative', 'non_negative_derivative', 'elapsed'])}(${inner}, ${random.of(['1ns', '1s', '70s', '1w'])})`,
    () => `moving_average(${inner}, ${random.integer(2, 4)})`,
    () => `${random.of([...smootherNames, ...efficiencyNames])}(${inner}, ${random.integer(1, 3)})`,
  ])(); // prettier-ignore
}
