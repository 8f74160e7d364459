import { expect, test } from 'vitest';
import { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { OutputSeries, StatementResult } from '../../../query/emit/result.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import { chunkedAnswer } from './chunked-answer.ts';

interface Chunk {
  results: {
    partial?: true;
    error?: string;
    messages?: unknown[];
    series?: { name: string; values?: unknown[]; partial?: true }[];
  }[];
}

/** `name rows`, `!` behind a series or a statement that is partial. */
async function chunksOf(results: readonly StatementResult[], rowsMax: number): Promise<string[]> {
  async function* stream(): AsyncGenerator<StatementResult> {
    for (const result of results) yield await Promise.resolve(result);
  }
  const { signal } = new AbortController();
  const pacer = new Pacer({
    clock: { monotonicMs: () => 0, sleep: () => Promise.resolve() },
    turn: () => Promise.resolve(),
    signal,
  });
  let text = '';
  for await (const part of chunkedAnswer(stream(), new JsonDocument({ epochUnitNs: 1n }), { rowsMax, pacer })) text += part.toString(); // prettier-ignore
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [{ series = [], partial, error, messages }] = (JSON.parse(line) as Chunk).results as [Chunk['results'][0]]; // prettier-ignore
      const one = series.map((s) => `${s.name}${s.values?.length ?? 0}${s.partial ? '!' : ''}`);
      return `${one.join(' ')}${partial ? '!' : ''}${error ?? ''}${messages ? 'm' : ''}`;
    });
}

function columns(name: string, count: number, partial?: true): OutputSeries {
  const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  return { kind: 'columns', name, columns: ['time'], timesNs, values: [], start: 0, end: count, partial }; // prettier-ignore
}

function shown(name: string, count: number): OutputSeries {
  return { kind: 'rows', name, columns: ['k'], rows: Array.from({ length: count }, () => ['x']) };
}

test('chunks: rows of a series in equal parts, whatever the pieces were', async () => {
  const pieces = (...parts: readonly OutputSeries[]): StatementResult[] =>
    parts.map((series, i) => ({
      statementId: 0,
      series: [series],
      ...(i < parts.length - 1 && { partial: true }),
    }));
  expect(await chunksOf(pieces(columns('a', 5)), 2)).toEqual(['a2!!', 'a2!!', 'a1']);
  expect(await chunksOf(pieces(columns('a', 1, true), columns('a', 3)), 2)).toEqual(['a2!!', 'a2']);
  expect(await chunksOf(pieces(columns('a', 4), columns('b', 2)), 2)).toEqual(['a2!!', 'a2!', 'b2']); // prettier-ignore
  expect(await chunksOf(pieces(columns('a', 1), columns('b', 1)), 10)).toEqual(['a1!', 'b1']);
  expect(await chunksOf([{ statementId: 0, series: [] }], 10)).toEqual(['']);
});

test('chunks: a document of more rows than are written in one go is one document', async () => {
  const answer = [{ statementId: 0, series: [columns('a', 30_000)] }];
  expect(await chunksOf(answer, 25_000)).toEqual(['a25000!!', 'a5000']);
});

test('chunks: what a SHOW answers comes series by series, uncut; an error ends the document', async () => {
  const messages = [{ level: 'warning', text: 'w' }];
  expect(await chunksOf([{ statementId: 0, series: [shown('a', 3), shown('b', 9_000)], messages }], 2)).toEqual(['a3m', 'b9000']); // prettier-ignore
  const failed: StatementResult[] = [
    { statementId: 0, series: [columns('a', 1, true)], partial: true },
    { statementId: 0, series: [], error: 'gone' },
  ];
  expect(await chunksOf(failed, 2)).toEqual(['a1gone']);
});

test('chunks: what is at hand whole is one chunk, and the next result begins another', async () => {
  const results: StatementResult[] = [
    { statementId: 0, series: [shown('a', 3), shown('b', 0)], isWhole: true },
    { statementId: 1, series: [columns('c', 3)] },
  ];
  expect(await chunksOf(results, 2)).toEqual(['a3 b0', 'c2!!', 'c1']);
});
