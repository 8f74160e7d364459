import { freshMeasurements, tagValues, type FreshMeasurement } from './random-data.ts';
import { RandomChoice } from './random-choice.ts';

const aggregates = ['count', 'sum', 'mean', 'median', 'mode', 'stddev', 'spread', 'min', 'max', 'first', 'last', 'distinct', 'integral']; // prettier-ignore
const transformations = ['derivative', 'non_negative_derivative', 'difference', 'non_negative_difference', 'cumulative_sum', 'elapsed']; // prettier-ignore
const mathFunctions = ['abs', 'ceil', 'floor', 'round', 'sqrt', 'exp', 'ln'];
const durations = ['10s', '1m', '5m', '30m', '1h', '1d'];
const fills = ['null', 'none', 'previous', 'linear', '0', '-1.5'];

export interface FreshStatement {
  readonly kind: 'raw' | 'agg' | 'transform' | 'subquery' | 'show' | 'invalid';
  readonly text: string;
}

/** Statements over the data of random-data.ts: every family, with each clause in some of them. */
export function* freshStatements(seed: number, count: number): Generator<FreshStatement> {
  const random = new RandomChoice(seed, 'statements');
  for (let i = 0; i < count; i++) {
    const kind = random.of(['raw', 'raw', 'agg', 'agg', 'agg', 'transform', 'subquery', 'show', 'show', 'invalid'] as const); // prettier-ignore
    yield { kind, text: textOf(random, kind) };
  }
}

function textOf(random: RandomChoice, kind: FreshStatement['kind']): string {
  const measurement = random.of(freshMeasurements);
  switch (kind) {
    case 'raw':
      return rawSelect(random, measurement);
    case 'agg':
      return aggregateSelect(random, measurement);
    case 'transform':
      return transformSelect(random, measurement);
    case 'subquery':
      return subquerySelect(random, measurement);
    case 'show':
      return show(random, measurement);
    case 'invalid':
      // Not of what groups by time: without its bounds it would be millions of windows.
      return damaged(random, textOf(random, random.of(['raw', 'show'] as const)));
  }
}

const fieldOf = (random: RandomChoice, { fields }: FreshMeasurement): string =>
  random.of(fields)[0];

function numberField(random: RandomChoice, { fields }: FreshMeasurement): string {
  const numbers = fields.filter(([, kind]) => kind === 'float' || kind === 'integer');
  return random.of(numbers)[0];
}

function rawSelect(random: RandomChoice, measurement: FreshMeasurement): string {
  const number = numberField(random, measurement);
  const expr = (): string =>
    random.of([
      '*',
      fieldOf(random, measurement),
      `${number} ${random.of(['+', '-', '*', '/', '%'])} ${random.integer(1, 9)}`,
      `${random.of(mathFunctions)}(${number})`,
      `${fieldOf(random, measurement)}::${random.of(['float', 'integer', 'string'])}`,
      ...measurement.tags,
    ]);
  // A tag alone selects nothing, and says nothing about the engine.
  const fields = [fieldOf(random, measurement), ...random.some([0], 2).map(expr)].join(', ');
  const head = `SELECT ${fields}${from(random, measurement)}${where(random, measurement)}`;
  // Which of several rows of one time a page ends with is each server's own affair: pages are of single series.
  if (random.chance(0.4)) return `${head} GROUP BY *${tail(random)}`;
  return head + grouping(random, measurement, '');
}

function aggregateSelect(random: RandomChoice, measurement: FreshMeasurement): string {
  const call = (): string => {
    const name = random.of([...aggregates, 'percentile', 'top', 'bottom']);
    const field = random.chance(0.15) ? fieldOf(random, measurement) : numberField(random, measurement); // prettier-ignore
    if (name === 'percentile') return `percentile(${field}, ${random.of(['5', '50', '99.9'])})`;
    if (name === 'top' || name === 'bottom') return `${name}(${field}, ${random.integer(1, 4)})`;
    return `${name}(${field})`;
  };
  const calls = random.chance(0.7) ? [call()] : [call(), call()];
  const interval = random.maybe(0.6, () => `time(${random.of(durations)}${random.maybe(0.2, () => `, ${random.of(durations)}`)})`); // prettier-ignore
  const fill = interval === '' ? '' : random.maybe(0.6, () => ` fill(${random.of(fills)})`);
  return `SELECT ${calls.join(', ')}${from(random, measurement)}${where(random, measurement, interval === '' ? 0.5 : 1)}${grouping(random, measurement, interval)}${fill}${tail(random)}`; // prettier-ignore
}

function transformSelect(random: RandomChoice, measurement: FreshMeasurement): string {
  const name = random.of([...transformations, 'moving_average']);
  const field = numberField(random, measurement);
  const isOuter = random.chance(0.4);
  const inner = isOuter ? `${random.of(['mean', 'max', 'count', 'last'])}(${field})` : field;
  const width = name === 'moving_average' ? ', 3' : random.maybe(name.includes('derivative') ? 0.4 : 0, () => ', 10s'); // prettier-ignore
  const interval = isOuter ? `time(${random.of(durations)})` : '';
  return `SELECT ${name}(${inner}${width})${from(random, measurement)}${where(random, measurement, 1)}${grouping(random, measurement, interval)}${tail(random)}`; // prettier-ignore
}

function subquerySelect(random: RandomChoice, measurement: FreshMeasurement): string {
  const inner = random.chance(0.5)
    ? `SELECT ${random.of(['mean', 'max', 'sum', 'first'])}(${numberField(random, measurement)}) AS a${from(random, measurement)}${where(random, measurement, 1)}${grouping(random, measurement, `time(${random.of(durations)})`)}` // prettier-ignore
    : `SELECT ${numberField(random, measurement)} AS a${from(random, measurement)}${where(random, measurement)}`; // prettier-ignore
  const outer = random.of(['a', 'mean(a)', 'max(a)', 'count(a)', 'a + 1', 'sum(a)']);
  return `SELECT ${outer} FROM (${inner})${random.maybe(0.3, () => ` WHERE a > ${random.integer(-5, 60)}`)}${random.maybe(0.3, () => ` LIMIT ${random.integer(1, 9)}`)}`; // prettier-ignore
}

function from(random: RandomChoice, { name }: FreshMeasurement): string {
  if (random.chance(0.1)) return ` FROM rp2.${name}`;
  return random.chance(0.05) ? ` FROM /^${name.slice(0, 2)}/` : ` FROM ${name}`;
}

function where(random: RandomChoice, measurement: FreshMeasurement, share = 0.5): string {
  const parts: string[] = [];
  if (random.chance(share)) {
    const start = random.integer(0, 3_600);
    parts.push(`time >= '2000-01-01T00:00:00Z' + ${start}s`);
    parts.push(`time < '2000-01-01T00:00:00Z' + ${start + random.of([300, 3_600, 90_000])}s`);
  }
  if (random.chance(0.3)) parts.push(tagTerm(random, measurement));
  if (random.chance(0.2)) parts.push(`${numberField(random, measurement)} ${random.of(['>', '<=', '=', '!='])} ${random.integer(-5, 90)}`); // prettier-ignore
  return parts.length === 0 ? '' : ` WHERE ${parts.join(' AND ')}`;
}

function tagTerm(random: RandomChoice, { tags }: FreshMeasurement): string {
  const tag = random.of([...tags, 'host', 'nosuch']);
  const value = random.of([...tagValues, '']);
  return random.of([
    `${tag} = '${value}'`,
    `${tag} != '${value}'`,
    `${tag} =~ /${random.of(['a', '^s', '.', '^$'])}/`,
    `${tag} !~ /${random.of(['a', '^s', '.', '^$'])}/`,
    `(${tag} = '${value}' OR ${tag} = 'a')`,
  ]);
}

function grouping(random: RandomChoice, { tags }: FreshMeasurement, interval: string): string {
  const dimensions = interval === '' ? [] : [interval];
  if (random.chance(0.3)) dimensions.push(random.of([...tags, '*', 'nosuch']));
  return dimensions.length === 0 ? '' : ` GROUP BY ${dimensions.join(', ')}`;
}

function tail(random: RandomChoice): string {
  return (
    random.maybe(0.2, () => ` ORDER BY time ${random.of(['ASC', 'DESC'])}`) +
    random.maybe(0.3, () => ` LIMIT ${random.integer(1, 20)}`) +
    random.maybe(0.15, () => ` OFFSET ${random.integer(0, 5)}`) +
    random.maybe(0.1, () => ` SLIMIT ${random.integer(1, 3)}`)
  );
}

function show(random: RandomChoice, measurement: FreshMeasurement): string {
  const source = random.maybe(0.4, () => ` FROM ${random.of([measurement.name, `/^${measurement.name.slice(0, 1)}/`, 'nosuch'])}`); // prettier-ignore
  const on = random.maybe(0.3, () => ' ON fresh');
  const term = random.maybe(0.4, () => ` WHERE ${tagTerm(random, measurement)}`);
  const page = random.maybe(0.3, () => ` LIMIT ${random.integer(1, 5)}`) + random.maybe(0.2, () => ` OFFSET ${random.integer(0, 3)}`); // prettier-ignore
  const keys = random.of(['= host', 'IN (host, t1)', '=~ /h|t/', '!= host', '!~ /h/']);
  return random.of([
    `SHOW MEASUREMENTS${on}${term}${page}`,
    `SHOW SERIES${on}${source}${term}${page}`,
    `SHOW TAG KEYS${on}${source}${term}${page}`,
    `SHOW TAG VALUES${on}${source} WITH KEY ${keys}${term}${page}`,
    `SHOW FIELD KEYS${on}${source}${page}`,
    `SHOW SERIES EXACT CARDINALITY${on}${source}${term}`,
    `SHOW MEASUREMENT EXACT CARDINALITY${on}${source}${term}`,
    `SHOW TAG KEY EXACT CARDINALITY${on}${source}${term}`,
    `SHOW TAG VALUES EXACT CARDINALITY${on}${source} WITH KEY ${keys}`,
    `SHOW FIELD KEY CARDINALITY${on}${source}`,
  ]);
}

/** A word taken out, doubled or moved: what a hurried hand writes. */
function damaged(random: RandomChoice, text: string): string {
  const words = text.split(' ');
  const at = random.integer(0, words.length - 1);
  const word = words[at] ?? '';
  const how = random.integer(0, 3);
  if (how === 0) words.splice(at, 1);
  else if (how === 1) words.splice(at, 0, word);
  else if (how === 2) words.splice(at, 1, word.slice(0, -1));
  else words.splice(at, 1, random.of(['(', ')', ',', "'", '"', '/', '$', '10w', 'FROM', '::']));
  return words.join(' ');
}
