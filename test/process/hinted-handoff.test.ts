import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(20_400);
const limitMs = 180_000;

beforeAll(() => cluster.start({ INFLUXDB_CLUSTER_WRITE_TIMEOUT: '3s' }), limitMs);
afterAll(() => cluster.stop(), limitMs);

const bodies = (name: string): readonly string[] =>
  Array.from({ length: 100 }, (_, body) =>
    Array.from({ length: 100 }, (_unused, i) => `${name} v=${i}i ${body * 100 + i + 1}`).join('\n'),
  );

/** Files of hinted handoff that data node `number` has. */
function hintFiles(number: number): readonly string[] {
  const folder = join(cluster.dir, `data-${number}`, 'hh');
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith('.hint'));
}

async function end(child: ChildProcess): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

async function counts(number: number, name: string): Promise<unknown> {
  return (await cluster.values(number, `SELECT count(v) FROM ${name}`))[0]?.[1];
}

async function write(number: number, body: string): Promise<void> {
  expect(await cluster.write(number, body, 'one')).toBe('204');
}

test(
  'hinted handoff: 10,000 points written while an owner was down are on both, though their coordinator was killed meanwhile',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    await cluster.query(1, 'CREATE DATABASE alone WITH REPLICATION 1');
    const sources = Array.from({ length: 16 }, (_, i) => `source,h=${i} v=1i 1`).join('\n');
    await write(1, `m v=1i 1\n${sources}`);
    // A group of shards, of which each node has one.
    const into = 'SELECT v INTO alone.autogen.:MEASUREMENT FROM source GROUP BY h';
    expect(await cluster.query(1, into)).toContain(',16]');
    await cluster.kill('data-2');
    // What no owner has taken is an error, though it is kept for one.
    expect(await cluster.query(1, into)).toMatch(/"error":"write failed/);
    for (const body of bodies('m')) await write(1, body);
    expect(await cluster.write(1, 'm v=1i 1', 'any')).toBe('204');
    expect(await cluster.write(1, 'm v=1i 1', 'all')).toBe('500 {"error":"partial write"}');
    await eventually(() => {
      expect(hintFiles(1).length).toBeGreaterThan(0);
      return Promise.resolve();
    }, 10_000);
    await cluster.kill('data-1');
    const first = cluster.startByHand('data-1');
    await eventually(async () => expect(await counts(1, 'm')).toBe(10_000), 60_000);
    const second = cluster.startByHand('data-2');
    await eventually(async () => {
      expect(hintFiles(1)).toEqual([]);
      expect(await counts(2, 'm')).toBe(10_000);
    }, 60_000);
    expect(await counts(1, 'm')).toBe(10_000);
    await end(first);
    expect(await counts(2, 'm')).toBe(10_000);
    const again = cluster.startByHand('data-1');
    await eventually(async () => expect(await counts(1, 'm')).toBe(10_000), 60_000);
    await end(second);
    expect(await counts(1, 'm')).toBe(10_000);
    await end(again);
  },
  limitMs,
);

test(
  'hinted handoff: a node that is told to stop while an owner hangs keeps the copies that it has in hand',
  async () => {
    const [first, second] = [cluster.startByHand('data-1'), cluster.startByHand('data-2')];
    for (const node of [1, 2])
      await eventually(async () => expect(await counts(node, 'm')).toBe(10_000), 60_000);
    // Also over a connection that stands, and before any is known to be broken.
    await write(1, 'hand v=0i 1000001');
    second.kill('SIGSTOP');
    for (const body of bodies('hand').slice(0, 20)) await write(1, body);
    const ended = once(first, 'exit');
    first.kill('SIGTERM');
    expect(await ended).toEqual([0, null]);
    second.kill('SIGCONT');
    const again = cluster.startByHand('data-1');
    await eventually(async () => expect(await counts(2, 'hand')).toBe(2_001), 60_000);
    for (const child of [again, second]) await end(child);
  },
  limitMs,
);

test(
  'hinted handoff: queues of a database that was dropped go, and nothing comes back',
  async () => {
    const first = cluster.startByHand('data-1');
    await eventually(async () => expect(await cluster.query(1, 'SHOW DATABASES')).toContain('"d"'), 60_000); // prettier-ignore
    for (const body of bodies('late').slice(0, 10)) await write(1, body);
    await eventually(() => {
      expect(hintFiles(1).length).toBeGreaterThan(0);
      return Promise.resolve();
    }, 10_000);
    expect(await cluster.query(1, 'DROP DATABASE d')).not.toContain('error');
    await eventually(() => {
      expect(hintFiles(1)).toEqual([]);
      return Promise.resolve();
    }, 10_000);
    const second = cluster.startByHand('data-2');
    await eventually(async () => {
      expect(await cluster.query(2, 'SHOW DATABASES')).not.toContain('"d"');
    }, 60_000);
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    await write(1, 'm v=1i 1');
    await eventually(async () => expect(await counts(2, 'm')).toBe(1), 30_000);
    expect(await cluster.values(2, 'SELECT count(v) FROM late')).toEqual([]);
    for (const child of [first, second]) await end(child);
  },
  limitMs,
);
