import { middleNs, type FreshMeasurement } from '../random-data.ts';

export const secondNs = 1_000_000_000n;
export const hourNs = 3_600n * secondNs;
export const dayNs = 24n * hourNs;
const yearNs = 365n * dayNs;
export const startNs = middleNs;
export const dayCount = 2;

/** Rows of a block of a file. */
export const blockRows = 1_000;

/** Which values a field has, each kind packed in another way. */
export type ValueKind =
  /** Quarters, whose sums are the same in whatever order. */
  | 'quarter'
  | 'uniform'
  | 'wild'
  /** Goes up, and now and then begins anew. */
  | 'counter'
  | 'big'
  /** Stays for many rows. */
  | 'run'
  /** A counter on the first day, quarters from then on. */
  | 'turning'
  | 'text'
  | 'flag';

export interface LargeMeasurement extends FreshMeasurement {
  readonly kinds: Readonly<Record<string, ValueKind>>;
  /** Several series have rows of one time: which of them comes first is nobody's promise. */
  readonly hasTies: boolean;
  /** How its lines come: one series after the other, by time, or in no order. */
  readonly order?: 'series' | 'time' | 'none';
  /** Of its first row. */
  readonly originNs: bigint;
  readonly stepNs: bigint;
  readonly spanNs: bigint;
  readonly seriesCount: number;
  /** Of the policy, where it is not the default one. */
  readonly policy?: string;
}

type Sizes = Pick<LargeMeasurement, 'hasTies' | 'stepNs' | 'spanNs' | 'seriesCount'> &
  Partial<Pick<LargeMeasurement, 'policy' | 'originNs' | 'order'>>;

function measurementOf(
  name: string,
  tags: readonly string[],
  kinds: Readonly<Record<string, ValueKind>>,
  sizes: Sizes,
): LargeMeasurement {
  const fields = Object.entries(kinds).map(([field, kind]) => [field, fieldType[kind]] as const);
  return { name, tags, fields, kinds, originNs: startNs, ...sizes };
}

const fieldType = {
  quarter: 'float',
  uniform: 'float',
  wild: 'float',
  counter: 'integer',
  big: 'integer',
  run: 'integer',
  turning: 'float',
  text: 'string',
  flag: 'boolean',
} as const;

export const wideFieldCount = 240;
const wideKinds: readonly ValueKind[] = ['quarter', 'counter', 'run', 'quarter', 'flag', 'text'];
const wideFields = Object.fromEntries(
  Array.from({ length: wideFieldCount }, (_, i) => {
    return [`f${String(i).padStart(3, '0')}`, wideKinds[i % wideKinds.length]!];
  }),
);

const days = BigInt(dayCount) * dayNs;

/** Some series of many rows at equal steps, whose times they share. */
export const dense = measurementOf(
  'dense',
  ['host', 'dc'],
  { v: 'quarter', n: 'counter', run: 'run', ok: 'flag' },
  { hasTies: true, stepNs: 20n * secondNs, spanNs: days, seriesCount: 8, order: 'time' },
);
/** Times to the nanosecond, with gaps, that come in three generations which lie over each other. */
export const jitter = measurementOf(
  'jitter',
  ['host'],
  { v: 'quarter', u: 'uniform', wild: 'wild', big: 'big', s: 'text' },
  { hasTies: false, stepNs: 17n * secondNs, spanNs: days, seriesCount: 4 },
);
/** Series by the ten thousand, of some rows. */
export const many = measurementOf(
  'many',
  ['host', 'rack', 'zone'],
  { v: 'quarter', n: 'counter' },
  { hasTies: true, stepNs: 6n * hourNs, spanNs: days, seriesCount: 12_000 },
);
/** More fields than anybody writes at once. */
export const wide = measurementOf('wide', ['host'], wideFields, {
  hasTies: false,
  stepNs: 30n * secondNs,
  spanNs: days,
  seriesCount: 6,
});
/** A shard each hour. */
export const hours = measurementOf(
  'hours',
  ['host'],
  { v: 'quarter', n: 'counter', s: 'text' },
  { hasTies: false, stepNs: 60n * secondNs, spanNs: 30n * hourNs, seriesCount: 5, policy: 'hourly' }, // prettier-ignore
);
/** Texts of all lengths. */
export const texts = measurementOf(
  'texts',
  ['host'],
  { s: 'text', t: 'text', ok: 'flag', n: 'run' },
  { hasTies: false, stepNs: 25n * secondNs, spanNs: days, seriesCount: 3, order: 'none' },
);

/** Before 1970 and behind it. */
export const past = measurementOf(
  'past',
  ['host'],
  { v: 'quarter', n: 'counter' },
  { hasTies: false, originNs: -dayNs, stepNs: 45n * secondNs, spanNs: days, seriesCount: 3 },
);
/** Its fields are of one type in one shard, and of another in the next. */
export const turns = measurementOf(
  'turns',
  ['host'],
  { v: 'turning', n: 'counter' },
  { hasTies: false, stepNs: 45n * secondNs, spanNs: days, seriesCount: 4, order: 'none' },
);

/** Series of very many rows between such of few, some without a field that others have, some with signs in their keys that are escaped. */
export const skew = measurementOf(
  'skew',
  ['host', 'rack'],
  { v: 'quarter', n: 'counter' },
  { hasTies: true, stepNs: 60n * secondNs, spanNs: 26n * hourNs, seriesCount: 3_000 },
);
/** A shard of two hundred years, with steps of a month and one of four decades. */
export const ages = measurementOf(
  'ages',
  ['host'],
  { v: 'quarter', n: 'counter' },
  { hasTies: false, originNs: -70n * yearNs, stepNs: 30n * dayNs, spanNs: 240n * yearNs, seriesCount: 3, policy: 'ages' }, // prettier-ignore
);

export const largeMeasurements = [
  ...[dense, jitter, many, wide, hours],
  ...[texts, past, turns, skew, ages],
] as const;

/** Measurements of a few series each. */
export const crowdCount = 300;
export const crowdName = (at: number): string => `c${String(at).padStart(3, '0')}`;
export const crowd: LargeMeasurement = measurementOf(
  'c000',
  ['host'],
  { v: 'quarter', n: 'counter' },
  { hasTies: true, stepNs: 60n * secondNs, spanNs: hourNs, seriesCount: 2 },
);

export const rackCount = 50;
export const zoneCount = 3;
/** The tags of the series of this number. */
export function tagsOf({ name }: LargeMeasurement, at: number): string {
  if (name === 'many') return `host=h${String(at).padStart(5, '0')},rack=r${at % rackCount},zone=z${at % zoneCount}`; // prettier-ignore
  if (name === 'skew') {
    const sign = at % 29 === 0 ? '\\ ' : at % 31 === 0 ? '\\,' : at % 37 === 0 ? '\\=' : '';
    return `host=h${sign}${at},rack=r${at % rackCount}`;
  }
  return name === 'dense' ? `dc=d${at % 2},host=h${at}` : `host=h${at}`;
}
