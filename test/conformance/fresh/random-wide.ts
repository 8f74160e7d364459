import { reducer, transformation } from './random-calls.ts';
import { fieldOf, fills, numberField, quoted, tagTerm } from './random-clauses.ts';
import { freshMeasurements, wideMeasurements, type FreshMeasurement } from './random-data.ts';
import { noisy, oddNumbers, torn } from './random-odd.ts';
import { aggregateSelect, rawSelect, subquerySelect, transformSelect } from './random-selects.ts';
import { severalSources, typedArithmetic } from './random-several.ts';
import { show } from './random-shows.ts';
import type { RandomChoice } from './random-choice.ts';

const zones = ['America/New_York', 'Europe/Berlin', 'Australia/Lord_Howe', 'America/St_Johns', 'Asia/Kathmandu', 'America/Sao_Paulo', 'UTC', 'nowhere']; // prettier-ignore
const [clocks, far, odd] = wideMeasurements as readonly [FreshMeasurement, FreshMeasurement, FreshMeasurement]; // prettier-ignore

/** What the plain families leave out: days of 23 hours, the ends of time, odd names and numbers, deep conditions. */
export function wideStatement(random: RandomChoice): string {
  return random.of([
    clockSelect,
    clockSelect,
    farSelect,
    farSelect,
    oddSelect,
    filled,
    filled,
    conditionSelect,
    conditionSelect,
    wildcardSelect,
    sourceSelect,
    severalSources,
    severalSources,
    typedArithmetic,
    typedArithmetic,
    (one: RandomChoice) => subquerySelect(one, 4),
    (one: RandomChoice) => noisy(one, anySelect(one)),
    (one: RandomChoice) => torn(one, anyText(one)),
    (one: RandomChoice) => torn(one, anyText(one)),
    showOdd,
  ])(random);
}

function anySelect(random: RandomChoice): string {
  return random.of([rawSelect, aggregateSelect, transformSelect, subquerySelect])(random);
}

function anyText(random: RandomChoice): string {
  return random.of([rawSelect, show, show, conditionSelect])(random);
}

/** Windows over a change of the clock. */
function clockSelect(random: RandomChoice): string {
  const day = random.of(['2000-03-25', '2000-04-01', '2000-10-28', '2000-03-26 01:30:00', '2000-10-29T00:30:00Z']); // prettier-ignore
  const length = random.of(['6h', '1d', '3d', '50h', '10d']);
  const every = random.of(['30m', '1h', '6h', '1d', '1d', '7h', '1w', '12h', '2d']);
  const offset = random.maybe(0.4, () => `, ${random.maybe(0.4, () => '-')}${random.of(['1h', '30m', '90m', '1d', '5d'])}`); // prettier-ignore
  const zone = random.maybe(0.9, () => ` tz('${random.of(zones)}')`);
  const list = random.of([
    () => reducer(random, clocks),
    () => `${reducer(random, clocks)}, ${reducer(random, clocks)}`,
    () => transformation(random, `${random.of(['mean', 'max', 'count', 'last'])}(n)`),
  ])();
  const host = random.maybe(0.3, () => ', host');
  const order = random.maybe(0.2, () => ' ORDER BY time DESC');
  const page = random.maybe(0.2, () => ` LIMIT ${random.integer(1, 4)}`) + random.maybe(0.2, () => ` OFFSET ${random.integer(1, 3)}`); // prettier-ignore
  const from = random.chance(0.15) ? `(SELECT ${random.of(['n', 'v'])} AS n, v FROM dst)` : 'dst';
  return `SELECT ${list} FROM ${from} WHERE time >= '${day}' AND time < '${day}' + ${length} GROUP BY time(${every}${offset})${host} fill(${random.of(fills)})${order}${page}${zone}`; // prettier-ignore
}

/** Times that no clock shows. */
function farSelect(random: RandomChoice): string {
  const times = ['-9223372036854775806', '-9223372036854775807', '-9223372036854775808', '9223372036854775806', '9223372036854775807', '9223372036854775808', '0', '-1', "'1677-09-21T00:12:43.145224194Z'", "'1677-09-21 00:12:43'", "'2262-04-11T23:47:16.854775806Z'", "'2262-04-12'", "'1500-01-01'", "'1969-12-31T23:59:59.999999999Z'", '-1h', 'now()', 'now() + 200000d', "'1970-01-01' - 1h", '1e18', '-5.5', '300y', "'soon'", '1000000w']; // prettier-ignore
  const bound = () => `time ${random.of(['>', '>=', '<', '<=', '=', '!='])} ${random.of(times)}`;
  const condition = random.maybe(0.85, () => ` WHERE ${random.of([bound(), `${bound()} AND ${bound()}`, `${bound()} OR ${bound()}`, `${random.of(times)} < time`])}`); // prettier-ignore
  if (random.chance(0.4)) return `SELECT ${random.of(['*', 'v', 'n, v', 'elapsed(n, 1h)', 'first(v), last(n)', 'difference(n)', 'max(n), *'])} FROM far${condition}${random.maybe(0.3, () => ' GROUP BY host')}${random.maybe(0.3, () => ' ORDER BY time DESC')}${random.maybe(0.2, () => ' LIMIT 3')}`; // prettier-ignore
  const every = random.of(['36500d', '5000w', '10000w']);
  const offset = random.maybe(0.3, () => `, ${random.of(['1h', '-1h', 'now()', '1000d'])}`);
  return `SELECT ${reducer(random, far)} FROM far${condition} GROUP BY time(${every}${offset}) fill(${random.of(['none', 'none', 'null', '0', 'previous', 'linear'])})${random.maybe(0.2, () => ' ORDER BY time DESC')}`; // prettier-ignore
}

function oddSelect(random: RandomChoice): string {
  const from = random.of([quoted(odd.name), quoted(odd.name), `fresh.autogen.${quoted(odd.name)}`, '/q$/', '/\\./', '"fresh"."autogen"."select.é\\"q"', "'select'", 'select', '"nosuch\n"']); // prettier-ignore
  const field = fieldOf(random, odd);
  const list = random.of([
    () => field,
    () => `${field}::${random.of(['integer', 'float', 'string', 'nosuch', 'tag', 'field', 'unsigned', 'time'])}`,
    () => `${field} AS ${random.of(['"x y"', '"select"', 'a1', '"é"', '""', 'time', '1a'])}`,
    () => `${field} ${random.of(['+', '-', '*', '/', '%', '&', '|', '^'])} ${random.of(oddNumbers)}`,
    () => `mean(${field}), "from"`,
    () => `max(${numberField(random, odd)}) AS m, ${random.of(odd.tags.map(quoted))}`,
    () => '*',
    () => random.of(oddNumbers),
    () => `pow(${field}, ${random.of(oddNumbers)})`,
    () => `percentile(${field}, ${random.of(oddNumbers)})`,
    () => `top(${field}, ${random.of(oddNumbers)})`,
    () => `derivative(${field}, ${random.of(oddNumbers)})`,
  ])(); // prettier-ignore
  const groups = random.maybe(0.3, () => ` GROUP BY ${random.of(['"from"', '*', '"h,o=t"', '/o/', 'from', `time(${random.of(oddNumbers)})`])}`); // prettier-ignore
  const condition = random.maybe(0.4, () => ` WHERE ${random.of([`"from" = 'a'`, `"h,o=t" =~ /x|a/`, `${field} > ${random.of(oddNumbers)}`, `"a.b" = ${random.of(oddNumbers)}`, `time > ${random.of(oddNumbers)}`])}`); // prettier-ignore
  const page = random.maybe(0.15, () => ` ${random.of(['LIMIT', 'OFFSET', 'SLIMIT', 'SOFFSET'])} ${random.of(oddNumbers)}`); // prettier-ignore
  return `SELECT ${list} FROM ${from}${condition}${groups}${page}`;
}

/** Every function with every fill, alone and beside another. */
function filled(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const call = random.chance(0.7)
    ? reducer(random, measurement)
    : transformation(random, `${random.of(['mean', 'count', 'first', 'max', 'distinct', 'mode'])}(${fieldOf(random, measurement)})`); // prettier-ignore
  const list = random.chance(0.3) ? `${call}, ${reducer(random, measurement)}` : call;
  const start = random.integer(0, 1_800);
  const bounds = `time >= '2000-01-01T00:00:00Z' + ${start}s AND time < '2000-01-01T00:00:00Z' + ${start + random.of([600, 1_800, 5_400])}s`; // prettier-ignore
  const term = random.maybe(0.3, () => ` AND ${tagTerm(random, measurement)}`);
  const tag = random.maybe(0.3, () => `, ${quoted(random.of([...measurement.tags, 'nosuch']))}`);
  const order = random.maybe(0.25, () => ` ORDER BY time DESC`);
  return `SELECT ${list} FROM ${quoted(measurement.name)} WHERE ${bounds}${term} GROUP BY time(${random.of(['10s', '30s', '1m', '7m', '10m', '1h'])}${random.maybe(0.2, () => `, ${random.of(['3s', '-5s', '1h', '11m'])}`)})${tag} fill(${random.of(fills)})${order}`; // prettier-ignore
}

/** Terms of all kinds under AND, OR and parentheses. */
function conditionSelect(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const number = () => numberField(random, measurement);
  const field = () => fieldOf(random, measurement);
  const tag = () => quoted(random.of([...measurement.tags, 'host', 'nosuch']));
  const comparison = () => random.of(['=', '!=', '<', '<=', '>', '>=', '<>', '=~', '!~']);
  const arithmetic = () => random.of(['+', '-', '*', '/', '%', '&', '|', '^']);
  const term = (): string =>
    random.of([
      () => tagTerm(random, measurement),
      () => `${number()} ${comparison()} ${random.integer(-5, 90)}`,
      () => `${random.integer(-5, 90)} ${comparison()} ${number()}`,
      () => `${field()} ${comparison()} ${random.of(oddNumbers)}`,
      () => `${tag()} ${comparison()} ${random.of(["'a'", '/a/', '3', 'true', tag(), field()])}`,
      () => `'a' ${comparison()} ${tag()}`,
      () => `${field()} ${comparison()} ${field()}`,
      () => `${number()} ${arithmetic()} ${random.of([number(), '2', '0', '1.5'])} ${comparison()} ${random.of([number(), '3', '0', '2.5'])}`,
      () => random.of(['true', 'false', '1 = 1', "'a' = 'a'", '2 > 1', 'true = false', '1 + 1 = 2']),
      () => `${field()}::${random.of(['float', 'integer', 'string', 'boolean', 'tag', 'field'])} ${comparison()} ${random.of(['3', "'a'", 'true', '/a/'])}`,
      () => `-${number()} < ${random.integer(-9, 9)}`,
      () => `${random.of(['abs', 'floor', 'nosuch', 'count', 'now'])}(${number()}) > 3`,
      () => `time ${random.of(['>', '<', '='])} '2000-01-0${random.integer(1, 4)}'`,
      field,
      tag,
    ])(); // prettier-ignore
  const tree = (depth: number): string =>
    depth === 0 || random.chance(0.2)
      ? term()
      : random.of([
          `${tree(depth - 1)} AND ${tree(depth - 1)}`,
          `${tree(depth - 1)} OR ${tree(depth - 1)}`,
          `(${tree(depth - 1)})`,
        ]);
  const list = random.of([field(), `${field()}, ${tag()}`, `count(${field()})`, `max(${number()}), ${field()}`]); // prettier-ignore
  return `SELECT ${list} FROM ${quoted(measurement.name)} WHERE ${tree(random.integer(1, 3))}${random.maybe(0.4, () => ' GROUP BY *')}`; // prettier-ignore
}

/** Wildcards and patterns in place of names, and several calls over all of them. */
function wildcardSelect(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const name = random.of(['count', 'mean', 'sum', 'max', 'first', 'last', 'mode', 'median', 'stddev', 'spread', 'distinct', 'integral', 'derivative', 'difference', 'cumulative_sum', 'elapsed', 'abs', 'round', 'nosuch']); // prettier-ignore
  const what = random.of(['*', '*::field', '*::tag', '/./', '/^[nu]/', '/nosuch/', '/s|v/']);
  const list = random.of([
    () => `${name}(${what})`,
    () => `${name}(${what}) AS x`,
    () => what,
    () => `${what}, ${fieldOf(random, measurement)}`,
    () => `${random.of(['derivative', 'difference', 'cumulative_sum'])}(${random.of(['mean', 'max', 'count'])}(${what}))`,
    () => `top(${what}, 2)`,
    () => `percentile(${what}, 50)`,
    () => `${name}(${what}) + 1`,
    () => `${what} + 1`,
    () => `-${fieldOf(random, measurement)}`,
    () => `(${fieldOf(random, measurement)})`,
  ])(); // prettier-ignore
  const time = random.maybe(0.4, () => ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z' GROUP BY time(20m)`); // prettier-ignore
  const groups = time === '' ? random.maybe(0.5, () => ' GROUP BY *') : random.maybe(0.5, () => ', *'); // prettier-ignore
  return `SELECT ${list} FROM ${quoted(measurement.name)}${time}${groups}`;
}

/** Sources by pattern, of several policies, and more than one. */
function sourceSelect(random: RandomChoice): string {
  const source = () => random.of(['/./', '/^(cpu|mem)$/', '/^[a-m]/', '/nosuch/', 'rp2./.*/', 'fresh.autogen./c/', 'fresh../p/', 'fresh.nosuch.cpu', 'nosuch..cpu', 'rp2.cpu', 'lone', '(SELECT usage FROM cpu)', '(SELECT v AS usage FROM lone)', '(SELECT * FROM /m/)']); // prettier-ignore
  const list = random.of(['count(*)', 'max(usage)', 'usage', 'last(*)', 'v, used', 'mean(/u/)', '*']); // prettier-ignore
  const groups = random.of(['', ' GROUP BY *', ' GROUP BY host', ' GROUP BY /o/', ` GROUP BY host, *`]); // prettier-ignore
  const from = random.chance(0.6) ? source() : `${source()}, ${source()}`;
  return `SELECT ${list} FROM ${from}${groups}`;
}

function showOdd(random: RandomChoice): string {
  const name = quoted(odd.name);
  return random.of([
    `SHOW SERIES FROM ${name}`,
    `SHOW SERIES FROM ${name} WHERE "from" = 'a'`,
    `SHOW TAG VALUES FROM ${name} WITH KEY ${random.of(['= "from"', '= "h,o=t"', 'IN ("from", "h,o=t")', '=~ /o/', '=~ /[/', '= from', "= 'from'"])}`,
    `SHOW TAG KEYS FROM ${name}`,
    `SHOW FIELD KEYS FROM ${name}`,
    `SHOW MEASUREMENTS WITH MEASUREMENT =~ /${random.of(['é', 'q$', '\\.', '^select', '"', '('])}/`,
    `SHOW SERIES EXACT CARDINALITY FROM ${name}`,
    `SHOW FIELD KEYS FROM far, ${name} LIMIT ${random.of(oddNumbers)}`,
    `SHOW TAG VALUES WITH KEY = host WHERE value = 'a'`,
    `SHOW TAG VALUES WITH KEY = host WHERE time > '2000-01-0${random.integer(1, 4)}' AND host ${random.of(['=', '!='])} 'a'`,
    `SHOW SERIES WHERE ${tagTerm(random, random.of(freshMeasurements))} AND time ${random.of(['>', '<'])} '2000-0${random.integer(1, 9)}-02'`,
  ]); // prettier-ignore
}
