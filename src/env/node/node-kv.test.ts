import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Level } from 'level';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NodeKvOpener } from './node-kv.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kv-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

const put = (key: string) => [{ kind: 'put', key, value: new Uint8Array(40) }] as const;

test('kv: no batch is on its way to the disk beside another, as it could get there alone', async () => {
  const batch = vi.spyOn(Level.prototype, 'batch');
  const path = join(folder, 'store');
  const store = await new NodeKvOpener().open(path);
  await store.batch(put('commit'), { sync: false });
  await store.batch(put('entry'), { sync: true });
  expect(batch.mock.calls.map((given: readonly unknown[]) => given[1])).toEqual([{ sync: true }, { sync: true }]); // prettier-ignore
  await store.close();
  // What a loss of power leaves where the first was not synced before the second was written: no start behind it.
  const [name = ''] = readdirSync(path).filter((one) => one.endsWith('.log'));
  const bytes = readFileSync(join(path, name));
  writeFileSync(join(path, name), bytes.fill(0, 0, 30));
  await expect(new NodeKvOpener().open(path)).rejects.toThrow('damaged at 0');
});
