import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { DiskFile } from '../../env/disk.ts';
import { TsmKeys } from './tsm-keys.ts';
import type { TsmEntry } from './tsm-column.ts';
import type { KeyedColumn } from './tsm-key-set.ts';
import { TsmWriter } from './tsm-writer.ts';

const encoder = new TextEncoder();
const textOf = (key: Uint8Array): string => new TextDecoder('utf-8', { ignoreBOM: true }).decode(key); // prettier-ignore

const time = fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n);
const column = fc.record({
  key: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
  type: fc.constantFrom(0, 1, 2, 3, 4),
  times: fc.uniqueArray(time, { minLength: 1, maxLength: 4 }),
});

/** The index that a writer gives keys with one block of a byte for each time, and where it begins. */
async function indexOf(
  columns: readonly { key: string; type: number; times: readonly bigint[] }[],
) {
  const parts: Uint8Array[] = [];
  const file = {
    append: (appended: readonly Uint8Array[]) => {
      for (const part of appended) parts.push(part.slice());
      return Promise.resolve();
    },
    sync: () => Promise.resolve(),
    close: () => Promise.resolve(),
  } as unknown as DiskFile;
  const writer = new TsmWriter(file);
  for (const { key, type, times } of columns)
    for (const at of times)
      writer.add({ key: encoder.encode(key), type: type as 0, minTimeNs: at, maxTimeNs: at, bytes: Uint8Array.of(1) }); // prettier-ignore
  await writer.finish();
  const bytes = Buffer.concat(parts);
  const offset = Number(bytes.readBigUInt64BE(bytes.length - 8));
  return { offset, bytes: Uint8Array.from(bytes.subarray(offset, bytes.length - 8)) };
}

function columnsOf(keys: TsmKeys): readonly KeyedColumn[] {
  return [...keys.columns()].filter((one) => one !== undefined);
}

test('tsm keys: what is asked for is what was written, until nothing is left of it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(column, { selector: ({ key }) => key }), async (some) => {
      const columns = some
        .map((one) => ({ ...one, times: [...one.times].sort((a, b) => (a < b ? -1 : 1)) }))
        .sort((a, b) => compareUtf8(a.key, b.key));
      const { bytes, offset } = await indexOf(columns);
      const keys = TsmKeys.decode(bytes, offset);
      if (!(keys instanceof TsmKeys)) throw new Error('the index adds up');
      const timesOf = (entries: readonly TsmEntry[]) => entries.map(({ minTimeNs }) => minTimeNs);
      const found = columnsOf(keys).map(([key, column]) => ({ key: textOf(key), type: column.type, times: timesOf(column.entries()) })); // prettier-ignore
      expect(found).toEqual(columns);
      const all = columns.flatMap(({ times }) => times).sort((a, b) => (a < b ? -1 : 1));
      expect([keys.bounds?.minTimeNs, keys.bounds?.maxTimeNs]).toEqual([all[0], all.at(-1)]);
      expect(keys.get(encoder.encode('nothing of that name'))).toBeUndefined();
      for (const [i, { key: text, times }] of columns.entries()) {
        const key = encoder.encode(text);
        expect(timesOf(keys.get(key)?.entries() ?? [])).toEqual(times);
        if (i % 2 === 0) continue;
        keys.delete(keys.locate(key)?.number ?? -1);
        expect(keys.get(key)).toBeUndefined();
      }
      expect(columnsOf(keys).map(([key]) => textOf(key))).toEqual(columns.filter((_, i) => i % 2 === 0).map(({ key }) => key)); // prettier-ignore
    }),
    { numRuns: 100, seed: 9 },
  );
});

test('tsm keys: keys out of order are no index', async () => {
  const one = { type: 0, times: [1n] };
  const [a, b] = [await indexOf([{ key: 'a', ...one }]), await indexOf([{ key: 'b', ...one }])];
  const joined = Uint8Array.from([...b.bytes, ...a.bytes]);
  expect(TsmKeys.decode(joined, a.offset)).toEqual({ wrongAt: b.bytes.length });
});
