/** Questions about the large data, by what the engine does with them. Each takes its bounds of time last, so that it can be asked of others. */
import { arithmetic, math, reducer, transformation } from '../random-calls.ts';
import { fill, quoted } from '../random-clauses.ts';
import type { RandomChoice } from '../random-choice.ts';
import { boundsText, someBounds, wholeOf, type Bounds, type BoundsForm } from './large-bounds.ts';
import {
  crowd,
  crowdName,
  dense,
  hours,
  jitter,
  largeMeasurements,
  many,
  rackCount,
  secondNs,
  skew,
  texts,
  wide,
  zoneCount,
  type LargeMeasurement,
  type ValueKind,
} from './large-shapes.ts';

export interface LargeQuestion {
  readonly bounds: Bounds;
  /** How far its bounds go on from one time to the next. */
  readonly slideNs: bigint;
  readonly text: (bounds: Bounds) => string;
}

const summed: readonly ValueKind[] = ['quarter', 'counter', 'run', 'uniform'];
/** Of values at the ends of their types: what neither adds nor multiplies them. */
const pickers = ['count', 'min', 'max', 'first', 'last', 'distinct', 'mode'];
/** Of rows of one time of several series these give whichever comes first. */
const isOfOrder = /\b(integral|mode|top|bottom|percentile|elapsed|cumulative_sum|sample|first|last|\w*(derivative|difference|average|ratio|index|oscillator))\(|\), \w+$/; // prettier-ignore
const windowCountMax = 3_000;
const rowsMax = 40_000;

/** Only of fields whose sums are the same in whatever order, or hardly differ. */
function summable(measurement: LargeMeasurement): LargeMeasurement {
  const fields = measurement.fields.filter(([name]) => summed.includes(measurement.kinds[name]!));
  return { ...measurement, fields };
}

function call(random: RandomChoice, measurement: LargeMeasurement): string {
  if (random.chance(0.7)) return random.chance(0.5) ? plainCall(random, measurement) : reducer(random, summable(measurement)); // prettier-ignore
  const [name] = random.of(measurement.fields);
  const kind = measurement.kinds[name]!;
  if (kind === 'text' || kind === 'flag') return `${random.of(['count', 'first', 'last', 'mode', 'distinct'])}(${name})`; // prettier-ignore
  return `${random.of(pickers)}(${name})`;
}

function plainCall(random: RandomChoice, measurement: LargeMeasurement): string {
  const name = random.of(['count', 'sum', 'mean', 'min', 'max', 'first', 'last', 'spread', 'median', 'stddev']); // prettier-ignore
  return `${name}(${number(random, measurement)})`;
}

function number(random: RandomChoice, measurement: LargeMeasurement): string {
  return random.of(summable(measurement).fields)[0];
}

/** What else has fields of these names. */
const others = ['jitter', 'turns', 'hourly.hours', 'nosuch', '/^(dense|turns)$/'];

/** That measurement, at times beside another. */
function sources(random: RandomChoice, measurement: LargeMeasurement): string {
  const plain = from(measurement);
  return plain + random.maybe(0.08, () => `, ${random.of(others.filter((one) => one !== plain))}`);
}

function from({ name, policy }: LargeMeasurement): string {
  return policy === undefined ? quoted(name) : `${policy}.${quoted(name)}`;
}

/** Which series: of many mostly some. */
function scope(random: RandomChoice, measurement: LargeMeasurement): string {
  if (measurement === skew && random.chance(0.6))
    return random.of([`rack = 'r${random.integer(0, rackCount)}'`, `rack =~ /[13]$/`, `host =~ /^h[ ,=]/`, `host !~ /[05]$/`]); // prettier-ignore
  if (measurement === many) {
    const host = (): string => `host = 'h${String(random.integer(0, many.seriesCount)).padStart(5, '0')}'`; // prettier-ignore
    return random.of([
      () => `rack = 'r${random.integer(0, rackCount)}'`,
      () => `rack =~ /^r1?${random.integer(0, 9)}$/`,
      () => `zone = 'z${random.integer(0, zoneCount)}'`,
      () => `zone != 'z1'`,
      () => `(${Array.from({ length: random.of([1, 3, 300]) }, host).join(' OR ')})`,
      () => `host =~ /${random.integer(0, 9)}${random.integer(0, 9)}$/`,
      () => '',
    ])(); // prettier-ignore
  }
  const host = (): string => `'h${random.integer(0, measurement.seriesCount)}'`;
  return random.of([
    () => '',
    () => '',
    () => `host = ${host()}`,
    () => `(host = ${host()} OR host = ${host()})`,
    () => `host != ${host()}`,
    () => `host =~ /[0-2]/`,
  ])(); // prettier-ignore
}

function fieldTerm(random: RandomChoice, measurement: LargeMeasurement): string {
  const [name] = random.of(measurement.fields);
  const more = random.of(['>', '<', '>=', '<=', '=', '!=']);
  switch (measurement.kinds[name]!) {
    case 'text':
      return `${name} ${random.of([`= ''`, `!= ''`, `= 'up'`, '=~ /^t[12]/', '!~ /o/', `= 'nosuch'`])}`; // prettier-ignore
    case 'flag':
      return `${name} = ${random.of(['true', 'false'])}`;
    case 'run':
      return random.of([`${name} ${more} ${random.integer(-3, 9)}`, `(${Array.from({ length: random.of([2, 40]) }, (_, i) => `${name} = ${i * 3}`).join(' OR ')})`]); // prettier-ignore
    default: {
      const other = number(random, measurement);
      return random.of([
        `${name} ${more} ${random.integer(-200, 200)}`,
        `${name} ${more} ${random.integer(-2_000, 2_000) / 8}`,
        `(${name} ${more} ${random.integer(-99, 99)}.5 AND ${random.of(['true', `host != 'h1'`])})`,
        `${random.integer(-9, 9)} ${more} ${other}`,
        `${other} * 2 ${more} ${random.integer(-100, 9_000)}`,
        `${other} ${more} ${number(random, measurement)}`,
        `(${other} > 10 OR ${scopeOr(random, measurement)})`,
      ]);
    }
  }
}

function scopeOr(random: RandomChoice, measurement: LargeMeasurement): string {
  return scope(random, measurement) || `host = 'h1'`;
}

function conditions(
  random: RandomChoice,
  measurement: LargeMeasurement,
  options: { readonly fieldShare?: number; readonly within?: Bounds; readonly isWindowed?: boolean } = {}, // prettier-ignore
): (bounds: Bounds) => string {
  const { within, isWindowed = false, fieldShare = 0.25 } = options;
  const parts = [scope(random, measurement)];
  if (random.chance(fieldShare)) parts.push(fieldTerm(random, measurement));
  const isLong = within === undefined || within.toNs - within.fromNs > measurement.spanNs / 2n;
  const open: readonly BoundsForm[] = !isLong ? [] : within === undefined ? ['to', 'from', 'none'] : ['to']; // prettier-ignore
  // Windows go on to the ends of time without bounds.
  const form = random.of<BoundsForm>([
    'plain',
    'plain',
    'plain',
    'plain',
    'inclusive',
    ...(isWindowed ? [] : open),
  ]);
  const isLast = random.chance(0.5);
  return (bounds) => {
    const time = boundsText(bounds, form);
    const terms = (isLast ? [...parts, time] : [time, ...parts]).filter((one) => one !== '');
    return terms.length === 0 ? '' : ` WHERE ${terms.join(' AND ')}`;
  };
}

/** Tags to group by, with all of them where the order of rows shows. */
function groupsFor(random: RandomChoice, measurement: LargeMeasurement, list: string): string[] {
  if (measurement.hasTies && isOfOrder.test(list)) return [random.of(['*', '*', measurement.tags.join(', ')])]; // prettier-ignore
  if (measurement === many)
    return random.of([[], ['rack'], measurement.tags.slice(1), ['nosuch'], ['host'], ['*']]);
  return random.of([[], [], ['host'], ['*'], measurement.tags, ['/^h/'], ['nosuch']]).slice(0, 2);
}

function windowFor(
  random: RandomChoice,
  { stepNs }: LargeMeasurement,
  { fromNs, toNs }: Bounds,
): string {
  const step = Number(stepNs / secondNs);
  const spanSeconds = Number((toNs - fromNs) / secondNs);
  const lengths = [1, step / 2, step, step * 7, step * 100, step * blockLike, 60, 3_600, 5_400, 43_200, 86_400]
    .map(Math.ceil)
    .filter((seconds) => seconds > 0 && spanSeconds / seconds < windowCountMax); // prettier-ignore
  const seconds = lengths.length === 0 ? 86_400 : random.of(lengths);
  const offset = random.maybe(0.2, () => `, ${random.of([`${Math.ceil(seconds / 3)}s`, '-7s', '1ns', '1h', '-90m'])}`); // prettier-ignore
  // Windows of which none begins where a row is.
  const length = random.chance(0.1) ? `${seconds * 1e9 + 1}ns` : `${seconds}s`;
  return `time(${length}${offset})`;
}
const blockLike = 1_000;

function page(random: RandomChoice): string {
  return (
    random.maybe(0.25, () => ` ORDER BY time ${random.of(['DESC', 'DESC', 'ASC'])}`) +
    random.maybe(0.3, () => ` LIMIT ${random.of([1, 2, 5, 100, 999, 1_000, 1_001])}`) +
    random.maybe(0.12, () => ` OFFSET ${random.of([0, 1, 3, 500, 1_000])}`)
  );
}

const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu'];
function zone(random: RandomChoice): string {
  return random.maybe(0.08, () => ` tz('${random.of(zones)}')`);
}

function windows(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = someBounds(random, measurement);
  const source = sources(random, measurement);
  const list = listOf(random, measurement, true);
  const groups = groupsFor(random, measurement, list);
  const where = conditions(random, measurement, { isWindowed: true });
  const by = [windowFor(random, measurement, bounds), ...groups].join(', ');
  const tail = `${fill(random)}${page(random)}${zone(random)}`;
  const text = (one: Bounds): string => `SELECT ${list} FROM ${source}${where(one)} GROUP BY ${by}${tail}`; // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

function listOf(random: RandomChoice, measurement: LargeMeasurement, isWindowed: boolean): string {
  const one = (): string => call(random, measurement);
  return random.of([
    one,
    one,
    () => plainCall(random, measurement),
    () => `${one()}, ${one()}`,
    () => `${plainCall(random, measurement)}, ${plainCall(random, measurement)}, ${plainCall(random, measurement)}`,
    () => `${random.of(['count', 'max', 'last'])}(*)`,
    () => arithmetic(random, () => plainCall(random, measurement)),
    () => math(random, plainCall(random, measurement)),
    () => (isWindowed ? transformation(random, plainCall(random, measurement)) : one()),
    () => `${random.of(['min', 'max', 'first', 'last'])}(${number(random, measurement)}), ${random.of(measurement.fields)[0]}`,
    () => `percentile(${number(random, measurement)}, ${random.of([5, 50, 95, 99.9, 100])})`,
  ])(); // prettier-ignore
}

function whole(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = someBounds(random, measurement);
  const source = sources(random, measurement);
  const list = listOf(random, measurement, false);
  const groups = groupsFor(random, measurement, list);
  const where = conditions(random, measurement);
  const by = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const tail = page(random);
  const text = (one: Bounds): string => `SELECT ${list} FROM ${source}${where(one)}${by}${tail}`; // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

/** How many rows of a series come at the most, that the answers are some megabytes. */
function rawRows({ seriesCount }: LargeMeasurement): number {
  return Math.floor(rowsMax / Math.min(seriesCount, 100));
}

function raw(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const isWhole = !measurement.hasTies && random.chance(0.1);
  const bounds = someBounds(random, measurement, isWhole ? Infinity : rawRows(measurement));
  const field = (): string => random.of(measurement.fields)[0];
  const list = random.of([
    () => '*',
    field,
    () => `${field()}, ${field()}`,
    () => `${field()}, ${random.of(measurement.tags)}`,
    () => `${field()}, ${arithmetic(random, () => number(random, measurement))} AS x`,
    () => `/^[a-n]/`,
  ])(); // prettier-ignore
  const where = conditions(random, measurement, { fieldShare: 0.35, within: bounds });
  const isGrouped = random.chance(0.5);
  // Which of several rows of one time a page ends with is nobody's promise.
  const tail = isGrouped || !measurement.hasTies ? page(random) : random.maybe(0.3, () => ' ORDER BY time DESC'); // prettier-ignore
  const by = isGrouped ? ' GROUP BY *' : '';
  const text = (one: Bounds): string => `SELECT ${list} FROM ${from(measurement)}${where(one)}${by}${tail}${zoneText}`; // prettier-ignore
  const zoneText = zone(random);
  return { bounds, slideNs: measurement.stepNs, text };
}

/** All rows are read, of which few are shown. */
function filtered(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = random.chance(0.5) ? wholeOf(measurement) : someBounds(random, measurement);
  const field = number(random, measurement);
  const isSingle = measurement.hasTies || random.chance(0.5);
  const where = conditions(random, measurement, { fieldShare: 1 });
  const by = isSingle ? ` GROUP BY ${random.of(['*', measurement.tags.join(', ')])}` : '';
  const list = random.of([`top(${field}, 3)`, `difference(${field})`, `*`, `${field}, ${random.of(measurement.fields)[0]}`, `distinct(${field})`, `max(${field}), *`]); // prettier-ignore
  const more = random.maybe(0.5, () => ` AND ${fieldTerm(random, measurement)}`);
  const tail = `${random.maybe(0.3, () => ' ORDER BY time DESC')} LIMIT ${random.of([3, 40])}`;
  const text = (one: Bounds): string => `SELECT ${list} FROM ${from(measurement)}${where(one)}${more}${by}${tail}`; // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

/** The first or the last row of each series, with what it has. */
function ends(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = someBounds(random, measurement);
  const field = (): string => random.of(measurement.fields)[0];
  const list = random.of([field(), `${field()}, ${field()}`, '*', `${field()}, host`, `last(${field()})`, `first(${field()}), ${field()}`, `last(*)`, `last(${field()}), first(${field()})`]); // prettier-ignore
  const where = conditions(random, measurement, { fieldShare: 0.1 });
  const tail = `${random.maybe(0.7, () => ' ORDER BY time DESC')} LIMIT ${random.of([1, 1, 1, 2])}`;
  const text = (one: Bounds): string => `SELECT ${list} FROM ${from(measurement)}${where(one)} GROUP BY *${tail}`; // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

function transformed(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = someBounds(random, measurement, rawRows(measurement));
  const list = transformation(random, number(random, measurement));
  const where = conditions(random, measurement, { within: bounds });
  const tail = page(random);
  const text = (one: Bounds): string => `SELECT ${list} FROM ${from(measurement)}${where(one)} GROUP BY *${tail}`; // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

function nested(random: RandomChoice, measurement: LargeMeasurement): LargeQuestion {
  const bounds = someBounds(random, measurement);
  const inner = random.of(['mean', 'max', 'min', 'sum', 'count', 'last', 'first']);
  const outer = random.of(['mean', 'max', 'min', 'sum', 'count', 'spread']);
  const field = number(random, measurement);
  const length = windowFor(random, measurement, bounds);
  const wider = windowFor(random, measurement, bounds);
  const where = conditions(random, measurement, { isWindowed: true });
  const filling = random.maybe(0.3, () => ' fill(0)');
  const text = random.of([
    (one: Bounds) => `SELECT ${outer}(x) FROM (SELECT ${inner}(${field}) AS x FROM ${from(measurement)}${where(one)} GROUP BY ${length}, host${filling}) WHERE ${boundsText(one)} GROUP BY ${wider}`,
    (one: Bounds) => `SELECT ${outer}(x) FROM (SELECT ${inner}(${field}) AS x FROM ${from(measurement)}${where(one)} GROUP BY *)`,
    (one: Bounds) => `SELECT ${outer}(x) FROM (SELECT ${field} AS x FROM ${from(measurement)}${where(one)} GROUP BY host) WHERE ${boundsText(one)} GROUP BY ${wider}, host`,
    (one: Bounds) => `SELECT ${outer}(x) FROM (SELECT ${field} * 2 AS x FROM ${from(measurement)}${where(one)}) WHERE x > 10`,
    (one: Bounds) => `SELECT x FROM (SELECT ${inner}(${field}) AS x FROM ${from(measurement)}${where(one)} GROUP BY ${wider}, host) WHERE x > 3`,
  ]); // prettier-ignore
  return { bounds, slideNs: measurement.stepNs, text };
}

/** Of many measurements at once. */
function ofCrowd(random: RandomChoice): LargeQuestion {
  const bounds = someBounds(random, crowd);
  const sources = random.of(['/^c/', '/^c0\\d\\d/', `/c\\d${random.integer(0, 9)}\\d/`, Array.from({ length: random.of([2, 70]) }, (_, i) => crowdName(i * 3)).join(', ')]); // prettier-ignore
  const where = conditions(random, crowd, { fieldShare: 0.15, isWindowed: true });
  const [one, two] = [plainCall(random, crowd), plainCall(random, crowd)];
  const list = random.of([
    one,
    `${one}, ${two}`,
    'v, n',
    '*',
    'difference(v)',
    `percentile(v, 95)`,
  ]);
  const isCall = list.includes('(') && !list.startsWith('diff');
  const groups = [...(isCall && random.chance(0.6) ? [windowFor(random, crowd, bounds)] : []), ...random.of([['*'], ['host'], list.includes('(') && !isOfOrder.test(list) ? [] : ['*']])].flat(); // prettier-ignore
  const tail = (isCall && groups.length > 0 ? fill(random) : '') + page(random);
  const by = groups.length === 0 ? '' : ` GROUP BY ${groups.join(', ')}`;
  const text = (bound: Bounds): string => `SELECT ${list} FROM ${sources}${where(bound)}${by}${groups.some((group) => group.startsWith('time')) ? tail : page(random)}`; // prettier-ignore
  return { bounds, slideNs: crowd.stepNs, text };
}

/** The last hours of a few, as dashboards ask; asked of many bounds one after the other. */
function dashboard(random: RandomChoice): LargeQuestion {
  const measurement = random.of([dense, dense, jitter, hours]);
  const bounds = someBounds(random, measurement, 1_000);
  const list = random.of([plainCall(random, measurement), `${plainCall(random, measurement)}, ${plainCall(random, measurement)}`]); // prettier-ignore
  const by = random.of([`time(1m)`, 'time(5m), host', 'time(1h), *', 'time(10m)']);
  const host = random.maybe(0.6, () => ` AND host = 'h${random.integer(0, 3)}'`);
  const filling = fill(random);
  const text = (one: Bounds): string => `SELECT ${list} FROM ${from(measurement)} WHERE ${boundsText(one)}${host} GROUP BY ${by}${filling}`; // prettier-ignore
  return { bounds, slideNs: random.of([1n, secondNs, 60n * secondNs, measurement.stepNs]), text };
}

function shown(random: RandomChoice): LargeQuestion {
  const measurement = random.of([dense, many, many, wide, texts]);
  const where = scope(random, measurement);
  const condition = where === '' ? '' : ` WHERE ${where}`;
  const key = random.of(measurement.tags);
  const text = random.of([
    `SHOW SERIES FROM ${measurement.name}${condition} LIMIT 500`,
    `SHOW SERIES FROM ${measurement.name}${condition}`,
    `SHOW TAG VALUES FROM ${measurement.name} WITH KEY = ${key}${condition}`,
    `SHOW TAG KEYS FROM ${measurement.name}`,
    `SHOW FIELD KEYS FROM ${measurement.name}`,
    'SHOW MEASUREMENTS',
    `SHOW SERIES EXACT CARDINALITY FROM ${measurement.name}`,
    `SHOW TAG VALUES EXACT CARDINALITY FROM ${measurement.name} WITH KEY = ${key}`,
  ]); // prettier-ignore
  const bounds = someBounds(random, measurement);
  return { bounds, slideNs: 0n, text: () => text };
}

export function largeQuestion(random: RandomChoice): LargeQuestion {
  const measurement = random.of([dense, jitter, ...largeMeasurements]);
  return random.of([
    () => windows(random, measurement),
    () => windows(random, measurement),
    () => windows(random, measurement),
    () => whole(random, measurement),
    () => whole(random, measurement),
    () => raw(random, measurement),
    () => raw(random, measurement),
    () => transformed(random, measurement),
    () => filtered(random, measurement),
    () => ends(random, measurement),
    () => nested(random, measurement),
    () => dashboard(random),
    () => ofCrowd(random),
    () => (random.chance(0.4) ? shown(random) : raw(random, wide)),
  ])(); // prettier-ignore
}

const copiedKinds = ['v', 'n'];

/** What a SELECT writes into a measurement of its own, what is there then, and that it goes. */
export function largeCopy(
  random: RandomChoice,
): readonly [change: string, question: string, undo: string] {
  const measurement = random.of([dense, many, hours]);
  const bounds = someBounds(random, measurement, rawRows(measurement));
  const field = random.of(copiedKinds);
  const list = random.of([`mean(${field}) AS x`, `${field} AS x`, `max(${field}) AS x, count(${field}) AS y`]); // prettier-ignore
  const by = list.includes('(') ? `${windowFor(random, measurement, bounds)}, *` : '*';
  const change = `SELECT ${list} INTO copied FROM ${from(measurement)}${conditions(random, measurement, { isWindowed: true })(bounds)} GROUP BY ${by}`; // prettier-ignore
  return [change, 'SELECT count(x), sum(x), min(x), max(x) FROM copied GROUP BY host', 'DROP MEASUREMENT copied']; // prettier-ignore
}
