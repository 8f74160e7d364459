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

/** What a real server made of each line; test/golden/record-lines.ts records it anew. */
const recorded = readFileSync(join(import.meta.dirname, 'testdata/lines.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Recorded);

/** These lines are well formed; what refuses them is the shard that stores them. */
function isRefusedByStorage(body: string): boolean {
  return /field type conflict|invalid field name|invalid tag key/.test(body);
}

function errorsOf(body: string): string {
  if (body === '' || isRefusedByStorage(body)) return '';
  const { error } = JSON.parse(body) as { error: string };
  return error.replace(/^partial write: /, '').replace(/ dropped=0$/, '');
}

function parse(line: string): ReturnType<typeof parseLines> {
  return parseLines(new TextEncoder().encode(line), { stepNs: 1n, defaultTimeNs: 1n });
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
  return type === 'string' || type === 'boolean' ? JSON.stringify(value) : String(value);
}

function recordedValues(answer: string): string[] {
  const exact = answer.replaceAll(/([[,])(-?\d{16,})(?=[\],])/g, '$1"int $2"');
  const [{ series = [] }] = (JSON.parse(exact) as { results: [{ series?: Series[] }] }).results;
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
          .map(([column, value]) => `${key} ${column} ${print(row[0])} ${print(value)}`),
      );
    })
    .sort();
}

test.each(recorded)('line protocol: $line', ({ line, body, answer }) => {
  const { points, errors } = parse(line);
  expect(errors.join('\n')).toBe(errorsOf(body));
  if (!isRefusedByStorage(body)) expect(valuesOf(points)).toEqual(recordedValues(answer));
});
