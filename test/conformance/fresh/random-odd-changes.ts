import { numberField, quoted } from './random-clauses.ts';
import { freshMeasurements } from './random-data.ts';
import type { FreshChange } from './random-changes.ts';
import type { RandomChoice } from './random-choice.ts';

const plain = freshMeasurements.filter(({ name }) => name !== 'mixed');

/** Changes of the other database that nobody writes on purpose: odd lines, odd conditions of a DELETE, targets of every form. */
export function oddChange(random: RandomChoice): FreshChange {
  return random.of([
    () => ({ lines: oddLines(random) }),
    () => ({ lines: oddLines(random) }),
    () => ({ statement: oddDelete(random) }),
    () => ({ statement: oddDelete(random) }),
    () => ({ statement: oddInto(random) }),
  ])();
}

const oddNames = ['m', 'm\\ a', 'm\\,a', 'm\\=a', '"m"', 'm\\\\', "m'a", 'é', 'm\\', '', '#m', ' m', '\tm', 'm.a', 'm/a', '_m', 'time', '1', 'm\\\\ a', 'm\\"']; // prettier-ignore
const oddTags = ['', ',host=a', ',host=', ',host', ',=a', ',a\\ b=c\\ d', ',a\\=b=c\\=d', ',a\\,b=c\\,d', ',host="a"', ',host=a,host=b', ',z=1,a=2', ',host=a\\', ',host=é', ',host=a\\\\', ', host=a', ',host=a ', ',time=a', ',_field=a', ',host==a', ",host='a b'", ',host=a\\"b', ',,host=a']; // prettier-ignore
const oddFields = ['v=1', 'v=1i', 'v=-1', 'v=+1', 'v=.5', 'v=5.', 'v=1e5', 'v=1E-5', 'v=-0', 'v=1e400', 'v=NaN', 'v=inf', 'v=9223372036854775807i', 'v=9223372036854775808i', 'v=1u', 'v=0x1', 'v=t', 'v=T', 'v=true', 'v=True', 'v=TRUE', 'v=tRUE', 'v=f', 'v=FALSE', 'v="a"', 'v="a b, c=d"', 'v="a\\"b"', 'v="a\\\\b"', 'v="a\\nb"', 'v="a\nb"', 'v="', 'v=""', 'v=a', 'v=', 'v', '=1', 'v=1,', 'v=1,w=2', 'v=1,v=2', 'v=1, w=2', 'a\\ b=1', 'a\\,b=1', 'a\\=b=1', '"v"=1', 'time=1', 'v=1i,s="x",b=t,f=.1', 'v=1.i', 'v=1ii', 'v=--1', 'v=1_0', 'v=é', 'v=1\\ 2', '_name=1', 'v="é\\"']; // prettier-ignore
const oddTimes = [' 946684801', ' 946684801', ' 946684801', ' -1', ' 0', ' 946684801.5', ' 9223372036854775807', ' 99999999999', ' a', '  946684801', ' 946684801 ', ' 946684801 1', ' +946684801', ' 946684801i', '\t946684801', ' "946684801"']; // prettier-ignore
const lineEnds = ['\n', '\n', '\n', '\r\n', '\n\n', '\n# a comment\n', '\n  \n', '\n#'];

/** Lines of which most are right. */
function oddLines(random: RandomChoice): string {
  const part = (usual: string, odd: readonly string[]): string => random.chance(0.7) ? usual : random.of(odd); // prettier-ignore
  const one = (): string =>
    part('m', oddNames) + part(',host=a', oddTags) + ' ' + random.of(oddFields) + part(' 946684801', oddTimes); // prettier-ignore
  return Array.from({ length: random.integer(1, 4) }, one).join(random.of(lineEnds));
}

function oddDelete(random: RandomChoice): string {
  const measurement = random.of(plain);
  const from = random.of([quoted(measurement.name), quoted(measurement.name), '/^(c|m)/', '/nosuch/', `${quoted(measurement.name)}, mem`, 'nosuch', 'autogen.cpu', 'changing..cpu', 'changing.autogen./c/']); // prettier-ignore
  const tag = quoted(random.of([...measurement.tags, 'host', 'nosuch']));
  const number = numberField(random, measurement);
  const term = () => random.of([`${tag} = 'a'`, `${tag} != 'a'`, `${tag} = ''`, `${tag} != ''`, `${tag} =~ /a|b/`, `${tag} !~ /^s/`, `(${tag} = 'a' OR ${tag} = 'b')`, `'a' = ${tag}`, `${number} > 3`, `time > '2000-01-01T00:30:00Z'`, `time = '2000-01-01T00:30:00Z'`, `time != 3`, `time < now()`, `time < '2000-01-01T00:10:00Z' OR time > '2000-01-01T00:50:00Z'`, `time > 'soon'`, `'2000-01-01T00:20:00Z' > time`, 'true', '_name = \'cpu\'', `${tag} = ${tag}`, `time >= '2000-01-01' AND time < '2000-01-01' + 20m`]); // prettier-ignore
  const condition = random.of([` WHERE ${term()}`, ` WHERE ${term()} AND ${term()}`, ` WHERE ${term()}`, '']); // prettier-ignore
  const count = `SELECT count(${number}) FROM ${quoted(measurement.name)}`;
  return random.of([
    `DELETE FROM ${from}${condition}; ${count}`,
    `DELETE FROM ${from}${condition}; ${count} GROUP BY ${tag}`,
    `DELETE${condition}; ${count}`,
    `DROP SERIES FROM ${from}${condition}; ${count}`,
    `DROP SERIES${condition}; ${count}`,
    `DROP MEASUREMENT ${random.of(['nosuch', '/x/', '"x y"', quoted(measurement.name), ''])}; ${count}`,
    `DELETE FROM ${from}${condition} LIMIT 1`,
    `DELETE ${quoted(measurement.name)}`,
  ]); // prettier-ignore
}

/** Rows that go to another place, and what came of it. */
function oddInto(random: RandomChoice): string {
  const measurement = random.of(plain);
  const name = quoted(measurement.name);
  const number = numberField(random, measurement);
  const target = random.of(['t1', 'changing..t1', 'changing.autogen.t1', 'autogen.t1', '"t 2"', 'nosuch..t1', 'changing.nosuch.t1', ':MEASUREMENT', 'changing..:MEASUREMENT', '"changing"."autogen".:MEASUREMENT', '""', '/t/']); // prettier-ignore
  const list = random.of([number, `${number} AS x`, '*', `mean(${number})`, `max(${number}), host`, `top(${number}, 2), host`, 'count(*)', `${number} + 1`, 'nosuch', `distinct(${number})`, `top(${number}, host, 2)`, `${number} AS time`, `first(${number}) AS a, last(${number}) AS a`, `${number} / 0 AS x`]); // prettier-ignore
  const windows = list.includes('(') && random.chance(0.5) ? ` GROUP BY time(10m)${random.of(['', ', *', ', host'])}${random.of(['', ' fill(none)', ' fill(0)', ' fill(previous)'])}` : random.of(['', ' GROUP BY *', ' GROUP BY host']); // prettier-ignore
  const from = random.of([`fresh.autogen.${name}`, `fresh.autogen.${name}`, `fresh..${name}, fresh..lone`, 'fresh.autogen./^(cpu|lone)$/', `(SELECT ${number} AS x FROM fresh..${name})`, `fresh..nosuch`]); // prettier-ignore
  const bounds = ` WHERE time >= '2000-01-01T00:00:00Z' AND time < '2000-01-01T01:00:00Z'`;
  return `SELECT ${list} INTO ${target} FROM ${from}${bounds}${windows}${random.maybe(0.2, () => ' LIMIT 2')}; SELECT count(*) FROM t1, "t 2", ${name}; DROP MEASUREMENT t1`; // prettier-ignore
}
