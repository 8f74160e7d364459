import { keywords } from '../../../src/influxql/token.ts';
import { holtWinters, math, reducer, transformation } from './random-calls.ts';
import { fieldOf, numberField, quoted } from './random-clauses.ts';
import { freshMeasurements } from './random-data.ts';
import { oddNumbers } from './random-odd.ts';
import { timeText, timeValue } from './random-times.ts';
import type { RandomChoice } from './random-choice.ts';

const words = [...keywords].map((word) => word.toLowerCase());
const oddSigns = ['a', '1', ' ', '.', ',', '=', '\\"', "'", '\\\\', '\\n', '/', '*', '$', '(', ';', '-', 'é', '🙂', '\u2028', '\t', '%', ':', '#', '`', '\u00a0', '\u0001', '_']; // prettier-ignore

/** A name that needs quotes, or one that looks so. */
function oddIdentifier(random: RandomChoice): string {
  if (random.chance(0.25)) return random.of([random.of(words), `"${random.of(words)}"`, random.of(words).toUpperCase()]); // prettier-ignore
  if (random.chance(0.15)) return random.of(['a', '_', 'A1', '1a', 'a-b', 'a.b', '"a.b"', '""', 'é', '"', "'a'", '"a\\qb"', '"a\nb"', '"a\\\nb"', '$a', 'a$', '@a', 'a::b', '"a"::float', '"a" "b"', '"a""b"', 'time', '"time"', '_name', '_tagKey']); // prettier-ignore
  return `"${random.some(oddSigns, 4).join('')}"`;
}

function operand(random: RandomChoice, depth: number): string {
  const inner = (): string => operand(random, depth - 1);
  if (depth === 0) return random.of([() => random.of(oddNumbers), () => oddIdentifier(random), () => timeText(random), () => random.of(['v', 'n', 'host', "'a'", 'true', '1h', '3', '2.5'])])(); // prettier-ignore
  return random.of([
    () => inner(),
    () => `(${inner()})`,
    () => `-${inner()}`,
    () => `- ${inner()}`,
    () => `+${inner()}`,
    () => `${inner()} ${random.of(['+', '-', '*', '/', '%', '&', '|', '^'])} ${inner()}`,
    () => `${inner()}${random.of(['+', '-', '*', '/', '%'])}${inner()}`,
    () => `${random.of(['abs', 'POW', 'f', 'Max', 'now'])}(${random.of(['', inner(), `${inner()}, ${inner()}`])})`,
  ])(); // prettier-ignore
}

function condition(random: RandomChoice, depth: number): string {
  const inner = (): string => condition(random, depth - 1);
  if (depth === 0)
    return random.of([
      () => `${operand(random, 1)} ${random.of(['=', '!=', '<>', '<', '<=', '>', '>='])} ${operand(random, 1)}`,
      () => `${oddIdentifier(random)} ${random.of(['=~', '!~'])} ${random.of(['/a/', '/a\\/b/', '/a\\\\b/', '/(?i)é/', '/\\d+/', '//', '/[/]/', '/\\n/', "'a'"])}`,
      () => `time ${random.of(['<', '>=', '='])} ${timeValue(random)}`,
      () => operand(random, 1),
    ])(); // prettier-ignore
  return random.of([
    () => inner(),
    () => `(${inner()})`,
    () => `${inner()} ${random.of(['AND', 'OR', 'and'])} ${inner()}`,
    () => `${inner()} ${random.of(['=', '+', '<'])} ${inner()}`,
  ])();
}

/** A SELECT whose parts are written in every way that the language has: nobody asks it, it is kept and told. */
function keptSelect(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const number = numberField(random, measurement);
  const call = random.of([
    () => reducer(random, measurement),
    () => transformation(random, `mean(${number})`),
    () => holtWinters(random, `mean(${number})`),
    () => math(random, `max(${number})`),
    () => `count(distinct ${number})`,
    () => `DISTINCT ${number}`,
    () => `count(${oddIdentifier(random)})`,
    () => `max(v) ${random.of(['+', '-', '*', '/', '%', '&', '|', '^'])} ${operand(random, 1)}`,
    () => random.of(['mean(*)', 'mean(*::field)', 'mean(/a\\/b/)', 'MEAN(v)', 'mean(v::integer)', 'max(v::unsigned)', 'last(s::string)']),
  ])(); // prettier-ignore
  const isRaw = random.chance(0.3);
  const list = isRaw
    ? random.of([() => operand(random, 2), () => fieldOf(random, measurement), () => `v::${random.of(['float', 'integer', 'string', 'boolean', 'tag', 'field', 'unsigned', 'FLOAT'])}`, () => random.of(['*', '*::tag', '/^a/', '*, v'])])() // prettier-ignore
    : call;
  const alias = random.maybe(0.3, () => ` AS ${oddIdentifier(random)}`);
  const more = random.maybe(0.2, () => `, ${isRaw ? fieldOf(random, measurement) : reducer(random, measurement)}`); // prettier-ignore
  const target = random.of(['x', 'rp2.x', 'changing.autogen.x', 'changing..x', '"a b"', ':MEASUREMENT', 'changing.autogen.:MEASUREMENT', '"d"."p":MEASUREMENT', oddIdentifier(random), `a.${oddIdentifier(random)}`]); // prettier-ignore
  const from = random.of([
    () => quoted(measurement.name),
    () => oddIdentifier(random),
    () => random.of(['/./', '/a\\/b/', 'rp2././', 'a..b', '"a"."b"."c"', 'a."b".c', 'm, n', 'm, /n/', '"a"../b/']),
    () => `(SELECT ${fieldOf(random, measurement)} FROM m${random.maybe(0.4, () => ` WHERE ${condition(random, 1)}`)}${random.maybe(0.4, () => ' LIMIT 3')})`,
  ])(); // prettier-ignore
  const where = random.maybe(0.5, () => ` WHERE ${condition(random, 2)}`);
  const window = isRaw ? [] : [`time(${random.of(['1h', '1h', '90m', '1h, 10m', '1h, -10m', '1h, now()', "1h, '2000-01-01'", '1w2d', '1500ms', '1h30m', '1000u', '100d'])})`]; // prettier-ignore
  const groups = [...window, ...random.of([[], [], ['*'], ['host'], ['/^h\\/o/'], [oddIdentifier(random)], ['host', '*'], ['host::tag']])]; // prettier-ignore
  const by = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const filling = random.maybe(0.4, () => ` fill(${random.of(['none', 'null', 'previous', 'linear', '0', '-1.5', '1e3', '100', '0.1', '9223372036854775807'])})`); // prettier-ignore
  const tail = random.maybe(0.15, () => random.of([' ORDER BY time DESC', ' ORDER BY time', ' order by time asc', ' ORDER BY DESC'])) + random.maybe(0.15, () => ' LIMIT 3') + random.maybe(0.1, () => ' OFFSET 2') + random.maybe(0.1, () => ' SLIMIT 4') + random.maybe(0.1, () => ' SOFFSET 1') + random.maybe(0.15, () => ` tz('${random.of(['Europe/Berlin', 'utc', 'UTC', 'EST'])}')`); // prettier-ignore
  return `SELECT ${list}${alias}${more} INTO ${target} FROM ${from}${where}${by}${filling}${tail}`;
}

const lengths = [
  '1m',
  '1h',
  '90s',
  '1500ms',
  '1h30m',
  '2w',
  '1d12h',
  '100u',
  '1ns',
  '0s',
  '1h1m1s',
];

/** A continuous query, how it is told, and its end. */
export function keptQuery(random: RandomChoice): string {
  const name = random.of(['c', oddIdentifier(random)]);
  const resample = random.maybe(0.4, () => ` RESAMPLE${random.maybe(0.7, () => ` EVERY ${random.of(lengths)}`)}${random.maybe(0.5, () => ` FOR ${random.of([...lengths, '3h', '10d'])}`)}`); // prettier-ignore
  const [begin, end] = random.chance(0.15) ? ['begin', 'end'] : ['BEGIN', 'END'];
  return `CREATE CONTINUOUS QUERY ${name} ON changing${resample} ${begin} ${keptSelect(random)} ${end}; SHOW CONTINUOUS QUERIES; DROP CONTINUOUS QUERY ${name} ON changing`; // prettier-ignore
}
