import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 120_000;
const root = join(import.meta.dirname, '../..');
const cluster = new DevCluster(10_700, '--metas', '1');
afterAll(() => cluster.stop(), limitMs);

function entropy(...args: readonly string[]): string {
  const config = join(cluster.dir, 'meta-1/influxdb-meta.conf');
  const all = ['-config', config, 'entropy', 'show', ...args];
  return spawnSync(join(root, 'bin/influxd-ctl'), all, { encoding: 'utf8' }).stdout;
}

const head = 'ID  Database  Retention Policy  Start  End  Expires  Status\n';

test(
  'entropy show: shards whose owners have the same points are equal however they came to be, others are named',
  async () => {
    await cluster.start();
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 1d');
    const lines = Array.from({ length: 2_000 }, (_, i) => `m,h=h${i % 7} f=${i / 3},s="t${i}" ${i * 100_000_000_000}`); // prettier-ignore
    expect(await cluster.write(1, lines.join('\n'), 'all')).toBe('204');
    expect(entropy()).toBe(`Entropy\n==========\n${head}`);
    // One that was away, and for whom what it missed is lost.
    await cluster.kill('data-2');
    expect(await cluster.write(1, 'm,h=h3 f=1 86400000000005\nm,h=h4 i=5i 86400000000006', 'one')).toBe('204'); // prettier-ignore
    await cluster.kill('data-1');
    rmSync(join(cluster.dir, 'data-1/hh'), { recursive: true });
    cluster.startByHand('data-1');
    cluster.startByHand('data-2');
    let said = '';
    await eventually(() => {
      said = entropy('-v');
      if (!said.includes('diff')) throw new Error(said);
      return Promise.resolve();
    }, 60_000);
    expect(said).toMatch(/^\d+ +d +autogen +1970-01-02 00:00:00 \+0000 UTC +1970-01-03 00:00:00 \+0000 UTC +diff$/m); // prettier-ignore
    expect(said.match(/diff$/gm)?.length).toBe(1);
    const counts = [...said.matchAll(/: (\d+) values, (\d+) of 1024 parts differ/g)];
    const [first, second] = counts.map(([, values, parts]) => [Number(values), Number(parts)]);
    expect(Math.abs((first?.[0] ?? 0) - (second?.[0] ?? 0))).toBe(2);
    expect(second?.[1]).toBe(2);
  },
  limitMs,
);
