import type { RandomChoice } from '../fresh/random-choice.ts';
import { bytesOf, type Door } from './door.ts';

const names = ['a', 'a', 'b', 'b', 'c', 'servers', 'h1', 'cpu', 'load', '', 'x,y', 'k=v', 'q"t', 'b\\c', '*', 'time', 'value', 'é', '\uf8e9', '🙂', 'x'.repeat(70), '_', 'x;y', '-1', 'measurement']; // prettier-ignore
const filterNames = ['a', 'a', 'b', 'c', 'servers', '*', '*'];
const templateParts = ['measurement', 'field', 'host', 'zone', 'region', '', 'time', 'value'];
const separators = ['.', '_', '-', '', '::', ' ', ',', '='];
const values = ['1', '-1', '+1', '0', '-0', '00012', '1.5', '.5', '5.', '.', '1e3', '1E+3', '1e-400', '1e400', '-1e400', '0x1p4', '0x10', '1_000', 'NaN', 'nan', '-NaN', 'Inf', '-inf', 'Infinity', '12345678901234567890', '0.1234567890123456789', '4.9e-324', '1.7976931348623157e308', '1i', 'true', '"1"', '1,5', '--1', '1e', '0.30000000000000004']; // prettier-ignore
const times = ['0', '1', '-1', '-1.0', '-01', '-2', '-1.5', '1500000000.5', '1500000000.123456789', '1.5e9', '2147472000', '2147472001', '2147483647', '-2147558400', '-2147558401', '1500000000000', 'NaN', 'Inf', 'now', '1500000000i', '1_500', '+1500000000', '01500000000', '0.000000001', '-0', '-0.000000001', '1e1', 'N', '١']; // prettier-ignore
const spaces = [' ', ' ', ' ', ' ', ' ', '  ', '\t', ' \t ', '\u00a0', '\v', '\u3000', '\r'];
const ends = ['\n', '\n', '\n', '\n', '\n', '\r\n', ' \n', '\n\n', '\n \n', '\r\r\n', '\u2003\n'];
const endsOfAll = ['\n', '\n', '', '\r\n', ' '];

/** Lines of Graphite, to a section with random templates. */
export function randomGraphite(random: RandomChoice, database: string): Door {
  const network = random.of(['tcp', 'tcp', 'udp'] as const);
  const keys = [
    `protocol = "${network}"`,
    ...batchKeys(random),
    `separator = ${JSON.stringify(random.chance(0.5) ? '.' : random.of(separators))}`,
    `templates = ${JSON.stringify(templates(random))}`,
    `tags = ${JSON.stringify(random.chance(0.5) ? [] : tags(random))}`,
    ...(random.chance(0.3) ? [`retention-policy = "${random.of(['', 'kept', 'autogen'])}"`] : []),
    ...(random.chance(0.3) ? [`consistency-level = "${random.of(['any', 'one', 'quorum', 'all', 'ONE'])}"`] : []),
  ]; // prettier-ignore
  const sends = Array.from({ length: random.integer(4, 20) }, () => bytesOf(lines(random)));
  return { section: 'graphite', network, database, keys, sends };
}

/** Of any section. */
export function batchKeys(random: RandomChoice): readonly string[] {
  return [
    `batch-size = ${random.of([1, 2, 7, 100, 5_000])}`,
    `batch-pending = ${random.of([1, 2, 10])}`,
    `batch-timeout = "${random.of(['10ms', '50ms', '200ms'])}"`,
  ];
}

function templates(random: RandomChoice): readonly string[] {
  const filters = new Set(Array.from({ length: random.integer(0, 5) }, () => random.maybe(0.85, () => random.some(filterNames, 3).join('.')))); // prettier-ignore
  return [...filters].map((filter) => {
    const more = random.maybe(0.3, () => ` ${tags(random).join(',')}`);
    return `${filter === '' ? '' : `${filter} `}${template(random)}${more}`;
  });
}

function template(random: RandomChoice): string {
  const before = random.chance(0.7) ? random.some(templateParts, 3) : [];
  const measurement = random.of(['measurement', 'measurement', 'measurement*']);
  const last = random.chance(0.5) ? [random.of([...templateParts, 'field*', 'field*'])] : [];
  return [...(random.chance(0.5) ? random.shuffled([...before, measurement]) : [...before, measurement]), ...last].join('.'); // prettier-ignore
}

function tags(random: RandomChoice): readonly string[] {
  return random.some(['region=north', 'host=none', 'zone=1c', 'a=b', 'region=südost', 'x=y z'.replace(' ', '_')], 3); // prettier-ignore
}

function lines(random: RandomChoice): string {
  const all = Array.from({ length: random.of([1, 1, 2, 3, 8]) }, () => line(random));
  const text = all.map((one, i) => `${one}${i < all.length - 1 ? random.of(ends) : ''}`).join('');
  return `${text}${random.of(endsOfAll)}`;
}

function line(random: RandomChoice): string {
  const path = random.some(names, 5).join('.');
  const value = random.chance(0.6) ? String(random.integer(-99_999, 99_999) / 8) : random.of(values); // prettier-ignore
  const time = random.chance(0.8) ? `1500${random.integer(100_000, 999_999)}` : random.of(times);
  const [first, second] = [random.of(spaces), random.of(spaces)];
  return random.chance(0.04)
    ? random.of(['', ' ', 'a', `${path}${first}1 2 3`, path, `${path}${first}${value}`, `\uf8ff\uf8fe 1 ${time}`, ` ${path} 1 ${time}`, `a\u0000b 1 ${time}`]) // prettier-ignore
    : `${random.maybe(0.03, () => ' ')}${path}${first}${value}${second}${time}`;
}
