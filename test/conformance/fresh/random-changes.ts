import { anyMeasurement } from './random-calls.ts';
import { grouping, numberField, quoted, tagTerm, where } from './random-clauses.ts';
import { freshMeasurements, tagValues } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

/** What stands on its own database: a write, a deletion or an INTO. */
export interface FreshChange {
  readonly statement?: string;
  readonly lines?: string;
}

/** Changes what the other database holds. */
export function change(random: RandomChoice): FreshChange {
  const { name } = anyMeasurement(random);
  const measurement = random.of(freshMeasurements.filter((one) => one.name !== 'mixed'));
  const from = quoted(measurement.name);
  const time = `time ${random.of(['<', '>='])} '2000-01-01T00:${10 + random.integer(0, 49)}:00Z'`;
  return random.of([
    () => ({ lines: lines(random) }),
    () => ({ lines: lines(random) }),
    () => ({ statement: `DELETE FROM ${from} WHERE ${time}` }),
    () => ({ statement: `DELETE FROM ${from} WHERE ${tagTerm(random, measurement)}` }),
    () => ({ statement: `DELETE WHERE ${tagTerm(random, measurement)} AND ${time}` }),
    () => ({ statement: `DROP SERIES FROM ${from} WHERE ${tagTerm(random, measurement)}` }),
    () => ({ statement: `DROP MEASUREMENT ${quoted(name)}` }),
    () => ({ statement: `DELETE FROM ${from}` }),
    () => ({
      statement: `SELECT ${random.of([numberField(random, measurement), `mean(${numberField(random, measurement)})`, '*'])} INTO ${random.of(['copy', 'changing..copy2', 'changing.autogen.:MEASUREMENT'])} FROM fresh.autogen.${from}${where(random, measurement, { bounded: 1, oddTimes: false })}${grouping(random, measurement, '')}`,
    }),
  ])();
}

function lines(random: RandomChoice): string {
  const one = (): string => {
    const { name, tags } = random.of(freshMeasurements.filter((each) => each.name !== 'mixed'));
    const escaped = (text: string): string => text.replaceAll(' ', '\\ ');
    const key = tags.filter(() => random.chance(0.7)).map((tag) => `,${escaped(tag)}=${escaped(random.of(tagValues))}`); // prettier-ignore
    const field = random.of(['usage=1.5', 'n=3i', 'val=7i', 'v=2', 'bad=', 'n=4', 'usage=2i', 'm="x"']); // prettier-ignore
    return `${escaped(name)}${key.join('')} ${field} ${946_684_800 + random.integer(0, 3_600)}`;
  };
  return Array.from({ length: random.integer(1, 12) }, one).join('\n');
}

/** What is written or deleted and asked for in one request: each statement sees what those before it did. */
export function dialogue(random: RandomChoice): string {
  const measurement = random.of(freshMeasurements.filter(({ name }) => name !== 'mixed'));
  const from = quoted(measurement.name);
  const number = numberField(random, measurement);
  const tag = quoted(random.of([...measurement.tags, 'host']));
  const time = `time ${random.of(['<', '>='])} '2000-01-01T00:${10 + random.integer(0, 49)}:00Z'`;
  const read = `fresh.autogen.${from}${where(random, measurement, { bounded: 1, oddTimes: false })}`;
  const target = random.of(['back', 'changing.autogen.back', 'changing..back']);
  const windows = `${random.of(['mean', 'max', 'count', 'last', 'distinct'])}(${number})`;
  return random.of([
    () => `DROP MEASUREMENT back; SELECT ${random.of([number, '*', `${number} AS a, ${number} * 2 AS b`])} INTO ${target} FROM ${read} GROUP BY *; SELECT * FROM back GROUP BY *`,
    () => `DROP MEASUREMENT back; SELECT ${windows} INTO ${target} FROM ${read}${grouping(random, measurement, `time(${random.of(['1m', '10m'])})`)} fill(${random.of(['none', 'null', '0', 'previous', 'linear'])}); SELECT * FROM back; SELECT count(*) FROM back GROUP BY *`,
    () => `SELECT ${number} INTO changing.autogen.:MEASUREMENT FROM ${read} GROUP BY *; SELECT count(${number}), max(${number}) FROM ${from} GROUP BY ${tag}`,
    () => `DELETE FROM ${from} WHERE ${time}; SELECT count(${number}), first(${number}) FROM ${from}; SELECT max(${number}) FROM ${from} WHERE ${time} GROUP BY ${tag}`,
    () => `DELETE FROM ${from} WHERE ${tagTerm(random, measurement)}; SELECT count(${number}), last(${number}) FROM ${from} GROUP BY ${tag}`,
    () => `SELECT ${number} INTO back FROM nosuch; DELETE FROM ${from} WHERE ${time} AND ${tagTerm(random, measurement)}; SELECT sum(${number}) FROM ${from}; SELECT nosuch FROM back`,
    () => `SELECT sum(${number}) FROM ${from}; SELECT mean(nosuch(${number})) FROM ${from}; SELECT count(${number}) FROM ${from}`,
  ])(); // prettier-ignore
}

/** A question to the other database. */
export function questionOfChanged(random: RandomChoice): string {
  const { name } = anyMeasurement(random);
  return random.of([
    `SELECT * FROM ${quoted(name)} GROUP BY *`,
    `SELECT count(*) FROM /.*/ GROUP BY *`,
    'SELECT * FROM copy GROUP BY *',
    'SELECT count(*) FROM copy2',
    'SHOW SERIES',
    'SHOW MEASUREMENTS',
    'SHOW FIELD KEYS',
    'SHOW TAG VALUES WITH KEY = host',
    'SHOW SERIES EXACT CARDINALITY',
  ]);
}
