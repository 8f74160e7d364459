import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster } from '../support/dev-cluster.ts';
import { manyShards, ownWrites } from '../hostile/own-writes.ts';

const cluster = new DevCluster(20_000);
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

const target = () => ({
  dataUrls: [1, 2].map((number) => cluster.url('data', number)),
  metaUrls: [1, 2, 3].map((number) => cluster.url('meta', number)),
  dataRpcAddresses: [],
  metaRpcAddresses: [],
  folder: cluster.dir,
});

test(
  'own writes: a query right after the 204 sees the write, through the same node',
  async () => {
    await expect(ownWrites.run(target())).resolves.toBeUndefined();
  },
  limitMs,
);

test(
  'own writes: bodies of 320 shards beside single points reach every owner',
  async () => {
    await expect(manyShards.run(target())).resolves.toBeUndefined();
  },
  limitMs,
);
