import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { PageCache } from '../pages/page-cache.ts';
import { World } from '../../../test/sim/world/world.ts';
import { TsmFile } from './tsm-file.ts';
import { encodeDirectory } from './tsm-directory.ts';
import { encodeIndexKey, TsmWriter } from './tsm-writer.ts';

const word = fc.constantFrom(
  'a',
  'b',
  'é',
  '北',
  'cpu,host=',
  'x'.repeat(90),
  '#!~#v',
  '\0',
  '0',
  '7',
);
const key = fc.array(word, { minLength: 1, maxLength: 7 }).map((words) => words.join(''));
const columns = fc.uniqueArray(
  fc.record({ key, type: fc.constantFrom(0, 1, 2, 3, 4), blockCount: fc.integer({ min: 1, max: 40 }) }), // prettier-ignore
  { selector: (one) => one.key, maxLength: 300 },
);
const encoder = new TextEncoder();

test.each([0, 1 << 20])(
  'paged keys: a file whose index is read by parts says what one with its index in memory says; cache of %i bytes',
  async (cacheBytes) => {
    await fc.assert(
      fc.asyncProperty(columns, fc.array(key), async (some, others) => {
        const world = new World(1);
        const { disk } = world.addNode('a').env;
        const work = async (): Promise<void> => {
          const writer = new TsmWriter(await disk.open('a.tsm', 'create'));
          const sorted = [...some].sort((a, b) => compareUtf8(a.key, b.key));
          for (const { key: text, type, blockCount } of sorted)
            for (let i = 0n; i < blockCount; i++) {
              const [minTimeNs, maxTimeNs] = [i * 10n, i * 10n + 5n];
              writer.add({ key: encoder.encode(text), type: type, minTimeNs, maxTimeNs, bytes: Uint8Array.of(1) }); // prettier-ignore
            }
          const seal = await writer.finish();
          const cache = new PageCache(cacheBytes);
          const paged = await TsmFile.open({ disk, cache }, 'a.tsm', seal);
          const whole = await TsmFile.open({ disk }, 'a.tsm', seal);
          expect(paged.seal).toEqual(seal);
          expect(whole.seal).toEqual(seal);
          expectSame(paged, whole, others);
          const numbers = sorted.map((_, i) => i);
          for (const file of [paged, whole]) {
            file.forgetKeys(numbers.filter((i) => i % 2 === 0));
            file.forgetRange(numbers.filter((i) => i % 3 === 1), { minTimeNs: 10n, maxTimeNs: 15n }); // prettier-ignore
          }
          expectSame(paged, whole, others);
          await paged.close();
          await whole.close();
          if (cacheBytes > 0) expect(cache.usedBytes).toBe(0);
        };
        await world.complete(work());
      }),
      { numRuns: 60, seed: 3 },
    );
  },
);

function expectSame(paged: TsmFile, whole: TsmFile, others: readonly string[]): void {
  const columnsOf = (file: TsmFile) => [...file.columns()].map(([key, column]) => ({ key: Buffer.from(key).toString(), type: column.type, entries: column.entries() })); // prettier-ignore
  const columns = columnsOf(whole);
  expect(columnsOf(paged)).toEqual(columns);
  expect(paged.bounds).toEqual(whole.bounds);
  const texts = columns.map(({ key }) => key);
  // In order, as most readers ask, in strides, and against it.
  const strided = texts.filter((_, i) => i % 3 === 1);
  for (const text of [...others, ...texts, ...strided, ...texts.reverse()]) {
    const bounds = { minTimeNs: 7n, maxTimeNs: 31n };
    const key = encoder.encode(text);
    const [found, wanted] = [paged.locate(key), whole.locate(key)];
    expect(found?.number).toBe(wanted?.number);
    expect(found?.column.bounds).toEqual(wanted?.column.bounds);
    expect(paged.entries(key, bounds)).toEqual(whole.entries(key, bounds));
    expect(paged.deletedRanges(key)).toEqual(whole.deletedRanges(key));
    const behind = columns.filter((one) => Buffer.compare(Buffer.from(one.key), key) >= 0);
    expect(keysFrom(paged, key)).toEqual(behind.map((one) => [one.key, whole.locate(encoder.encode(one.key))?.number])); // prettier-ignore
    expect(keysFrom(whole, key)).toEqual(keysFrom(paged, key));
  }
}

function keysFrom(file: TsmFile, first: Uint8Array): readonly (readonly [string, number])[] {
  return [...file.columnsFrom(first)].flatMap((one) => (one === undefined ? [] : [[Buffer.from(one.key).toString(), one.number] as const])); // prettier-ignore
}

test('paged keys: keys of which nothing is left are gone through with rests', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const keyCount = 5_000;
  const work = async (): Promise<void> => {
    const writer = new TsmWriter(await disk.open('a.tsm', 'create'));
    for (let i = 0; i < keyCount; i++) {
      const key = encoder.encode(`m,h=${String(i).padStart(5, '0')}#!~#v`);
      writer.add({ key, type: 0, minTimeNs: 1n, maxTimeNs: 9n, bytes: Uint8Array.of(1) });
    }
    const seal = await writer.finish();
    const paged = await TsmFile.open({ disk, cache: new PageCache(1 << 20) }, 'a.tsm', seal);
    const whole = await TsmFile.open({ disk }, 'a.tsm', seal);
    for (const file of [paged, whole]) {
      expect([...file.columnsAndRests()].filter((one) => one === undefined)).toEqual([]);
      // All but the last.
      file.forgetKeys(Array.from({ length: keyCount - 1 }, (_, i) => i));
      const found = [...file.columnsAndRests()];
      expect(found.filter((one) => one !== undefined)).toHaveLength(1);
      expect(found.filter((one) => one === undefined).length).toBeGreaterThan(3);
      await file.close();
    }
  };
  await world.complete(work());
});

test('paged keys: the way into an index of many tags takes less than two bytes a key', () => {
  const tags =
    'arch=x64,datacenter=eu-west-1c,os=Ubuntu16.10,rack=42,region=eu-west-1,service=9,team=NYC';
  const keys = Array.from(
    { length: 2_000 },
    (_, i) => `cpu,host=h${1_000 + Math.floor(i / 10)},${tags}#!~#f${i % 10}`,
  );
  const entry = { minTimeNs: 1n, maxTimeNs: 9n, offset: 5, lengthBytes: 9 };
  const index = Buffer.concat(keys.map((text) => encodeIndexKey(encoder.encode(text), 0, [entry])));
  expect(encodeDirectory(index, 9)?.pages.length).toBeLessThan(2 * keys.length);
});
