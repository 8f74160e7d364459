import { expect, test } from 'vitest';
import { DbError } from '../../../base/errors.ts';
import type { Env } from '../../../env/env.ts';
import { batchOf, kept, openStore, readField } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { ColumnKernel } from '../../../kernels/column-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { decodeBlock } from '../../../codec/block.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { Store } from '../store.ts';
import type { CompactionSettings } from '../store-options.ts';

const folder = 'data/db/autogen/7';

async function inWorld(body: (env: Env) => Promise<void>): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  await world.complete(body(env), 10_000_000);
}

async function files({ disk }: Env): Promise<readonly string[]> {
  const names = (await disk.list(folder)).map(({ name }) => name);
  return names.filter((name) => name.includes('.tsm'));
}

const settings = {
  dataFolder: 'data',
  walFolder: 'wal',
  worker: 0,
  isHome: () => true,
  segmentBytesMax: 1 << 20,
  queueBytesMax: 1 << 20,
  snapshotBytes: 1 << 20,
  snapshotColdMs: 600_000,
  cacheBytesMax: 1 << 24,
  memtablesBytesMax: 1 << 24,
  compaction: { fullColdMs: 60_000, fileBytesMax: 1 << 30, bytesPerSecond: 0, burstBytes: 0 },
};

function openCompacting(
  { disk, clock, log }: Env,
  more: Partial<CompactionSettings> = {},
): Promise<Store> {
  const turn = () => Promise.resolve();
  const columnKernel = new ColumnKernel(compiledKernels(), { bytesMax: 1 << 24 });
  const compaction = { ...settings.compaction, ...more };
  return Store.open({ disk, log, clock, turn, columnKernel }, { ...settings, compaction });
}

test('store: eight flushed files become one, a cold shard one of the last level', async () => {
  await inWorld(async (env) => {
    const store = await openCompacting(env);
    for (let i = 1; i <= 8; i++) {
      await store.write(kept, batchOf(`m v=${i},s="${i}" ${i}\nm v=${i} 100`));
      await store.flush(kept.shardId);
    }
    expect(await files(env)).toHaveLength(8);
    await env.clock.sleep(5_000);
    expect(await files(env)).toEqual(['000000008-000000002.tsm']);
    await env.clock.sleep(120_000);
    expect(await files(env)).toEqual(['000000008-000000004.tsm']);
    await env.clock.sleep(120_000);
    expect(await files(env)).toEqual(['000000008-000000004.tsm']);
    const rows = readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`);
    expect(rows.join(' ')).toBe('1:1 2:2 3:3 4:4 5:5 6:6 7:7 8:8 100:8');
    expect(readField(store, 'm', 's')).toHaveLength(8);
    await store.close();
    const again = await openStore(env.disk, env.clock);
    expect(readField(again, 'm', 'v')).toHaveLength(9);
    await again.close();
  });
});

test('store: what is flushed once is packed closely as its shard gets cold, and not again', async () => {
  await inWorld(async (env) => {
    const store = await openCompacting(env);
    const valueOf = (i: number): string => `${((i * 7_919) % 10_007) / 100}`;
    const lines = Array.from(
      { length: 200 },
      (_, i) => `m v=${valueOf(i)},n=${(i * 31) % 17}i ${i + 1}`,
    );
    await store.write(kept, batchOf(lines.join('\n')));
    await store.flush(kept.shardId);
    const first = await env.disk.readFile(`${folder}/000000001-000000001.tsm`);
    await env.clock.sleep(120_000);
    expect(await files(env)).toEqual(['000000001-000000004.tsm']);
    const close = await env.disk.readFile(`${folder}/000000001-000000004.tsm`);
    expect(close.length).toBeLessThan(first.length * 0.97);
    await store.write(kept, batchOf('other v=1 1'));
    await store.flush(kept.shardId);
    await env.clock.sleep(120_000);
    const [name = ''] = await files(env);
    const again = await env.disk.readFile(`${folder}/${name}`);
    expect(Buffer.from(again).includes(blocksOf(close))).toBe(true);
    const rows = readField(store, 'm', 'v').map(({ time, value }) => `${time}:${value}`);
    expect(rows).toEqual(lines.map((_, i) => `${i + 1}:${valueOf(i)}`));
    expect(readField(store, 'm', 'n')).toHaveLength(200);
    await store.close();
  });
});

/** All blocks of a file, behind its head. */
function blocksOf(file: Uint8Array): Buffer {
  const indexAt = Buffer.from(file).readBigUInt64BE(file.length - 8);
  return Buffer.from(file).subarray(5, Math.min(1_024, Number(indexAt)));
}

/** Five files of 1,000 rows each of four fields, a block each. */
async function writeLong(store: Store): Promise<void> {
  for (let file = 0; file < 5; file++) {
    const lines = Array.from({ length: 1_000 }, (_, row) => {
      const i = file * 1_000 + row;
      return `m v=${(i * 7) % 1_000},n=${i}i,s="${i % 10}",b=${i % 3 === 0} ${i}`;
    });
    await store.write(kept, batchOf(lines.join('\n')));
    await store.flush(kept.shardId);
  }
}

function expectLong(store: Store): void {
  const numbers = readField(store, 'm', 'n');
  expect(numbers).toHaveLength(5_000);
  expect(numbers.every(({ time, value }) => value === String(time))).toBe(true);
  for (const field of ['v', 's']) expect(readField(store, 'm', field)).toHaveLength(5_000);
  expect(readField(store, 'm', 'v')[2_345]?.value).toBe(String((2_345 * 7) % 1_000));
}

test('aggressive-points-per-block: a cold shard with more blocks of a series than a file takes becomes one file', async () => {
  const more = { keyBlocksMax: 2, aggressiveRows: 10_000 };
  await inWorld(async (env) => {
    const store = await openCompacting(env, more);
    await writeLong(store);
    await env.clock.sleep(120_000);
    const after = await files(env);
    expect(after).toHaveLength(1);
    expectLong(store);
    await env.clock.sleep(120_000);
    expect(await files(env)).toEqual(after);
    await store.close();
    const again = await openCompacting(env, more);
    await again.write(kept, batchOf('m n=5000i 5000'));
    await again.flush(kept.shardId);
    await env.clock.sleep(120_000);
    // It is not brought back to small blocks, of which a file would not take so many.
    expect(await files(env)).toHaveLength(1);
    expect(readField(again, 'm', 'n')).toHaveLength(5_001);
    await again.close();
  });
});

test('store: a cold shard that has to be several files is brought together once, and not again and again', async () => {
  await inWorld(async (env) => {
    const store = await openCompacting(env, { keyBlocksMax: 2 });
    await writeLong(store);
    await env.clock.sleep(120_000);
    const after = await files(env);
    // Each of four fields ends in a file of its own.
    expect(after).toHaveLength(9);
    await env.clock.sleep(600_000);
    expect(await files(env)).toEqual(after);
    expectLong(store);
    await store.close();
    const again = await openCompacting(env, { keyBlocksMax: 2 });
    await env.clock.sleep(120_000);
    expect(await files(env)).toEqual(after);
    await again.close();
  });
});

test('store: a block of long texts ends where it has many bytes, however few rows it has', async () => {
  await inWorld(async (env) => {
    const store = await openCompacting(env);
    const text = 'x'.repeat(900_000);
    for (let i = 0; i < 30; i++) {
      await store.write(kept, batchOf(`m s="${i}${text}" ${i}`));
      if (i % 10 === 9) await store.flush(kept.shardId);
    }
    await env.clock.sleep(120_000);
    const [name = ''] = await files(env);
    const file = await TsmFile.open({ disk: env.disk }, `${folder}/${name}`);
    const bytes = await env.disk.readFile(`${folder}/${name}`);
    const column = file.column(Buffer.from('m#!~#s'));
    const rowCounts = [0, 1].map((i) => {
      const { offset = 0, lengthBytes = 0 } = column?.entry(i) ?? {};
      return decodeBlock(bytes.subarray(offset + 4, offset + lengthBytes)).timesNs.length;
    });
    expect(column?.count).toBe(2);
    expect((rowCounts[0] ?? 0) + (rowCounts[1] ?? 0)).toBe(30);
    await file.close();
    await store.close();
  });
});

test('store: a view that was taken before a compaction goes on with its files', async () => {
  await inWorld(async ({ disk, clock }) => {
    const store = await openStore(disk, clock);
    for (const value of [1, 2]) {
      await store.write(kept, batchOf(`m v=${value} ${value}`));
      await store.flush(kept.shardId);
    }
    const view = store.view(kept.shardId);
    await store.compact(kept.shardId);
    expect(readField({ view: () => view } as unknown as Store, 'm', 'v')).toHaveLength(2);
    view?.release();
    expect(() => readField({ view: () => view } as unknown as Store, 'm', 'v')).toThrow();
    expect(readField(store, 'm', 'v')).toHaveLength(2);
    await store.close();
  });
});

test('store: files that a compaction could not remove are not read again', async () => {
  await inWorld(async (env) => {
    const { disk, clock } = env;
    const store = await openStore(disk, clock);
    for (const value of [1, 2]) {
      await store.write(kept, batchOf(`m v=${value} 5`));
      await store.flush(kept.shardId);
    }
    const old = await disk.readFile(`${folder}/000000001-000000001.tsm`);
    const remove = disk.remove.bind(disk);
    disk.remove = (path) =>
      path.endsWith('1.tsm') ? Promise.reject(new Error('busy')) : remove(path);
    await expect(store.compact(kept.shardId)).rejects.toThrow('busy');
    disk.remove = remove;
    await store.close();
    expect(await disk.readFile(`${folder}/000000001-000000001.tsm`)).toEqual(old);
    const again = await openStore(disk, clock);
    expect(await files(env)).toEqual(['000000002-000000004.tsm']);
    expect(readField(again, 'm', 'v')).toEqual([{ time: 5, value: '2' }]);
    await again.close();
  });
});

test('store: a file with a damaged block is named once and left out; all others of its shard are compacted', async () => {
  await inWorld(async (env) => {
    const { disk, clock } = env;
    const errors: string[] = [];
    const log = { info: () => undefined, warn: () => undefined, error: (text: string, fields: object) => errors.push(`${text} ${JSON.stringify(fields)}`) }; // prettier-ignore
    const store = await openCompacting({ ...env, log } as unknown as Env);
    const other = { ...kept, shardId: 9 };
    for (let i = 1; i <= 8; i++)
      for (const place of [kept, other]) {
        await store.write(place, batchOf(`m v=${i} ${i}`));
        await store.flush(place.shardId);
        if (i !== 3 || place !== kept) continue;
        const file = await disk.open(`${folder}/000000003-000000001.tsm`, 'open');
        await file.writeAt(20, Uint8Array.of(255, 255));
        await file.sync();
        await file.close();
      }
    await clock.sleep(300_000);
    expect(errors).toHaveLength(1);
    expect(errors[0]).toContain('left out');
    expect(errors[0]).toContain('000000003-000000001.tsm: the block at 5 is damaged');
    const left = ['000000002-000000004.tsm', '000000003-000000001.tsm', '000000008-000000004.tsm'];
    expect(await files(env)).toEqual(left);
    // What comes later does not wait for it either.
    for (let i = 9; i <= 16; i++) {
      await store.write(kept, batchOf(`m v=${i} ${i}`));
      await store.flush(kept.shardId);
    }
    await clock.sleep(5_000);
    expect(await files(env)).toEqual([...left, '000000016-000000002.tsm']);
    expect(errors).toHaveLength(1);
    const names = (await disk.list('data/db/autogen/9')).map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('.tsm'))).toEqual(['000000008-000000004.tsm']);
    await store.close();
  });
});

test('store: a compaction that the disk has failed is not begun again at once, however long it took', async () => {
  await inWorld(async (env) => {
    const { disk, clock } = env;
    const store = await openCompacting(env);
    for (let i = 1; i <= 8; i++) {
      await store.write(kept, batchOf(`m v=${i} ${i}`));
      await store.flush(kept.shardId);
    }
    const open = disk.open.bind(disk);
    const begunMs: number[] = [];
    const failedMs: number[] = [];
    disk.open = async (path, mode) => {
      if (!path.endsWith('.tsm.tmp') || failedMs.length > 1) return open(path, mode);
      begunMs.push(clock.monotonicMs());
      await clock.sleep(90_000);
      failedMs.push(clock.monotonicMs());
      throw new DbError('disk_full', 'no room');
    };
    await clock.sleep(600_000);
    expect(failedMs).toHaveLength(2);
    expect((begunMs[1] ?? 0) - (failedMs[0] ?? 0)).toBeGreaterThanOrEqual(60_000);
    expect(await files(env)).toEqual(['000000008-000000004.tsm']);
    await store.close();
  });
});

test('store: a shard with a great many files keeps no other one from its turn', async () => {
  await inWorld(async (env) => {
    const filled = await openCompacting(env, { isByHand: true });
    const counts = { 5: 8, 7: 300, 9: 8 };
    for (const shardId of [5, 7, 9] as const)
      for (let i = 0; i < counts[shardId]; i++) {
        await filled.write({ ...kept, shardId }, batchOf(`m v=${i} ${i}`));
        await filled.flush(shardId);
      }
    await filled.close();
    const store = await openCompacting(env);
    const countOf = async (shardId: number): Promise<number> => {
      const names = await env.disk.list(`data/db/autogen/${shardId}`);
      return names.filter(({ name }) => name.endsWith('.tsm')).length;
    };
    expect([await countOf(5), await countOf(9)]).toEqual([8, 8]);
    while ((await countOf(5)) + (await countOf(9)) > 2) await env.clock.sleep(1);
    expect(await countOf(7)).toBeGreaterThan(200);
    await env.clock.sleep(5_000);
    expect(await countOf(7)).toBeLessThan(8);
    await store.close();
  });
});
