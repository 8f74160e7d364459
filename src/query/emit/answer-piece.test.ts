import { expect, test } from 'vitest';
import { piecesOf, type AnswerDocument } from './answer-piece.ts';
import { CsvDocument } from './csv-writer.ts';
import { JsonDocument } from './json-writer.ts';
import { PackDocument } from './msgpack-writer.ts';
import type { ColumnSeries, StatementResult } from './result.ts';

function rows(name: string, from: number, values: readonly number[], more: boolean): ColumnSeries {
  const timesNs = BigInt64Array.from(values, (_, i) => BigInt(from + i));
  const column = { type: 'float' as const, values: Float64Array.from(values) };
  const piece = { kind: 'columns' as const, name, columns: ['time', 'v'], timesNs, values: [column], start: 0, end: values.length }; // prettier-ignore
  return more ? { ...piece, partial: true } : piece;
}

const formats: readonly (readonly [string, () => AnswerDocument])[] = [
  ['json', () => new JsonDocument({ epochUnitNs: 1n })],
  ['pretty json', () => new JsonDocument({ epochUnitNs: 1n, pretty: true })],
  ['csv', () => new CsvDocument(1n)],
  ['msgpack', () => new PackDocument(1n)],
];

function write(document: AnswerDocument, results: readonly StatementResult[], isTaken: boolean) {
  const parts: Buffer[] = [];
  for (const result of results)
    for (const piece of piecesOf(result)) {
      document.push(piece);
      if (isTaken) parts.push(...document.take());
    }
  document.end();
  parts.push(...document.take());
  return Buffer.concat(parts).toString('latin1');
}

test.each(formats)('%s: pieces make the same document as the whole', (_name, open) => {
  const messages = [{ level: 'warning', text: 'w' }];
  const whole: readonly StatementResult[] = [
    { statementId: 0, series: [rows('a', 0, [1, 2, 3], false), rows('b', 0, [4], false)] },
    { statementId: 1, series: [] },
    { statementId: 2, series: [{ kind: 'rows', columns: ['name'], rows: [] }], messages },
    { statementId: 3, series: [], error: 'no' },
  ];
  const cut: readonly StatementResult[] = [
    { statementId: 0, series: [rows('a', 0, [1], true)], partial: true },
    { statementId: 0, series: [rows('a', 1, [2, 3], false)], partial: true },
    { statementId: 0, series: [rows('b', 0, [4], false)] },
    ...whole.slice(1),
  ];
  const want = write(open(), whole, false);
  expect(write(open(), cut, false)).toBe(want);
  expect(write(open(), cut, true)).toBe(want);
});

test('a series larger than one go comes in pieces, whole', () => {
  const values = Array.from({ length: 20_000 }, (_, i) => i);
  const pieces = [...piecesOf({ statementId: 0, series: [rows('a', 0, values, false)] })];
  expect(pieces.length).toBeGreaterThan(2);
  expect(pieces.map(({ isSeriesOpen }) => isSeriesOpen)).toEqual([...pieces.slice(1).fill(true as never), false]); // prettier-ignore
  const text = write(new JsonDocument({ epochUnitNs: 1n }), [{ statementId: 0, series: [rows('a', 0, values, false)] }], true); // prettier-ignore
  const { results } = JSON.parse(text) as { results: { series: { values: number[][] }[] }[] };
  expect(results[0]?.series[0]?.values.map(([, v]) => v)).toEqual(values);
});

const failing: readonly StatementResult[] = [
  { statementId: 0, series: [rows('a', 0, [1], true)], partial: true },
  { statementId: 0, series: [], error: 'node gone' },
  { statementId: 1, series: [rows('b', 0, [2], false)] },
];

test('json: a statement that fails after rows have left says so behind them', () => {
  expect(write(new JsonDocument({ epochUnitNs: 1n }), failing, true)).toBe(
    '{"results":[{"statement_id":0,"series":[{"name":"a","columns":["time","v"],"values":[[0,1]]}],' +
      '"error":"node gone"},{"statement_id":1,"series":[{"name":"b","columns":["time","v"],"values":[[0,2]]}]}]}\n',
  );
});

test('csv: it throws, since a cut answer would look whole; msgpack: the error alone', () => {
  expect(() => write(new CsvDocument(1n), failing, true)).toThrow('node gone');
  const packed = write(new PackDocument(1n), failing, true);
  expect(packed).toContain('\x81\xa5error\xa9node gone');
  expect(packed).not.toContain('\xa1a');
});

test('json: a float it cannot say is an error of the document, or of the statement once rows have left', () => {
  const results: readonly StatementResult[] = [
    { statementId: 0, series: [rows('a', 0, [1], true)], partial: true },
    { statementId: 0, series: [rows('a', 1, [Infinity], true)], partial: true },
    { statementId: 0, series: [rows('a', 2, [3], false)] },
    { statementId: 1, series: [] },
  ];
  const error = 'json: unsupported value: +Inf';
  expect(write(new JsonDocument({ epochUnitNs: 1n }), results, false)).toBe(`{"error":"${error}"}\n`); // prettier-ignore
  expect(JSON.parse(write(new JsonDocument({ epochUnitNs: 1n }), results, true))).toEqual({
    results: [
      { statement_id: 0, series: [{ name: 'a', columns: ['time', 'v'], values: [[0, 1]] }], error },
      { statement_id: 1 },
    ],
  });
});

test('json: a document that is an error leaves the next alone', () => {
  const document = new JsonDocument({ epochUnitNs: 1n });
  const texts = [1, Infinity, 2].map((value) =>
    write(document, [{ statementId: 0, series: [rows('a', 0, [value], false)] }], false),
  );
  expect(texts.map((text) => text.includes('unsupported value'))).toEqual([false, true, false]);
});

test('JSON documents: what closes one is right wherever its bytes are taken', () => {
  const column = { type: 'float', values: Float64Array.of(1, 2, 3) } as const;
  const rows = (name: string, end: number) => ({ kind: 'columns' as const, name, columns: ['time', 'v'], timesNs: BigInt64Array.of(1n, 2n, 3n), values: [column], start: 0, end }); // prettier-ignore
  const pieces = [
    ...piecesOf({ statementId: 0, series: [{ ...rows('a', 3), partial: true }], partial: true }),
    ...piecesOf({ statementId: 0, series: [rows('a', 2)], partial: true }),
    ...piecesOf({ statementId: 0, series: [rows('b', 0)], partial: true }),
  ];
  const document = new JsonDocument({ epochUnitNs: 1n });
  let text = '';
  for (const piece of pieces) {
    document.push(piece);
    const { closing } = document;
    text += Buffer.concat(document.take()).toString();
    const { results } = JSON.parse(`${text}${closing},"error":"e"}]}`) as {
      results: { error: string }[];
    };
    expect(results[0]?.error).toBe('e');
  }
  expect(pieces).toHaveLength(3);
});
