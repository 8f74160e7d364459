import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import type { Disk } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';
import { finished } from '../../../test/support/finished.ts';
import { flushPlainly } from '../../../test/support/plain-flush.ts';
import { FieldType } from '../../models/field-value.ts';
import { parseLines, type LinePoint } from '../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../models/point-batch-builder.ts';
import { seriesKey } from '../../models/series-key.ts';
import { FailingDisk } from '../../../test/support/failing-disk.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { WalRecordKind } from '../wal/wal-record.ts';
import { WalWriter } from '../wal/wal-writer.ts';
import { Store } from './store.ts';

const log = {
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
} as unknown as Log;
const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Knobs {
  readonly disk?: Disk;
  readonly snapshotBytes?: number;
  readonly cacheBytesMax?: number;
  readonly dataFolder?: string;
  readonly walFolder?: string;
}

function open(knobs: Knobs = {}): Promise<Store> {
  const options = {
    dataFolder: `${folder}/data`,
    walFolder: `${folder}/wal`,
    worker: 0,
    isHome: () => true,
    segmentBytesMax: 600,
    queueBytesMax: 1 << 20,
    snapshotBytes: 1 << 20,
    snapshotColdMs: 600_000,
    cacheBytesMax: 1 << 24,
    memtablesBytesMax: 1 << 24,
    ...knobs,
  };
  const turn = () => Promise.resolve();
  return Store.open(
    {
      disk: knobs.disk ?? new NodeDisk(),
      log,
      clock: new NodeClock(),
      turn,
    },
    options,
  );
}

function pointsOf(lines: string | Uint8Array): readonly LinePoint[] {
  const body = typeof lines === 'string' ? new TextEncoder().encode(lines) : lines;
  return parseLines(body, { stepNs: 1n, defaultTimeNs: 9n }).points;
}

function batchOf(lines: string | Uint8Array): Uint8Array {
  const builder = new PointBatchBuilder();
  for (const point of pointsOf(lines)) builder.add(seriesKey(point.measurement, point.tags), point);
  return builder.finish();
}

/** All values of a field as `key time value`, in the order of a cursor. */
function read(store: Store, measurement: string, field: string, ascending = true): string[] {
  const view = store.view(place.shardId);
  if (view === undefined) return [];
  const rows: string[] = [];
  for (const seriesId of finished(view.seriesIds(measurement))) {
    const arena = memoryArena();
    const bounds = { minTimeNs: -100n, maxTimeNs: 1000n, ascending };
    const cursor = view.openCursor({ seriesId, field, ...bounds });
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      const memory = new DataView(arena.memory.buffer);
      for (let i = 0; i < batch.count; i++) {
        const at = batch.valuesPtr + i * 8;
        const value = {
          float: () => memory.getFloat64(at, true),
          integer: () => memory.getBigInt64(at, true),
          unsigned: () => memory.getBigUint64(at, true),
          boolean: () => memory.getUint8(batch.valuesPtr + i),
          string: () => {
            const bytes = new Uint8Array(arena.memory.buffer, memory.getUint32(at, true), memory.getUint32(at + 4, true)); // prettier-ignore
            return new TextDecoder().decode(bytes);
          },
        }[batch.type]();
        const timeNs = memory.getBigInt64(batch.timesPtr + i * 8, true);
        rows.push(`${view.series(seriesId).key} ${timeNs} ${value}`);
      }
    }
  }
  return rows;
}

test('store: late, repeated and partial rows of a series read back in time order, last write wins', async () => {
  const store = await open();
  await store.write(
    place,
    batchOf('m,h=a v=1,s="x" 30\nm,h=a v=2 10\nm,h=b v=5 10\nm,h=a s="z" 30'),
  );
  await store.write(place, batchOf('m,h=a v=3 30\nm,h=a v=4 20\nm,h=a s="grün" -5'));
  const v = ['m,h=a 10 2', 'm,h=a 20 4', 'm,h=a 30 3', 'm,h=b 10 5'];
  expect(read(store, 'm', 'v')).toEqual(v);
  expect(read(store, 'm', 's', false)).toEqual(['m,h=a 30 z', 'm,h=a -5 grün']);
  await store.close();
});

test('store: what was written is there after it was opened again', async () => {
  const first = await open();
  await first.write(place, batchOf('m,h=a v=9223372036854775807i,b=true 30'));
  const second = await open();
  await second.write(place, batchOf('m,h=a v=-1i,b=false 40'));
  expect(read(second, 'm', 'v')).toEqual(['m,h=a 30 9223372036854775807', 'm,h=a 40 -1']);
  const third = await open();
  expect(read(third, 'm', 'b')).toEqual(['m,h=a 30 1', 'm,h=a 40 0']);
  for (const store of [first, second, third]) await store.close();
});

test('store: a row whose field has another type is refused, also after replay; the others are kept', async () => {
  const store = await open();
  await store.write(place, batchOf('m,h=a v=1 10'));
  const receipt = await store.write(place, batchOf('m,h=a v=2 20\nm,h=a v=3i 30\nm,h=c v=4i 30'));
  const reason =
    'field type conflict: input field "v" on measurement "m" is type integer, already exists as type float';
  expect(receipt).toEqual({ droppedCount: 2, reason });
  expect(read(store, 'm', 'v')).toEqual(['m,h=a 10 1', 'm,h=a 20 2']);
  expect(finished(store.view(7)?.seriesIds('m'))).toHaveLength(1);
  const again = await open();
  expect(read(again, 'm', 'v')).toEqual(['m,h=a 10 1', 'm,h=a 20 2']);
  expect(await again.write(place, batchOf('m,h=a v=3i 30'))).toEqual({ droppedCount: 1, reason });
  await store.close();
  await again.close();
});

test('store: a batch that waits for the disk shows nothing of itself, yet has decided the types of its fields', async () => {
  const store = await open();
  await store.write(place, batchOf('n,h=a v=1 1'));
  const written = store.write(place, batchOf('m,h=a w=1 1\nn,k=b x=2 1'));
  const shown = () => {
    const view = store.view(place.shardId);
    const names = (fields: readonly { readonly name: string }[] = []) => fields.map(({ name }) => name); // prettier-ignore
    return [view?.measurements(), names(view?.fields('m')), names(view?.fields('n')), view?.tagKeys('n')]; // prettier-ignore
  };
  expect(shown()).toEqual([['n'], [], ['v'], ['h']]);
  const refused = await store.write(place, batchOf('m,h=a w="text" 2'));
  expect(refused.droppedCount).toBe(1);
  await written;
  expect(shown()).toEqual([['m', 'n'], ['w'], ['v', 'x'], ['h', 'k']]);
  await store.close();
});

test('store: types of fields that have points are told without a record in the log, also after a restart', async () => {
  const fields = [{ measurement: 'm', name: 'v', type: FieldType.integer }];
  const logBytes = (): number => {
    const names = readdirSync(`${folder}/wal`);
    return names.reduce((sum, name) => sum + readFileSync(`${folder}/wal/${name}`).length, 0);
  };
  const store = await open();
  const decided = await store.decideFieldTypes(place, fields);
  const lengthBytes = logBytes();
  expect(lengthBytes).toBeGreaterThan(0);
  // No point tells it yet: the record that was to keep it may not have come to the disk.
  await store.decideFieldTypes(place, fields);
  expect(logBytes()).toBeGreaterThan(lengthBytes);
  await store.write(place, batchOf('m v=1i 10'));
  const writtenBytes = logBytes();
  expect(await store.decideFieldTypes(place, fields)).toEqual(decided);
  expect(logBytes()).toBe(writtenBytes);
  const more = [...fields, { measurement: 'm', name: 'w', type: FieldType.float }];
  await store.decideFieldTypes(place, more);
  expect(logBytes()).toBeGreaterThan(writtenBytes);
  await store.close();
  const again = await open();
  const closedBytes = logBytes();
  const other = [{ measurement: 'm', name: 'v', type: FieldType.float }];
  expect(await again.decideFieldTypes(place, other)).toEqual(decided);
  expect(logBytes()).toBe(closedBytes);
  await again.close();
});

test('store: a deleted shard is gone, and its records do not bring it back', async () => {
  const store = await open();
  await store.write(place, batchOf('m v=1 10'));
  await store.deleteShard(7);
  expect(() => store.view(7)).toThrow('shard 7 is not on this node');
  const again = await open();
  expect(again.view(7)).toBeUndefined();
  await store.close();
  await again.close();
});

const everyType = [
  'm,t=a f=1.5,i=7i,b=true,s="x y" 1',
  'm,t=a f=2.5,i=8i,b=false,s="" 2',
  'm,t=b f=-1,i=-9i,b=t,s="é" 1',
];

test('store: what is flushed reads the same, together with what came later, also after a restart', async () => {
  const store = await open();
  await store.write(place, batchOf(everyType.join('\n')));
  const before = ['f', 'i', 'b', 's'].map((field) => read(store, 'm', field));
  await store.flush(place.shardId);
  expect(['f', 'i', 'b', 's'].map((field) => read(store, 'm', field))).toEqual(before);
  await store.write(place, batchOf('m,t=a f=99 2\nm,t=a f=3.5 3'));
  const merged = read(store, 'm', 'f');
  expect(merged.join(' ')).toContain('99');
  await store.flush(place.shardId);
  expect(read(store, 'm', 'f')).toEqual(merged);
  expect(read(store, 'm', 'f', false)).toEqual([...read(store, 'm', 'f', false)]);
  await store.close();
  const again = await open();
  expect(read(again, 'm', 'f')).toEqual(merged);
  await expect(again.write(place, batchOf('m,t=a f="text" 9'))).resolves.toMatchObject({
    droppedCount: 1,
  });
  await again.close();
});

test('store: texts are kept to the byte in the log and in files, UTF-8 or not', async () => {
  const strings = (store: Store): string[] => {
    const view = store.view(place.shardId);
    return [...(finished(view?.seriesIds('\ufeffm')) ?? [])].flatMap((seriesId) => {
      const arena = memoryArena();
      const bounds = { minTimeNs: 0n, maxTimeNs: 9n, ascending: true };
      const batch = view?.openCursor({ seriesId, field: 's', ...bounds }).next(arena);
      const memory = new DataView(arena.memory.buffer);
      return Array.from({ length: batch?.count ?? 0 }, (_, i) => {
        const at = (batch?.valuesPtr ?? 0) + i * 8;
        const [ptr, length] = [memory.getUint32(at, true), memory.getUint32(at + 4, true)];
        return Buffer.from(arena.memory.buffer, ptr, length).toString('latin1');
      });
    });
  };
  const wanted = ['a\xffb', '\xed\xa0\x80\xc3'];
  const store = await open();
  const lines = wanted.map((text, i) => `\xef\xbb\xbfm s="${text}" ${i}`).join('\n');
  await store.write(place, batchOf(Buffer.from(lines, 'latin1')));
  expect(strings(store)).toEqual(wanted);
  await store.close();
  const replayed = await open();
  expect(strings(replayed)).toEqual(wanted);
  await replayed.flush(place.shardId);
  await replayed.close();
  const again = await open();
  expect(strings(again)).toEqual(wanted);
  await again.close();
});

test('store: names that hold the separator of the files are the same after a flush and a restart', async () => {
  const store = await open();
  const lines = ['a#!~#b c=1 1', 'a b#!~#c=2 1', 'a,t=x#!~#y v#!~=3 1', 'a#!~ #v=4 1', 'a #v=5 1'];
  await store.write(place, batchOf(lines.join('\n')));
  const all = (one: Store) => {
    const view = one.view(7);
    return view?.measurements().flatMap((name) => view.fields(name).flatMap((field) => read(one, name, field.name))); // prettier-ignore
  };
  const before = all(store);
  expect(before).toEqual(['a 1 5', 'a 1 2', 'a,t=x#!~#y 1 3', 'a#!~ 1 4', 'a#!~#b 1 1']);
  await store.flush(7);
  expect(all(store)).toEqual(before);
  await store.close();
  const again = await open();
  expect(all(again)).toEqual(before);
  await again.close();
});

test('store: a row whose key no file can take is refused, and one of an older log never makes a flush fail', async () => {
  const long = 'f'.repeat(65_530);
  const builder = new PointBatchBuilder();
  const add = (key: string, timeNs: bigint, fields: Readonly<Record<string, number>>) => {
    const values = Object.entries(fields).map(([name, value]) => [name, { type: 'float', value }] as const); // prettier-ignore
    builder.add(key, { measurement: 'm', tags: [], timeNs, fields: new Map(values) });
  };
  add('m,t=a', 10n, { v: 1 });
  add('m,t=a', 20n, { [long]: 1, v: 2 });
  add('m', 30n, { [long.slice(1)]: 3 });
  const payload = builder.finish();
  const store = await open();
  const reason = 'max key length exceeded: 65539 > 65535';
  expect(await store.write(place, payload)).toEqual({ droppedCount: 1, reason });
  expect(read(store, 'm', 'v')).toEqual(['m,t=a 10 1']);
  await store.close();
  // As a log from before had it: without a word of the rows that could not be stored.
  const wal = new WalWriter(new NodeDisk(), { folder: `${folder}/wal`, run: 9, worker: 0, segmentBytesMax: 600, queueBytesMax: 1 << 20 }); // prettier-ignore
  await wal.append({ kind: WalRecordKind.points, codec: 0, shardId: 7, sequence: 2, rejectBitmap: new Uint8Array(), payload }); // prettier-ignore
  await wal.close();
  const again = await open();
  await again.flush(7);
  expect(readdirSync(`${folder}/data/db/autogen/7`)).toEqual(['000000001-000000001.tsm', '000000001.index', 'shard.json']); // prettier-ignore
  await again.close();
  const last = await open();
  expect(read(last, 'm', 'v')).toEqual(['m,t=a 10 1', 'm,t=a 20 2']);
  expect(read(last, 'm', long.slice(1))).toEqual(['m 30 3']);
  await last.close();
});

test('store: a row with a text of more than a mebibyte is refused, one of as much is kept', async () => {
  const store = await open();
  const textOf = (lengthBytes: number, timeNs: number) =>
    `m s="${'a'.repeat(lengthBytes)}",v=${timeNs} ${timeNs}`;
  const lines = [textOf(1_048_576, 1), textOf(1_048_577, 2), 'm s="",v=3 3'].join('\n');
  const reason = 'input field "s" on measurement "m" is too long, 1048577 > 1048576';
  expect(await store.write(place, batchOf(lines))).toEqual({ droppedCount: 1, reason });
  expect(read(store, 'm', 'v')).toEqual(['m 1 1', 'm 3 3']);
  await store.close();
});

test('store: segments of the log go once their points are in files, and not before', async () => {
  const segments = () => readdirSync(`${folder}/wal`).length;
  const store = await open();
  for (let i = 0; i < 20; i++) await store.write(place, batchOf(`m f=${i} ${i}`));
  const other = { ...place, shardId: 8 };
  await store.write(other, batchOf('m f=1 1'));
  const before = segments();
  expect(before).toBeGreaterThan(3);
  await store.flush(place.shardId);
  expect(segments()).toBeLessThan(4);
  expect(segments()).toBeGreaterThan(0);
  await store.close();
  const again = await open();
  expect(read(again, 'm', 'f')).toHaveLength(20);
  expect(again.view(8)?.measurements()).toEqual(['m']);
  await again.flush(8);
  await again.close();
  const last = await open();
  expect(last.view(8)?.measurements()).toEqual(['m']);
  await last.close();
  expect(segments()).toBe(0);
});

test('store: a large memtable is flushed by itself; past its limit a shard refuses writes', async () => {
  const store = await open({ snapshotBytes: 2_000, cacheBytesMax: 100_000 });
  for (let i = 0; i < 200; i++)
    await store.write(place, batchOf(`m,h=h${i % 7} f=${i},g=${i}i ${i}`));
  await store.flush(place.shardId);
  const files = readdirSync(`${folder}/data/db/autogen/7`).filter((name) => name.endsWith('.tsm'));
  expect(files.length).toBeGreaterThan(1);
  expect(read(store, 'm', 'f')).toHaveLength(200);
  await store.close();
  const full = await open({ snapshotBytes: 1 << 20, cacheBytesMax: 500 });
  await full.write(place, batchOf(Array.from({ length: 20 }, (_, i) => `n f=1 ${i}`).join('\n')));
  await expect(full.write(place, batchOf('n f=1 99'))).rejects.toThrow(
    /^engine: cache-max-memory-size exceeded: \(\d+\/500\)$/,
  );
  await full.close();
});

test('store: whatever call of the disk fails, an acknowledged write is there afterwards', async () => {
  for (let n = 1; n < 200; n++) {
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    const disk = new FailingDisk(new NodeDisk(), { failAt: n });
    const target = { ...place, shardId: n };
    let isAcknowledged = false;
    let isFlushed = false;
    try {
      const store = await open({ disk });
      await store.write(target, batchOf(everyType.join('\n')));
      isAcknowledged = true;
      await store.flush(n).catch(() => undefined);
      await store.flush(n);
      isFlushed = true;
      expect(finished(store.view(n)?.seriesIds('m'))).toHaveLength(2);
      await store.close();
    } catch (error) {
      expect(error).toMatchObject({ code: 'io_error' });
    }
    const again = await open();
    if (isAcknowledged) expect(finished(again.view(n)?.seriesIds('m'))).toHaveLength(2);
    await again.close();
    if (isFlushed && !disk.hasFailed) return;
  }
  throw new Error('no call was left to fail');
});

/** The bytes of the file that the batches become. */
async function flushed(name: string, batches: readonly string[][]): Promise<Buffer> {
  const dataFolder = `${folder}/${name}`;
  const store = await open({ dataFolder, walFolder: `${dataFolder}-wal` });
  for (const lines of batches)
    if (lines.length > 0) await store.write(place, batchOf(lines.join('\n')));
  await store.flush(place.shardId);
  await store.close();
  return readFileSync(`${dataFolder}/db/autogen/7/000000001-000000001.tsm`);
}

test('store: the kernel flushes to the same bytes as its twins, whatever came in which order', async () => {
  const integers = fc.oneof(fc.bigInt(-5n, 5n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
  const line = fc
    .record({
      measurement: fc.constantFrom('m', 'n'),
      host: fc.constantFrom('a', 'b', 'c'),
      timeNs: fc.oneof(fc.bigInt(0n, 40n), fc.bigInt(0n, 2n ** 62n), fc.bigInt(0n, 20n).map((n) => n * 10_000_000_000n)), // prettier-ignore
      float: fc.oneof(fc.constantFrom(0, 1, 1.5), fc.double({ noNaN: true, noDefaultInfinity: true })), // prettier-ignore
      integer: integers,
      boolean: fc.boolean(),
      fields: fc.constantFrom('f', 'fi', 'fib', 'i', 's'),
    })
    .map(({ measurement, host, timeNs, fields, float, integer, boolean }) => {
      const values = { f: `f=${float}`, i: `i=${integer}i`, b: `b=${boolean}`, s: 's="x"' };
      const list = Object.entries(values).flatMap(([name, text]) =>
        fields.includes(name) ? [text] : [],
      );
      return `${measurement},h=${host} ${list.join(',')} ${timeNs}`;
    });
  const regular = Array.from({ length: 2_500 }, (_, i) => `r f=${(i % 100) / 4},i=${i % 7}i,b=${i % 3 === 0} ${i * 1_000}`); // prettier-ignore
  // More than one slice of a flush writes.
  const wide = Array.from({ length: 9_000 }, (_, i) => `w,h=${i * 7} f=${i / 8},g=${i}i,long_name_of_a_field_${'x'.repeat(60)}=t 5`); // prettier-ignore
  let run = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(line, { maxLength: 40 }), { minLength: 1, maxLength: 4 }),
      async (some) => {
        const batches = [...some, run % 5 === 0 ? [...regular, ...wide] : ['q v=1 1']];
        const name = `run${run++}`;
        const path = `${folder}/${name}.tsm`;
        await flushPlainly(batches.flatMap((lines) => pointsOf(lines.join('\n'))), new NodeDisk(), path); // prettier-ignore
        expect((await flushed(name, batches)).equals(readFileSync(path))).toBe(true);
      },
    ),
    { numRuns: 12, seed: 1 },
  );
});

/** Rows in which each third series, all or none are out of order, with times that come again; and a measurement before or among the keys of their own. */
test.each([
  [0, 'p!x'],
  [0, 'p(x'],
  [3, 'p!x'],
  [1, 'p!x'],
] as const)(
  'store: a table of many rows is flushed as its twins do, every %i. series being out of order, beside %s',
  async (every, other) => {
    const rowCount = 20_000;
    const seriesCount = 37;
    const line = (row: number): string => {
      const host = row % seriesCount;
      const isOrdered = every === 0 || host % every !== 0;
      const time = isOrdered ? row : (row * 7_919) % 10_007;
      return `p,h=${host} f=${row / 8},i=${(row % 11) - 5}i,b=${row % 3 === 0},g=${row}i ${time}`;
    };
    const rows = Array.from({ length: rowCount }, (_, row) => line(row));
    // Keys of others that stand between those of its series, and before and behind them.
    const others = [
      'p f=1,i=2i,b=t,g=3i 1',
      `${other} v=1 1`,
      `${other},h=2 v=1 1`,
      'o v=1 1',
      'q,h=1 v="x" 1',
    ];
    const batches = [rows.slice(0, 9_000), others, rows.slice(9_000)];
    const path = `${folder}/plain.tsm`;
    await flushPlainly(batches.flatMap((lines) => pointsOf(lines.join('\n'))), new NodeDisk(), path); // prettier-ignore
    expect((await flushed('many', batches)).equals(readFileSync(path))).toBe(true);
  },
);
