import { anyMeasurement } from './random-calls.ts';
import { numberField, quoted, tagTerm } from './random-clauses.ts';
import type { RandomChoice } from './random-choice.ts';

export function show(random: RandomChoice): string {
  const measurement = anyMeasurement(random);
  const { name } = measurement;
  const source = random.maybe(0.4, () => ` FROM ${random.of([quoted(name), `/^${name.slice(0, 1)}/`, 'nosuch', `${quoted(name)}, mem`, `rp2.${quoted(name)}`])}`); // prettier-ignore
  const on = random.maybe(0.3, () => ' ON fresh');
  const term = (): string =>
    random.of([
      tagTerm(random, measurement),
      tagTerm(random, measurement),
      `${tagTerm(random, measurement)} AND ${tagTerm(random, measurement)}`,
      `(${tagTerm(random, measurement)} OR ${tagTerm(random, measurement)})`,
      `${numberField(random, measurement)} > 3`,
      `_name = '${name}'`,
      `_tagKey = 'host'`,
      `time > '2000-01-02T00:00:00Z'`,
      `time < '2000-01-02T00:00:00Z' AND ${tagTerm(random, measurement)}`,
    ]);
  const condition = random.maybe(0.4, () => ` WHERE ${term()}`);
  const order = random.maybe(0.05, () => ' ORDER BY time ASC');
  const page = random.maybe(0.3, () => ` LIMIT ${random.integer(1, 5)}`) + random.maybe(0.2, () => ` OFFSET ${random.integer(0, 3)}`); // prettier-ignore
  const seriesPage = page + random.maybe(0.1, () => ` SLIMIT ${random.integer(1, 3)}`);
  const keys = random.of(['= host', 'IN (host, t1)', '=~ /h|t/', '!= host', '!~ /h/', '= "a tag"']);
  const withKey = random.maybe(0.15, () => ` WITH KEY ${keys}`);
  const named = random.maybe(0.2, () => ` WITH MEASUREMENT ${random.of([`= ${quoted(name)}`, `=~ /^${name.slice(0, 1)}/`, `!= mem`, '!~ /m/'])}`); // prettier-ignore
  const groups = random.maybe(0.2, () => ` GROUP BY ${random.of(['host', '*', 't1'])}`);
  const exact = random.maybe(0.8, () => ' EXACT');
  return random.of([
    `SHOW MEASUREMENTS${random.of([on, on, ' ON fresh.rp2', ' ON fresh.*', ' ON *.*'])}${named}${condition}${order}${page}`, // prettier-ignore
    `SHOW SERIES${on}${source}${condition}${order}${page}`,
    `SHOW TAG KEYS${on}${source}${withKey}${condition}${order}${seriesPage}`,
    `SHOW TAG VALUES${on}${source} WITH KEY ${keys}${condition}${order}${page}`,
    `SHOW FIELD KEYS${on}${source}${order}${page}`,
    `SHOW SERIES${exact} CARDINALITY${on}${source}${condition}${groups}${page}`,
    `SHOW MEASUREMENT${exact} CARDINALITY${on}${source}${condition}${groups}${page}`,
    `SHOW TAG KEY${exact} CARDINALITY${on}${source}${condition}${groups}${page}`,
    `SHOW TAG VALUES${exact} CARDINALITY${on}${source} WITH KEY ${keys}${condition}${groups}${page}`,
    `SHOW FIELD KEY${exact} CARDINALITY${on}${source}${condition}${groups}${page}`,
    `SHOW RETENTION POLICIES${on}`,
    random.of(['SHOW DATABASES', 'SHOW CONTINUOUS QUERIES', 'SHOW SUBSCRIPTIONS', 'SHOW USERS']),
  ]);
}
