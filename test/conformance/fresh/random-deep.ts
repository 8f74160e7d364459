import { anyMeasurement, arithmetic, math, reducer, transformation } from './random-calls.ts';
import { durations, fieldOf, fill, fills, interval, numberField, quoted, where, zones } from './random-clauses.ts'; // prettier-ignore
import { freshMeasurements, wideMeasurements, type FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const selectors = ['first', 'last', 'min', 'max'];
const aggregates = ['mean', 'sum', 'count', 'median', 'spread', 'stddev', 'first', 'max'];
const bounded = { bounded: 1, oddTimes: false };

/** What stands on several clauses at once: windows over windows, zones with fills, selectors in arithmetic, patterns over policies. */
export function deepStatement(random: RandomChoice): string {
  return random.of([
    windowsOfWindows,
    windowsOfWindows,
    rowsOfRows,
    rowsOfRows,
    zoneFill,
    zoneFill,
    selectorMath,
    selectorMath,
    patternSources,
  ])(random);
}

/** Windows of a subquery in wider windows, with fills and conditions on both levels. */
function windowsOfWindows(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const inner = (name: string) => `${random.of([...aggregates, ...selectors])}(${numberField(random, measurement)}) AS ${name}`; // prettier-ignore
  const group = random.maybe(0.5, () => `, ${random.of([...measurement.tags.map(quoted), '*'])}`);
  const order = random.maybe(0.15, () => ' ORDER BY time DESC');
  const from = `(SELECT ${inner('a')}, ${inner('b')} FROM ${quoted(measurement.name)}${where(random, measurement, bounded)} GROUP BY time(${random.of(['10s', '1m', '5m'])})${group}${fill(random)})`; // prettier-ignore
  const outer = (): string => {
    const call = `${random.of(aggregates)}(${random.of(['a', 'b'])})`;
    return random.of([() => call, () => call, () => `${call} ${random.of(['+', '-', '/', '*'])} ${random.of(['2', '0.5', `${random.of(aggregates)}(a)`])}`, () => transformation(random, call)])(); // prettier-ignore
  };
  const condition = random.maybe(0.4, () => ` AND ${random.of(['a > 3', 'b != 0', 'a > b', "host = 'a'", "host != ''", 'a + b > 10'])}`); // prettier-ignore
  const list = random.chance(0.4) ? `${outer()} AS x, ${outer()} AS y` : outer();
  const bounds = `time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`;
  return `SELECT ${list} FROM ${from} WHERE ${bounds}${condition} GROUP BY time(${random.of(['10m', '30m', '7m'])})${random.maybe(0.4, () => ', host')}${fill(random)}${order}`; // prettier-ignore
}

/** Rows of rows: selectors with what stands beside them, read by name, by wildcard and in conditions. */
function rowsOfRows(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const number = numberField(random, measurement);
  const beside = random.maybe(0.6, () => `, ${fieldOf(random, measurement)} AS b`);
  const call = random.of([`${random.of(selectors)}(${number}) AS a`, `${number} AS a`, `top(${number}, 3) AS a`, `distinct(${number}) AS a`, `percentile(${number}, 50) AS a`]); // prettier-ignore
  const inner = `SELECT ${call}${call.startsWith('distinct') ? '' : beside} FROM ${quoted(measurement.name)}${where(random, measurement, bounded)} GROUP BY *`; // prettier-ignore
  const middle = random.of([`SELECT a, b FROM (${inner})`, `SELECT * FROM (${inner})`, `SELECT a * 2 AS a, b FROM (${inner}) WHERE a > 0`, `SELECT max(a) AS a, b FROM (${inner}) GROUP BY host`, `SELECT cumulative_sum(a) AS a FROM (${inner}) GROUP BY *`]); // prettier-ignore
  const list = random.of(['a', '*', 'a, b', 'count(a), count(b)', 'mean(a)', 'max(a), b', 'a + 1, b', 'last(a), host', 'abs(a)', 'sum(a) / count(a)']); // prettier-ignore
  return `SELECT ${list} FROM (${middle})${random.maybe(0.3, () => ' WHERE a > 1')}${random.maybe(0.5, () => ` GROUP BY ${random.of(['host', '*', 't1', 't2, t1'])}`)}`; // prettier-ignore
}

/** Every fill with windows that a zone moves. */
function zoneFill(random: RandomChoice): string {
  const [clocks] = wideMeasurements as readonly [FreshMeasurement];
  const measurement = random.chance(0.6) ? clocks : anyMeasurement(random);
  const isClocks = measurement === clocks;
  const day = isClocks ? random.of(['2000-03-25', '2000-04-01', '2000-10-28']) : '2000-01-01';
  const every = random.of(isClocks ? ['3h', '6h', '12h', '1d', '2d'] : ['20m', '1h', '6h', '1d']);
  const calls = [reducer(random, measurement)];
  if (random.chance(0.4)) calls.push(reducer(random, measurement));
  if (random.chance(0.2)) calls.push(transformation(random, `mean(${numberField(random, measurement)})`)); // prettier-ignore
  const group = random.maybe(0.4, () => `, ${quoted(random.of([...measurement.tags, 'host']))}`);
  return `SELECT ${calls.join(', ')} FROM ${quoted(measurement.name)} WHERE time >= '${day}' AND time < '${day}' + ${random.of(['1d', '3d', '4d'])} GROUP BY time(${every})${group} fill(${random.of(fills)})${random.maybe(0.3, () => ' ORDER BY time DESC')}${random.maybe(0.2, () => ` LIMIT ${random.integer(1, 5)}`)} tz('${random.of(zones)}')`; // prettier-ignore
}

/** Selectors and aggregates in arithmetic and in functions of numbers. */
function selectorMath(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const call = (): string => {
    const name = random.of([...selectors, ...selectors, 'mean', 'count', 'sum', 'spread']);
    return `${name}(${numberField(random, measurement)})`;
  };
  const one = () => random.of([() => arithmetic(random, call), () => math(random, call()), () => math(random, arithmetic(random, call, 1))])(); // prettier-ignore
  const list = random.of([
    () => one(),
    () => `${one()}, ${one()}`,
    () => `${math(random, `${random.of(selectors)}(${numberField(random, measurement)})`)}, ${fieldOf(random, measurement)}`,
    () => `${call()} AS a, ${one()} AS b`,
  ])(); // prettier-ignore
  const time = random.maybe(0.6, () => interval(random));
  const tag = random.maybe(0.4, () => quoted(random.of([...measurement.tags, '*', 'host'])));
  const groups = [time, tag].filter((text) => text !== '').join(', ');
  return `SELECT ${list} FROM ${quoted(measurement.name)}${where(random, measurement, bounded)}${groups === '' ? '' : ` GROUP BY ${groups}`}${time === '' ? '' : fill(random)}`; // prettier-ignore
}

/** Patterns over the policies of a database, alone and beside names and subqueries. */
function patternSources(random: RandomChoice): string {
  const policy = () => random.of(['', 'rp2.', 'autogen.', 'fresh..', 'fresh.rp2.', '"fresh"."autogen".', 'nosuch.']); // prettier-ignore
  const name = () => random.of(['/./', '/^c/', '/^(mem|cpu)$/', '/i/', '/e$/', '/nosuch/', 'cpu', 'mem', 'lone', '"odd name"']); // prettier-ignore
  const source = () => random.of([() => policy() + name(), () => policy() + name(), () => `(SELECT max(usage) AS usage, n FROM ${policy()}${name()} GROUP BY *)`])(); // prettier-ignore
  const from = random.chance(0.5) ? source() : `${source()}, ${source()}`;
  const list = random.of(['count(usage)', 'count(n), count(used)', 'max(usage), min(n)', 'sum(/u/)', 'mean(usage) + 1', 'usage, n', '*', 'first(n)', 'last(*)']); // prettier-ignore
  const time = random.maybe(0.3, () => ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`); // prettier-ignore
  const group = random.of(['', ' GROUP BY *', ' GROUP BY host', ' GROUP BY /^(h|r)/']);
  const windows = time !== '' && list.includes('(') && !list.includes('*') ? `${group === '' ? ' GROUP BY ' : `${group}, `}time(${random.of(durations)})${fill(random)}` : group; // prettier-ignore
  return `SELECT ${list} FROM ${from}${time}${windows}`;
}
