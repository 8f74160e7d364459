import { expect, test } from 'vitest';
import { compareUtf8 } from './compare-utf8.ts';
import { Prng } from './prng.ts';
import { sortTexts } from './sort-texts.ts';

function sorted(texts: readonly string[]): {
  readonly texts: readonly string[];
  readonly rests: number;
} {
  const sorting = sortTexts(texts);
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
