import { reducer, transformation } from './random-calls.ts';
import { fieldOf, fill, interval, numberField } from './random-clauses.ts';
import { RandomChoice } from './random-choice.ts';
import { middleNs, type FreshMeasurement } from './random-data.ts';

const hostCount = 40;
const rackCount = 5;
const pointsOfDay = 400;
const dayCount = 4;
const stepNs = 9_000_000_000n;
const dayNs = 86_400_000_000_000n;

/** Many series of which none has a tag set with another: the nodes of a cluster have groups of their own of it. */
export const fleet: FreshMeasurement = {
  name: 'fleet',
  tags: ['host', 'rack'],
  fields: [['usage', 'float'], ['n', 'integer'], ['msg', 'string'], ['ok', 'boolean']], // prettier-ignore
};

const hostOf = (host: number): string => `h${String(host).padStart(2, '0')}`;

/** Bodies of an hour of each of four days. Of an even seed hosts have their points at the same times. */
export function* fleetBodies(seed: number): Generator<string> {
  const random = new RandomChoice(seed, 'fleet');
  for (let day = 0; day < dayCount; day++)
    for (let host = 0; host < hostCount; host++)
      yield Array.from({ length: pointsOfDay }, (_, i) => {
        const shiftNs = seed % 2 === 0 ? 0n : BigInt(host) * 1_000_000n;
        const timeNs = middleNs + BigInt(day) * dayNs + BigInt(i) * stepNs + shiftNs;
        return `fleet,host=${hostOf(host)},rack=r${host % rackCount} ${fieldsOf(random)} ${timeNs}`;
      }).join('\n');
}

function fieldsOf(random: RandomChoice): string {
  const some = [
    // Sums of these are the same in whatever order.
    `usage=${random.integer(-200, 600) / 4}`,
    `n=${random.integer(-20, 200)}i`,
    `msg="${random.of(['alpha', 'beta', '', 'ünïcode'])}"`,
    `ok=${random.of(['true', 'false'])}`,
  ];
  const first = random.of(some);
  return some.filter((one) => one === first || random.chance(0.8)).join(',');
}

/** What dashboards ask, by host or by rack, of some hosts or all. */
export function fleetSelect(random: RandomChoice): string {
  const shape = random.of(['windows', 'windows', 'whole', 'ordered', 'raw'] as const);
  const by = shape === 'windows' || shape === 'whole' ? wideGroups : singleSeries;
  const windows = shape === 'windows' ? `, ${interval(random)}` : '';
  const order = random.maybe(0.3, () => ` ORDER BY time ${random.of(['ASC', 'DESC'])}`);
  const limit = shape === 'raw' ? ` LIMIT ${random.integer(1, 300)}` : random.maybe(0.3, () => ` LIMIT ${random.integer(1, 20)}`); // prettier-ignore
  const page = limit + random.maybe(0.2, () => ` OFFSET ${random.integer(0, 5)}`);
  return `SELECT ${listOf(random, shape)} FROM fleet WHERE ${conditionOf(random)} GROUP BY ${random.of(by)}${windows}${windows === '' ? '' : fill(random)}${order}${page}`; // prettier-ignore
}

/** Groups of one series, in which rows have an order, and of several. */
const singleSeries = ['host', 'host', '*', 'host, rack', '/^h/'];
const wideGroups = [...singleSeries, 'rack', 'rack'];

function listOf(random: RandomChoice, shape: 'windows' | 'whole' | 'ordered' | 'raw'): string {
  const number = numberField(random, fleet);
  if (shape === 'raw')
    return [fieldOf(random, fleet), ...random.some([0], 2).map(() => fieldOf(random, fleet))].join(', '); // prettier-ignore
  if (shape === 'ordered')
    return random.of([
      () => transformation(random, number),
      () => `top(${number}, ${random.integer(1, 4)})`,
      () => `percentile(${number}, 50), usage`,
    ])();
  const call = (): string => `${random.of(['count', 'sum', 'mean', 'median', 'stddev', 'spread', 'min', 'max', 'first', 'last'])}(${numberField(random, fleet)})`; // prettier-ignore
  return random.of([
    call,
    () => `${call()}, ${call()}`,
    () => `${call()}, count(msg), last(ok)`,
    () => `percentile(${number}, ${random.of([5, 49, 50, 95, 100])})`,
    () => `${call()} AS a, max(n) * 2 AS b`,
    () => (shape === 'windows' ? transformation(random, `mean(${number})`) : `mode(n)`),
    () => reducer(random, fleet),
  ])();
}

function conditionOf(random: RandomChoice): string {
  const start = random.integer(0, 3_600);
  const length = random.of([60, 300, 3_600, 90_000, 300_000]);
  const from = `'2000-01-01T00:00:00Z' + ${start}s`;
  const parts = [`time >= ${from}`, `time < ${from} + ${length}s`];
  const host = (): string => `host = '${hostOf(random.integer(0, hostCount))}'`;
  if (random.chance(0.4))
    parts.push(random.of([host(), `(${host()} OR ${host()})`, `host =~ /${random.of(['^h0', '1$', '.', '^x'])}/`, `rack = 'r${random.integer(0, rackCount)}'`])); // prettier-ignore
  if (random.chance(0.2)) parts.push(`n > ${random.integer(-20, 180)}`);
  return random.shuffled(parts).join(' AND ');
}
