import { expect, test } from 'vitest';
import type { ScanPart } from '../plan/level-plan.ts';
import { seriesPage } from './series-page.ts';
import { waited } from './steps.ts';
import { ListedKeys } from './listed-keys.ts';
import { NodeAccount, QueryAccount } from './query-account.ts';

function listed(keys: readonly string[], account: QueryAccount): ListedKeys {
  const made = new ListedKeys(account);
  made.add(keys);
  return made;
}

test('series page: of very many series others may run while they are put in order', async () => {
  const count = 20_000;
  const keys = Array.from({ length: count }, (_, i) => `cpu,host=h${(i * 7_919) % count},region=r`);
  let asked = 0;
  let rested = 0;
  const pacer = {
    rest: () => {
      if (++asked % 1_000 !== 0) return undefined;
      rested++;
      return Promise.resolve();
    },
  };
  const account = new QueryAccount(new NodeAccount(0), 0);
  const context = { seriesKeys: () => Promise.resolve(listed(keys, account)), pacer, account };
  const shape = { outerTags: ['host'], innerTags: [] };
  const page = await waited(seriesPage({ seriesLimit: 2, seriesOffset: 1 }, {} as ScanPart, shape, context)); // prettier-ignore
  expect([...(page ?? [])]).toEqual(['["h1"]', '["h10"]']);
  expect(rested).toBeGreaterThanOrEqual(20);
});

test('series page: what is listed for it counts as memory of the query until the page is known', async () => {
  const keys = Array.from({ length: 1_000 }, (_, i) => `cpu,host=h${i}`);
  const pacer = { rest: () => undefined };
  const shape = { outerTags: ['host'], innerTags: [] };
  const pageOf = (account: QueryAccount) =>
    waited(seriesPage({ seriesLimit: 1, seriesOffset: 0 }, {} as ScanPart, shape, { seriesKeys: () => Promise.resolve(listed(keys, account)), pacer, account })); // prettier-ignore
  const keysBytes = 1_000 * 64;
  expect(() => listed(keys, new QueryAccount(new NodeAccount(0), keysBytes))).toThrow(
    'max-query-memory',
  );
  await expect(pageOf(new QueryAccount(new NodeAccount(0), keysBytes * 2))).rejects.toThrow('max-query-memory'); // prettier-ignore
  const enough = new QueryAccount(new NodeAccount(0), 1 << 20);
  expect((await pageOf(enough))?.size).toBe(1);
  expect(enough.bytes).toBe(0);
});
