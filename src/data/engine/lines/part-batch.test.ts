import { expect, test } from 'vitest';
import { must } from '../../../base/assert.ts';
import { partBatch } from './part-batch.ts';
import { routeLines, type RouteGroup } from './route-lines.ts';

const before: readonly RouteGroup[] = [{ startNs: 0n, endNs: 1_000n, shardIds: [1] }];
const now: readonly RouteGroup[] = [
  { startNs: 0n, endNs: 100n, shardIds: [2, 3] },
  { startNs: 100n, endNs: 1_000n, shardIds: [4] },
];
const body = new TextEncoder().encode(
  [
    'm,host=a f=1.5,i=-9007199254740993i 1',
    'm,host=b f=-0,t="a \\"text\\" \\\\ é",b=true 99',
    'o\\,dd\\ m,a\\ key=a\\,v\\=\\ x f=2 100',
    'm,host=a f=3 1',
    'm f=4 999',
    '',
  ].join('\n'),
);

test('part batch: points go where their lines would go, as they were', () => {
  const head = { body, stepNs: 1n, defaultTimeNs: 0n, bounds: {} };
  const { payload } = must(routeLines({ ...head, groups: before }).batches[0], 'a batch');
  const parted = partBatch({ payload, bounds: {}, groups: now });
  const { batches, valueCount, pointCount } = routeLines({ ...head, groups: now });
  expect(pointCount).toBe(5);
  expect(batches.length).toBeGreaterThan(1);
  expect(parted).toMatchObject({ batches, valueCount, pointCount, unroutedNs: [], errors: '' });
});

test('part batch: what no group takes is told of and nothing is parted, what is beyond the policy is left out', () => {
  const task = { body, stepNs: 1n, defaultTimeNs: 0n, bounds: {}, groups: before };
  const { payload } = must(routeLines(task).batches[0], 'a batch');
  const first = now.slice(0, 1);
  const parted = partBatch({ payload, bounds: {}, groups: first, groupDurationNs: 500n });
  expect(parted).toMatchObject({ batches: [], unroutedNs: [100n, 999n] });
  const bounds = { retentionMinNs: 100n };
  const late = partBatch({ payload, bounds, groups: now });
  expect(late.batches.map(({ shardId }) => shardId)).toEqual([4]);
  expect(late.dropped).toMatchObject({ retentionCount: 3 });
});
