import { digestWords } from '../engine/digests/shard-digest.ts';
import { expect, test } from 'vitest';
import { ownedRange, RepairOwner, type OwnerPoints } from '../../../test/support/repair-owner.ts';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import { minTimeNs } from '../../base/units.ts';
import { filterOf } from '../engine/delete-filters.ts';
import { damagedShardError } from '../../storage/engine/damaged-shard.ts';
import { digestMethod, pickedPointsMethod, queueRepairMethod, rangePointsMethod, seriesDigestsMethod, sketchMethod } from '../../meta/client/digest-methods.ts'; // prettier-ignore
import { bringMethod } from '../shards/shard-methods.ts';
import { deflateRawSync } from 'node:zlib';
import { HashFilter } from '../engine/digests/hash-filter.ts';
import { packPoints } from '../engine/digests/packed-points.ts';
import { pickedMax, type PickedPointsTask } from '../engine/digests/sketch-parts.ts';
import type { PackedBatch } from './peer.ts';
import { ShardRepairs, type ShardRepairsPorts } from './repair-shard.ts';

const { signal } = new AbortController();
/** As a node of an earlier release answers. */
const unknownMethod = new DbError('unsupported_version', 'method of a newer release');
const shardId = 1;
const points: OwnerPoints = [
  ['m', 'v', 1n, 1],
  ['m', 'v', 2n, 2],
  ['n', 'v', 3n, 3],
];

/** One shard of three owners; this node is the first of them. */
class Owners {
  readonly owners: readonly RepairOwner[];
  readonly asides: number[] = [];
  /** Nodes whose files came to this one. */
  readonly brought: number[] = [];
  /** Nodes that were asked to bring the shard to themselves; the others repair nothing by themselves where `isAlone`. */
  readonly asked: number[] = [];
  isAlone = true;
  /** Shards of which all owners are known to have the same. */
  readonly repaired: number[] = [];
  /** What keeps files from coming. */
  hindrance: DbError | undefined;
  /** Nobody may read what this node has of the shard. */
  isExpected = false;
  readonly repairs: ShardRepairs;

  private constructor(owners: readonly RepairOwner[], catalog: MemoryMeta['catalog']) {
    this.owners = owners;
    this.repairs = new ShardRepairs({
      meta: { catalog, nodeId: owners[0]?.nodeId ?? 0 },
      clock: { monotonicMs: () => 0 } as ShardRepairsPorts['clock'],
      random: { u32: () => 5 } as ShardRepairsPorts['random'],
      log: { warn: () => undefined, info: () => undefined } as unknown as ShardRepairsPorts['log'],
      local: this.#local(),
      rpc: this.#rpc(),
      of: (nodeId) => this.#accessOf(nodeId),
      bring: (_shard, nodeId) => this.#bring(nodeId),
      take: () => Promise.resolve(),
      turn: () => Promise.resolve(),
      repaired: { note: (id) => this.repaired.push(id) },
    });
  }

  static async of(given: readonly OwnerPoints[], timeNs = 0n): Promise<Owners> {
    const meta = new MemoryMeta();
    await meta.execute({ kind: 'found-cluster', clusterId: 7n });
    for (const i of given.keys())
      await meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
    const policy = { replication: given.length, shardDurationNs: 3_600_000_000_000n };
    await meta.execute({ kind: 'create-database', name: 'd', policy });
    await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [timeNs] }); // prettier-ignore
    const ids = meta.catalog.databases.shard(shardId)?.shard.owners ?? [];
    const owners = ids.map((id, i) => new RepairOwner(id, given[i] ?? []));
    return new Owners(owners, meta.catalog);
  }

  owner(place: number): RepairOwner {
    const found = this.owners[place];
    if (found === undefined) throw new Error(`no owner ${place}`);
    return found;
  }

  #local(): ShardRepairsPorts['local'] {
    const own = this.owner(0);
    const digests: ShardRepairsPorts['local']['digests'] = {
      digest: async function* () {
        const answer = await own.digest({ shardId: 1, ...ownedRange, isAnew: false }, undefined);
        yield undefined;
        if (answer.kind === 'digest') yield answer.words;
      },
      storedDeletes: () => own.deletes(),
      seriesDigests: (task) => own.seriesDigests(task),
      rangePoints: (task) => own.rangePoints(task),
      sketch: async function* (task) {
        yield await own.sketch(task);
      },
      pickedPoints: (task) => own.pickedPoints(task),
    };
    return {
      digests,
      describe: (shardIds) => {
        if (own.damage !== undefined) return Promise.reject(own.damage);
        if (this.isExpected) return Promise.reject(new DbError('unavailable', 'shard 1 is being copied to this node')); // prettier-ignore
        return Promise.resolve({ measurements: measurementsOf(own), lanes: [shardIds] });
      },
      setAside: (id) => {
        this.asides.push(id);
        own.clear();
        return Promise.resolve('aside');
      },
      lacks: () =>
        own.damage === undefined
          ? Promise.resolve(this.isExpected || own.content.length === 0)
          : Promise.reject(own.damage),
      expectCopy: () => {
        this.isExpected = true;
        return Promise.resolve(true);
      },
    };
  }

  /** Nodes are numbered in the order in which they were made: `n0:1` is node 1 more than nothing. */
  #rpc(): ShardRepairsPorts['rpc'] {
    const at = (address: string): RepairOwner => {
      const found = this.owners.find(({ nodeId }) => address === addressOf(nodeId, this.owners));
      if (found === undefined) throw new Error(`nobody at ${address}`);
      return found;
    };
    return {
      call: async (address: string, method: { readonly path: string }, request: PackedBatch) => {
        if (method.path === queueRepairMethod.path) {
          if (this.isAlone) throw new DbError('unsupported', 'anti-entropy service is not enabled');
          this.asked.push(at(address).nodeId);
          return {};
        }
        if (method.path !== bringMethod.path) return { deletes: await at(address).deletes() };
        const outcome = await at(address).bring(request);
        if (outcome === undefined) throw unknownMethod;
        return { outcome };
      },
      stream: async function* (address: string, method: { readonly path: string }, request: never) {
        const owner = at(address);
        if (method.path === digestMethod.path) {
          // As it goes to another node.
          digestMethod.request.encode(request);
          const answer = await owner.digest(
            { shardId: 1, ...ownedRange, isAnew: false },
            undefined,
          );
          yield { digest: undefined, isMissing: answer.kind === 'missing' };
          if (answer.kind === 'digest') yield { digest: new Uint8Array(answer.words.buffer), isMissing: false }; // prettier-ignore
        } else if (method.path === seriesDigestsMethod.path)
          for await (const series of owner.seriesDigests(request)) yield { series };
        else if (method.path === sketchMethod.path) {
          const cells = await owner.sketch(request);
          if (cells === undefined) throw unknownMethod;
          yield { cells };
        } else if (method.path === pickedPointsMethod.path) {
          const { hashes: bytes, ...task } = request as PickedPointsTask & {
            readonly hashes: never;
          };
          const hashes = HashFilter.of(bytes, pickedMax);
          if (hashes === undefined) throw new Error('no hashes');
          for await (const { payload } of owner.pickedPoints({ ...task, hashes }))
            yield { packed: packPoints(payload) };
        } else if (method.path === rangePointsMethod.path)
          for await (const { payload } of owner.rangePoints(request))
            yield { payload: deflateRawSync(payload) };
      },
    } as unknown as ShardRepairsPorts['rpc'];
  }

  #bring(nodeId: number): Promise<number> {
    if (this.hindrance !== undefined) return Promise.reject(this.hindrance);
    const source = this.owners.find((one) => one.nodeId === nodeId);
    if (source === undefined || source.content.length === 0) return Promise.resolve(0);
    this.brought.push(nodeId);
    this.owner(0).copyFrom(source);
    this.isExpected = false;
    return Promise.resolve(1_000);
  }

  #accessOf(nodeId: number): ReturnType<ShardRepairsPorts['of']> {
    const owner = this.owners.find((one) => one.nodeId === nodeId);
    if (owner === undefined) throw new Error(`nobody is node ${nodeId}`);
    return {
      describe: () => {
        if (owner.damage !== undefined) return Promise.reject(owner.damage);
        return Promise.resolve({ measurements: measurementsOf(owner), lanes: [] });
      },
      writeMany: (batches) => {
        for (const { payload } of batches) owner.write(payload);
        return Promise.resolve(batches.map(() => ({ kind: 'written', droppedCount: 0, reason: '' }) as const)); // prettier-ignore
      },
      deletePoints: ({ measurements, minTimeNs: from, maxTimeNs, stamp = 0n }) => {
        owner.delete({ filter: filterOf(measurements), minTimeNs: from, maxTimeNs, stamp });
        return Promise.resolve();
      },
    };
  }
}

function measurementsOf({ content }: RepairOwner): never[] {
  return content.length === 0 ? [] : [{ name: 'm' } as never];
}

function addressOf(nodeId: number, owners: readonly RepairOwner[]): string {
  const first = Math.min(...owners.map((one) => one.nodeId));
  return `n${nodeId - first}:1`;
}

const wrong = damagedShardError(shardId, new DbError('corrupt', 'a block at 17'));

test('repair of a shard: all owners come to have what any of them has', async () => {
  const all = await Owners.of([points.slice(0, 1), points.slice(1, 2), points.slice(2)]);
  await all.repairs.repair(shardId, { signal });
  for (const owner of all.owners) expect(owner.content.length).toBe(3);
});

test('repair of a shard: what an owner got after it was compared comes to those that were compared since', async () => {
  const all = await Owners.of([points.slice(0, 1), points.slice(0, 1), points.slice(0, 2)]);
  const later = await Owners.of([[...points.slice(0, 1), ...points.slice(2)]]);
  const last = all.owner(2);
  const digest = last.digest.bind(last);
  let isFirst = true;
  last.digest = (...task) => {
    if (isFirst) all.owner(1).copyFrom(later.owner(0));
    isFirst = false;
    return digest(...task);
  };
  await all.repairs.repair(shardId, { signal });
  for (const owner of all.owners) expect(owner.content.length).toBe(3);
});

test('repair of a shard: one of the least times, whose group begins before what 64 bits hold', async () => {
  const all = await Owners.of([[['m', 'v', minTimeNs, 1]], []], minTimeNs);
  await all.repairs.repair(shardId, { signal });
  for (const owner of all.owners) expect(owner.content.length).toBe(1);
});

test('repair of a shard: one owner that fails hinders nobody else, and the repair says so', async () => {
  const all = await Owners.of([points.slice(0, 1), [], points]);
  all.owner(1).damage = new DbError('unavailable', 'node 2 is down');
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow('node 2 is down');
  expect(all.owner(0).content.length).toBe(3);
  expect(all.repaired).toEqual([]);
  expect(all.asides).toEqual([]);
});

test('repair of a shard: its owners are known to have the same once it was with all of them', async () => {
  const all = await Owners.of([points.slice(0, 1), [], points]);
  await all.repairs.repair(shardId, { only: all.owner(2).nodeId, signal });
  expect(all.repaired).toEqual([]);
  await all.repairs.repair(shardId, { signal });
  expect(all.repaired).toEqual([shardId]);
});

test('repair of a shard: bytes that are wrong are set aside and come anew, once another owner has them', async () => {
  const all = await Owners.of([points.slice(0, 2), points]);
  all.owner(0).damage = wrong;
  expect(await all.repairs.compare(shardId, all.owner(1).nodeId, { isAnew: false, signal })).toBe(
    'own-missing',
  );
  await all.repairs.repair(shardId, { signal });
  expect(all.asides).toEqual([shardId]);
  expect(all.owner(0).content).toEqual(all.owner(1).content);
});

test('repair of a shard: an owner that has a shard of nothing is equal to one that has none, which still brings it', async () => {
  const all = await Owners.of([[], []]);
  const other = all.owner(1).nodeId;
  all.owner(0).stale = new Uint32Array(digestWords);
  expect(await all.repairs.compare(shardId, other, { isAnew: false, signal })).toBe('equal');
  all.owner(0).stale = undefined;
  all.owner(1).stale = new Uint32Array(digestWords);
  expect(await all.repairs.compare(shardId, other, { isAnew: false, signal })).toBe('own-missing');
});

test('repair of a shard: what this node lacks comes as files of an owner that has it, and what others have besides as points', async () => {
  const all = await Owners.of([[], [], points.slice(1), points]);
  const report = await all.repairs.repair(shardId, { signal });
  expect(all.brought).toEqual([all.owner(2).nodeId]);
  for (const owner of all.owners) expect(owner.content.length).toBe(3);
  expect(report.ownCount).toBe(1);
  expect(report.movedBytes).toBeGreaterThan(1_000);
});

test('repair of a shard: an owner that lacks it brings it to itself, and gets no point of it before', async () => {
  const all = await Owners.of([points, [], points.slice(1)]);
  all.isAlone = false;
  const report = await all.repairs.repair(shardId, { signal });
  // Asked twice, as all owners are gone through twice.
  expect(new Set(all.asked)).toEqual(new Set([all.owner(1).nodeId]));
  expect(all.owners.map(({ content }) => content.length)).toEqual([3, 0, 3]);
  expect(report.otherCount).toBe(1);
  // What is known to be lost of it is lacked until it has come.
  expect(all.repaired).toEqual([]);
});

test("repair of a shard: an owner whose bytes are wrong is asked to bring another owner's", async () => {
  const all = await Owners.of([points, points.slice(1)]);
  all.isAlone = false;
  all.owner(1).damage = wrong;
  await all.repairs.repair(shardId, { signal });
  expect(all.asked).toEqual([all.owner(1).nodeId]);
});

test('repair of a shard: one that was set aside is not to be read until the files of another owner have come', async () => {
  const all = await Owners.of([points.slice(0, 2), points]);
  all.owner(0).damage = wrong;
  all.hindrance = new DbError('unavailable', 'node 2 has ended');
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow('node 2 has ended');
  expect(all.isExpected).toBe(true);
  expect(all.owner(0).content).toEqual([]);
  // Also one that is written to is tried again by that, and not only once its time has passed.
  expect(await all.repairs.isUnreadable(shardId)).toBe(true);
  all.hindrance = undefined;
  await all.repairs.repair(shardId, { signal });
  expect(all.isExpected).toBe(false);
  expect(all.owner(0).content).toEqual(all.owner(1).content);
  expect(await all.repairs.isUnreadable(shardId)).toBe(false);
});

test('repair of a shard: a node cannot read one whose bytes are wrong; one that it lacks, or a disk that fails, is none of these', async () => {
  const all = await Owners.of([[], points]);
  expect(await all.repairs.isUnreadable(shardId)).toBe(false);
  all.owner(0).damage = wrong;
  expect(await all.repairs.isUnreadable(shardId)).toBe(true);
  all.owner(0).damage = new DbError('unavailable', 'the worker is closing');
  expect(await all.repairs.isUnreadable(shardId)).toBe(false);
});

test('repair of a shard: wrong bytes stay where no other owner has anything of the shard', async () => {
  const all = await Owners.of([points, [], []]);
  all.owner(0).damage = wrong;
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow(wrong.message);
  all.owner(1).damage = new DbError('unavailable', 'down');
  all.owner(2).damage = wrong;
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow();
  expect(all.asides).toEqual([]);
});

test.each([
  new DbError('io_error', 'read 1.tsm: EIO'),
  new DbError('unsupported_version', 'version 9 of shard.json'),
  new DbError('not_found', 'open 1.tsm: ENOENT'),
])('repair of a shard: a shard that fails with $code is no damaged one', async (error) => {
  const all = await Owners.of([points, points]);
  all.owner(0).damage = damagedShardError(shardId, error);
  await expect(all.repairs.compare(shardId, all.owner(1).nodeId, { isAnew: false, signal })).rejects.toThrow(error.message); // prettier-ignore
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow(error.message);
  expect(all.asides).toEqual([]);
});

test('repair of a shard: wrong bytes of another owner set nothing aside here', async () => {
  const all = await Owners.of([points, points]);
  all.owner(1).damage = wrong;
  await expect(all.repairs.repair(shardId, { signal })).rejects.toThrow(wrong.message);
  expect(all.asides).toEqual([]);
});

test('repair of a shard: it is told whether owners have the same', async () => {
  const all = await Owners.of([points, points, points.slice(1)]);
  const compared = (place: number) =>
    all.repairs.compare(shardId, all.owner(place).nodeId, { isAnew: false, signal });
  expect([await compared(1), await compared(2)]).toEqual(['equal', 'differ']);
});

test('repair of a shard: a delete that another owner has not heard of reaches it, and counts as something done', async () => {
  const all = await Owners.of([points, points, points]);
  const one = { stamp: 70n, minTimeNs: 0n, maxTimeNs: 1n, filter: filterOf([{ name: 'm', predicate: undefined }]) }; // prettier-ignore
  all.owner(2).delete(one);
  const { deleteCount, ownCount, otherCount } = await all.repairs.repair(shardId, { signal });
  // This node's first, and what it has come to know the owner that was equal before.
  expect([deleteCount, ownCount, otherCount]).toEqual([2, 0, 0]);
  for (const owner of all.owners) expect([owner.content.length, owner.forgotten]).toEqual([2, [one]]); // prettier-ignore
});

test('repair of a shard: one that is cancelled goes to no other owner', async () => {
  const all = await Owners.of([points, points.slice(1), points.slice(1)]);
  const cancel = new AbortController();
  all.owner(1).deletes = () => {
    cancel.abort(new Error('cancelled'));
    return Promise.reject(new DbError('unavailable', 'no answer'));
  };
  await expect(all.repairs.repair(shardId, { signal: cancel.signal })).rejects.toThrow('cancelled');
  expect(all.owner(2).content.length).toBe(2);
});

test('repair of a shard: equal owners read theirs once each', async () => {
  const all = await Owners.of([points, points]);
  await all.repairs.repair(shardId, { signal });
  expect(all.owners.map(({ digestCount }) => digestCount)).toEqual([1, 1]);
});

test.each([false, true])(
  'repair of a shard: single values that owners lack come, also from one that has no sketches: %s',
  async (isEarlier) => {
    const many: OwnerPoints = Array.from({ length: 400 }, (_, i) => ['m', 'v', BigInt(i), i] as const); // prettier-ignore
    const all = await Owners.of([many.filter((_, i) => i !== 7), many.filter((_, i) => i !== 9)]);
    all.owner(1).isEarlier = isEarlier;
    const { ownCount, otherCount } = await all.repairs.repair(shardId, { signal });
    expect([ownCount, otherCount]).toEqual([1, 1]);
    expect(all.owner(0).content).toEqual(all.owner(1).content);
    expect(all.owner(0).content.length).toBe(400);
    expect(all.owner(1).sketchCount > 0).toBe(!isEarlier);
  },
);
