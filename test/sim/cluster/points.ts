import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';

/** A value as text that two values share only when they are equal and of one type. */
export type ValueText = string;

/** A row as the model knows it: its series, its time and its fields. */
export interface Row {
  /** Canonical: measurement and sorted tags. */
  readonly series: string;
  readonly timeNs: bigint;
  readonly fields: ReadonlyMap<string, ValueText>;
}

/** Rows of one series and one shard that a client wrote with one request: an owner has all of them or none. */
export interface Part {
  readonly id: number;
  readonly level: ConsistencyLevel;
  readonly database: string;
  /** Of its database. */
  readonly replicaCount: number;
  readonly rows: readonly Row[];
  /** Rows whose field may have another type at an owner by now: it takes all of these or none. */
  readonly doubtful: readonly Row[];
}

/** What a node holds or a query answered: by series and time, the fields. */
export type Rows = ReadonlyMap<string, string>;

export function rowKey(series: string, timeNs: bigint): string {
  return `${series} ${timeNs}`;
}

const keys = new WeakMap<Row, string>();

/** rowKey of a row: checkers ask for it over and over. */
export function keyOf(row: Row): string {
  const known = keys.get(row);
  if (known !== undefined) return known;
  const key = rowKey(row.series, row.timeNs);
  keys.set(row, key);
  return key;
}

/** Fields in the order of their names. */
export function rowText(fields: Iterable<readonly [name: string, value: ValueText]>): string {
  const texts: string[] = [];
  for (const [name, value] of fields) texts.push(`${name}=${value}`);
  return texts.length > 1 ? texts.sort().join(',') : (texts[0] ?? '');
}

export function measurementOf(key: string): string {
  return /^[^ ,]*/.exec(key)?.[0] ?? '';
}

export const valueText = {
  float: (value: number): ValueText => `${Object.is(value, -0) ? '-0' : value}f`,
  integer: (value: bigint): ValueText => `${value}i`,
  boolean: (value: boolean): ValueText => `${value}`,
  string: (value: string): ValueText => JSON.stringify(value),
};

/** The row as a client writes it. Texts of values are those of the line protocol but for floats. */
export function lineOf({ series, timeNs, fields }: Row): string {
  const values = [...fields].map(([name, value]) => `${name}=${value.replace(/f$/, '')}`);
  return `${series} ${values.join(',')} ${timeNs}`;
}
