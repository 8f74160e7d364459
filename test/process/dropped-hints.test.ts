/** Hinted writes that became too old: their owner lacks them, and nobody reads it as if it had them, nor does it itself. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(21_500, '--metas', '1', '--data', '3');
const limitMs = 180_000;

beforeAll(
  () =>
    cluster.start({
      INFLUXDB_HINTED_HANDOFF_MAX_AGE: '2s',
      INFLUXDB_HINTED_HANDOFF_PURGE_INTERVAL: '1s',
    }),
  limitMs,
);
afterAll(() => cluster.stop(), limitMs);

const linesOf = (from: number, count: number): string =>
  Array.from({ length: count }, (_, i) => `m v=1i ${from + i}`).join('\n');

test(
  'dropped hints: an owner that was away for too long is not read, through whatever node, while another one is up',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 3');
    expect(await cluster.write(1, linesOf(1, 1), 'all')).toBe('204');
    await cluster.kill('data-3');
    expect(await cluster.write(1, linesOf(2, 100), 'one')).toBe('204');
    await eventually(() => {
      const log = readFileSync(join(cluster.dir, 'data-1/influxd.log'), 'utf8');
      expect(log).toContain('Hinted writes that waited too long are dropped');
      return Promise.resolve();
    }, 60_000);
    cluster.startByHand('data-3');
    await eventually(async () => {
      expect((await fetch(`${cluster.url('data', 3)}/ping`)).status).toBe(204);
    }, 60_000);
    for (const node of [3, 2, 1])
      expect(await cluster.values(node, 'SELECT count(v) FROM m')).toEqual([[0, 101]]);
  },
  limitMs,
);
