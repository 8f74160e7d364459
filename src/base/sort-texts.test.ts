import { expect, test } from 'vitest';
import { compareUtf8 } from './compare-utf8.ts';
import { Prng } from './prng.ts';
import { sortTexts, uniteTexts } from './sort-texts.ts';

function sorted(texts: readonly string[]): {
  readonly texts: readonly string[];
  readonly rests: number;
} {
  return ended(sortTexts(texts));
}

function ended(sorting: ReturnType<typeof sortTexts>) {
  for (let rests = 0; ; rests++) {
    const next = sorting.next();
    if (next.done === true) return { texts: next.value, rests };
  }
}

test('sort texts: none, one, equal ones', () => {
  expect(sorted([]).texts).toEqual([]);
  expect(sorted(['a']).texts).toEqual(['a']);
  expect(sorted(['b', 'a', 'b', '']).texts).toEqual(['', 'a', 'b', 'b']);
});

test('sort texts: by bytes, not by UTF-16 units', () => {
  expect(sorted(['\u{1f388}', '\uff5e', 'é', 'z']).texts).toEqual([
    'z',
    'é',
    '\uff5e',
    '\u{1f388}',
  ]);
});

test('sort texts: many as one sort would, with rests in between', () => {
  const prng = Prng.fromSeed(5);
  const tails = ['', 'é', '\uff5e', '\u{1f388}'];
  for (const count of [8_192, 8_193, 50_000]) {
    const texts = Array.from({ length: count }, () => `h${prng.u32() % 40_000}${tails[prng.u32() % 4] ?? ''}`); // prettier-ignore
    const { texts: found, rests } = sorted(texts);
    expect(found).toEqual([...texts].sort(compareUtf8));
    expect(rests).toBeGreaterThanOrEqual(Math.ceil(count / 8_192));
  }
});

test('sort texts: what is in order already, and what is in order the other way round', () => {
  const texts = Array.from({ length: 40_000 }, (_, i) => `h${String(i >> 1).padStart(6, '0')}`);
  expect(sorted(texts).texts).toEqual(texts);
  expect(sorted([...texts].reverse()).texts).toEqual(texts);
});

test('unite texts: each of two lists once, with rests in between', () => {
  const list = (from: number, to: number, step: number): readonly string[] =>
    Array.from({ length: to - from }, (_, i) => `h${String((from + i) * step).padStart(6, '0')}`);
  const cases = [[[], []], [['a'], []], [[], ['a']], [['a'], ['a']], [['a', 'b'], ['c']], [list(0, 30_000, 2), list(0, 20_000, 3)], [list(0, 9, 1), list(9, 20, 1)]] as const; // prettier-ignore
  for (const [left, right] of cases) {
    const { texts, rests } = ended(uniteTexts(left, right));
    expect(texts).toEqual([...new Set([...left, ...right])].sort());
    expect(rests).toBeGreaterThanOrEqual(Math.floor(texts.length / 16_384));
  }
});
