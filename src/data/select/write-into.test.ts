import { expect, test } from 'vitest';
import type { Measurement } from '../../influxql/ast.ts';
import type { Column } from '../../query/column.ts';
import type { ColumnSeries } from '../../query/emit/result.ts';
import { Pacer } from '../../query/run/pacer.ts';
import { writeInto } from './write-into.ts';

const pacer = new Pacer({
  clock: { monotonicMs: () => 0, sleep: () => Promise.resolve() },
  turn: () => Promise.resolve(),
  signal: new AbortController().signal,
});

function strings(...texts: readonly (string | null)[]): Column {
  const bytes = new TextEncoder().encode(texts.map((text) => text ?? '').join(''));
  const offsets = new Uint32Array(texts.length + 1);
  texts.forEach((text, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + new TextEncoder().encode(text ?? '').length;
  });
  const valid = Uint8Array.from(texts, (text) => (text === null ? 0 : 1));
  return { type: 'string', values: { offsets, bytes }, valid };
}

async function written(series: Partial<ColumnSeries>, name = 'out', isStrict = false) {
  const lines: string[] = [];
  const lengths: number[] = [];
  const target: Measurement = { kind: 'measurement', database: 'd', retentionPolicy: 'r', name };
  async function* batches(): AsyncGenerator<readonly ColumnSeries[]> {
    const piece: ColumnSeries = await Promise.resolve({
      kind: 'columns',
      name: 'own name',
      columns: ['time', 'v'],
      timesNs: BigInt64Array.of(1n, 2n),
      values: [{ type: 'float', values: Float64Array.of(1.5, Number.POSITIVE_INFINITY) }],
      start: 0,
      end: 2,
      ...series,
    });
    yield [piece];
  }
  const write = ({ body }: { readonly body: Uint8Array }) => {
    lengths.push(body.length);
    lines.push(...new TextDecoder().decode(body).split('\n'));
    return Promise.resolve();
  };
  const { rows } = await writeInto(batches(), target, { write, pacer, isStrict });
  for (const length of lengths) expect(length).toBeLessThan(5 << 20);
  return { lines, count: rows[0]?.[1] };
}

test('into: rows become points, floats that are none and rows of nulls are left out', async () => {
  expect(await written({})).toEqual({ lines: ['out v=1.5 1'], count: 1n });
  expect(await written({}, '')).toEqual({ lines: ['own\\ name v=1.5 1'], count: 1n });
  const nulls = { type: 'integer', values: BigInt64Array.of(7n, 0n), valid: Uint8Array.of(1, 0) } as const; // prettier-ignore
  expect(await written({ values: [nulls] })).toEqual({ lines: ['out v=7i 1'], count: 1n });
});

test('into: with strict-error-handling what cannot be stored ends the statement, with what a real 1.12.4 says', async () => {
  await expect(written({}, 'out', true)).rejects.toThrow('+/-Inf is an unsupported value for field v'); // prettier-ignore
  const nulls = { type: 'integer', values: BigInt64Array.of(7n, 0n), valid: Uint8Array.of(1, 0) } as const; // prettier-ignore
  await expect(written({ values: [nulls] }, 'out', true)).rejects.toThrow('point without fields is unsupported'); // prettier-ignore
  const whole = { type: 'integer', values: BigInt64Array.of(7n, 8n) } as const;
  expect(await written({ values: [whole] }, 'out', true)).toEqual({ lines: ['out v=7i 1', 'out v=8i 2'], count: 2n }); // prettier-ignore
});

test('into: tags of the group and those of top() are tags, names and texts are escaped', async () => {
  const got = await written({
    tags: [['a b', 'x=y'], ['none', '']], // prettier-ignore
    columns: ['time', 'top', 'host', 'top'],
    pointTags: [1],
    values: [
      { type: 'boolean', values: Uint8Array.of(1, 0) },
      strings('h1', ''),
      strings('quo"te\\', null),
    ],
  });
  expect(got).toEqual({ lines: ['out,a\\ b=x\\=y,host=h1 top="quo\\"te\\\\" 1'], count: 1n });
});

test('into: a target has to name a database, an answer its time', async () => {
  await expect(written({ columns: ['ts', 'v'] })).rejects.toThrow('error finding time index in result'); // prettier-ignore
});

test('into: points of long texts go to the writer few at a time', async () => {
  const texts = Array.from({ length: 200 }, (_, i) => `${i}`.padEnd(60_000, '.'));
  const timesNs = BigInt64Array.from(texts, (_, i) => BigInt(i));
  const { lines, count } = await written({
    timesNs,
    values: [strings(...texts)],
    end: texts.length,
  });
  expect([lines.length, count]).toEqual([200, 200n]);
  expect(lines[199]).toBe(`out v="${texts[199]}" 199`);
});

test.each(['#out', '\0out', '\tout'])('into: a name that a line passes over ends the statement: %j', async (name) => {
  await expect(written({}, name)).rejects.toMatchObject({ code: 'invalid_argument' });
  await expect(written({ name }, '')).rejects.toMatchObject({ code: 'invalid_argument' });
}); // prettier-ignore
