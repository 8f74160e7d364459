import { quoted, tagTerm } from './random-clauses.ts';
import { freshMeasurements, wideMeasurements } from './random-data.ts';
import { oddNumbers } from './random-odd.ts';
import { timeText } from './random-times.ts';
import type { RandomChoice } from './random-choice.ts';

const measurements = [...freshMeasurements, ...wideMeasurements];

/** SHOW with every clause that its grammar has, and those that others of the family have. */
export function listing(random: RandomChoice): string {
  const measurement = random.of(measurements);
  const name = (): string => quoted(random.of(measurements).name);
  const tag = (): string =>
    quoted(random.of([...measurement.tags, 'host', 'region', 't1', 'nosuch', 'a tag']));
  const field = (): string => quoted(random.of(measurement.fields)[0]);
  const on = random.maybe(0.35, () => ` ON ${random.of(['fresh', 'fresh', '"fresh"', 'changing', 'nosuch', '""', 'fresh.rp2', 'fresh.autogen', 'fresh.nosuch', '*', '*.*', 'fresh.*', '"fresh"."rp2"', "'fresh'", 'fresh.', '/fresh/'])}`); // prettier-ignore
  const from = random.maybe(0.5, () => ` FROM ${random.of([name(), name(), '/./', '/^[a-m]/', `${name()}, ${name()}`, `${name()}, /i/`, 'rp2.cpu', 'autogen.cpu', 'fresh..cpu', 'fresh.rp2.cpu', 'rp2././', 'fresh.autogen./c/', 'nosuch', 'nosuch.cpu', 'nosuch..cpu', 'cpu, cpu', "'cpu'", '(SELECT usage FROM cpu)', '', '*', 'cpu AS x'])}`); // prettier-ignore
  const term = (): string =>
    random.of([
      () => tagTerm(random, measurement),
      () => tagTerm(random, measurement),
      () => `${tag()} ${random.of(['=', '!=', '=~', '!~', '<', '>=', '<>'])} ${random.of(["'a'", "''", '/a/', '/^$/', '3', 'true', tag(), field(), '"a"', "'2000-01-01'", '1h', '-1', "'a' + 'b'"])}`,
      () => `${field()} ${random.of(['=', '!=', '>', '<=', '=~'])} ${random.of(['3', "'alpha'", 'true', '/a/', tag(), '2.5'])}`,
      () => `${random.of(['_name', '_tagKey', '_field', '_fieldKey', '_seriesKey', 'time', 'value', 'key', '"_name"', '_measurement', 'name'])} ${random.of(['=', '!=', '=~', '!~'])} ${random.of(["'cpu'", "'host'", '/^c/', '/o/', "'usage'"])}`,
      () => `time ${random.of(['>', '<', '>=', '<=', '=', '!='])} ${random.of([timeText(random), "'2000-01-02'", "'2000-01-03'", 'now() - 1h', '946684800s', "'2000-01-01' + 1d"])}`,
      () => `'a' = ${tag()}`,
      () => random.of(['true', 'false', '1 = 1', tag(), "'a'", `NOT ${tag()} = 'a'`, `${tag()} IN ('a')`, `(${tag()})`, `abs(3) = 3`, `${tag()}::tag = 'a'`, `${tag()}::field = 'a'`]),
    ])(); // prettier-ignore
  const tree = (depth: number): string => depth === 0 ? term() : random.of([() => tree(0), () => `${tree(depth - 1)} AND ${tree(depth - 1)}`, () => `${tree(depth - 1)} OR ${tree(depth - 1)}`, () => `(${tree(depth - 1)} OR ${tree(0)}) AND ${tree(0)}`])(); // prettier-ignore
  const where = random.maybe(0.5, () => ` WHERE ${tree(random.integer(0, 2))}`);
  const order = random.maybe(0.12, () => ` ORDER BY ${random.of(['time', 'time DESC', 'name', 'name ASC', 'DESC', 'ASC', 'key', 'value DESC', 'time, name', 'name DESC', ''])}`); // prettier-ignore
  const count = (): string =>
    random.chance(0.85) ? String(random.integer(0, 6)) : random.of(oddNumbers);
  const page = random.maybe(0.35, () => ` LIMIT ${count()}`) + random.maybe(0.25, () => ` OFFSET ${count()}`) + random.maybe(0.08, () => ` SLIMIT ${count()}`) + random.maybe(0.06, () => ` SOFFSET ${count()}`) + random.maybe(0.03, () => random.of([' LIMIT 1 LIMIT 2', ' OFFSET 1 LIMIT 2', ' GROUP BY host', ' fill(0)', " tz('UTC')"])); // prettier-ignore
  const key = random.of([() => `= ${tag()}`, () => `!= ${tag()}`, () => `<> ${tag()}`, () => `=~ /${random.of(['h', 'o|t', '^host$', '.', '^$', ''])}/`, () => `!~ /${random.of(['h', '.', 'g'])}/`, () => `IN (${tag()}, ${tag()})`, () => `IN (${tag()})`, () => random.of(['IN ()', 'IN host', "= 'host'", '= /h/', '=~ host', 'host', '> host', "IN ('host')", '=', 'NOT IN (host)', 'IN (host host)', 'IN (host,)', '== host', '= host, region', '= "host" AND KEY = region', '=~ //'])])(); // prettier-ignore
  const withKey = random.maybe(0.25, () => ` WITH KEY ${key}`);
  const named = random.maybe(0.35, () => ` WITH MEASUREMENT ${random.of([`= ${name()}`, `!= ${name()}`, '=~ /^c/', '!~ /m/', '=~ /^$/', "= 'cpu'", '= rp2.cpu', '= fresh..cpu', '=~ cpu', '= /c/', 'IN (cpu)', '<> cpu', '=~ /(/', '= cpu, mem', '=~ fresh../c/'])}`); // prettier-ignore
  const groups = random.maybe(
    0.15,
    () => ` GROUP BY ${random.of(['host', '*', 'host, region', '/h/', 'nosuch'])}`,
  );
  const exact = random.chance(0.85) ? ' EXACT' : '';
  return random.of([
    `SHOW MEASUREMENTS${on}${named}${where}${order}${page}`,
    `SHOW MEASUREMENTS${on}${named}${where}${order}${page}`,
    `SHOW SERIES${on}${from}${where}${order}${page}`,
    `SHOW SERIES${on}${from}${where}${order}${page}`,
    `SHOW TAG KEYS${on}${from}${withKey}${where}${order}${page}`,
    `SHOW TAG KEYS${on}${from}${where}${order}${page}`,
    `SHOW TAG VALUES${on}${from} WITH KEY ${key}${where}${order}${page}`,
    `SHOW TAG VALUES${on}${from} WITH KEY ${key}${where}${order}${page}`,
    `SHOW TAG VALUES${on}${from} WITH KEY ${key}${where}${order}${page}`,
    `SHOW FIELD KEYS${on}${from}${random.maybe(0.1, () => where)}${order}${page}`,
    `SHOW SERIES${exact} CARDINALITY${on}${from}${where}${groups}${page}`,
    `SHOW MEASUREMENT${exact} CARDINALITY${on}${from}${where}${groups}${page}`,
    `SHOW TAG KEY${exact} CARDINALITY${on}${from}${where}${groups}${page}`,
    `SHOW TAG VALUES${exact} CARDINALITY${on}${from} WITH KEY ${key}${where}${groups}${page}`,
    `SHOW FIELD KEY${exact} CARDINALITY${on}${from}${where}${groups}${page}`,
    `SHOW RETENTION POLICIES${on}${random.maybe(0.1, () => page)}`,
    random.of(['SHOW', 'SHOW TAG', 'SHOW FIELD', 'SHOW EXACT', 'SHOW SERIES EXACT', 'SHOW TAG KEYS EXACT CARDINALITY', 'SHOW MEASUREMENTS EXACT CARDINALITY', 'SHOW TAG VALUES', 'SHOW TAG VALUE', 'SHOW GRANTS', 'SHOW GRANTS FOR', 'SHOW GRANTS FOR nosuch', 'SHOW RETENTION', 'SHOW SHARD', 'SHOW CONTINUOUS', 'SHOW DATABASES ON x', 'SHOW USERS LIMIT 1', 'SHOW STATS FOR', 'SHOW DIAGNOSTICS FOR x', 'SHOW FOO', 'SHOW MEASUREMENT', 'SHOW FIELD VALUES', 'SHOW TAG VALUES KEY = host', 'SHOW SERIES CARDINALITY EXACT', 'SHOW RETENTION POLICY ON fresh', 'SHOW QUERIES x', 'SHOW SUBSCRIPTION']),
  ]); // prettier-ignore
}
