import { expect, test } from 'vitest';
import { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { OutputSeries, StatementResult } from '../../../query/emit/result.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import { wholeAnswer } from './whole-answer.ts';

function series(name: string, count: number, partial?: true): OutputSeries {
  const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  return { kind: 'columns', name, columns: ['time'], timesNs, values: [], start: 0, end: count, partial }; // prettier-ignore
}

const idlePacer = new Pacer({
  clock: { monotonicMs: () => 0, sleep: () => Promise.resolve() },
  turn: () => Promise.resolve(),
  signal: new AbortController().signal,
});

/** The names and row counts that an answer has, `!` where it says partial. */
async function shape(results: readonly StatementResult[], rowsMax: number): Promise<string> {
  async function* stream(): AsyncGenerator<StatementResult> {
    for (const result of results) yield await Promise.resolve(result);
  }
  const parts: Buffer[] = [];
  const answer = wholeAnswer(stream(), new JsonDocument({ epochUnitNs: 1n }), { rowsMax, pacer: idlePacer }); // prettier-ignore
  for await (const part of answer) parts.push(part);
  const document = JSON.parse(Buffer.concat(parts).toString()) as {
    results?: { partial?: true; series?: { name: string; values: unknown[]; partial?: true }[] }[];
  };
  const one = (partial: true | undefined): string => (partial === true ? '!' : '');
  return (document.results ?? [])
    .map(({ series: all = [], partial }) => {
      const texts = all.map((s) => `${s.name}${s.values.length}${one(s.partial)}`);
      return `[${texts.join(' ')}]${one(partial)}`;
    })
    .join('');
}

const cases: readonly (readonly [number, readonly (readonly number[])[], string])[] = [
  [0, [[5], [5]], '[a5][a5]'],
  [3, [[5]], '[a3!]'],
  [3, [[3], [1]], '[a3]'],
  [3, [[2], [2], [2]], '[a2][a1!]'],
  [3, [[2, 2, 2]], '[a2 b1!]!'],
  [3, [[4, 4]], '[a3!]'],
  [3, [[1, 1, 1], [1]], '[a1 b1 c1]'],
  [3, [[], [5], []], '[][a3!]'],
];

test('row limit: rows past max-row-limit are cut as the reference cuts them', async () => {
  for (const [rowsMax, statements, want] of cases) {
    const results = statements.map((counts, statementId) => ({
      statementId,
      series: counts.map((count, i) => series('abc'.charAt(i), count)),
    }));
    expect(await shape(results, rowsMax)).toBe(want);
  }
});

test('row limit: the same, row by row as a SELECT answers', async () => {
  for (const [rowsMax, statements, want] of cases) {
    const results = statements.flatMap((counts, statementId): StatementResult[] => {
      const pieces = counts.flatMap((count, i) =>
        Array.from({ length: count }, (_, row) =>
          series('abc'.charAt(i), 1, row < count - 1 ? true : undefined),
        ),
      );
      if (pieces.length === 0) return [{ statementId, series: [] }];
      return pieces.map((piece, i) =>
        i < pieces.length - 1
          ? { statementId, series: [piece], partial: true }
          : { statementId, series: [piece] },
      );
    });
    expect(await shape(results, rowsMax)).toBe(want);
  }
});
