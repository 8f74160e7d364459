import { fill } from './random-clauses.ts';
import { edges, freshMeasurements, wideMeasurements } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const [cpu] = freshMeasurements as readonly [(typeof freshMeasurements)[number]];
const [clocks] = wideMeasurements as readonly [(typeof wideMeasurements)[number]];

/** Hours that a clock skips or shows twice, and others. */
const days = ['2000-01-01', '2000-01-02', '2000-01-04', '1970-01-01', '2000-03-26', '2000-04-02', '2000-10-29']; // prettier-ignore
const clocksOfDay = ['00:00:00', '00:10:00', '01:30:00', '02:00:00', '02:30:00', '03:00:00', '23:59:59', '24:00:00', '00:60:00', '0:10:00', '00:10', '00', '00:10:61']; // prettier-ignore
const fractions = ['', '', '', '.5', '.000000001', '.999999999', '.1234567891', '.', ',5'];
const offsets = ['', '', 'Z', 'Z', 'z', '+01:00', '-05:30', '+0100', '+01', ' +01:00', ' UTC', '+24:00', '-00:00']; // prettier-ignore
const spoiled = ['2000-1-1', '2000-01-1', '01/02/2000', '20000101', '2000', '2000-01', '2000-13-01', '2000-02-30', '2000-02-29', '2001-02-29', '0000-01-01', '10000-01-01', '-2000-01-01', ' 2000-01-01', '2000-01-01 ', '2000-01-01T', '', 'now()', '946684800', '2000-W01-1', '2000-001', 'Sat, 01 Jan 2000 00:00:00 GMT']; // prettier-ignore

/** A text as a time, in the forms that are times and those that come near. */
export function timeText(random: RandomChoice): string {
  if (random.chance(0.15)) return `'${random.of(spoiled)}'`;
  const day = random.of(days);
  if (random.chance(0.2)) return `'${day}'`;
  const usual = random.chance(0.6);
  const clock = usual ? random.of(clocksOfDay.slice(0, 6)) : random.of(clocksOfDay);
  return `'${day}${random.of(['T', ' ', ' ', 'T', 't', '  '].slice(0, usual ? 4 : 6))}${clock}${random.of(fractions)}${random.of(offsets)}'`; // prettier-ignore
}

const lengths = ['1h', '90m', '1d', '2w', '1h30m', '1d12h', '1w2d', '3600s', '3600000ms', '1u', '1µ', '1ns', '1h1m1s1ms1u1ns', '0s', '-1h', '1m1h', '1h1h', '106751d', '15250w', '106752d', '1y', '1M', '1H', '1.5h', '1h 30m', '1hr', '5']; // prettier-ignore
const counts = ['0', '1', '-1', '946684800000000000', '946684800000000000.5', '9.466848e17', '+946684800000000000', '9223372036854775807', '-9223372036854775808', '946684800s', '946684800000ms', '10957d', '262968h', '9466848e11', '1e18']; // prettier-ignore

/** What a condition may compare the time with. */
export function timeValue(random: RandomChoice, depth = 1): string {
  const plain = random.of([
    () => timeText(random),
    () => timeText(random),
    () => random.of(counts),
    () => 'now()',
    () => random.of(['now ()', 'NOW()', 'now(1)', 'now', '"now"()', '$x', 'true', '/a/', 'time', 'usage', "'a'"]), // prettier-ignore
  ]);
  if (depth === 0 || random.chance(0.45)) return plain();
  const length = (): string => random.of(lengths);
  return random.of([
    () => `${timeValue(random, depth - 1)} ${random.of(['+', '-'])} ${length()}`,
    () => `${timeValue(random, depth - 1)} ${random.of(['+', '-'])} ${length()} ${random.of(['+', '-'])} ${length()}`, // prettier-ignore
    () => `${timeValue(random, depth - 1)}${random.of(['+', '-'])}${length()}`,
    () => `(${timeValue(random, depth - 1)})`,
    () => `-(${timeValue(random, depth - 1)})`,
    () => `${timeValue(random, depth - 1)} ${random.of(['*', '/', '%', '&', '|', '^', '+', '-'])} ${random.of(['2', '1.5', '0', '1h', "'2000-01-01'"])}`, // prettier-ignore
    () => `${length()} + ${timeValue(random, depth - 1)}`,
    () => `${length()} ${random.of(['*', '/'])} ${random.integer(0, 3)} + ${timeText(random)}`,
    () => `'2000-01-01' + (${length()} ${random.of(['+', '-', '*'])} ${random.of(['1h', '2', '0.5'])})`, // prettier-ignore
  ])();
}

const comparisons = ['>', '>=', '<', '<=', '=', '>', '<', '!=', '<>', '=~', '!~', '=='];
const zones = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'utc', 'GMT', '', 'EST', 'Etc/GMT+5', '+01:00', 'europe/berlin', 'America/Nowhere', '../etc/passwd', 'EST5EDT']; // prettier-ignore

/** Rows between times of every form: sums, zones, other sides, bounds under OR. */
export function timeSelect(random: RandomChoice): string {
  const measurement = random.of([cpu, cpu, clocks, clocks, edges]);
  const name = random.of(['time', 'time', 'time', 'time', '"time"', 'TIME', 'time::field', 'time::integer', '_time']); // prettier-ignore
  const term = (): string =>
    random.of([
      () => `time ${random.of(comparisons)} ${timeValue(random)}`,
      () => `time ${random.of(['>', '<', '>=', '<='])} ${timeValue(random)}`,
      () => `${timeValue(random)} ${random.of(comparisons)} time`,
      () => `${name} ${random.of(comparisons)} ${timeText(random)}`,
      () => `time ${random.of(['+', '-'])} ${random.of(lengths)} ${random.of(comparisons)} ${timeText(random)}`,
      () => `(time ${random.of(['>', '<'])} ${timeText(random)})`,
      () => `host = 'a'`,
    ])(); // prettier-ignore
  const condition = random.of([
    () => term(),
    () => term(),
    () => `${term()} AND ${term()}`,
    () => `${term()} AND ${term()} AND ${term()}`,
    () => `${term()} OR ${term()}`,
    () => `(${term()} OR ${term()}) AND ${term()}`,
    () => `(${term()} AND ${term()})`,
  ])();
  const [field] = measurement.fields[0] ?? ['v'];
  const list = random.of([field, `count(${field})`, `first(${field})`, '*', `time, ${field}`]);
  const order = random.maybe(0.15, () => ' ORDER BY time DESC');
  const zone = random.maybe(0.35, () => ` ${random.of(['tz', 'TZ', 'tz'])}(${random.of(["'$'", "'$'", "'$'", "'$'", '"$"', '$']).replace('$', random.of(zones))})`); // prettier-ignore
  return `SELECT ${list} FROM ${measurement.name} WHERE ${condition}${order}${random.maybe(0.3, () => ' LIMIT 4')}${zone}`; // prettier-ignore
}

const steps = ['1h', '90m', '1h30m', '7m', '3600s', '20m', '1d', '0s', '-1h', '1', '1.5', "'1h'", '1h, 1h', '1h, -90m', '1h, 1d', '1h, 0s', '1h, 100w', "1h, '2000-01-01T00:15:00Z'", "1h, '2000-01-01'", '1h, now()', "1h, now() - 1h", '1h, 5', '1h, 1.5', '1h, 10m, 5m', '', '1h,', '*', '1h + 1h', '2 * 1h', '1h, 10m + 5m', '1h, 0 + 10m', "1h, '2000-01-01 00:07:03' - 90m", "7m, 1h + '2000-01-01 00:07:03'", "1h, '2000-01-01T00:10:00Z' - '2000-01-01'", '(1h)', '1h, (10m)', '1h, -(10m)', "1h, 'soon'", '1h, host', '1h, -5m - 5m', '10m, 1ns']; // prettier-ignore

/** Windows of lengths and offsets of every form. */
export function windowSelect(random: RandomChoice): string {
  const call = random.of(['count(usage)', 'mean(usage)', 'last(n)', 'usage', 'max(usage), min(n)', 'difference(mean(usage))']); // prettier-ignore
  const day = random.of(['2000-01-01', '2000-01-02T00:30:00+01:00', '2000-01-01 00:07:03.5']);
  const time = `time >= '${day}' AND time < '${day}' + ${random.of(['2h', '5h', '90m'])}`;
  const step = random.of(steps);
  const window = random.of([`time(${step})`, `time(${step})`, `TIME(${step})`, `"time"(${step})`, `time (${step})`, 'time', `time(${step}), time(1h)`, `time(${step}), host`, `host, time(${step})`, `*, time(${step})`, `time(${step}), usage`, `time(${step}), count(usage)`, `time(${step}), 5`, `time(${step}), 'host'`, `time(${step}), /o/`, `time(${step}), host::tag`, `time(${step}), host, host`]); // prettier-ignore
  const filling = random.of([fill(random), ' fill()', ' fill(1.5)', ' fill(-3)', ' fill(+3)', " fill('x')", ' fill(true)', ' fill(1e3)', ' fill(9223372036854775808)', ' fill(1, 2)', ' FILL(NULL)', ' fill(Previous)', ' fill(nosuch)', ' fill(1h)', ' fill (none)', ' fill(usage)', ' fill("none")', ' fill(0) fill(1)']); // prettier-ignore
  return `SELECT ${call} FROM cpu WHERE ${time} GROUP BY ${window}${random.maybe(0.5, () => filling)}${random.maybe(0.15, () => ' ORDER BY time DESC')}${random.maybe(0.2, () => ' LIMIT 3')}`; // prettier-ignore
}
