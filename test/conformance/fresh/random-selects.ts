import { arithmetic, anyMeasurement, holtWinters, math, reducer, transformation } from './random-calls.ts'; // prettier-ignore
import {
  durations,
  fieldOf,
  fill,
  grouping,
  interval,
  numberField,
  quoted,
  source,
  tail,
  where,
  zone,
} from './random-clauses.ts';
import type { FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

/** How deep subqueries stand in one another. */
const depthMax = 3;

export function rawSelect(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const number = numberField(random, measurement);
  const expr = (): string =>
    random.of([
      () => random.of(['*', '*::field', '*::tag', '/^[a-n]/', 'nosuch', 'time']),
      () => fieldOf(random, measurement),
      () => `${number} AS ${random.of(['a', 'b', '"a b"'])}`,
      () => arithmetic(random, () => numberField(random, measurement)),
      () => math(random, number),
      () =>
        `${fieldOf(random, measurement)}::${random.of(['float', 'integer', 'string', 'boolean', 'field'])}`,
      () => random.of(measurement.tags.map(quoted).concat(number)),
    ])();
  // A tag alone selects nothing, and says nothing about the engine.
  const fields = [fieldOf(random, measurement), ...random.some([0], 2).map(expr)].join(', ');
  const head = `SELECT ${fields} FROM ${source(random, measurement)}${where(random, measurement, { bounded: 0.5 })}`; // prettier-ignore
  // Which of several rows of one time a page ends with is each server's own affair: pages are of single series.
  if (random.chance(0.4)) return `${head} GROUP BY *${tail(random)}`;
  return head + grouping(random, measurement, '') + zone(random);
}

export function aggregateSelect(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const call = (): string => reducer(random, measurement);
  const list = random.of([
    () => [call()],
    () => [call()],
    () => [call(), call()],
    () => [call(), call(), call()],
    () => [arithmetic(random, call)],
    () => [math(random, call()), call()],
    () => [call(), random.of([fieldOf(random, measurement), '*', ...measurement.tags.map(quoted)])],
    () => [`${call()} AS a`, `${call()} AS ${random.of(['a', 'b'])}`],
  ])();
  const time = random.maybe(0.6, () => interval(random));
  const bounded = time === '' ? 0.5 : 1;
  const oddTimes = time === '';
  return `SELECT ${list.join(', ')} FROM ${source(random, measurement)}${where(random, measurement, { bounded, oddTimes })}${grouping(random, measurement, time)}${time === '' ? '' : fill(random)}${tail(random)}`; // prettier-ignore
}

/** Points of several series at one time have no order that is promised: most are of single series. */
export function transformSelect(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const isOuter = random.chance(0.5);
  const field = numberField(random, measurement);
  const inner = (): string => (isOuter ? `${random.of(['mean', 'max', 'count', 'last', 'sum', 'median', 'min', 'first'])}(${field})` : field); // prettier-ignore
  const call = (): string => transformation(random, inner());
  const list = random.of([
    () => [call()],
    () => [call()],
    () => [call(), call()],
    () => [arithmetic(random, call)],
    () => [math(random, call())],
  ])();
  const groups = isOuter ? grouping(random, measurement, interval(random)) + fill(random) : ' GROUP BY *'; // prettier-ignore
  return `SELECT ${list.join(', ')} FROM ${source(random, measurement)}${where(random, measurement, { bounded: 1, oddTimes: false })}${groups}${tail(random)}`; // prettier-ignore
}

export function holtSelect(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const inner = `${random.of(['mean', 'max', 'count'])}(${numberField(random, measurement)})`;
  return `SELECT ${holtWinters(random, inner)} FROM ${quoted(measurement.name)}${where(random, measurement, { bounded: 1, oddTimes: false })}${grouping(random, measurement, `time(${random.of(['5m', '1h'])})`)}${fill(random)}`; // prettier-ignore
}

/** A query over queries. */
export function subquerySelect(random: RandomChoice, depth = random.integer(1, depthMax)): string {
  const measurement = anyMeasurement(random);
  const { text, columns } = innerSelect(random, measurement, depth);
  const sources = random.chance(0.12) ? `(${text}), (${innerSelect(random, anyMeasurement(random), 1).text})` : `(${text})`; // prettier-ignore
  return outerSelect(random, sources, columns);
}

function outerSelect(random: RandomChoice, sources: string, columns: readonly string[]): string {
  const column = (): string => random.of(columns);
  const call = (): string =>
    `${random.of(['mean', 'max', 'count', 'sum', 'min', 'first', 'last', 'median', 'distinct', 'spread', 'mode', 'stddev'])}(${column()})`;
  const isWindowed = random.chance(0.3);
  const list = isWindowed
    ? [call(), ...(random.chance(0.3) ? [call()] : [])]
    : random.of([
        () => [column()],
        () => [column(), column()],
        () => ['*'],
        () => [arithmetic(random, column)],
        () => [call()],
        () => [call(), call()],
        () => [math(random, column())],
        () => [transformation(random, column())],
        () => [`top(${column()}, 2)`, ...(random.chance(0.3) ? [column()] : [])],
      ])();
  const bounds = isWindowed || random.chance(0.2) ? [`time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T02:00:00Z'`] : []; // prettier-ignore
  if (random.chance(0.3)) bounds.push(`${column()} ${random.of(['>', '!=', '<'])} ${random.integer(-5, 60)}`); // prettier-ignore
  if (random.chance(0.1)) bounds.push(`host ${random.of(['=', '!='])} '${random.of(['a', ''])}'`);
  const condition = bounds.length === 0 ? '' : ` WHERE ${bounds.join(' AND ')}`;
  const dimensions = isWindowed ? [`time(${random.of(durations)})`] : [];
  if (random.chance(0.3)) dimensions.push(random.of(['host', '*', 't1']));
  const groups = dimensions.length === 0 ? '' : ` GROUP BY ${dimensions.join(', ')}`;
  return `SELECT ${list.join(', ')} FROM ${sources}${condition}${groups}${isWindowed ? fill(random) : ''}${tail(random)}`; // prettier-ignore
}

function innerSelect(
  random: RandomChoice,
  measurement: FreshMeasurement,
  depth: number,
): { readonly text: string; readonly columns: readonly string[] } {
  const columns = random.chance(0.5) ? ['a'] : ['a', 'b'];
  if (depth > 1) {
    const inner = innerSelect(random, measurement, depth - 1);
    const list = columns.map((name) => `${random.of([random.of(inner.columns), `mean(${random.of(inner.columns)})`, `max(${random.of(inner.columns)})`])} AS ${name}`); // prettier-ignore
    const mixed = list.some((one) => one.includes('(')) ? list.map((one) => (one.includes('(') ? one : `first(${one.split(' ')[0]}) AS ${one.split(' ')[2]}`)) : list; // prettier-ignore
    const groups = random.maybe(0.3, () => ` GROUP BY ${random.of(['host', '*'])}`);
    return { text: `SELECT ${mixed.join(', ')} FROM (${inner.text})${groups}`, columns };
  }
  const from = source(random, measurement);
  if (random.chance(0.5)) {
    const list = columns.map((name) => `${reducer(random, measurement)} AS ${name}`).join(', ');
    const time = random.maybe(0.7, () => interval(random));
    const text = `SELECT ${list} FROM ${from}${where(random, measurement, { bounded: 1, oddTimes: false })}${grouping(random, measurement, time)}${time === '' ? '' : fill(random)}`; // prettier-ignore
    return { text, columns };
  }
  const list = columns.map((name) => `${random.of([fieldOf(random, measurement), arithmetic(random, () => numberField(random, measurement))])} AS ${name}`); // prettier-ignore
  return { text: `SELECT ${list.join(', ')} FROM ${from}${where(random, measurement, { bounded: 0.5 })}${random.maybe(0.4, () => ' GROUP BY *')}`, columns }; // prettier-ignore
}
