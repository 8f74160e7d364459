import { expect, test } from 'vitest';
import type { OutputSeries, StatementResult } from '../../query/emit/result.ts';
import { answerFormat, limitRows } from './answer-format.ts';

const format = answerFormat('', { epochUnitNs: 1n, pretty: false });

function series(name: string, count: number): OutputSeries {
  const timesNs = BigInt64Array.from({ length: count }, (_, i) => BigInt(i));
  return { kind: 'columns', name, columns: ['time'], timesNs, values: [], start: 0, end: count };
}

/** The names and row counts that an answer has, `!` where it says partial. */
function shape(results: readonly StatementResult[]): string {
  const document = JSON.parse(format.write(results).toString()) as {
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

test('answer: rows past max-row-limit are cut as the reference cuts them', () => {
  const check = (rowsMax: number, statements: readonly (readonly number[])[], want: string) => {
    const results = statements.map((counts, statementId) => ({
      statementId,
      series: counts.map((count, i) => series('abc'.charAt(i), count)),
    }));
    expect(shape(limitRows(results, rowsMax))).toBe(want);
  };
  check(0, [[5], [5]], '[a5][a5]');
  check(3, [[5]], '[a3!]');
  check(3, [[3], [1]], '[a3]');
  check(3, [[2], [2], [2]], '[a2][a1!]');
  check(3, [[2, 2, 2]], '[a2 b1!]!');
  check(3, [[4, 4]], '[a3!]');
  check(3, [[1, 1, 1], [1]], '[a1 b1 c1]');
  check(3, [[], [5], []], '[][a3!]');
});
