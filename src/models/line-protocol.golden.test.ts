import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { FieldValue } from './field-value.ts';
import { type LinePoint, parseLines } from './line-protocol.ts';
import { compareTags, seriesKey } from './series-key.ts';

interface Recorded {
  readonly line: string;
  readonly status: number;
  readonly body: string;
  readonly answer: string;
}

interface Series {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** What a real server made of each body; test/golden/record-lines.ts records it anew. */
const recorded = ['lines.jsonl', 'odd-lines.jsonl'].flatMap((name) =>
  readFileSync(join(import.meta.dirname, 'testdata', name), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Recorded),
);

/** Stands for the time of recording, which points without a time of their own have. */
const defaultTimeNs = 1_800_000_000_000_000_000n;
const recordedFromNs = 1_790_000_000_000_000_000n;
const recordedUntilNs = 1_810_000_000_000_000_000n;

/** These lines are well formed; what refuses them is the shard that stores them. */
function isRefusedByStorage(body: string): boolean {
  return /field type conflict|invalid field name|invalid tag key/.test(body);
}

function errorsOf(body: string): string {
  if (body === '' || isRefusedByStorage(body)) return '';
  const { error } = JSON.parse(body) as { error: string };
  return error.replace(/^partial write: /, '').replace(/ dropped=0 for database: lines$/, '');
}

function parse(line: string): ReturnType<typeof parseLines> {
  return parseLines(new TextEncoder().encode(line), { stepNs: 1n, defaultTimeNs });
}

/** Values as `key field time value`, sorted; later points win. Whole numbers past 2^53 stay exact in text. */
function valuesOf(points: readonly LinePoint[]): string[] {
  const values = new Map<string, string>();
  for (const point of points) {
    for (const [field, value] of point.fields) {
      if (field === 'time') continue;
      const key = seriesKey(point.measurement, point.tags);
      values.set(`${key} ${field} ${point.timeNs}`, printValue(value));
    }
  }
  return [...values].map(([key, value]) => `${key} ${value}`).sort();
}

function printValue({ type, value }: FieldValue): string {
  return type === 'string' || type === 'boolean' ? printText(value) : String(value);
}

/** Bytes that are no UTF-8 are one replacement character each in JSON. */
function printText(value: FieldValue['value']): string {
  return JSON.stringify(typeof value === 'string' ? Buffer.from(value).toString() : value);
}

function recordedValues(answer: string): string[] {
  const exact = answer.replaceAll(/([[,])(-?\d{16,})(?=[\],])/g, '$1"int $2"');
  const [{ series = [] }] = (JSON.parse(exact) as { results: [{ series?: Series[] }] }).results;
  const timeOf = (text: string): bigint => {
    const timeNs = BigInt(text);
    return recordedFromNs < timeNs && timeNs < recordedUntilNs ? defaultTimeNs : timeNs;
  };
  const print = (value: unknown) =>
    typeof value === 'string' && value.startsWith('int ')
      ? value.slice(4)
      : typeof value === 'number'
        ? String(value)
        : JSON.stringify(value);
  return series
    .flatMap(({ name, tags = {}, columns, values }) => {
      const list = Object.entries(tags).map(([key, value]) => ({ key, value }));
      const key = seriesKey(name, list.sort(compareTags));
      return values.flatMap((row) =>
        columns
          .slice(1)
          .map((column, i) => [column, row[i + 1]] as const)
          .filter(([, value]) => value !== null)
          .map(([column, value]) => `${key} ${column} ${timeOf(print(row[0]))} ${print(value)}`),
      );
    })
    .sort();
}

/**
 * What the answer of the reference cannot be held against: it finds no points of a measurement whose name starts with two
 * backslashes, though it has stored them; and a field of two types, in two shards, is a matter of the query.
 */
function isAnsweredOtherwise(points: readonly LinePoint[]): boolean {
  const types = new Map<string, string>();
  return points.some(({ measurement, fields }) => {
    if (measurement.startsWith('\\')) return true;
    return [...fields].some(([name, { type }]) => {
      const field = JSON.stringify([measurement, name]);
      const earlier = types.get(field) ?? type;
      types.set(field, type);
      return earlier !== type;
    });
  });
}

test.each(recorded)('line protocol: $line', ({ line, body, answer }) => {
  const { points, errors } = parse(line);
  expect(errors.text()).toBe(errorsOf(body));
  if (isRefusedByStorage(body) || isAnsweredOtherwise(points)) return;
  expect(valuesOf(points)).toEqual(recordedValues(answer));
});
