import { fieldOf, fill, numberField, quoted } from './random-clauses.ts';
import { edges, freshMeasurements } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const bounds = ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`;

/**
 * Measurements that a statement names more than once, by name, by pattern and by policy, between others: what reads several of
 * them together has to tell them apart.
 */
export function severalSources(random: RandomChoice): string {
  const named = random.some(freshMeasurements, 3);
  const measurements = named.length === 0 ? freshMeasurements.slice(0, 2) : named;
  const one = (): string => {
    const measurement = random.of(measurements);
    const name = quoted(measurement.name);
    const policy = random.of(['', '', '', 'autogen.', 'rp2.', 'fresh..']);
    const pattern = random.of(['/./', `/^${measurement.name.slice(0, 2)}/`, '/^[a-m]/', '/m/']);
    return random.of([policy + name, policy + name, policy + name, policy + pattern]);
  };
  const from = Array.from({ length: random.integer(2, 5) }, one).join(', ');
  const number = (): string => numberField(random, random.of(measurements));
  const call = (): string => `${random.of(['count', 'sum', 'min', 'max', 'mean', 'spread', 'first', 'last'])}(${random.of([number(), number(), '*', '/u/'])})`; // prettier-ignore
  const list = random.of([call, call, () => `${call()}, ${call()}`, () => fieldOf(random, random.of(measurements)), () => '*'])(); // prettier-ignore
  const isWindowed = list.includes('(') && random.chance(0.4);
  const groups = [...random.of([[], ['host'], ['*'], ['t1', 'host'], ['nosuch']]), ...(isWindowed ? [`time(${random.of(['10s', '5m', '1h'])})`] : [])]; // prettier-ignore
  const by = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const where = isWindowed || random.chance(0.5) ? bounds : '';
  return `SELECT ${list} FROM ${from}${where}${by}${isWindowed ? fill(random) : ''}`;
}

const floats = ['f', 'f', '1.5', '0.0', '1e308', '-0.0'];
const integers = ['i', 'i', '1', '0', '-1', '255', '9223372036854775807', '-9223372036854775808', '9223372036854775808', '18446744073709551615']; // prettier-ignore
const others = ['b', 's', 'true', "'x'", "'a\\nb'"];

/** Values of every type and at the ends of each, one with another, in lists, in conditions and under calls. */
export function typedArithmetic(random: RandomChoice): string {
  const value = (): string => random.of([...floats, ...integers, random.of(others)]);
  const operator = (): string => random.of(['+', '-', '*', '/', '%', '&', '|', '^']);
  const pair = (): string => `${value()} ${operator()} ${value()}`;
  const expr = (): string => random.of([pair, pair, () => `(${pair()}) ${operator()} ${value()}`, () => `-${random.of(['f', 'i'])}`, () => `${random.of(['abs', 'round', 'floor', 'sqrt', 'exp', 'ln'])}(${random.of(['f', 'i', pair()])})`, () => `pow(${value()}, ${value()})`, () => `${random.of(['f', 'i', 'b', 's'])}::${random.of(['float', 'integer', 'unsigned', 'string', 'boolean'])}`])(); // prettier-ignore
  const call = (): string => `${random.of(['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'spread', 'stddev', 'mode', 'cumulative_sum', 'difference'])}(${random.of(['f', 'i', 'b', 's'])})`; // prettier-ignore
  const condition = random.maybe(0.4, () => ` WHERE ${random.of([expr(), value()])} ${random.of(['=', '!=', '<', '<=', '>', '>='])} ${value()}`); // prettier-ignore
  const name = edges.name;
  return random.of([
    () => `SELECT ${expr()} AS x FROM ${name}${condition}`,
    () => `SELECT f, ${expr()} AS x FROM ${name}${condition} GROUP BY host`,
    () => `SELECT ${call()} ${operator()} ${random.of([value(), call()])} FROM ${name}${condition} GROUP BY host`,
    () => `SELECT ${call()} FROM ${name}${condition}${random.maybe(0.5, () => ' GROUP BY *')}`,
    () => `SELECT ${random.of(['sum', 'mean', 'count', 'stddev', 'distinct'])}(x) FROM (SELECT ${expr()} AS x FROM ${name}${condition})`,
    () => `SELECT ${call()} ${operator()} ${value()} AS x FROM ${name}${bounds} GROUP BY time(${random.of(['1m', '17m'])})${fill(random)}`,
  ])(); // prettier-ignore
}
