/**
 * Full disks under a backup and under a restore: what does not fit is refused with the reason, nothing half is taken for whole, what
 * was there before stays of use, and asked for again once there is room it goes on.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { hasMount, SmallDisk } from '../support/small-disk.ts';

const limitMs = 240_000;
const patienceMs = 60_000;
const places = mkdtempSync(join(tmpdir(), 'varve-full-'));
const cluster = new DevCluster(14_000, '--metas', '1', '--data', '2');
const disks: SmallDisk[] = [];
const full = /no space left on device/;
const question = 'SELECT count(v), sum(v), count(s) FROM m';

beforeAll(async () => {
  if (!hasMount) return;
  await cluster.start();
  expect(await cluster.query(1, 'CREATE DATABASE a WITH REPLICATION 2 SHARD DURATION 1d')).not.toContain('error'); // prettier-ignore
  await write(0);
}, limitMs);
afterAll(async () => {
  await cluster.stop();
  for (const disk of disks) disk.unmount();
  rmSync(places, { recursive: true, force: true });
}, limitMs);

/** Some megabytes of a day that nothing makes smaller. */
async function write(day: number): Promise<void> {
  const noise = (seed: number): string => Buffer.from(Float64Array.from({ length: 60 }, (_, i) => Math.sin(seed * 61 + i)).buffer).toString('base64'); // prettier-ignore
  for (let from = 0; from < 6_000; from += 2_000) {
    const lines = Array.from({ length: 2_000 }, (_, k) => {
      const i = day * 10_000 + from + k;
      return `m,h=h${i % 9} v=${i},s="${noise(i)}" ${BigInt(day) * 86_400_000_000_000n + BigInt(from + k) * 1_000_000n}`;
    });
    expect(await cluster.write(1, lines.join('\n'), 'all', 'a')).toBe('204');
  }
}

function diskAt(folder: string, sizeMiB: number): SmallDisk {
  const disk = new SmallDisk(folder, sizeMiB);
  disks.push(disk);
  return disk;
}

const manifests = (place: string): readonly string[] =>
  readdirSync(place).filter((name) => name.endsWith('.manifest'));

test.runIf(hasMount)(
  'backup: a place that is full fails it and keeps nothing of it; the backup before is still to be restored, and there is room again for all',
  async () => {
    const place = join(places, 'small');
    const disk = diskAt(place, 8);
    const first = await cluster.query(1, question, 'a');
    expect(await cluster.ctl(['backup', '-db', 'a', place])).toMatchObject({ code: 0 });
    const before = readdirSync(place).sort();
    await write(1);
    await write(2);
    const second = await cluster.query(1, question, 'a');
    const failed = await cluster.ctl(['backup', '-db', 'a', place]);
    expect(failed).toEqual({ code: 1, text: expect.stringMatching(full) as string });
    expect(failed.text).not.toContain('Backed up to');
    expect(readdirSync(place).sort()).toEqual(before);
    expect(await cluster.ctl(['backup', 'verify', place])).toMatchObject({ code: 0 });
    expect(await cluster.ctl(['restore', '-db', 'a', '-newdb', 'first', place])).toMatchObject({ code: 0 }); // prettier-ignore
    expect(await cluster.query(2, question, 'first')).toBe(first);
    // Not even the facts fit.
    disk.fill(0);
    expect(await cluster.ctl(['backup', '-db', 'a', place])).toEqual({ code: 1, text: expect.stringMatching(full) as string }); // prettier-ignore
    disk.empty(64);
    expect(readdirSync(place).sort()).toEqual(before);
    expect(await cluster.ctl(['backup', '-db', 'a', place])).toMatchObject({ code: 0 });
    expect(manifests(place).length).toBe(2);
    expect(await cluster.ctl(['restore', '-db', 'a', '-newdb', 'second', place])).toMatchObject({ code: 0 }); // prettier-ignore
    expect(await cluster.query(2, question, 'second')).toBe(second);
  },
  limitMs,
);

test.runIf(hasMount)(
  'restore: an owner whose disk is full ends it with the reason and answers nothing half; asked for again with room it goes on to all',
  async () => {
    const place = join(places, 'large');
    expect(await cluster.ctl(['backup', '-db', 'a', place])).toMatchObject({ code: 0 });
    const whole = await cluster.query(1, question, 'a');
    await cluster.kill('data-2');
    const disk = diskAt(join(places, 'disk'), 256);
    // Not the log: what is needless of it goes a second after the start, and would be room again.
    disk.takeOver(join(cluster.dir, 'data-2'), ['data']);
    cluster.startByHand('data-2');
    await eventually(async () => {
      expect(await cluster.query(2, question, 'a')).toBe(whole);
    }, patienceMs);
    disk.fill(3 << 20);
    const restore = ['restore', '-db', 'a', '-newdb', 'back', place];
    expect(await cluster.ctl(restore)).toEqual({ code: 1, text: expect.stringMatching(full) as string }); // prettier-ignore
    for (const node of [1, 2]) {
      expect(await cluster.query(node, question, 'back')).toMatch(/"error":"shard \d+ is being restored"/); // prettier-ignore
      expect(await cluster.query(node, question, 'a')).toBe(whole);
    }
    disk.empty();
    const again = await cluster.ctl(restore);
    expect(again).toMatchObject({ code: 0 });
    expect(again.text).toContain('This restore was interrupted, and goes on');
    for (const node of [1, 2]) expect(await cluster.query(node, question, 'back')).toBe(whole);
    await cluster.kill('data-1');
    expect(await cluster.query(2, question, 'back')).toBe(whole);
  },
  limitMs,
);
