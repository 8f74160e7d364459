import { expect, test } from 'vitest';
import { blocksRead, DigestedStore } from '../../../../test/support/digest-script.ts';
import {
  batchOf,
  deleteOf,
  kept,
  openStore,
  readField,
} from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { seriesParts } from '../../../models/digest-grid.ts';
import type { Env } from '../../../env/env.ts';
import { PartSet } from '../../../storage/engine/content/part-set.ts';
import type { Store } from '../../../storage/store/store.ts';
import { decodeKept, encodeKept, keptDigestName } from './kept-digest-file.ts';
import { digestWords } from './shard-digest.ts';

/** Parts of 112 ns: slices have whole nanoseconds. */
const range = { startNs: 0n, endNs: 1_600n };
const path = `data/db/autogen/7/${keptDigestName}`;
const weekMs = 7 * 24 * 3_600_000;

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env), 10_000_000);
}

/** 100 series with a value in each part of time, each of them a file: so a block is a part of a series. */
async function fill(store: Store): Promise<void> {
  for (let part = 0; part < 16; part++) {
    const lines = Array.from({ length: 100 }, (_, host) => `m,h=h${host} v=${part} ${part * 100 + 50}`); // prettier-ignore
    await store.write(kept, batchOf(lines.join('\n')));
    await store.flush(kept.shardId);
  }
}

async function opened(env: Env): Promise<DigestedStore> {
  return new DigestedStore(await openStore(env.disk, env.clock), env, range);
}

async function readsTruly(digested: DigestedStore): Promise<number> {
  let said: string | undefined;
  const count = await blocksRead(async () => {
    said = await digested.digest();
  });
  expect(said).toBe(digested.fromNothing());
  return count;
}

test('kept digests: of a shard that has not changed no block is read again, of one that has only what has', async () => {
  await inWorld(async (env) => {
    const digested = await opened(env);
    const { store } = digested;
    await fill(store);
    expect(await readsTruly(digested)).toBe(1_600);
    expect(await readsTruly(digested)).toBe(0);
    // One point in memory: the series of its part of series, in its part of time.
    await store.write(kept, batchOf('m,h=h7 v=1 1234'));
    const ofPart = await readsTruly(digested);
    expect(ofPart).toBeGreaterThan(0);
    expect(ofPart).toBeLessThan(100 / seriesParts + 5);
    // It goes to a file: that is looked at once more, and then no more.
    await store.flush(kept.shardId);
    expect(await readsTruly(digested)).toBeLessThan(100 / seriesParts + 6);
    expect(await readsTruly(digested)).toBe(0);
    // What a compaction makes of files that were seen was seen.
    await store.compact(kept.shardId);
    expect(store.content(kept.shardId)?.shard.files.length).toBe(1);
    expect(await readsTruly(digested)).toBe(0);
    // Of a delete what it means.
    await store.deletePoints(kept.shardId, deleteOf('m,h=h3', { minTimeNs: 0n, maxTimeNs: 120n }, 5n << 80n)); // prettier-ignore
    const ofDelete = await readsTruly(digested);
    expect(ofDelete).toBeGreaterThan(0);
    expect(ofDelete).toBeLessThan(100 / seriesParts + 5);
    expect(await readsTruly(digested)).toBe(0);
    await store.close();
  });
});

test('kept digests: new files that are compacted with ones that were seen cost what they have', async () => {
  await inWorld(async (env) => {
    const digested = await opened(env);
    const { store } = digested;
    await fill(store);
    await readsTruly(digested);
    await store.write(kept, batchOf('m,h=h7 v=1 1234'));
    await store.flush(kept.shardId);
    await store.compact(kept.shardId);
    const count = await readsTruly(digested);
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(100 / seriesParts + 5);
    await store.close();
  });
});

test('kept digests: a node that starts again reads nothing anew, and all where files are other ones or a week has passed', async () => {
  await inWorld(async (env) => {
    const { disk, clock } = env;
    const first = await opened(env);
    await fill(first.store);
    await readsTruly(first);
    // What is saved is the last one, whatever was saved before.
    await first.store.write(kept, batchOf('m,h=h7 v=1 1234'));
    await readsTruly(first);
    await first.store.flush(kept.shardId);
    await readsTruly(first);
    await first.store.close();
    const second = await opened(env);
    expect(await readsTruly(second)).toBe(0);
    // What was damaged, or torn, counts for nothing.
    const bytes = await disk.readFile(path);
    await second.store.close();
    await disk.replaceFile(path, bytes.subarray(0, 900));
    const third = await opened(env);
    expect(await readsTruly(third)).toBe(1_601);
    await third.store.close();
    // Deleted behind a saved digest: the files have tombstones that it does not know.
    const fourth = await opened(env);
    await fourth.store.deletePoints(kept.shardId, deleteOf('m,h=h3', { minTimeNs: 0n, maxTimeNs: 1_600n }, 5n << 80n)); // prettier-ignore
    expect(await readsTruly(fourth)).toBe(1_585);
    expect(await readsTruly(fourth)).toBe(0);
    const weekOn = { ...env, clock: { ...clock, wallNs: () => clock.wallNs() + BigInt(weekMs) * 1_000_000n } }; // prettier-ignore
    const fifth = new DigestedStore(fourth.store, weekOn, range);
    expect(await readsTruly(fifth)).toBe(1_585);
    expect(await readsTruly(fifth)).toBe(0);
    await fourth.store.close();
  });
});

test('kept digests: a shard that somebody has found damaged is read, whatever was kept of it', async () => {
  await inWorld(async (env) => {
    const { disk } = env;
    const first = await opened(env);
    await first.store.write(kept, batchOf('m,h=a v=1 10\nm,h=a v=2 20'));
    await first.store.flush(kept.shardId);
    const said = await first.digest();
    const [file] = first.store.content(kept.shardId)?.shard.files ?? [];
    await first.store.close();
    // A bit of a block: the file begins and ends as it did.
    const tsmPath = file?.path ?? '';
    const bytes = (await disk.readFile(tsmPath)).slice();
    bytes[12] = (bytes[12] ?? 0) ^ 1;
    await disk.replaceFile(tsmPath, bytes);
    const again = await opened(env);
    expect(await again.digest()).toBe(said);
    expect(() => readField(again.store, 'm', 'v')).toThrow('the block at 5 is damaged');
    await expect(again.digest()).rejects.toMatchObject({ code: 'corrupt' });
    await again.store.close();
  });
});

test('kept digests: what is saved comes back, and nothing but that: cut anywhere, or with any bit another one', () => {
  const changed = new PartSet();
  changed.add(5, 0b1001);
  const state = {
    range: { startNs: -5n, endNs: 2n ** 62n },
    readMs: 1_700_000_000_000,
    words: Uint32Array.from({ length: digestWords }, (_, i) => Math.imul(i, 0x9e3779b1)),
    changed,
    seals: ['000000001-000000001.tsm 100 10 5 0 0 1 2'],
  };
  const bytes = encodeKept(state);
  expect(decodeKept(bytes)).toEqual(state);
  for (let length = 0; length < bytes.length; length += 7)
    expect(decodeKept(bytes.subarray(0, length))).toBeUndefined();
  for (let at = 0; at < bytes.length; at += 5) {
    const flipped = bytes.slice();
    flipped[at] = (flipped[at] ?? 0) ^ (1 << (at % 8));
    expect(decodeKept(flipped)).toBeUndefined();
  }
});
