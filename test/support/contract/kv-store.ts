import { expect, test } from 'vitest';
import type { KvOpener, KvOperation } from '../../../src/env/kv.ts';
import type { Run } from './harness.ts';

const put = (key: string, ...value: number[]): KvOperation => ({
  kind: 'put',
  key,
  value: Uint8Array.from(value),
});
const drop = (key: string): KvOperation => ({ kind: 'delete', key });
const code = (want: string): unknown => expect.objectContaining({ code: want }) as unknown;

/** `path` is a folder that does not exist yet; its parent does. */
export function kvStoreContract(
  name: string,
  run: Run<{ readonly kv: KvOpener; readonly path: string }>,
): void {
  test(`${name}: a batch is applied in order and read back`, () =>
    run(async ({ kv, path }) => {
      const store = await kv.open(path);
      expect(await store.get('a')).toBe(undefined);
      await store.batch([], { sync: true });
      await store.batch([put('a', 1), put('b', 2), put('a', 3), drop('b'), drop('none')], {
        sync: true,
      });
      expect([...((await store.get('a')) ?? [])]).toEqual([3]);
      expect(await store.get('b')).toBe(undefined);
      await store.batch([put('empty')], { sync: false });
      expect((await store.get('empty'))?.length).toBe(0);
      await store.close();
    }));

  test(`${name}: ranges are half open, in UTF-8 order, limited and reversible`, () =>
    run(async ({ kv, path }) => {
      const store = await kv.open(path);
      const keys = ['b', 'a', 'aa', 'B', '\u{10000}', '\uffff', '\u00e9', ''].filter(
        (k) => k !== '',
      );
      await store.batch(
        keys.map((key, index) => put(key, index)),
        { sync: false },
      );
      const names = async (range: Parameters<typeof store.range>[0]): Promise<string[]> =>
        (await store.range(range)).map(([key]) => key);
      const all = ['B', 'a', 'aa', 'b', '\u00e9', '\uffff', '\u{10000}'];
      expect(await names({ gte: '\u0001', lt: '\u{10ffff}' })).toEqual(all);
      expect(await names({ gte: 'a', lt: 'b' })).toEqual(['a', 'aa']);
      expect(await names({ gte: 'a', lt: 'c', reverse: true })).toEqual(['b', 'aa', 'a']);
      expect(await names({ gte: 'a', lt: 'c', reverse: true, limit: 1 })).toEqual(['b']);
      expect(await names({ gte: 'a', lt: 'c', limit: 2 })).toEqual(['a', 'aa']);
      expect(await names({ gte: 'c', lt: 'd' })).toEqual([]);
      expect(await names({ gte: 'd', lt: 'c' })).toEqual([]);
      await store.close();
    }));

  test(`${name}: what was written is there after a reopen`, () =>
    run(async ({ kv, path }) => {
      const store = await kv.open(path);
      await store.batch([put('k', 7)], { sync: true });
      await store.close();
      const again = await kv.open(path);
      expect([...((await again.get('k')) ?? [])]).toEqual([7]);
      await again.close();
    }));

  test(`${name}: one opener at a time; nothing after close`, () =>
    run(async ({ kv, path }) => {
      const store = await kv.open(path);
      await expect(kv.open(path)).rejects.toEqual(code('conflict'));
      await store.close();
      await store.close();
      await expect(store.get('k')).rejects.toEqual(code('shutdown'));
      await expect(store.batch([put('k', 1)], { sync: true })).rejects.toEqual(code('shutdown'));
      await expect(store.range({ gte: 'a', lt: 'b' })).rejects.toEqual(code('shutdown'));
    }));

  test(`${name}: values given and got are the caller's own`, () =>
    run(async ({ kv, path }) => {
      const store = await kv.open(path);
      const value = Uint8Array.of(1);
      await store.batch([{ kind: 'put', key: 'k', value }], { sync: true });
      value[0] = 9;
      const got = await store.get('k');
      if (got !== undefined) got[0] = 8;
      expect([...((await store.get('k')) ?? [])]).toEqual([1]);
      await store.close();
    }));
}
