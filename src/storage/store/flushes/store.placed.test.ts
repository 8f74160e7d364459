import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { flushPlainly } from '../../../../test/support/plain-flush.ts';
import type { Log } from '../../../env/log.ts';
import { NodeClock } from '../../../env/node/node-clock.ts';
import { NodeDisk } from '../../../env/node/node-disk.ts';
import { parseLines, type LinePoint } from '../../../models/line-protocol.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { makeStamp, stampBatch } from '../../../models/stamp.ts';
import { ShapeTable } from '../../engine/memtable/shape-table.ts';
import { Store } from '../store.ts';

const place = { shardId: 7, database: 'db', retentionPolicy: 'autogen' };
const log = { info: () => undefined, warn: () => undefined, error: () => undefined } as unknown as Log; // prettier-ignore
let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'store-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

interface Body {
  readonly points: readonly LinePoint[];
  readonly stampNs: number;
}

function bodyOf(lines: readonly string[], stampNs: number): Body {
  const bytes = new TextEncoder().encode(lines.join('\n'));
  return { points: parseLines(bytes, { stepNs: 1n, defaultTimeNs: 9n }).points, stampNs };
}

/** The bytes of the file that bodies become which arrive in this order. */
async function flushed(bodies: readonly Body[]): Promise<Buffer> {
  const options = {
    dataFolder: join(folder, 'data'),
    walFolder: join(folder, 'wal'),
    worker: 0,
    isHome: () => true,
    segmentBytesMax: 1 << 24,
    queueBytesMax: 1 << 26,
    snapshotBytes: 1 << 26,
    snapshotColdMs: 600_000,
    cacheBytesMax: 1 << 27,
    memtablesBytesMax: 1 << 27,
  };
  const ports = { disk: new NodeDisk(), log, clock: new NodeClock(), turn: () => Promise.resolve() }; // prettier-ignore
  const store = await Store.open(ports, options);
  for (const { points, stampNs } of bodies) {
    const builder = new PointBatchBuilder();
    for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
    const payload = builder.finish();
    stampBatch(payload, makeStamp(BigInt(stampNs), 1));
    await store.write(place, payload);
  }
  await store.flush(place.shardId);
  await store.close();
  return readFileSync(join(folder, 'data/db/autogen/7/000000001-000000001.tsm'));
}

/** The same by the twins of the kernels: of two values of a point the one with the later stamp counts. */
async function flushedPlainly(bodies: readonly Body[]): Promise<Buffer> {
  const path = join(folder, 'plain.tsm');
  const byStamp = bodies.toSorted((a, b) => a.stampNs - b.stampNs);
  await flushPlainly(byStamp.flatMap(({ points }) => points), new NodeDisk(), path); // prettier-ignore
  return readFileSync(path);
}

const rowsOfBody = 6_000;

test.each([
  ['numbers and flags', (n: number) => `f=${n / 8},i=${n % 13}i,b=${n % 3 === 0}`],
  ['flags alone', (n: number) => `a=${n % 2 === 0},b=${n % 3 === 0}`],
] as const)(
  'a flush of %s: bodies that overtake each other and rewrite points make the file that they would in order',
  async (_name, fields) => {
    const body = (first: number): readonly string[] =>
      Array.from({ length: rowsOfBody }, (_, i) => `p,h=${i % 50} ${fields(first * 7 + i)} ${first + Math.floor(i / 50)}`); // prettier-ignore
    // The second comes before the first, the last has times of the one before it, and is the earlier write.
    const bodies = [
      bodyOf(body(120), 2),
      bodyOf(body(0), 1),
      bodyOf(body(240), 5),
      bodyOf(body(300), 4),
    ];
    expect((await flushed(bodies)).equals(await flushedPlainly(bodies))).toBe(true);
  },
);

test('a flush of measurements that share their fields makes the file that one of each alone would', async () => {
  const fields = [
    (n: number) => `v=${n / 8}`,
    (n: number) => `v=${n}i`,
    (n: number) => `v=${n / 8},ok=${n % 3 === 0}`,
    (n: number) => `v=${n / 4},text="t${n}"`,
  ];
  const lineOf = (i: number, time: number): readonly string[] => {
    const measurement = i % 40;
    // One of ten has rows with other fields, too, so that no table has all of them.
    const other = measurement % 10 === 0 && i % 3 === 0 ? ['w=2'] : [];
    return [fields[measurement % 3]?.(i) ?? '', ...other].map((text) => `m${measurement},h=${i % 7} ${text} ${time}`); // prettier-ignore
  };
  const body = (first: number): readonly string[] => [
    ...Array.from({ length: 20_000 }, (_, i) => lineOf(i, first + Math.floor(i / 280))).flat(),
    ...Array.from({ length: 400 }, (_, i) => `texts${i % 4},h=${i % 5} ${fields[3]?.(i)} ${first + i}`),
  ];
  const bodies = [bodyOf(body(100), 2), bodyOf(body(0), 1), bodyOf(body(180), 4), bodyOf(body(150), 3)];
  expect((await flushed(bodies)).equals(await flushedPlainly(bodies))).toBe(true);
}); // prettier-ignore

test('a flush with a series of very many rows beside short ones, all of them out of order', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => {
    const time = (i * 7_919) % 20_011;
    return [
      `p,h=long f=${i / 4} ${time}`,
      ...(i % 10 === 0 ? [`p,h=${i % 7} f=${i} ${time}`] : []),
    ];
  });
  const bodies = [bodyOf(rows.flat(), 1)];
  expect((await flushed(bodies)).equals(await flushedPlainly(bodies))).toBe(true);
});

test('a flush of rows that each have other fields goes through their tables once, not once for each row, series or field', async () => {
  const names = Array.from({ length: 14 }, (_, i) => `f${i}`);
  const rowCount = 3_000;
  const textOf = (field: string, i: number): string => (field === 'f3' ? `f3="t${i}"` : `${field}=${i}`);
  const rows = Array.from({ length: rowCount }, (_, i) => {
    const own = names.filter((_name, bit) => (((i * 2_654_435_761) >>> 0) & (1 << (bit + 8))) !== 0);
    return `m,h=${i % 40} ${[...own, `own${i}`].map((field) => textOf(field, i)).join(',')} ${(i * 7) % 500}`;
  });
  const looks = (['hasShape', 'hasRows', 'columnOf'] as const).map((name) => vi.spyOn(ShapeTable.prototype, name));
  const bodies = [bodyOf(rows.slice(0, 1_000), 2), bodyOf(rows.slice(1_000, 2_000), 1), bodyOf(rows.slice(2_000), 3)];
  const file = await flushed(bodies);
  const lookCount = looks.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  vi.restoreAllMocks();
  expect(file.equals(await flushedPlainly(bodies))).toBe(true);
  // Of each row eight fields; all tables for each row would be nine million.
  expect(lookCount).toBeLessThan(rowCount * 40);
}); // prettier-ignore
