import { expect, test } from 'vitest';
import type { ScanPart } from '../plan/level-plan.ts';
import { seriesPage } from './series-page.ts';
import { waited } from './steps.ts';

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
  const context = { seriesKeys: () => Promise.resolve(new Set(keys)), pacer };
  const shape = { outerTags: ['host'], innerTags: [] };
  const page = await waited(seriesPage({ seriesLimit: 2, seriesOffset: 1 }, {} as ScanPart, shape, context)); // prettier-ignore
  expect([...(page ?? [])]).toEqual(['["h1"]', '["h10"]']);
  expect(rested).toBeGreaterThanOrEqual(20);
});
