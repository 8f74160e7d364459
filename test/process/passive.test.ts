import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { run } from '../support/lone-daemon.ts';

const cluster = new DevCluster(18_000, '--metas', '1', '--data', '2', '--passive', '1');
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

const bind = cluster.url('meta', 1).replace('http://', '');
const ctl = (...args: readonly string[]) => run('influxd-ctl', '-bind', bind, ...args);

test(
  'passive node: takes writes and queries, owns no shard, and keeps the hints of an owner that is down',
  async () => {
    const shown = ctl('show').stdout;
    expect(shown).toMatch(/127\.0\.0\.1:26088 .* false\n/);
    expect(shown).toMatch(/127\.0\.0\.1:26288 .* true\n/);
    const passive = 3;
    await cluster.query(passive, 'CREATE DATABASE d WITH REPLICATION 2');
    expect(await cluster.write(passive, 'm f=1 1\nm f=2 2', 'all')).toBe('204');
    expect(await cluster.values(passive, 'SELECT f FROM m')).toHaveLength(2);
    expect(await cluster.values(1, 'SELECT f FROM m')).toHaveLength(2);
    const shards = ctl('show-shards').stdout;
    expect(shards).toContain('127.0.0.1:26088');
    expect(shards).not.toContain('127.0.0.1:26288');
    await cluster.kill('data-2');
    expect(await cluster.write(passive, 'm f=3 3', 'any')).toBe('204');
    await eventually(async () => {
      expect(await cluster.values(passive, 'SELECT f FROM m')).toHaveLength(3);
    }, 30_000);
    await eventually(async () => {
      expect(await cluster.query(passive, 'SHOW STATS')).toContain('hh_processor');
    }, 30_000);
    cluster.startByHand('data-2');
    await eventually(async () => {
      expect(await cluster.values(2, 'SELECT f FROM m')).toHaveLength(3);
    }, 30_000);
    expect(ctl('show-shards').stdout).not.toContain('127.0.0.1:26288');
  },
  limitMs,
);
