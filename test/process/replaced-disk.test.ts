import type { ChildProcess } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const patienceMs = 60_000;
const cluster = new DevCluster(14_400, '--metas', '1', '--data', '2');
/** Of the node that gets an empty disk. */
const address = '127.0.0.1:22588';
const pointCount = 500;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

/** All that a node keeps, with its identity and its list of shards. */
async function emptyDisk(): Promise<ChildProcess> {
  await cluster.kill('data-2');
  for (const folder of ['meta', 'data', 'wal', 'hh'])
    rmSync(join(cluster.dir, 'data-2', folder), { recursive: true, force: true });
  const node = cluster.startByHand('data-2');
  await eventually(async () => {
    await fetch(`${cluster.url('data', 2)}/ping`);
  }, patienceMs);
  return node;
}

/** What `[anti-entropy]` of the node says now, without a restart. */
function repairs(node: ChildProcess, isEnabled: boolean): void {
  const path = join(cluster.dir, 'data-2/influxdb.conf');
  const [before = ''] = readFileSync(path, 'utf8').split('[anti-entropy]');
  writeFileSync(
    path,
    `${before}[anti-entropy]\n  enabled = ${isEnabled}\n  check-interval = "1s"\n`,
  );
  node.kill('SIGHUP');
}

async function countAt(node: number, database: string): Promise<string> {
  const text = await cluster.query(node, 'SELECT count(f) FROM m', database);
  return /\[\[0,(\d+)\]\]/.exec(text)?.[1] ?? text;
}

test.each(['update-data', 'add-data'])(
  'replaced disk: a node that comes back by %s is read for nothing before it has all of it, and gets it from the other owner',
  async (command) => {
    const [both, alone] = [`both_${command}`, `alone_${command}`];
    await cluster.query(1, `CREATE DATABASE "${both}" WITH REPLICATION 2`);
    await cluster.query(1, `CREATE DATABASE "${alone}" WITH REPLICATION 1`);
    const lines = Array.from({ length: pointCount }, (_, i) => `m f=1 ${i}`).join('\n');
    for (const database of [both, alone])
      expect(await cluster.write(1, lines, 'all', database)).toBe('204');
    const node = await emptyDisk();
    const args = command === 'update-data' ? [command, address, address] : [command, address];
    expect((await cluster.ctl(args)).code).toBe(0);
    let written = pointCount;
    await eventually(async () => {
      expect(await cluster.write(2, `m f=1 ${written}`, 'all', both)).toBe('204');
    }, patienceMs);
    written++;
    for (const node of [1, 2]) expect(await countAt(node, both)).toBe(`${written}`);
    // What nobody else has is lost with the disk, and the shard goes on.
    await eventually(async () => {
      expect(await cluster.write(1, 'm f=1 -1', 'all', alone)).toBe('204');
    }, patienceMs);
    expect(Number(await countAt(1, alone))).toBeGreaterThan(0);

    const held = await cluster.ctl(['show-shards', '-v']);
    expect(held.text.split('\n').find((line) => line.includes(` ${both} `))).toMatch(/Err:<nil>.*Err:not found/); // prettier-ignore
    repairs(node, true);
    await eventually(async () => {
      const { text } = await cluster.ctl(['show-shards', '-v']);
      const row = text.split('\n').find((line) => line.includes(` ${both} `));
      expect(row).toMatch(/Err:<nil>.*Err:<nil>/);
    }, patienceMs);
    repairs(node, false);
    await cluster.kill('data-1');
    expect(await countAt(2, both)).toBe(`${written}`);
    cluster.startByHand('data-1');
    await eventually(() => cluster.values(1, 'SHOW DATABASES'), patienceMs);
  },
  limitMs,
);
