import { reducer, transformation } from './random-calls.ts';
import { fieldOf, fills, numberField, quoted, tagTerm } from './random-clauses.ts';
import { freshMeasurements, tagValues, type FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

/** Of these the rows of a series, and of the first all rows, stand in one order that nobody can doubt. */
const [cpu, , , ties, lone] = freshMeasurements as readonly [FreshMeasurement, FreshMeasurement, FreshMeasurement, FreshMeasurement, FreshMeasurement]; // prettier-ignore
const firstMs = 946_684_800_000;

/** What dashboards, their editors and people with a shell ask, in the forms that they have it. */
export function userStatement(random: RandomChoice): string {
  return random.of([
    panel,
    panel,
    panel,
    editor,
    editor,
    pagedSubquery,
    pagedSubquery,
    bestOfTags,
    bestOfTags,
    everywhereRegex,
    everywhereRegex,
    severalDatabases,
    typedCalls,
    typedCalls,
    shell,
  ])(random);
}

/** Quoted as editors of panels quote: every name, types beside some, bounds in milliseconds. */
function panel(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const field = `"${random.of(measurement.fields)[0]}"${random.maybe(0.3, () => '::field')}`;
  const number = numberField(random, measurement);
  const call = random.of([
    `mean(${field})`,
    `last(${field})`,
    `max(${number})`,
    `count(${field})`,
    `distinct(${field})`,
    `percentile(${number}, 95)`,
    `non_negative_derivative(mean(${number}), 1s)`,
    `non_negative_derivative(max(${number}), $i) / 2 * 100`,
    `moving_average(mean(${number}), 3)`,
    `cumulative_sum(sum(${number}))`,
    `difference(last(${number}))`,
    `mean(${number}) / 1024 / 1024`,
    `100 - mean(${number})`,
    `(max(${number}) - min(${number})) / mean(${number}) * 100`,
    `sum(${number}) / count(${number})`,
    `integral(${number}, 1m)`,
    `stddev(${number})`,
    `mode(${field})`,
  ]);
  const alias = random.maybe(0.4, () => ` AS "${random.of(['a', 'the mean', 'été', 'x.y'])}"`);
  const tags = [...measurement.tags, 'host'];
  const values = random.some(tagValues, 3).map((value) => value.replace(' ', '\\ '));
  const filter = random.maybe(0.5, () => {
    const tag = `"${random.of(tags)}"${random.maybe(0.3, () => '::tag')}`;
    return `(${random.of([`${tag} =~ /^(${values.join('|')})$/`, `${tag} =~ /^$/`, `${tag} !~ /^${values[0] ?? ''}$/`, `${tag} = '${random.of(tagValues)}'`, `${tag} = 'a' OR ${tag} = 'b'`, `${tag} != ''`, `${tag} =~ /(?i)^SERVER/`, `${tag} =~ /.*/`])}) AND `;
  });
  const start = firstMs + random.integer(-600_000, 1_800_000);
  const end = start + random.of([60_000, 600_000, 3_600_000, 90_000_000]);
  const bounds = `time >= ${start}ms and time <= ${end}ms`;
  const every = end - start > 4_000_000 ? random.of(['1h', '6h', '1d']) : random.of(['10s', '30s', '1m', '5m', '100ms', '1h']); // prettier-ignore
  const group = random.maybe(0.5, () => `, "${random.of(tags)}"${random.maybe(0.3, () => '::tag')}`); // prettier-ignore
  const from = `${random.of(['', '', '"autogen".', '"fresh"."autogen".'])}"${measurement.name}"`;
  const isTiny = every === '100ms' && end - start > 700_000;
  const tail = random.maybe(0.2, () => ` ORDER BY time ${random.of(['desc', 'asc'])}`) + random.maybe(0.15, () => ` LIMIT ${random.of([1, 10, 1_000])}`) + random.maybe(0.15, () => ` tz('${random.of(['Europe/Berlin', 'Asia/Kolkata', 'UTC'])}')`); // prettier-ignore
  return `SELECT ${call.replaceAll('$i', every)}${alias} FROM ${from} WHERE ${filter}${bounds} GROUP BY time(${isTiny ? '10s' : every})${group} fill(${random.of(['null', 'none', 'previous', 'linear', '0'])})${tail}`; // prettier-ignore
}

/** What fills the lists of an editor. */
function editor(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const name = `"${measurement.name}"`;
  const policy = random.of(['', '', '"autogen".', '"rp2".', 'fresh.autogen.', 'fresh..']);
  const tag = random.of([...measurement.tags, 'host']);
  const other = random.of([...measurement.tags, 'region', 'nosuch']);
  const filter = random.maybe(0.6, () => ` WHERE ${random.of([`"${other}" = '${random.of(tagValues)}'`, `"${other}" =~ /^(a|b)$/`, `"${other}" !~ /^$/`, `"${other}" = ''`, `"${other}" = 'a' AND "${tag}" != 'b'`, `("${other}" = 'a' OR "${tag}" = 'b')`, `time > now() - 1h`, `time > ${firstMs}ms AND "${tag}" =~ /./`])}`); // prettier-ignore
  const page = random.maybe(0.3, () => ` LIMIT ${random.of([1, 3, 100])}`);
  return random.of([
    `SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)${random.of(['C', 'm', 'odd', '.', 'zzz'])}/${page}`,
    `SHOW MEASUREMENTS${filter.includes('time') ? '' : filter}${page}`,
    `SHOW FIELD KEYS FROM ${policy}${name}`,
    `SHOW TAG KEYS FROM ${policy}${name}${filter}`,
    `SHOW TAG VALUES FROM ${policy}${name} WITH KEY = "${tag}"${filter}${page}`,
    `SHOW TAG VALUES FROM ${policy}${name} WITH KEY IN ("${tag}", "${other}")${filter}${page}`,
    `SHOW TAG VALUES WITH KEY =~ /^(${tag}|${other})$/${filter}`,
    `SHOW TAG VALUES ON "fresh" FROM ${name} WITH KEY = "${tag}" WHERE "${tag}" =~ /^${random.of(['s', 'a', 'u', ''])}/`,
    `SHOW SERIES FROM ${policy}${name}${filter}${page}`,
    `SHOW SERIES ON fresh${filter}${page}`,
    `SHOW RETENTION POLICIES ON "${random.of(['fresh', 'nosuch', 'changing'])}"`,
    `SELECT * FROM ${policy}${name} LIMIT 1`,
    `SELECT "${tag}", ${fieldOf(random, measurement)} FROM ${policy}${name} GROUP BY * LIMIT 2`,
  ]); // prettier-ignore
}

/** Pages at every depth, over rows of which no two have one time and group. */
function pagedSubquery(random: RandomChoice): string {
  const isLone = random.chance(0.5);
  const measurement = isLone ? lone : random.of([cpu, ties]);
  const number = numberField(random, measurement);
  const all = isLone ? '' : ' GROUP BY *';
  const page = (share: number): string =>
    random.maybe(share, () => ` LIMIT ${random.integer(1, 6)}`) +
    random.maybe(share / 2, () => ` OFFSET ${random.integer(0, 4)}`);
  const order = random.maybe(0.2, () => ' ORDER BY time DESC');
  const bounds = `time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`;
  const inner = random.of([
    `SELECT ${number} AS a FROM ${quoted(measurement.name)}${all}${page(0.8)}`,
    `SELECT mean(${number}) AS a FROM ${quoted(measurement.name)} WHERE ${bounds} GROUP BY time(5m)${isLone ? '' : ', *'} fill(${random.of(fills)})${page(0.8)}`,
    `SELECT cumulative_sum(${number}) AS a FROM ${quoted(measurement.name)}${all}${page(0.8)}`,
    `SELECT top(${number}, 5) AS a FROM ${quoted(measurement.name)}${all}`,
    `SELECT distinct(${number}) AS a FROM ${quoted(measurement.name)}${all}`,
  ]);
  const list = random.of(['a', 'a, a * 2 AS b', 'count(a)', 'sum(a)', 'last(a)', 'max(a)', 'mean(a)', 'difference(a)', '*', 'median(a)']); // prettier-ignore
  const middle = random.chance(0.3) ? `SELECT a FROM (${inner})${all}${page(0.5)}` : inner;
  return `SELECT ${list} FROM (${middle})${all}${order}${page(0.5)}`;
}

/** top() and bottom() of tags, of several, beside fields, under names. */
function bestOfTags(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements.filter(({ tags }) => tags.length > 0));
  const number = numberField(random, measurement);
  const tags = measurement.tags.map(quoted);
  const inside = random.of([[], [tags[0]], tags, tags.toReversed(), [tags[0], 'nosuch'], [fieldOf(random, measurement)]]); // prettier-ignore
  const call = `${random.of(['top', 'bottom'])}(${[number, ...inside, random.integer(1, 5)].join(', ')})`; // prettier-ignore
  const beside = random.maybe(0.5, () => `, ${random.of([...tags, fieldOf(random, measurement), '*', `${number} * 2`, 'nosuch', call])}`); // prettier-ignore
  const alias = random.maybe(0.3, () => ' AS best');
  const time = random.maybe(0.5, () => ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`); // prettier-ignore
  const windows = time !== '' && random.chance(0.6) ? ['time(10m)'] : [];
  const groups = [...windows, ...random.of([[], [], ['*'], [random.of(tags)], ['nosuch']])];
  const by = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const text = `SELECT ${call}${alias}${beside} FROM ${quoted(measurement.name)}${time}${by}`;
  if (random.chance(0.25) && alias !== '') return `SELECT ${random.of(['best', '*', 'max(best)', 'count(best)', `best, ${tags[0] ?? ''}`])} FROM (${text})${random.maybe(0.3, () => ` GROUP BY ${tags[0] ?? ''}`)}`; // prettier-ignore
  return `${text}${random.maybe(0.15, () => ' fill(0)')}`;
}

/** A pattern wherever one may stand, and where none may. */
function everywhereRegex(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const pattern = () => random.of(['/./', '/^c/', '/o/', '/u$/', '/(?i)USAGE/', '/^(n|v|w)$/', '/[a-m]/', '/nosuch/', '/\\w+/', '/a b/', '/é/', '/^.{3}$/', '/a\\/b/', '/(/', '//']); // prettier-ignore
  const list = random.of([pattern(), `count(${pattern()})`, `max(${pattern()})`, `mean(${pattern()}) AS m`, `${pattern()}, ${fieldOf(random, measurement)}`, `top(${pattern()}, 2)`, `derivative(${pattern()})`, `${pattern()} + 1`, `first(${pattern()}), last(${pattern()})`, `${pattern()}::field`, `distinct(${pattern()})`]); // prettier-ignore
  const from = random.of([quoted(measurement.name), quoted(measurement.name), pattern(), `autogen.${pattern()}`, `fresh.rp2.${pattern()}`]); // prettier-ignore
  const operator = random.of(['=~', '!~', '=~', '=']);
  const condition = random.maybe(0.5, () => ` WHERE ${random.of(['host', quoted(measurement.tags[0] ?? 'host'), fieldOf(random, measurement), 'nosuch', '_name', 'time', '"a tag"'])} ${operator} ${pattern()}`); // prettier-ignore
  const groups = random.maybe(0.4, () => ` GROUP BY ${random.of([pattern(), `${pattern()}, host`, '*', 'host'])}`); // prettier-ignore
  return `SELECT ${list} FROM ${from}${condition}${groups}`;
}

/** Databases and policies beside each other, in every form of a name. */
function severalDatabases(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const name = quoted(measurement.name);
  const number = numberField(random, measurement);
  const one = () => random.of([name, `autogen.${name}`, `rp2.${name}`, `fresh..${name}`, `"fresh"."rp2".${name}`, `changing..${name}`, `nosuch..${name}`, `fresh.nosuch.${name}`, `".".${name}`, `"fresh.autogen".${name}`, `..${name}`, `fresh.autogen..${name}`]); // prettier-ignore
  const from = random.chance(0.4) ? `${one()}, ${one()}` : one();
  const list = random.of([`count(${number})`, `max(${number})`, `sum(${number})`, 'count(*)', `first(${number})`]); // prettier-ignore
  return `SELECT ${list} FROM ${from}${random.maybe(0.3, () => ' GROUP BY host')}`;
}

/** Every call of fields of every type, with a cast or without, alone, in windows and in arithmetic. */
function typedCalls(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const field = fieldOf(random, measurement);
  const cast = random.maybe(0.25, () => `::${random.of(['float', 'integer', 'string', 'boolean', 'unsigned', 'tag', 'field'])}`); // prettier-ignore
  const asked = { ...measurement, fields: [[`${field}${cast}`, 'float']] } as FreshMeasurement;
  const plain = (text: string): string => text.replaceAll(`"${field}${cast}"`, `${field}${cast}`);
  const call = plain(random.chance(0.6) ? reducer(random, asked) : transformation(random, `${field}${cast}`)); // prettier-ignore
  const more = random.maybe(0.2, () => random.of([' + 1', ' * 0.5', ' / 2', ' % 3', ' & 1', ' | 2', ` - ${call}`, ' = 1', ' > 2'])); // prettier-ignore
  const term = random.maybe(0.3, () => ` AND ${tagTerm(random, measurement)}`);
  const bounds = ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-0${random.integer(2, 5)}T00:00:00Z'${term}`; // prettier-ignore
  const groups = random.of(['', ' GROUP BY *', ' GROUP BY time(6h)', ' GROUP BY time(6h), *']);
  return `SELECT ${call}${more} FROM ${quoted(measurement.name)}${bounds}${groups}${groups.includes('time') ? ` fill(${random.of(fills)})` : ''}`; // prettier-ignore
}

/** What is typed into a shell: no quotes where none are needed, semicolons, short forms, slips. */
function shell(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements);
  const { name, fields } = measurement;
  const [[field] = ['v']] = fields;
  return random.of([
    `select * from ${name} limit 3`,
    `select count(*) from ${quoted(name)}`,
    `select * from ${quoted(name)} where time > now() - 1d`,
    `select ${field} from ${quoted(name)} order by time desc limit 1`,
    `select last(*) from ${quoted(name)} group by *`,
    `select * from "${name}" where host='a' and ${quoted(field)}>1 limit 5`,
    `select * from "${name}" where host="a" limit 5`,
    `select * from "${name}" where "host"='nosuch'`,
    `select "${field}" from "${name}" where time = '2000-01-01'`,
    `select "${field}" from '${name}'`,
    `select '${field}' from "${name}"`,
    `select mean("${field}") from "${name}" group by time(1h)`,
    `select mean("${field}") from "${name}" where time > '2000-01-01' and time < '2000-01-02' group by time(1h), host limit 2`,
    `select sum("${field}") from "${name}" where time > '2000-01-01' group by time(1h) having sum > 1`,
    `select distinct "${field}" from "${name}"`,
    `select count(distinct "${field}") from "${name}"`,
    `select max("${field}"), min("${field}"), host from "${name}"`,
    `select "${field}" from "${name}" where time in ('2000-01-01')`,
    `select "${field}" from "${name}" where host in ('a', 'b')`,
    `select "${field}" from "${name}" where host like 'a%'`,
    `select "${field}" from "${name}" where "${field}" is not null`,
    `select "${field}" from "${name}" where not host = 'a'`,
    `select "${field}" as from from "${name}"`,
    `select "${field}" from "${name}" limit 0`,
    `select "${field}" from "${name}" limit 2 offset 1 slimit 1`,
    `select "${field}" from "${name}" order by "${field}"`,
    `select "${field}" from "${name}" order by time desc, host`,
    `select top("${field}", 3) from "${name}" order by time desc`,
    'show tag values',
    `show tag values from ${quoted(name)} with key in (host)`,
    `show tag values with key = host limit 2 offset 1`,
    `show series from ${quoted(name)} where host = 'a' limit 2`,
    `show field keys on fresh from ${quoted(name)}`,
    `show measurements on fresh limit 2 offset 1`,
    'show diagnostics for nosuch',
    'show stats for nosuch',
    `use fresh`,
    `insert ${name} v=1`,
    `drop measurement`,
    `explain select`,
  ]); // prettier-ignore
}
