import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonDocument } from '../../query/emit/json-writer.ts';
import type { ColumnSeries } from '../../query/emit/result.ts';
import { compareGroups, type GroupKey } from '../../query/fragment.ts';
import { ShareNotes } from '../engine/answers/answer-share.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import { mergeShares, turnsOf, type StartedShare } from './merge-shares.ts';

/** Rows of a group, those of each piece together; a group without pieces has no series. */
interface Rows {
  readonly key: GroupKey;
  readonly pieces: readonly number[];
}

/** A document as a worker writes it, cut behind as many pieces as `partPieces` says. */
function write(groups: readonly Rows[], partPieces: number): readonly AnswerPart[] {
  const document = new JsonDocument({ epochUnitNs: 1n });
  const notes = new ShareNotes('');
  notes.found(groups.map(({ key }) => key), true); // prettier-ignore
  const parts: AnswerPart[] = [];
  const take = (isLast: boolean): void => {
    const { closing } = document;
    parts.push({ bytes: Buffer.concat(document.take()), closing, isLast, share: notes.take() });
  };
  let pieceCount = 0;
  for (const { key, pieces } of groups)
    for (const [i, rowCount] of pieces.entries()) {
      const series: ColumnSeries = { kind: 'columns', name: 'm', tags: key.map((value) => ['t', value] as const), columns: ['time', 'v'], timesNs: BigInt64Array.from({ length: rowCount }, (_, row) => BigInt(row)), values: [{ type: 'float', values: Float64Array.from({ length: rowCount }, (_, row) => row + 0.5) }], start: 0, end: rowCount }; // prettier-ignore
      document.push({ result: { statementId: 0, series: [series] }, isSeriesOpen: i < pieces.length - 1, isResultOpen: true }); // prettier-ignore
      notes.wrote(series, document.seriesAt, document.seriesEnd);
      if (++pieceCount % partPieces === 0) take(false);
    }
  document.push({ result: { statementId: 0, series: [] }, isSeriesOpen: false, isResultOpen: false }); // prettier-ignore
  document.end();
  take(true);
  return parts;
}

function started(groups: readonly Rows[], parts: readonly AnswerPart[]): StartedShare {
  const [first, ...others] = parts;
  if (first === undefined) throw new Error('there is a part');
  async function* rest(): AsyncGenerator<AnswerPart> {
    yield* await Promise.resolve(others);
  }
  return { groups: groups.map(({ key }) => key), first, parts: rest() };
}

const rows = fc.record({
  key: fc.tuple(fc.constantFrom('', 'a', 'é', '\udce9', '\udcc3', '"', 'ab', 'b', 'z')),
  pieces: fc.array(fc.integer({ min: 1, max: 4_000 }), { maxLength: 4 }),
  share: fc.nat({ max: 2 }),
});

test('merge shares: the document is the one that a worker writes who has all groups, and can be closed behind each part', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(rows, { selector: ({ key }) => key[0], maxLength: 7 }),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 3, maxLength: 3 }),
      async (all, cuts) => {
        all.sort((a, b) => compareGroups(a.key, b.key));
        const shares = cuts.map((partPieces, i) => {
          const own = all.filter(({ share }) => share === i);
          return started(own, write(own, partPieces));
        });
        const merged: Buffer[] = [];
        for await (const { bytes, closing, isLast } of mergeShares(
          shares,
          turnsOf(shares, true) ?? [],
        )) {
          // prettier-ignore
          merged.push(Buffer.from(bytes));
          if (isLast !== true) JSON.parse(`${Buffer.concat(merged).toString()}${closing}}]}`);
        }
        const [whole] = write(all, Number.POSITIVE_INFINITY);
        expect(Buffer.concat(merged).toString()).toBe(Buffer.from(whole?.bytes ?? []).toString());
      },
    ),
    { seed: 98, numRuns: 60 },
  );
});

test('merge shares: a group that two shares may have rows of has no place', () => {
  const of = (...values: readonly string[]) => ({ groups: values.map((value) => [value]) });
  expect(turnsOf([of('a', 'c'), of('b', 'c')], true)).toBeUndefined();
  expect(turnsOf([of('a', 'c'), of('b')], true)?.map(({ key }) => key[0])).toEqual(['a', 'b', 'c']);
  expect(turnsOf([of('c', 'a'), of('b')], false)?.map(({ key }) => key[0])).toEqual(['c', 'b', 'a']); // prettier-ignore
});

test.each([
  ['series beyond its bytes', [0, 0, 1_000_000]],
  ['series of no group', [7, 0, 1]],
  ['series that begin before others end', [0, 0, 9, 1, 5, 9]],
  ['series in another order', [1, 0, 5, 0, 5, 9]],
  ['half a span', [0, 0]],
])('merge shares: a node that tells of %s is told so', async (_what, spans) => {
  const groups = [{ key: ['a'], pieces: [1] }, { key: ['b'], pieces: [1] }]; // prettier-ignore
  const [part] = write(groups, 9);
  if (part === undefined) throw new Error('there is a part');
  const lying = started(groups, [{ ...part, share: { spans: Uint32Array.from(spans) } }]);
  const read = async (): Promise<void> => {
    for await (const _ of mergeShares([lying], turnsOf([lying], true) ?? []));
  };
  await expect(read()).rejects.toThrow('share of an answer');
});

test('merge shares: a share that ends before it says so is not taken for whole', async () => {
  const groups = [{ key: ['a'], pieces: [1, 1, 1] }];
  const cut = started(groups, write(groups, 1).slice(0, 2));
  const read = async (): Promise<void> => {
    for await (const _ of mergeShares([cut], turnsOf([cut], true) ?? []));
  };
  await expect(read()).rejects.toThrow('ends before it says so');
});
