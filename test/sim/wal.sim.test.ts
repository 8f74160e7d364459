import { expect, test } from 'vitest';
import type { Disk } from '../../src/env/disk.ts';
import type { Env } from '../../src/env/env.ts';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import { RecordIndex, RecordUse } from '../../src/kernels/record-index.ts';
import { StoreKernel } from '../../src/kernels/store-kernel.ts';
import { below } from '../../src/env/random.ts';
import { recoverWal, type WalDamage } from '../../src/storage/wal/wal-recovery.ts';
import { type WalRecord, WalRecordKind } from '../../src/storage/wal/wal-record.ts';
import { WalWriter } from '../../src/storage/wal/wal-writer.ts';
import {
  badFilesMax,
  judgeLogDamage,
  settleLogDamage,
} from '../../src/storage/store/log/log-damage.ts';
import type { Log } from '../../src/env/log.ts';
import { withoutSync } from './world/lax-disk.ts';
import { World } from './world/world.ts';

const folder = 'wal';
const log = { warn: () => undefined, error: () => undefined } as unknown as Log;

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 30 });

function indexOfAll(): RecordIndex {
  return new RecordIndex(kernel, { useOf: () => RecordUse.handed, waitBytesMax: 0 });
}

/** Its bytes are used again. */
function kept({ rejectBitmap, payload, ...head }: WalRecord): WalRecord {
  return { ...head, rejectBitmap: rejectBitmap.slice(), payload: payload.slice() };
}

function recordOf(sequence: number): WalRecord {
  const payload = new Uint8Array(1 + (sequence % 300)).fill(sequence & 0xff);
  const rejectBitmap = new Uint8Array(sequence % 3).fill(sequence & 7);
  const shardId = 1 + (sequence % 4);
  return { kind: WalRecordKind.points, codec: 0, shardId, sequence, rejectBitmap, payload };
}

interface History {
  readonly asked: Set<number>;
  readonly acknowledged: Set<number>;
  sequence: number;
}

/** Three clients write one record after the other until the node dies. */
async function load(
  { clock, random }: Env,
  history: History,
  { run, disk, delayMs }: { readonly run: number; readonly disk: Disk; readonly delayMs: number },
): Promise<void> {
  const options = { folder, run, worker: 0, segmentBytesMax: 2_000, queueBytesMax: 100_000 };
  const gathering = delayMs === 0 ? undefined : { clock, delayMs };
  const wal = new WalWriter(disk, { ...options, gathering });
  const client = async (): Promise<void> => {
    for (;;) {
      const sequence = ++history.sequence;
      history.asked.add(sequence);
      const isWritten = await wal.append(recordOf(sequence)).then(
        () => true,
        () => false,
      );
      if (isWritten) history.acknowledged.add(sequence);
      await clock.sleep(below(random, 3));
    }
  };
  const idler = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(below(random, 20));
      await wal.vouch();
    }
  };
  await Promise.all([client(), client(), client(), idler()]);
}

async function recover(disk: Disk): Promise<{ run: number; records: WalRecord[] }> {
  const records: WalRecord[] = [];
  const recovered = await recoverWal(disk, folder, {
    index: indexOfAll(),
    onRecord: (record) => void records.push(kept(record)),
  });
  for (const { kind, path, offset } of recovered.damage)
    expect(kind, `${path} at ${offset}: a crash alone is no damage`).toBe('torn');
  const folders = { dataFolder: 'data', walFolder: folder };
  const judged = await judgeLogDamage({ disk, log }, folders, recovered);
  await settleLogDamage({ disk, log }, folders, judged);
  return { run: recovered.run, records };
}

/** Crashes the node several times; returns acknowledged records that are gone, and checks that none is invented. */
async function lostAfterCrashes(
  seed: number,
  wrap: (disk: Disk) => Disk,
  delayMs = 0,
): Promise<number[]> {
  const world = new World(seed);
  const node = world.addNode('a', { zeroTailRate: 0.3, ioErrorRate: 0.002 });
  const history: History = { asked: new Set(), acknowledged: new Set(), sequence: 0 };
  const random = world.random('crashes');
  let run = 0;
  for (let round = 0; round < 4; round++) {
    node.drive.ioErrorRate = 0.002;
    const { env } = node;
    world.spawn(node, () => load(env, history, { run: run + 1, disk: wrap(env.disk), delayMs }));
    await world.run(world.nowMs + 20 + below(random, 200));
    node.crash();
    node.drive.ioErrorRate = 0;
    const restarted = node.restart();
    const recovered = await world.complete(recover(restarted.disk));
    run = Math.max(recovered.run, run + 1);
    for (const record of recovered.records) {
      expect(history.asked.has(record.sequence), 'no record is invented').toBe(true);
      expect(record).toEqual(recordOf(record.sequence));
    }
    const found = new Set(recovered.records.map((record) => record.sequence));
    const lost = [...history.acknowledged].filter((sequence) => !found.has(sequence));
    if (lost.length > 0) return lost;
  }
  expect(history.acknowledged.size).toBeGreaterThan(20);
  return [];
}

test('wal: what was acknowledged survives crashes, torn tails and failing disks', async () => {
  for (let seed = 1; seed <= 40; seed++) {
    expect(await lostAfterCrashes(seed, (disk) => disk), `seed ${seed}`).toEqual([]);
  }
});

test('wal: with a delay of the sync too', async () => {
  for (let seed = 1; seed <= 20; seed++)
    expect(await lostAfterCrashes(seed, (disk) => disk, 1 + (seed % 7)), `seed ${seed}`).toEqual([]); // prettier-ignore
});

test.each([0, 5])(
  'wal: an acknowledgement before the sync is caught, with a delay of %i ms',
  async (delayMs) => {
    // Later records vouch for what should have been durable.
    const caught = lostAfterCrashes(1, (disk) => withoutSync(disk, () => true), delayMs);
    await expect(caught).rejects.toThrow('a crash alone is no damage');
  },
);

async function writeThree(disk: Disk): Promise<string> {
  const wal = new WalWriter(disk, {
    folder,
    run: 1,
    worker: 0,
    segmentBytesMax: 10_000,
    queueBytesMax: 10_000,
  });
  for (const sequence of [5, 6, 7]) await wal.append(recordOf(sequence));
  await wal.close();
  return `${folder}/${(await disk.list(folder))[0]?.name ?? ''}`;
}

async function recoverDamaged(
  disk: Disk,
): Promise<{ found: number[]; damage: readonly WalDamage[] }> {
  const found: number[] = [];
  const recovered = await recoverWal(disk, folder, {
    index: indexOfAll(),
    onRecord: (record) => {
      expect(record).toEqual(recordOf(record.sequence));
      found.push(record.sequence);
    },
  });
  const folders = { dataFolder: 'data', walFolder: folder };
  const judged = await judgeLogDamage({ disk, log }, folders, recovered);
  await settleLogDamage({ disk, log }, folders, judged);
  return { found, damage: recovered.damage };
}

test('wal: each flipped bit costs at most its own record, names the shard, and is dealt with once', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  await world.complete(
    (async () => {
      const path = await writeThree(disk);
      const good = await disk.readFile(path);
      const lastVouch = good.length - 40 - 24 - 3 * 16;
      for (let at = 0; at < good.length; at++) {
        const bad = good.slice();
        bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
        await disk.replaceFile(path, bad);
        const { found, damage } = await recoverDamaged(disk);
        const [one] = damage;
        expect(damage).toHaveLength(1);
        expect(one?.path).toBe(path);
        expect(one?.kind, `byte ${at}`).toBe(at < lastVouch ? 'damaged' : 'torn');
        const lost = [5, 6, 7].filter((sequence) => !found.includes(sequence));
        expect(lost.length).toBeLessThan(2);
        for (const sequence of lost)
          expect(one?.sequences?.get(recordOf(sequence).shardId)).toBe(sequence);
        expect(await recoverDamaged(disk)).toEqual({ found, damage: [] });
        const kept = await disk.readFile(`${path}.${String(one?.offset).padStart(10, '0')}.bad`);
        expect(kept).toEqual(bad.slice(one?.offset, (one?.offset ?? 0) + kept.length));
      }
      const left = (await disk.list(folder)).filter(({ name }) => name.endsWith('.bad'));
      expect(left.length).toBeLessThanOrEqual(badFilesMax);
    })(),
    600_000,
  );
});

test('wal: a file cut at any byte keeps the records before it, and reads clean the next time', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  await world.complete(
    (async () => {
      const path = await writeThree(disk);
      const good = await disk.readFile(path);
      for (let length = 0; length < good.length; length++) {
        await disk.replaceFile(path, good.slice(0, length));
        const first = await recoverDamaged(disk);
        expect(first.found).toEqual([5, 6, 7].slice(0, first.found.length));
        expect(await recoverDamaged(disk)).toEqual({ found: first.found, damage: [] });
      }
    })(),
    600_000,
  );
});

test('wal: past the bytes that may wait, a write is refused and the others are not', async () => {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  const options = { folder, run: 1, worker: 0, segmentBytesMax: 10_000, queueBytesMax: 100 };
  const wal = new WalWriter(disk, options);
  const outcomes = await world.complete(
    Promise.allSettled([
      wal.append(recordOf(5)),
      wal.append(recordOf(99)),
      wal.append(recordOf(6)),
    ]),
  );
  expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(outcomes[1]).toMatchObject({ reason: { code: 'queue_full' } });
});
