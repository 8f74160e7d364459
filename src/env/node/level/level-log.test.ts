import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeKvOpener } from '../node-kv.ts';
import { crc32c } from './crc32c.ts';
import { closedName } from './level-ends.ts';
import { findLogDamage } from './level-log.ts';

test('crc32c: the check value of the polynomial', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
});

/** What LevelDB itself wrote: batches of a few bytes, and one of several blocks. */
async function writtenLog(
  dir: string,
): Promise<{ readonly path: string; readonly bytes: Buffer; readonly ends: readonly number[] }> {
  // prettier-ignore
  const store = await new NodeKvOpener().open(dir);
  const name = readdirSync(dir).find((one) => one.endsWith('.log')) ?? '';
  const path = join(dir, name);
  const ends: number[] = [];
  for (const lengthBytes of [40, 7, 90_000, 300, 20, 60_000, 50]) {
    await store.batch([{ kind: 'put', key: `k${ends.length}`, value: Buffer.alloc(lengthBytes, 65 + ends.length) }], { sync: true }); // prettier-ignore
    ends.push(readFileSync(path).length);
  }
  await store.close();
  return { path, bytes: readFileSync(path), ends };
}

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'varve-level-'));
  try {
    await body(join(dir, 'kv'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

test('level log: damage with another batch behind it is found, wherever it is; what is wrong of the last batch is a torn end', async () => {
  await inFolder(async (dir) => {
    const { bytes, ends } = await writtenLog(dir);
    expect(findLogDamage(bytes)).toBeUndefined();
    const lastBegin = ends.at(-2) ?? 0;
    for (let at = 0; at < bytes.length; at += at < 200 || at > lastBegin - 50 ? 1 : 977) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      const found = findLogDamage(bad);
      if (at < lastBegin) expect(found, `bit of ${at}`).toBeLessThanOrEqual(at);
      else expect(found, `bit of ${at}`).toBeUndefined();
    }
    for (let end = 0; end < bytes.length; end += 131) {
      expect(findLogDamage(bytes.subarray(0, end)), `cut at ${end}`).toBeUndefined();
      // As a file whose end was made longer before it was written to.
      const longer = Buffer.concat([bytes.subarray(0, end), Buffer.alloc(5_000)]);
      expect(findLogDamage(longer), `zeros from ${end}`).toBeUndefined();
    }
  });
});

test('level log: in a log of a few small batches, all of one block, damage of any but the last is found', async () => {
  await inFolder(async (dir) => {
    const store = await new NodeKvOpener().open(dir);
    const path = join(dir, readdirSync(dir).find((one) => one.endsWith('.log')) ?? '');
    let lastBegin = 0;
    for (let i = 0; i < 12; i++) {
      lastBegin = readFileSync(path).length;
      await store.batch([{ kind: 'put', key: `entry/${i}`, value: Buffer.alloc(30) }], { sync: true }); // prettier-ignore
    }
    await store.close();
    const bytes = readFileSync(path);
    for (let at = 0; at < bytes.length; at++) {
      const bad = Buffer.from(bytes);
      bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
      expect(findLogDamage(bad) !== undefined, `bit of ${at}`).toBe(at < lastBegin);
    }
  });
});

test('kv: a store whose log has lost what was synced is not opened, one with a torn end is, with all before it', async () => {
  await inFolder(async (dir) => {
    const { path, bytes, ends } = await writtenLog(dir);
    const bad = Buffer.from(bytes);
    const at = (ends[3] ?? 0) + 20;
    bad[at] = (bad[at] ?? 0) ^ 1;
    writeFileSync(path, bad);
    // As of a process that was killed.
    rmSync(join(dir, closedName));
    const opening = new NodeKvOpener().open(dir);
    await expect(opening).rejects.toMatchObject({ code: 'corrupt' });
    await expect(opening).rejects.toThrow(`${path}: damaged at ${ends[3]}, `);
    writeFileSync(path, bytes.subarray(0, bytes.length - 9));
    const store = await new NodeKvOpener().open(dir);
    expect((await store.range({ gte: 'k', lt: 'l' })).map(([key]) => key)).toEqual(['k0', 'k1', 'k2', 'k3', 'k4', 'k5']); // prettier-ignore
    await store.close();
  });
});
