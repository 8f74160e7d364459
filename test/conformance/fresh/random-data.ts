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

type FieldKind = 'float' | 'integer' | 'string' | 'boolean' | 'mixed';

/** What statements may name. */
export const freshMeasurements: readonly FreshMeasurement[] = [
  { name: 'cpu', tags: ['host', 'region'], fields: [['usage', 'float'], ['n', 'integer'], ['msg', 'string'], ['ok', 'boolean']] }, // prettier-ignore
  {
    name: 'mem',
    tags: ['host'],
    fields: [
      ['used', 'integer'],
      ['pct', 'float'],
    ],
  },
  {
    name: 'mixed',
    tags: ['host'],
    fields: [
      ['v', 'mixed'],
      ['w', 'float'],
    ],
  },
  { name: 'ties', tags: ['t1', 't2'], fields: [['val', 'integer'], ['f', 'float'], ['s', 'string']] }, // prettier-ignore
  { name: 'lone', tags: [], fields: [['v', 'float']] },
];

export const tagValues = ['a', 'b', 'server01', 'us-west', 'x y'];

/**
 * A database `fresh` of daily shards and a second policy of hourly ones: sparse fields, fields whose type differs from day
 * to day, many rows of one time, times before 1970, points out of order and points written twice.
 */
export function freshData(seed: number): Pick<RecordedSet, 'setup' | 'writes'> {
  const random = new RandomChoice(seed, 'data');
  const lines = Array.from({ length: 1_500 }, () => line(random, random.of(freshMeasurements)));
  const writes = [];
  for (let start = 0; start < lines.length; start += 300)
    writes.push({ params: { db: 'fresh' }, body: lines.slice(start, start + 300).join('\n') });
  const others = Array.from({ length: 80 }, () => line(random, random.of(freshMeasurements)));
  writes.push({ params: { db: 'fresh', rp: 'rp2' }, body: others.join('\n') });
  const setup = [
    'CREATE DATABASE fresh WITH DURATION INF SHARD DURATION 1d NAME autogen',
    'CREATE RETENTION POLICY rp2 ON fresh DURATION INF REPLICATION 1 SHARD DURATION 1h',
  ];
  return { setup, writes };
}

function line(random: RandomChoice, { name, tags, fields }: FreshMeasurement): string {
  const day = name === 'lone' && random.chance(0.3) ? -10_957 : random.integer(0, 3);
  const stepSeconds = name === 'ties' ? 60 : 10;
  const seconds = random.integer(0, name === 'ties' ? 20 : 360) * stepSeconds;
  const timeNs = middleNs + (BigInt(day) * 86_400n + BigInt(seconds)) * secondNs;
  const key = tags.flatMap((tag) =>
    random.chance(0.8) ? [`${tag}=${random.of(tagValues).replace(' ', '\\ ')}`] : [],
  );
  const chosen = fields.filter(() => random.chance(0.7));
  const written = (chosen.length === 0 ? fields.slice(0, 1) : chosen).map(
    ([field, kind]) => `${field}=${value(random, kind, day)}`,
  );
  return `${[name, ...key].join(',')} ${written.join(',')} ${timeNs}`;
}

/** A mixed field is a float on one day, a text on the next. */
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
  }
}
