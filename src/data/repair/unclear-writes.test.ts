import { expect, test } from 'vitest';
import { RepairOwner, type OwnerPoints } from '../../../test/support/repair-owner.ts';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { batchOf, silent } from '../../../test/support/store-script.ts';
import { DbError } from '../../base/errors.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { rangePointsMethod } from '../../meta/client/digest-methods.ts';
import {
  isOfClock,
  makeStamp,
  markBrought,
  stampBatch,
  stampBehind,
  stampKey,
  stampNs,
  stampOfBatch,
} from '../../models/stamp.ts';
import { valuesOf } from '../engine/digests/batch-values.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import { UnclearWrites } from './unclear-writes.ts';

const place = { shardId: 1, database: 'd', retentionPolicy: 'autogen' };
const settledMs = 1_000;

function said(lines: string, ns: number): ShardBatch {
  const payload = batchOf(lines);
  stampBatch(payload, makeStamp(BigInt(ns), 2));
  return { ...place, payload };
}

/** This node and another one own the shard, and a third one, whose copy is damaged, where `isDamaged`. */
async function twoOwners(
  theirs: OwnerPoints,
  {
    bytesMax,
    isDamaged = false,
    own = 0,
  }: { readonly bytesMax?: number; readonly isDamaged?: boolean; readonly own?: 0 | 1 } = {},
) {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'found-cluster', clusterId: 7n });
  for (let i = 0; i < (isDamaged ? 3 : 2); i++)
    await meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
  const policy = { replication: isDamaged ? 3 : 2, shardDurationNs: 3_600_000_000_000n };
  await meta.execute({ kind: 'create-database', name: 'd', policy });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  const ids = meta.catalog.dataNodes.map(({ id }) => id);
  const [nodeId = 0, damagedId] = [ids[own], ids[2]];
  const state = {
    nowMs: 0,
    hasHeard: true,
    awaited: new Set<number>(),
    isSilent: false,
    isLeaving: false,
    /** What other owners fail with, and this node's own copy. */
    failure: undefined as Error | undefined,
    refusal: undefined as Error | undefined,
    /** What is wrong with the third owner's copy. */
    damage: new DbError('corrupt', 'shard 1 is damaged: its folder is gone') as Error | undefined,
    saved: [] as readonly ShardBatch[],
    replayed: [] as { readonly batches: readonly ShardBatch[]; readonly isLast: boolean }[],
  };
  const written: { readonly stamp: bigint; readonly values: readonly string[] }[] = [];
  const other = new RepairOwner(9, theirs);
  const unclear = new UnclearWrites(
    {
      clock: { monotonicMs: () => state.nowMs, every: () => ({ cancel: () => undefined }), sleep: () => Promise.resolve() }, // prettier-ignore
      log: silent,
      meta: {
        get catalog() {
          return state.isLeaving ? emptyCatalog : meta.catalog;
        },
        nodeId,
      },
      hearAll: () => Promise.resolve(state.hasHeard),
      isAwaited: (_, owner) => state.awaited.has(owner),
      points: (asked, task) => {
        if (state.isSilent) throw new DbError('unavailable', 'no answer');
        if (state.failure !== undefined) throw state.failure;
        if (asked === damagedId && state.damage !== undefined) throw state.damage;
        // As it travels.
        const { request } = rangePointsMethod;
        return other.rangePoints(request.decode(request.encode(task)));
      },
      replayed: () => Promise.resolve(state.replayed.shift() ?? { batches: [], isLast: true }),
      save: (batches) => {
        state.saved = batches;
      },
      write: ({ payload }) => {
        if (state.refusal !== undefined) return Promise.resolve({ kind: 'failed', error: state.refusal }); // prettier-ignore
        const values = [...valuesOf(payload)].map(({ key, field, timeNs, value }) => `${key} ${field}=${value.value} ${timeNs}`); // prettier-ignore
        written.push({ stamp: stampOfBatch(payload), values });
        return Promise.resolve({ kind: 'written', droppedCount: 0, reason: '' });
      },
    },
    { settledMs, ...(bytesMax !== undefined && { bytesMax }) },
  );
  return { unclear, state, written, owners: meta.catalog.dataNodes.map(({ id }) => id) };
}

test('unclear writes: what another owner has instead is put over a value, as the least later than it', async () => {
  const { unclear, state, written } = await twoOwners([
    ['m,t=a', 'v', 10n, 3],
    ['m,t=b', 'v', 10n, 1],
    ['m,t=a', 'v', 9n, 8],
    ['m,t=a', 'w', 10n, 8],
    ['m,t=c', 'v', 1_000n, 5],
  ]);
  unclear.note(said('m,t=a v=1 10\nm,t=b v=1 10', 5));
  unclear.note(said('m,t=a v=2 10\nm,t=c v=4 1000\nm,t=d v=1 11', 6));
  state.nowMs = settledMs;
  await unclear.look();
  expect(written.map(({ stamp, values }) => [stampNs(stamp), isOfClock(stamp), values])).toEqual([[7n, false, ['m,t=a v=3 10', 'm,t=c v=5 1000']]]); // prettier-ignore
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([0, 1]);
});

test.each([
  ['the first', ['-9223372036854775806']],
  ['the last', ['9223372036854775806']],
  ['the first and the last', ['-9223372036854775806', '9223372036854775806']],
  ['the last years', ['8000000000000000000', '9223372036854775806']],
])('unclear writes: values of %s times are compared too', async (_which, times) => {
  const { unclear, written } = await compared(times);
  expect(written.flatMap(({ values }) => values)).toEqual(times.map((time) => `m v=2 ${time}`));
  expect(unclear.heldCount).toBe(0);
});

async function compared(times: readonly string[]) {
  const owners = await twoOwners(times.map((time) => ['m', 'v', BigInt(time), 2] as const));
  owners.unclear.note(said(times.map((time) => `m v=1 ${time}`).join('\n'), 5));
  owners.state.nowMs = settledMs;
  await owners.unclear.look();
  return owners;
}

test('unclear writes: nothing is compared while copies may be under way, or something waits, or somebody is silent', async () => {
  const { unclear, state, written, owners } = await twoOwners([['m', 'v', 10n, 2]]);
  unclear.note(said('m v=1 10', 5));
  await unclear.look();
  state.nowMs = settledMs;
  state.hasHeard = false;
  await unclear.look();
  state.hasHeard = true;
  for (const owner of owners) {
    state.awaited = new Set([owner]);
    await unclear.look();
  }
  state.awaited = new Set();
  state.isSilent = true;
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([1, 0]);
  state.isSilent = false;
  state.isLeaving = true;
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([1, 0]);
  state.isLeaving = false;
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([0, 1]);
});

test('unclear writes: they are bounded, and what was put over others is not compared again', async () => {
  const first = said('m v=1 10', 5);
  const { unclear } = await twoOwners([], { bytesMax: first.payload.length });
  const over = said('m v=2 10', 6);
  stampBatch(over.payload, stampBehind(makeStamp(6n, 2), makeStamp(6n, 2)));
  unclear.note(over);
  expect(unclear.heldCount).toBe(0);
  unclear.note(first);
  unclear.note(said('m v=1 11', 7));
  expect(unclear.heldCount).toBe(1);
});

function brought(lines: string, ns: number): ShardBatch {
  const batch = said(lines, ns);
  markBrought(batch.payload);
  return batch;
}

test('unclear writes: what was left as it was brought again is put in where the other owner has that very value', async () => {
  const { unclear, state, written } = await twoOwners([
    ['m,t=a', 'v', 10n, 1],
    ['m,t=b', 'v', 10n, 7],
  ]);
  unclear.note(brought('m,t=a v=1 10\nm,t=b v=1 10\nm,t=c v=1 10', 5));
  state.nowMs = settledMs;
  await unclear.look();
  const stamp = makeStamp(5n, 2);
  expect(written.map(({ stamp, values }) => [stampNs(stamp), values])).toEqual([[stampNs(stamp) + 1n, ['m,t=a v=1 10']]]); // prettier-ignore
});

test('unclear writes: what was held is noted, and a run that goes on with it compares it', async () => {
  const theirs: OwnerPoints = [['m', 'v', 10n, 2]];
  const first = await twoOwners(theirs);
  first.unclear.note(said('m v=1 10', 5));
  expect(first.state.saved).toHaveLength(1);
  const second = await twoOwners(theirs);
  second.state.saved = first.state.saved;
  second.unclear.resume(first.state.saved);
  await second.unclear.look();
  expect(second.written).toEqual([]);
  second.state.nowMs = settledMs;
  await second.unclear.look();
  expect(second.written.map(({ values }) => values)).toEqual([['m v=2 10']]);
  expect(second.state.saved).toEqual([]);
});

test('unclear writes: what ends by itself, as a disk that fails or is full, leaves all in doubt; anything else is told of', async () => {
  const { unclear, state, written } = await twoOwners([['m', 'v', 10n, 2]]);
  const outcome = () => unclear.look().then(() => 'kept', (error: unknown) => error); // prettier-ignore
  unclear.note(said('m v=1 10', 5));
  state.nowMs = settledMs;
  for (const code of ['timeout', 'io_error', 'unsupported_version', 'unauthenticated'] as const) {
    state.failure = new DbError(code, 'no answer');
    expect([code, await outcome(), unclear.heldCount]).toEqual([code, 'kept', 1]);
  }
  state.failure = undefined;
  for (const code of ['disk_full', 'cache_full', 'queue_full', 'io_error'] as const) {
    state.refusal = new DbError(code, 'no room');
    expect([code, await outcome(), unclear.heldCount]).toEqual([code, 'kept', 1]);
  }
  // This node's own copy is to be replaced.
  state.refusal = new DbError('corrupt', 'shard 1 is damaged: a block');
  expect([await outcome(), unclear.heldCount, state.saved]).toEqual([state.refusal, 0, []]);
  expect(written).toEqual([]);
});

test('unclear writes: what shards could not tell as the log was replayed is asked for until all are open', async () => {
  const { unclear, state, written } = await twoOwners([['m', 'v', 10n, 2]]);
  state.replayed.push({ batches: [], isLast: false }, { batches: [said('m v=1 10', 5)], isLast: true }); // prettier-ignore
  await unclear.hearReplayed();
  expect(unclear.heldCount).toBe(0);
  await unclear.hearReplayed();
  expect(unclear.heldCount).toBe(1);
  state.nowMs = settledMs;
  await unclear.look();
  expect(written.map(({ values }) => values)).toEqual([['m v=2 10']]);
});

test('unclear writes: an owner whose copy is damaged is waited for by nobody, though hints wait for it', async () => {
  const { unclear, state, written, owners } = await twoOwners([['m', 'v', 10n, 2]], { isDamaged: true }); // prettier-ignore
  const again = said('m v=2 10', 5);
  markBrought(again.payload);
  unclear.note(again);
  state.nowMs = settledMs;
  state.awaited = new Set(owners.slice(2));
  await unclear.look();
  expect([unclear.heldCount, written.map(({ values }) => values)]).toEqual([0, [['m v=2 10']]]);
});

test('unclear writes: an owner that has the shard and is to be brought something is waited for, and so is a disk that fails', async () => {
  const { unclear, state, written, owners } = await twoOwners([['m', 'v', 10n, 2]], { isDamaged: true }); // prettier-ignore
  unclear.note(said('m v=1 10', 5));
  state.nowMs = settledMs;
  state.damage = undefined;
  state.awaited = new Set(owners.slice(2));
  await unclear.look();
  state.awaited = new Set();
  state.damage = new DbError('io_error', 'shard 1 is damaged: its disk fails');
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([1, 0]);
  state.damage = undefined;
  await unclear.look();
  expect([unclear.heldCount, written.length]).toEqual([0, 1]);
});

test('unclear writes: what owners put over values of one batch are batches of their own, whoever else is brought them', async () => {
  const stamps: bigint[] = [];
  // Another owner, or the same one later, puts other values over those of the same batch.
  for (const [own, value] of [
    [0, 3],
    [1, 3],
    [0, 8],
  ] as const) {
    const { unclear, state, written } = await twoOwners([['m,t=a', 'v', 10n, value]], { own });
    unclear.note(said('m,t=a v=1 10', 5));
    state.nowMs = settledMs;
    await unclear.look();
    stamps.push(...written.map(({ stamp }) => stampKey(stamp)));
  }
  expect(new Set(stamps).size).toBe(3);
});
