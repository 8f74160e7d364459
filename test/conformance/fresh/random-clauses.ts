import { keywords } from '../../../src/influxql/token.ts';
import { tagValues, type FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

export const durations = ['10s', '1m', '5m', '30m', '1h', '1d'];
export const fills = ['null', 'none', 'previous', 'linear', '0', '-1.5', '7'];
export const zones = [
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Australia/Lord_Howe',
  'UTC',
];

/** A name as a statement says it. */
export function quoted(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !keywords.has(name.toUpperCase())
    ? name
    : `"${name.replaceAll('"', '\\"')}"`;
}

export function fieldOf(random: RandomChoice, { fields }: FreshMeasurement): string {
  return quoted(random.of(fields)[0]);
}

export function numberField(random: RandomChoice, { fields }: FreshMeasurement): string {
  const numbers = fields.filter(([, kind]) => kind !== 'string' && kind !== 'boolean');
  return quoted(random.of(numbers)[0]);
}

export function source(random: RandomChoice, { name }: FreshMeasurement): string {
  const plain = quoted(name);
  if (random.chance(0.1)) return `rp2.${plain}`;
  if (random.chance(0.05)) return `/^${name.slice(0, 2)}/`;
  if (random.chance(0.03)) return random.of([`fresh..${plain}`, `fresh.rp2.${plain}`, `fresh.autogen.${plain}`]); // prettier-ignore
  if (random.chance(0.05)) return `${plain}, ${random.of(['mem', 'cpu', 'rp2.cpu', 'nosuch', 'mixed', 'lone'])}`; // prettier-ignore
  return plain;
}

export interface WhereOptions {
  /** How often the times are bounded. */
  readonly bounded: number;
  /** Bounds of another form: only where the number of windows does not follow from them. */
  readonly oddTimes?: boolean;
}

export function where(
  random: RandomChoice,
  measurement: FreshMeasurement,
  { bounded, oddTimes = true }: WhereOptions,
): string {
  const parts: string[] = [];
  if (random.chance(bounded)) parts.push(...timeBounds(random, oddTimes));
  if (random.chance(0.3)) parts.push(tagTerm(random, measurement));
  if (random.chance(0.25)) parts.push(fieldTerm(random, measurement));
  if (random.chance(0.03)) parts.push(random.of(['true', 'true AND true', '(false OR true)', 'false'])); // prettier-ignore
  const text = random.shuffled(parts).join(' AND ');
  return text === '' ? '' : ` WHERE ${text}`;
}

function timeBounds(random: RandomChoice, oddTimes: boolean): string[] {
  const start = random.integer(0, 3_600);
  const end = start + random.of([300, 3_600, 90_000, 200_000]);
  if (oddTimes && random.chance(0.15))
    return [
      random.of([
        `time >= ${946_684_800 + start}s`,
        `time < '2000-01-0${random.integer(1, 4)}'`,
        `time > '2000-01-01 00:${10 + (start % 50)}:00'`,
        'time < now() - 1h',
        `time = '2000-01-01T00:0${start % 10}:00Z'`,
        'time < 0',
        `'2000-01-02' > time`,
        `time >= ${946_684_800_000_000_000n + BigInt(start) * 1_000_000_000n}`,
      ]),
    ];
  const [more, less] = [random.of(['>=', '>']), random.of(['<', '<='])];
  return [
    `time ${more} '2000-01-01T00:00:00Z' + ${start}s`,
    `time ${less} '2000-01-01T00:00:00Z' + ${end}s`,
  ];
}

export function tagTerm(random: RandomChoice, { tags }: FreshMeasurement): string {
  const tag = quoted(random.of([...tags, 'host', 'nosuch']));
  const value = random.of([...tagValues, '']);
  const pattern = random.of(['a', '^s', '.', '^$', '^(a|b)$', 'x y', '^a$', '.*']);
  return random.of([
    `${tag} = '${value}'`,
    `${tag} != '${value}'`,
    `${tag} =~ /${pattern}/`,
    `${tag} !~ /${pattern}/`,
    `(${tag} = '${value}' OR ${tag} = 'a')`,
    `(${tag} = '${value}' OR ${tag} !~ /${pattern}/)`,
    `${tag} <> '${value}'`,
  ]);
}

function fieldTerm(random: RandomChoice, measurement: FreshMeasurement): string {
  const number = numberField(random, measurement);
  const field = fieldOf(random, measurement);
  const operator = random.of(['>', '<=', '=', '!=', '<', '>=']);
  const plain = `${number} ${operator} ${random.integer(-5, 90)}`;
  return random.of([
    plain,
    plain,
    `${number} ${operator} ${random.integer(-50, 900) / 10}`,
    `(${plain} OR ${field} = ${random.of(["'alpha'", "''", 'true', '3'])})`,
    `${field} ${random.of(['=', '!='])} ${random.of(["'alpha'", 'true', '0', "'42'"])}`,
    `${field} ${random.of(['=~', '!~'])} /${random.of(['a', '^$', '4'])}/`,
    `${number} ${random.of(['+', '-', '*', '/', '%'])} ${random.integer(1, 5)} ${operator} ${random.integer(0, 50)}`, // prettier-ignore
    `${number} ${operator} ${numberField(random, measurement)}`,
    `(${plain} OR ${tagTerm(random, measurement)})`,
    `(${plain} OR ${tagTerm(random, measurement)} AND ${number} > 0)`,
    `${number}::${random.of(['float', 'integer', 'string', 'field'])} ${operator} 7`,
  ]);
}

export function grouping(
  random: RandomChoice,
  { tags }: FreshMeasurement,
  interval: string,
): string {
  const dimensions = interval === '' ? [] : [interval];
  if (random.chance(0.35)) dimensions.push(quoted(random.of([...tags, '*', 'nosuch', '/^(h|t)/'])));
  if (random.chance(0.08)) dimensions.push(quoted(random.of([...tags, 'host'])));
  return dimensions.length === 0
    ? ''
    : ` GROUP BY ${(random.chance(0.1) ? random.shuffled(dimensions) : dimensions).join(', ')}`;
}

export function interval(random: RandomChoice): string {
  const offset = random.maybe(0.2, () => `, ${random.maybe(0.3, () => '-')}${random.of(durations)}`); // prettier-ignore
  return `time(${random.of(durations)}${offset})`;
}

export function fill(random: RandomChoice): string {
  return random.maybe(0.6, () => ` fill(${random.of(fills)})`);
}

export function tail(random: RandomChoice): string {
  return (
    random.maybe(0.2, () => ` ORDER BY time ${random.of(['ASC', 'DESC'])}`) +
    random.maybe(0.3, () => ` LIMIT ${random.integer(1, 20)}`) +
    random.maybe(0.15, () => ` OFFSET ${random.integer(0, 5)}`) +
    random.maybe(0.1, () => ` SLIMIT ${random.integer(1, 3)}`) +
    random.maybe(0.05, () => ` SOFFSET ${random.integer(0, 2)}`) +
    zone(random)
  );
}

export function zone(random: RandomChoice): string {
  return random.maybe(0.06, () => ` tz('${random.of(zones)}')`);
}
