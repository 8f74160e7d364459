import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from './compare-utf8.ts';
import { TextPile } from './text-pile.ts';

function textsOf(pile: TextPile): string[] {
  return Array.from({ length: pile.count }, (_, i) =>
    Buffer.from(pile.bytes.subarray(pile.start(i), pile.ends[i])).toString(),
  );
}

function settled(pile: TextPile): number {
  return [...(pile.settle() ?? [])].length;
}

test('text pile: of nothing there is nothing', () => {
  const pile = new TextPile(0);
  expect(settled(pile)).toBe(0);
  expect(textsOf(pile)).toEqual([]);
});

test('text pile: what was settled before stays where it is, and what follows is put in order by itself', () => {
  const pile = new TextPile(1);
  for (const text of ['c', 'd']) pile.addText(text);
  expect(pile.settle()).toBeUndefined();
  for (const text of ['d', 'b', 'c', 'b']) pile.addText(text);
  settled(pile);
  expect(textsOf(pile)).toEqual(['c', 'd', 'b', 'c', 'd']);
  pile.truncate(3);
  pile.addText('b');
  settled(pile);
  expect(textsOf(pile)).toEqual(['c', 'd', 'b', 'b']);
});

test('text pile: a long list is merged with rests in between', () => {
  const pile = new TextPile();
  const numbers = Array.from({ length: 20_000 }, (_, i) => String(100_000 + i));
  for (const part of [1, 0])
    for (const text of numbers.filter((_, i) => i % 2 === part)) pile.addText(text);
  expect(settled(pile)).toBeGreaterThanOrEqual(4);
  expect(textsOf(pile)).toEqual(numbers);
});

test('text pile: texts in any order come out in order of their bytes, each once, whichever way they were added', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'é', '\uff5e', '\u{1f388}', '\0'), maxLength: 40 }); // prettier-ignore
  fc.assert(
    fc.property(fc.array(fc.array(text), { maxLength: 6 }), (lists) => {
      const pile = new TextPile(2);
      const expected: string[] = [];
      for (const list of lists) {
        for (const [i, one] of list.entries()) {
          const bytes = Buffer.from(`..${one}.`);
          if (i % 2 === 0) pile.addText(one);
          else pile.add(bytes, 2, bytes.length - 1);
        }
        settled(pile);
        expected.push(...[...new Set(list)].sort(compareUtf8));
      }
      expect(textsOf(pile)).toEqual(expected);
    }),
    { seed: 112, numRuns: 300 },
  );
});
