import { expect, test } from 'vitest';
import { InvariantError } from '../../../base/assert.ts';
import { DbError } from '../../../base/errors.ts';
import { SharedBuffers } from '../../../base/shared-buffers.ts';
import { LineKernel } from '../../../kernels/line-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { decodePointBatch, rowCountOf } from '../../../models/point-batch.ts';
import { LineRouter } from './line-router.ts';
import { routeAndWrite } from './own-writes.ts';
import { makeStamp, noStamp, stampNs, stampOfBatch } from '../../../models/stamp.ts';
import { ownStampsMax, type LinesTask } from './route-lines.ts';
import type { NamedShard } from '../shard-access.ts';

const router = new LineRouter(LineKernel.create(compiledKernels()));
const receipt = { droppedCount: 0, reason: '' };
const groups = [
  { startNs: 0n, endNs: 10n, shardIds: [4] },
  { startNs: 10n, endNs: 20n, shardIds: [5] },
  { startNs: 20n, endNs: 30n, shardIds: [6] },
];
const names = { database: 'd', retentionPolicy: 'p' };

function taskOf(text: string, shardIds: readonly number[]): LinesTask {
  const body = new TextEncoder().encode(text);
  return {
    body,
    stepNs: 1n,
    defaultTimeNs: 0n,
    bounds: {},
    groups,
    own: { ...names, shardIds, stamp: makeStamp(100n, 1) },
  };
}

/** What is written, and what the engine answers; shards with even numbers are at home. */
async function run(
  task: LinesTask,
  fail: (shardId: number) => Error | undefined = () => undefined,
) {
  const buffers = new SharedBuffers(1 << 20);
  const places: string[] = [];
  const write = (place: NamedShard, payload: Uint8Array) => {
    places.push(`${place.database}.${place.retentionPolicy} ${place.shardId}: ${rowCountOf(payload)}`); // prettier-ignore
    const error = fail(place.shardId);
    return error === undefined ? Promise.resolve(receipt) : Promise.reject(error);
  };
  const isHome = (shardId: number): boolean => shardId % 2 === 0;
  const routed = await routeAndWrite(task, { router, buffers, isHome, write });
  const left = routed.batches.map(({ shardId, payload }) => [shardId, decodePointBatch(payload).rowCount]); // prettier-ignore
  return { routed, left, places, keptBytes: buffers.keptBytes };
}

const body = 'm f=1 1\nm f=2 11\nm f=3 21\nm f=4 2';

test('own writes: batches of own shards at home are written, and their memory is used again', async () => {
  const { routed, left, places, keptBytes } = await run(taskOf(body, [4, 5]));
  expect(places).toEqual(['d.p 4: 2']);
  expect(routed.written).toEqual([{ shardId: 4, pointCount: 2, ...receipt }]);
  expect(left).toEqual([
    [5, 1],
    [6, 1],
  ]);
  expect(routed.pointCount).toBe(4);
  // The batch that was written had the first.
  expect(routed.batches.map(({ payload }) => stampNs(stampOfBatch(payload)))).toEqual([101n, 102n]);
  expect(keptBytes).toBeGreaterThan(0);
});

test('own writes: no batch has a stamp beyond those of its body, which others may have; what is left without one goes back', async () => {
  const count = ownStampsMax + 3;
  const shardIds = Array.from({ length: count }, (_, i) => (i + 1) * 2);
  const lines = Array.from({ length: count }, (_, i) => `m f=1 ${i}`).join('\n');
  const many = shardIds.map((shardId, i) => ({ startNs: BigInt(i), endNs: BigInt(i + 1), shardIds: [shardId] })); // prettier-ignore
  const { routed, places } = await run({ ...taskOf(lines, shardIds), groups: many });
  expect(places.length).toBe(ownStampsMax);
  expect(routed.batches.map(({ payload }) => stampOfBatch(payload))).toEqual([noStamp, noStamp, noStamp]); // prettier-ignore
});

test('own writes: without shards of its own a task is routed only', async () => {
  const { own: _, ...task } = taskOf(body, []);
  const { routed, left, places } = await run(task);
  expect(places).toEqual([]);
  expect(routed.written).toBeUndefined();
  expect(left.map(([shardId]) => shardId)).toEqual([4, 5, 6]);
});

test('own writes: a body with a point that lacks a group is not written at all', async () => {
  const { routed, places } = await run(taskOf(`${body}\nm f=5 99`, [4, 6]));
  expect(places).toEqual([]);
  expect(routed.unroutedNs).toEqual([99n]);
});

test('own writes: a batch that failed goes back whole, its memory along with it', async () => {
  const full = new DbError('disk_full', 'no space left');
  const { routed, left, places, keptBytes } = await run(taskOf(body, [4, 6]), (shardId) => (shardId === 4 ? full : undefined)); // prettier-ignore
  expect(places).toEqual(['d.p 4: 2', 'd.p 6: 1']);
  expect(routed.written).toEqual([{ shardId: 6, pointCount: 1, ...receipt }]);
  expect(left).toEqual([
    [4, 2],
    [5, 1],
  ]);
  expect(keptBytes).toBe(1_024);
});

test('own writes: behind a batch that failed those of its shard go back too, in order', async () => {
  // A body in pieces has several batches of one shard.
  const line = (i: number): string => `m,t=${'x'.repeat(60_000)} f=${i} ${i % 10}\n`;
  const task = taskOf(Array.from({ length: 200 }, (_, i) => line(i)).join(''), [4]);
  let count = 0;
  const { routed, left, places } = await run(task, () => (++count === 2 ? new DbError('io_error', 'broken') : undefined)); // prettier-ignore
  expect(places.length).toBeGreaterThan(2);
  expect(routed.written).toHaveLength(1);
  expect(left).toHaveLength(places.length - 1);
  const first = decodePointBatch(routed.batches[0]?.payload ?? new Uint8Array()).shapes[0];
  expect(first?.columns[0]).toContain(routed.written?.[0]?.pointCount);
});

test('own writes: a broken invariant is no failed write', async () => {
  const written = run(taskOf(body, [4]), () => new InvariantError('broken'));
  await expect(written).rejects.toThrow(InvariantError);
});

test('own writes: batches for others lie in the room that came with the body, as far as it reaches', async () => {
  const room = new Uint8Array(new SharedArrayBuffer(400)).fill(255);
  const { routed, left } = await run({ ...taskOf(body, []), own: undefined, room });
  expect(left).toEqual([
    [4, 2],
    [5, 1],
    [6, 1],
  ]);
  const places = routed.batches.map(({ payload }) => payload.buffer === room.buffer);
  expect(places).toEqual([true, true, false]);
  for (const { payload } of routed.batches) expect(payload.byteOffset % 8).toBe(0);
  // Batches that are written here have the worker's own memory.
  const own = await run({ ...taskOf(body, [4]), room });
  expect(own.left).toEqual([
    [5, 1],
    [6, 1],
  ]);
  expect(own.routed.batches.map(({ payload }) => payload.byteOffset)).toEqual([0, expect.any(Number)]); // prettier-ignore
});
