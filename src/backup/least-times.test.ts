/** The group of the least times begins before what 64 bits hold; InfluxDB 1.12.4 writes 2262-04-10T23:34:33Z for it. */
import { expect, test } from 'vitest';
import { emptyCatalog } from '../meta/model/catalog.ts';
import { applyAccepted } from '../meta/apply/apply.ts';
import { exportContent } from './export-content.ts';
import { importContent } from './import-content.ts';
import { decodeMeta, encodeMeta } from './influx-meta.ts';

const leastNs = -(2n ** 63n) + 2n;
const startTime = 9_223_371_273_709_551_616n;
const endTime = -9_223_286_400_000_000_000n;

const meta = decodeMeta(
  'meta.db',
  encodeMeta({
    term: 1,
    index: 1,
    maxNodeId: 0,
    clusterId: 1n,
    users: [],
    maxShardGroupId: 1,
    maxShardId: 1,
    databases: [
      {
        name: 'd',
        defaultRetentionPolicy: 'autogen',
        continuousQueries: [],
        retentionPolicies: [
          {
            name: 'autogen',
            duration: 0n,
            shardGroupDuration: 7n * 86_400_000_000_000n,
            replicaCount: 1,
            shardGroups: [
              { id: 1, startTime, endTime, deletedAt: 0n, shards: [{ id: 1, owners: [] }] },
            ],
            subscriptions: [],
          },
        ],
      },
    ],
  }),
);

test('import: a group of the least times has them, and goes back as it came', () => {
  const content = importContent(meta, { idOffset: 0 });
  const group = content.databases[0]?.retentionPolicies[0]?.shardGroups[0];
  expect(group?.startNs).toBeLessThan(leastNs);
  expect(group?.endNs).toBe(endTime);
  const node = { kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 'h:2', dataNodesMax: 1 } as const; // prettier-ignore
  const joined = applyAccepted(emptyCatalog, 1, node);
  const catalog = applyAccepted(joined, 2, { kind: 'import-databases', nodeId: 1, ...content });
  const back = decodeMeta('meta.db', encodeMeta(exportContent(catalog, '')));
  expect(back.databases[0]?.retentionPolicies[0]?.shardGroups[0]?.startTime).toBe(startTime);
});
