import type { RecordedSet } from '../recorded-set.ts';
import { RandomChoice } from './random-choice.ts';

/** 2000-01-01: the middle of the data. */
export const middleNs = 946_684_800_000_000_000n;
const secondNs = 1_000_000_000n;

export interface FreshMeasurement {
  readonly name: string;
  readonly tags: readonly string[];
  readonly fields: readonly (readonly [name: string, type: FieldKind])[];
}

type FieldKind = 'float' | 'integer' | 'string' | 'boolean' | 'mixed' | 'number';

/** What statements may name. */
export const freshMeasurements: readonly FreshMeasurement[] = [
  { name: 'cpu', tags: ['host', 'region'], fields: [['usage', 'float'], ['n', 'integer'], ['msg', 'string'], ['ok', 'boolean']] }, // prettier-ignore
  { name: 'mem', tags: ['host'], fields: [['used', 'integer'], ['pct', 'float']] }, // prettier-ignore
  { name: 'mixed', tags: ['host'], fields: [['v', 'mixed'], ['w', 'float'], ['x', 'number']] }, // prettier-ignore
  { name: 'ties', tags: ['t1', 't2'], fields: [['val', 'integer'], ['f', 'float'], ['s', 'string']] }, // prettier-ignore
  { name: 'lone', tags: [], fields: [['v', 'float']] },
  { name: 'odd name', tags: ['host', 'a tag'], fields: [['a field', 'integer'], ['host', 'float']] }, // prettier-ignore
];

/** Far times, two changes of the clock, names that need quotes: what the wider statements are about. */
export const wideMeasurements: readonly FreshMeasurement[] = [
  { name: 'dst', tags: ['host'], fields: [['v', 'float'], ['n', 'integer'], ['s', 'string'], ['ok', 'boolean']] }, // prettier-ignore
  {
    name: 'far',
    tags: ['host'],
    fields: [
      ['v', 'float'],
      ['n', 'integer'],
    ],
  },
  { name: 'select.é"q', tags: ['from', 'h,o=t'], fields: [['group', 'float'], ['a.b', 'integer'], ['1st', 'string']] }, // prettier-ignore
];

/** Values at the ends of their types. */
export const edges: FreshMeasurement = {
  name: 'edges',
  tags: ['host'],
  fields: [['f', 'float'], ['i', 'integer'], ['b', 'boolean'], ['s', 'string']], // prettier-ignore
};

export const tagValues = ['a', 'b', 'server01', 'us-west', 'x y'];

/** A line of a write, apart from what makes it the same point as another. */
interface Line {
  readonly point: string;
  /** Measurement and time. */
  readonly place: string;
  readonly text: string;
}

/**
 * A database `fresh` of daily shards and a second policy of hourly ones: sparse fields, fields whose type differs from day
 * to day, times before 1970, points out of order and points written twice. `shuffle` writes the same points in another
 * order: an answer that depends on it is promised by nobody. Of an even seed many rows have one time; of an odd one no two
 * rows of a measurement, and there is no other right answer.
 */
export function freshData(
  seed: number,
  { shuffle = 0, copies = 'REPLICATION 1' } = {},
): Pick<RecordedSet, 'setup' | 'writes'> {
  const random = new RandomChoice(seed, 'data');
  const draw = (): Line => line(random, random.of(freshMeasurements));
  const lines = withoutTies(Array.from({ length: 1_600 }, draw), seed);
  const others = withoutTies(Array.from({ length: 120 }, draw), seed);
  const [first, again] = apart(lines);
  const order = shuffle === 0 ? undefined : new RandomChoice(shuffle, 'order');
  const writes = [
    ...batches(order?.shuffled(first) ?? first, { db: 'fresh' }),
    ...batches(again, { db: 'fresh' }),
    ...batches(apart(others)[0], { db: 'fresh', rp: 'rp2' }),
    ...batches(apart(wideLines(seed))[0], { db: 'fresh' }),
    ...batches(apart(edgeLines(seed))[0], { db: 'fresh' }),
  ];
  const setup = [
    `CREATE DATABASE fresh WITH DURATION INF ${copies} SHARD DURATION 1d NAME autogen`,
    `CREATE RETENTION POLICY rp2 ON fresh DURATION INF ${copies} SHARD DURATION 1h`,
  ];
  return { setup, writes };
}

/** Of several series the one whose line comes first keeps its time. */
function withoutTies(lines: readonly Line[], seed: number): readonly Line[] {
  if (seed % 2 === 0) return lines;
  const owners = new Map<string, string>();
  return lines.filter(({ place, point }) => {
    if (!owners.has(place)) owners.set(place, point);
    return owners.get(place) === point;
  });
}

/** The first line of each point, and the lines that write it again. */
function apart(lines: readonly Line[]): [first: readonly Line[], again: readonly Line[]] {
  const seen = new Set<string>();
  const first: Line[] = [];
  const again: Line[] = [];
  for (const one of lines) {
    (seen.has(one.point) ? again : first).push(one);
    seen.add(one.point);
  }
  return [first, again];
}

function batches(
  lines: readonly Line[],
  params: Readonly<Record<string, string>>,
): RecordedSet['writes'] {
  const writes = [];
  for (let start = 0; start < lines.length; start += 300) {
    const texts = lines.slice(start, start + 300).map(({ text }) => text);
    writes.push({ params, body: texts.join('\n') });
  }
  return writes;
}

function line(random: RandomChoice, measurement: FreshMeasurement): Line {
  const { name } = measurement;
  const day = name === 'lone' && random.chance(0.3) ? -10_957 : random.integer(0, 3);
  const stepSeconds = name === 'ties' ? 60 : 10;
  const seconds = random.integer(0, name === 'ties' ? 20 : 360) * stepSeconds;
  const timeNs = middleNs + (BigInt(day) * 86_400n + BigInt(seconds)) * secondNs;
  return lineAt(random, measurement, timeNs, day);
}

function lineAt(
  random: RandomChoice,
  { name, tags, fields }: FreshMeasurement,
  timeNs: bigint,
  day = 0,
): Line {
  const key = tags.flatMap((tag) =>
    random.chance(0.8) ? [`${escaped(tag)}=${escaped(random.of(tagValues))}`] : [],
  );
  const chosen = fields.filter(() => random.chance(0.7));
  const written = (chosen.length === 0 ? fields.slice(0, 1) : chosen).map(
    ([field, kind]) => `${escaped(field)}=${value(random, kind, day)}`,
  );
  const series = [escaped(name), ...key].join(',');
  return {
    point: `${series} ${timeNs}`,
    place: `${name} ${timeNs}`,
    text: `${series} ${written.join(',')} ${timeNs}`,
  };
}

/** Hours around the days when clocks change, and the ends of what a time can be. */
function wideLines(seed: number): readonly Line[] {
  const random = new RandomChoice(seed, 'wide data');
  const [dst, far, odd] = wideMeasurements as readonly [FreshMeasurement, FreshMeasurement, FreshMeasurement]; // prettier-ignore
  const hour = 3_600n * secondNs;
  const days = ['2000-03-25', '2000-04-01', '2000-10-28'].map(
    (day) => BigInt(Date.parse(day)) * 1_000_000n,
  );
  const ends = [-9_223_372_036_854_775_806n, -9_223_372_036_854_775_805n, -hour, -1n, 0n, 1n, 9_223_372_036_854_775_805n, 9_223_372_036_854_775_806n]; // prettier-ignore
  const lines = [
    ...Array.from({ length: 120 }, () => lineAt(random, dst, random.of(days) + (BigInt(random.integer(0, 120)) * hour) / 2n)),
    ...Array.from({ length: 16 }, () => lineAt(random, far, random.of(ends))),
    ...Array.from({ length: 40 }, () => lineAt(random, odd, middleNs + BigInt(random.integer(0, 300)) * secondNs)),
  ]; // prettier-ignore
  return withoutTies(lines, seed);
}

/** Of so many at the most that their sum is none beyond, in whatever order. */
const edgeFloats = ['1e306', '-1e306', '5e-324', '-1e-310', '0', '-0.0', '1e21', '1e-7', '9007199254740993', '3.0000000000000004', '2.5', '-1']; // prettier-ignore
const edgeIntegers = ['9223372036854775807', '-9223372036854775808', '9007199254740993', '-4611686018427387905', '0', '1', '-1', '255']; // prettier-ignore
const edgeTexts = [
  'a\tb',
  '\u0001',
  '\u007f',
  '\u2028',
  '<&>',
  'quo\\"te',
  'back\\\\slash',
  '',
  'x',
  '🙂',
];

/** No two rows have one time. */
function edgeLines(seed: number): readonly Line[] {
  const random = new RandomChoice(seed, 'edge data');
  return Array.from({ length: 60 }, (_, i) => {
    const timeNs = middleNs + BigInt(i * 70) * secondNs;
    const fields = [`f=${random.of(edgeFloats)}`, `i=${random.of(edgeIntegers)}i`, `b=${random.of(['t', 'f'])}`, `s="${random.of(edgeTexts)}"`]; // prettier-ignore
    const kept = fields.filter((_field, at) => at === i % 4 || random.chance(0.7));
    const series = `edges,host=${random.of(['a', 'b'])}`;
    return { point: `${series} ${timeNs}`, place: `edges ${timeNs}`, text: `${series} ${kept.join(',')} ${timeNs}` }; // prettier-ignore
  });
}

function escaped(text: string): string {
  return text.replaceAll(/[ ,=]/g, (sign) => `\\${sign}`);
}

/** A mixed field is a float on one day, a text on the next; a number is a float or an integer. */
function value(random: RandomChoice, kind: FieldKind, day: number): string {
  switch (kind) {
    case 'float':
      return random.of([`${random.integer(-500, 1_500) / 10}`, '0', '-0.0', '1e-7', '3.5']);
    case 'integer':
      return `${random.integer(-20, 200)}i`;
    case 'string':
      return JSON.stringify(random.of(['alpha', 'beta', '', 'quo"te', '42', 'ünïcode']));
    case 'boolean':
      return random.of(['true', 'false']);
    case 'mixed':
      return value(random, (['float', 'integer', 'string', 'boolean'] as const)[day] ?? 'float', 0);
    case 'number':
      return value(random, day % 2 === 0 ? 'integer' : 'float', 0);
  }
}
