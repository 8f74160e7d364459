import { expect, test } from 'vitest';
import type { TextColumn } from './batch-columns.ts';
import { namesIn, type KnownNames } from './known-names.ts';

/** A measurement and so many fields. */
function columnOf(measurement: string, fieldCount: number): TextColumn {
  const texts = [measurement, ...Array.from({ length: fieldCount }, (_, i) => `f${i}`)];
  const ends = texts.map((_, i) => texts.slice(0, i + 1).join('').length);
  return { offsets: Uint32Array.of(0, ...ends), bytes: Buffer.from(texts.join('')) };
}

/** Asks for lists of 200 fields that differ in the types of the first 16, as `from` and what follows it say. */
function askFor(names: KnownNames, from: number, count: number): void {
  const words = Uint32Array.from({ length: 200 }, (_, i) => i + 1);
  for (let list = from; list < from + count; list++) {
    for (let i = 0; i < 16; i++) words[i] = (((list >>> i) & 1) << 24) | (i + 1);
    names.shape(0, words, 0, words.length);
  }
}

test('names of batches: what is remembered of them is bound, however many lists the fields make', () => {
  let mostBytes = 0;
  for (let round = 0; round < 40; round++) {
    const names = namesIn(columnOf('m', 200), 16);
    mostBytes = Math.max(mostBytes, names.heldBytes);
    askFor(names, round * 250, 250);
  }
  expect(mostBytes).toBeGreaterThan(16 << 20);
  expect(mostBytes).toBeLessThan(48 << 20);
});

test('names of batches: the bound is that of all names together, and the latest stay', () => {
  const measurements = ['one', 'two', 'three', 'four'];
  // Of ten mebibytes each.
  const all = measurements.map((measurement) => {
    const names = namesIn(columnOf(measurement, 200), 16);
    askFor(names, 0, 720);
    return names;
  });
  const isKnown = measurements.map((name, i) => namesIn(columnOf(name, 200), 16) === all[i]);
  expect(isKnown).toEqual([false, true, true, true]);
});

test('names of batches: the same shape is the same object from batch to batch', () => {
  const shapeOf = () => namesIn(columnOf('m', 3), 16).shape(0, Uint32Array.of(1, 2), 0, 2);
  expect(shapeOf()).toBe(shapeOf());
});

test('names of batches: how the batch before lay counts as held, and the next one takes its place', () => {
  const names = namesIn(columnOf('laid', 1), 16);
  const heads = { names: [], starts: new Uint32Array(1_000), rowCounts: new Uint32Array(1_000), rowCount: 0, end: 0 }; // prettier-ignore
  const before = names.heldBytes;
  names.keepLayout({ heads, sets: [], words: new Uint32Array(4_000) });
  const one = names.heldBytes - before;
  expect(one).toBeGreaterThan(24_000);
  names.keepLayout({ heads, sets: [], words: new Uint32Array(8_000) });
  expect(names.heldBytes - before).toBe(one + 16_000);
});

test('names of batches: a measurement that is not there is damage', () => {
  const names = namesIn(columnOf('m', 1), 16);
  expect(() => names.shape(4_000_000_000, Uint32Array.of(1), 0, 1)).toThrow(
    expect.objectContaining({ code: 'corrupt' }),
  );
});
