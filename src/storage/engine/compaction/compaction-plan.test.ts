import { expect, test } from 'vitest';
import { planCompaction, type CompactionFile } from './compaction-plan.ts';

const mebibyte = 1 << 20;

/**
 * `1 1 2 4!`: levels, oldest first; `!` has tombstones; `4L` is as large as a file gets; `w` is one of the whole shard's, `a` the same
 * with large blocks; `x` is damaged; `+` is of the generation of the one before.
 */
function filesOf(text: string): readonly CompactionFile[] {
  const words = text.split(' ');
  return words.map((word, i) => ({
    name: `${i}`,
    generation: words.slice(0, i + 1).filter((one) => !one.includes('+')).length,
    level: Number(word[0]),
    lengthBytes: word.includes('L') ? 2048 * mebibyte : 10 * mebibyte,
    hasTombstones: word.includes('!'),
    isLeftOut: word.includes('x'),
    wholeRows: word.includes('a') ? 10_000 : word.includes('w') ? 1_000 : undefined,
  }));
}

test('compaction plan: each says of which kind it is', () => {
  const kindOf = (text: string, isCold = false) =>
    planCompaction(filesOf(text), { isCold, fileBytesMax: 2048 * mebibyte })?.kind;
  expect(kindOf('1 1 1 1 1 1 1 1')).toBe('level1');
  expect(kindOf('2 2 2 2')).toBe('level2');
  expect(kindOf('3 3 3 3')).toBe('level3');
  expect(kindOf('4 4 4 4')).toBe('optimize');
  expect(kindOf('4!')).toBe('full');
  expect(kindOf('1 1', true)).toBe('full');
});

function planned(text: string, isCold = false): string {
  const plan = planCompaction(filesOf(text), { isCold, fileBytesMax: 2048 * mebibyte });
  return plan === undefined ? 'none' : `${plan.names.join(' ')} -> ${plan.level}`;
}

test('compaction plan: a damaged file is in none, and none goes across it', () => {
  expect(planned('1 1 1 1x 1 1 1 1 1')).toBe('none');
  expect(planned('1 1 1x 1 1 1 1 1 1 1 1')).toBe('3 4 5 6 7 8 9 10 -> 2');
  expect(planned('4x 4 4 4')).toBe('none');
  expect(planned('4!x')).toBe('none');
  expect(planned('4!x 4 4!')).toBe('2 -> 4');
  expect(planned('1 2 1x 1 3', true)).toBe('0 1 -> 4');
  expect(planned('4 1x 1 3', true)).toBe('2 3 -> 4');
  expect(planned('4 1x 4', true)).toBe('none');
});

test('compaction plan: a hot shard waits until there is enough of a level', () => {
  expect(planned('1 1 1 1 1 1 1')).toBe('none');
  expect(planned('1 1 1 1 1 1 1 1')).toBe('0 1 2 3 4 5 6 7 -> 2');
  expect(planned('1 1 1 1 1 1 1 1 1 1')).toBe('0 1 2 3 4 5 6 7 -> 2');
  expect(planned('2 2 2 1 1 1 1 1 1 1 1')).toBe('3 4 5 6 7 8 9 10 -> 2');
  expect(planned('3 2 2 2 2 1')).toBe('1 2 3 4 -> 3');
  expect(planned('3 3 3 3 2 1 1')).toBe('0 1 2 3 -> 4');
});

test('compaction plan: files side by side only, of a lower level between them too', () => {
  expect(planned('1 1 1 1 2 1 1 1 1')).toBe('none');
  expect(planned('2 2 1 2 2')).toBe('0 1 2 3 -> 3');
  expect(planned('2 2 3 2 2')).toBe('none');
});

test('compaction plan: level 4 files are brought together while they are small', () => {
  expect(planned('4 4 4')).toBe('none');
  expect(planned('4 4 4 4')).toBe('0 1 2 3 -> 4');
  expect(planned('4L 4 4 4')).toBe('none');
  expect(planned('4L 4 4 4 4')).toBe('1 2 3 4 -> 4');
});

test('compaction plan: a cold shard becomes one file, and then rests', () => {
  expect(planned('1', true)).toBe('0 -> 4');
  expect(planned('4 1', true)).toBe('0 1 -> 4');
  expect(planned('4', true)).toBe('none');
  expect(planned('4L 4', true)).toBe('none');
  expect(planned('4L 4 1', true)).toBe('1 2 -> 4');
});

test('aggressive-points-per-block: a shard that stays several files is once brought to larger blocks, and then left alone', () => {
  const of = (text: string, aggressiveRows?: number, isCold = true): string => {
    const plan = planCompaction(filesOf(text), { isCold, fileBytesMax: 2048 * mebibyte, aggressiveRows }); // prettier-ignore
    return plan === undefined
      ? 'none'
      : `${plan.kind} ${plan.names.join(' ')} ${plan.rowsPerBlock}`;
  };
  expect(of('4 1', 10_000)).toBe('full 0 1 1000');
  expect(of('4w 4w', 10_000)).toBe('optimize 0 1 10000');
  expect(of('4a 4a', 10_000)).toBe('none');
  expect(of('4a', 10_000)).toBe('none');
  // Where it was switched off there is nothing to gain.
  expect(of('4w 4w', 0)).toBe('none');
  expect(of('4w 4w')).toBe('none');
  expect(of('4a 4a', 20_000)).toBe('optimize 0 1 20000');
  // What is written later, or deleted, is brought to the others, in large blocks where they have them.
  expect(of('4w 4w 1', 10_000)).toBe('full 0 1 2 1000');
  expect(of('4a 1', 10_000)).toBe('full 0 1 10000');
  expect(of('4a! 4a', 10_000)).toBe('full 0 1 10000');
  expect(of('4a 4 4 4', 10_000, false)).toBe('optimize 0 1 2 3 10000');
  expect(of('4w 4w 4w 4w', 10_000, false)).toBe('none');
});

test('compaction plan: tombstones are worked in', () => {
  expect(planned('4!')).toBe('0 -> 4');
  expect(planned('4!', true)).toBe('0 -> 4');
  expect(planned('4L!', true)).toBe('0 -> 4');
  expect(planned('1!')).toBe('none');
});

test('compaction plan: of files that are small together many are taken at once', () => {
  const small = filesOf(Array.from({ length: 100 }, () => '1').join(' ')).map((file) => ({ ...file, lengthBytes: 100_000 })); // prettier-ignore
  const countOf = (files: readonly CompactionFile[]) =>
    planCompaction(files, { isCold: false, fileBytesMax: 2048 * mebibyte })?.names.length;
  expect(countOf(small)).toBe(41);
  expect(countOf(small.map((file) => ({ ...file, lengthBytes: 100 })))).toBe(64);
  expect(countOf(small.map((file) => ({ ...file, lengthBytes: mebibyte })))).toBe(8);
});

test('compaction plan: beside a part of a generation are no newer files, older ones are', () => {
  expect(planned('4L 4+ 1 1', true)).toBe('2 3 -> 4');
  expect(planned('4L 4+ 4', true)).toBe('none');
  expect(planned('4 4L+', true)).toBe('none');
  expect(planned('1 4 4L+', true)).toBe('0 1 -> 4');
  expect(planned('1 4 4+ 1', true)).toBe('0 1 2 3 -> 4');
  expect(planned('1 4x 4+ 4+ 1 1', true)).toBe('0 -> 4');
  expect(planned('4 4x 4+ 4+ 1 1', true)).toBe('2 3 -> 4');
  expect(planned('4L! 4+ 4')).toBe('0 -> 4');
  expect(planned('4L 4!+ 4')).toBe('1 -> 4');
  expect(planned('2 1+ 1 1 1 1 1 1 1 1')).toBe('2 3 4 5 6 7 8 9 -> 2');
  expect(planned('1 2+ 2 2 2')).toBe('0 1 2 3 -> 3');
});

test('compaction plan: a file of half of what one may have is large, and 4 MiB are small', () => {
  const ofBytes = (text: string, lengthBytes: number, isCold: boolean) => {
    const files = filesOf(text).map((file) => ({ ...file, lengthBytes }));
    return planCompaction(files, { isCold, fileBytesMax: 2048 * mebibyte })?.names.length;
  };
  const half = 1024 * mebibyte;
  expect([ofBytes('4 4', half, true), ofBytes('4 4', half - 1, true)]).toEqual([undefined, 2]);
  expect([ofBytes('4 4 4 4', half, false), ofBytes('4 4 4 4', half - 1, false)]).toEqual([undefined, 4]); // prettier-ignore
  const many = '1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1';
  const sixteenth = mebibyte / 4;
  expect([ofBytes(many, sixteenth, false), ofBytes(many, sixteenth + 1, false)]).toEqual([16, 15]);
});

test('compaction plan: of all of a shard says so, and a file that is one is not made anew with larger blocks', () => {
  const planOf = (text: string, isCold = true) =>
    planCompaction(filesOf(text), { isCold, fileBytesMax: 2048 * mebibyte, aggressiveRows: 10_000 }); // prettier-ignore
  expect([planOf('1 1')?.isWhole, planOf('4w 4w')?.isWhole]).toEqual([true, true]);
  expect(planOf('4 4 4 4', false)?.isWhole).toBe(false);
  expect(planOf('4w')).toBe(undefined);
});
