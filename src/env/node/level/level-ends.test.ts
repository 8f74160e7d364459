import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { KvStore } from '../../kv.ts';
import { NodeKvOpener } from '../node-kv.ts';
import { closedName, lastLogNumber } from './level-ends.ts';

const opener = new NodeKvOpener();

async function inFolder(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'varve-level-'));
  try {
    await body(join(dir, 'kv'));
  } finally {
    rmSync(dir, { recursive: true });
  }
}

async function put(store: KvStore, count: number, bytesEach = 40): Promise<void> {
  for (let i = 0; i < count; i++)
    await store.batch([{ kind: 'put', key: `k${i}`, value: Buffer.alloc(bytesEach, i) }], { sync: true }); // prettier-ignore
}

async function keysOf(store: KvStore): Promise<readonly string[]> {
  return (await store.range({ gte: 'k', lt: 'l' })).map(([key]) => key);
}

function logsIn(dir: string): readonly string[] {
  return readdirSync(dir).filter((name) => name.endsWith('.log')).map((name) => join(dir, name)); // prettier-ignore
}

/** A store that was closed with three batches in its log; its path. */
async function closedStore(dir: string): Promise<string> {
  const store = await opener.open(dir);
  await put(store, 3);
  await store.close();
  const [path = ''] = logsIn(dir);
  return path;
}

test.each<readonly [string, (path: string, bytes: Buffer) => void, string]>([
  ['removed', (path) => rmSync(path), 'the file is gone, and what was kept in it'],
  ['cut to nothing', (path) => truncateSync(path, 0), 'ends at 0, and had '],
  [
    'cut between two batches',
    (path, bytes) => truncateSync(path, bytes.length / 3),
    'bytes when it was closed',
  ],
  [
    'changed in its last batch',
    (path, bytes) => writeFileSync(path, bytes.fill(1, bytes.length - 2)),
    'not what it was when it was closed',
  ],
])(
  'kv: a log that was %s since the store was closed is not taken for one with less in it',
  async (_how, damage, text) => {
    await inFolder(async (dir) => {
      const path = await closedStore(dir);
      const bytes = readFileSync(path);
      damage(path, Buffer.from(bytes));
      for (let start = 0; start < 2; start++) {
        const opening = opener.open(dir);
        await expect(opening).rejects.toMatchObject({ code: 'corrupt' });
        await expect(opening).rejects.toThrow(`${path}: `);
        await expect(opening).rejects.toThrow(text);
      }
      writeFileSync(path, bytes);
      const store = await opener.open(dir);
      expect(await keysOf(store)).toEqual(['k0', 'k1', 'k2']);
      await store.close();
    });
  },
);

test('kv: a store that has lost its CURRENT is not taken for a new one, and is as it was once that is back', async () => {
  // The second has a table.
  for (const count of [3, 120])
    await inFolder(async (dir) => {
      const store = await opener.open(dir);
      await put(store, count, count * 350);
      const keys = await keysOf(store);
      await store.close();
      const path = join(dir, 'CURRENT');
      const bytes = readFileSync(path);
      rmSync(path);
      await expect(opener.open(dir)).rejects.toMatchObject({ code: 'corrupt', message: `${path}: the file is gone, and what was kept in the store with it` }); // prettier-ignore
      writeFileSync(path, bytes);
      const again = await opener.open(dir);
      expect(await keysOf(again)).toEqual(keys);
      await again.close();
    });
});

test('kv: of a process that was killed a log that is gone is missed, and one whose end is torn is not', async () => {
  await inFolder(async (dir) => {
    const path = await closedStore(dir);
    rmSync(join(dir, closedName));
    const bytes = readFileSync(path);
    rmSync(path);
    await expect(opener.open(dir)).rejects.toThrow(
      `${path}: the file is gone, and what was kept in it`,
    );
    writeFileSync(path, bytes.subarray(0, bytes.length - 5));
    const store = await opener.open(dir);
    expect(await keysOf(store)).toEqual(['k0', 'k1']);
    await store.close();
  });
});

test('kv: a store that is opened and closed again and again, grows over many logs and tables, or was opened by an earlier release, is opened', async () => {
  await inFolder(async (dir) => {
    for (let i = 0; i < 4; i++) await (await opener.open(dir)).close();
    let store = await opener.open(dir);
    await put(store, 60, 400_000);
    await store.close();
    store = await opener.open(dir);
    expect(await keysOf(store)).toHaveLength(60);
    await store.close();
    // It leaves the file as it is, and makes another log.
    const old = readFileSync(join(dir, closedName));
    store = await opener.open(dir);
    await put(store, 1);
    await store.close();
    writeFileSync(join(dir, closedName), old);
    store = await opener.open(dir);
    expect(await keysOf(store)).toHaveLength(60);
    await store.close();
    writeFileSync(join(dir, closedName), '{"version":1,"lo');
    await (await opener.open(dir)).close();
  });
});

test('level ends: the log that a manifest names is the one of its latest edit; what does not read names none', async () => {
  await inFolder(async (dir) => {
    const path = await closedStore(dir);
    const current = readFileSync(join(dir, 'CURRENT'), 'utf8').trimEnd();
    const manifest = readFileSync(join(dir, current));
    expect(lastLogNumber(manifest)).toBe(Number(/(\d+)\.log$/.exec(path)?.[1]));
    for (let end = 0; end < manifest.length; end++) lastLogNumber(manifest.subarray(0, end));
    expect(lastLogNumber(manifest.subarray(0, 9))).toBeUndefined();
  });
});
