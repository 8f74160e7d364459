import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MiB } from '../../base/units.ts';
import type { ProposedMove } from '../model/move-plan.ts';
import { planBalance, planLeaving, type PlannedNode, type PlannedShard, type PlanView } from './plan-moves.ts'; // prettier-ignore

function node(id: number, more: Partial<PlannedNode> = {}): PlannedNode {
  return { id, isSilent: false, isPassive: false, ...more };
}

function shard(
  id: number,
  owners: readonly number[],
  more: Partial<PlannedShard> = {},
): PlannedShard {
  // prettier-ignore
  return { id, owners, sizeBytes: 100 * MiB, replicaCount: owners.length, isAwaited: false, ...more };
}

function after(
  { shards }: PlanView,
  moves: readonly ProposedMove[],
): ReadonlyMap<number, readonly number[]> {
  // prettier-ignore
  const owners = new Map(shards.map((one) => [one.id, one.owners]));
  for (const { shardId, fromId, toId, reason } of moves)
    if (reason === '')
      owners.set(shardId, [...new Set([...(owners.get(shardId) ?? []), toId])].filter((id) => id !== fromId)); // prettier-ignore
  return owners;
}

function loads(view: PlanView, moves: readonly ProposedMove[]): ReadonlyMap<number, number> {
  const owners = after(view, moves);
  const load = new Map(view.nodes.map(({ id }) => [id, 0]));
  for (const { id, sizeBytes } of view.shards)
    for (const owner of owners.get(id) ?? []) load.set(owner, (load.get(owner) ?? 0) + sizeBytes);
  return load;
}

const brief = (moves: readonly ProposedMove[]) => moves.map(({ shardId, fromId, toId }) => `${shardId}: ${fromId} to ${toId}`); // prettier-ignore

test('plan: nothing to do, with nothing at all, and where all have as much', () => {
  expect(planBalance({ nodes: [], shards: [] })).toEqual([]);
  expect(planBalance({ nodes: [node(1)], shards: [shard(1, [1])] })).toEqual([]);
  const even = { nodes: [node(1), node(2)], shards: [shard(1, [1]), shard(2, [2])] };
  expect(planBalance(even)).toEqual([]);
});

test('plan: eight shards of two nodes over a new one: as few moves as there are to make', () => {
  const shards = Array.from({ length: 8 }, (_, i) => shard(i + 1, [1, 2]));
  const view = { nodes: [node(1), node(2), node(3)], shards };
  const moves = planBalance(view);
  // 16 replicas: 5, 5 and 6.
  expect(moves).toHaveLength(5);
  expect(moves.every(({ toId }) => toId === 3)).toBe(true);
  expect(new Set(moves.map(({ shardId }) => shardId)).size).toBe(5);
  expect([...loads(view, moves).values()].map((bytes) => bytes / (100 * MiB)).sort()).toEqual([5, 5, 6]); // prettier-ignore
});

test('plan: by bytes, not by number: one large shard weighs as much as ten', () => {
  const small = Array.from({ length: 10 }, (_, i) => shard(i + 2, [2], { sizeBytes: 10 * MiB }));
  const view = { nodes: [node(1), node(2)], shards: [shard(1, [1]), ...small] };
  expect(planBalance(view)).toEqual([]);
  // One move of the right size, not several small ones.
  const other = { nodes: [node(1), node(2)], shards: [shard(1, [1], { sizeBytes: 50 * MiB }), shard(2, [1], { sizeBytes: 30 * MiB }), shard(3, [1], { sizeBytes: 20 * MiB })] }; // prettier-ignore
  expect(brief(planBalance(other))).toEqual(['1: 1 to 2']);
});

test('plan: empty shards are spread too, as they will be written to', () => {
  const shards = Array.from({ length: 4 }, (_, i) => shard(i + 1, [1], { sizeBytes: 0 }));
  const moves = planBalance({ nodes: [node(1), node(2)], shards });
  expect(brief(moves)).toEqual(['1: 1 to 2', '2: 1 to 2']);
});

test('plan: passive and silent nodes take nothing, and nothing is taken from a silent one', () => {
  const shards = [shard(1, [1]), shard(2, [1]), shard(3, [4]), shard(4, [4]), shard(5, [4])];
  const nodes = [node(1), node(2, { isPassive: true }), node(3, { isSilent: true }), node(4, { isSilent: true })]; // prettier-ignore
  expect(planBalance({ nodes, shards })).toEqual([]);
  expect(brief(planBalance({ nodes: [...nodes, node(5)], shards }))).toEqual(['1: 1 to 5']);
});

test('plan: what a restore has not filled stays', () => {
  const shards = [shard(1, [1], { isAwaited: true }), shard(2, [1], { isAwaited: true })];
  const view = { nodes: [node(1), node(2)], shards };
  expect(planBalance(view)).toEqual([]);
  const [first] = planLeaving(view, { leavingId: 1, joiningId: 0 });
  expect(first).toMatchObject({ toId: 0, reason: 'a restore has not filled it yet' });
});

test('plan: replicas stay in as many zones as they are in', () => {
  const nodes = [node(1, { zone: 'a' }), node(2, { zone: 'b' }), node(3, { zone: 'b' })];
  const shards = [shard(1, [1, 2]), shard(2, [1, 2]), shard(3, [1, 2])];
  const moves = planBalance({ nodes, shards });
  expect(moves.map(({ fromId, toId }) => [fromId, toId])).toEqual([[2, 3]]);
  const leaving = planLeaving({ nodes: [...nodes, node(4, { zone: 'a' })], shards }, { leavingId: 1, joiningId: 0 }); // prettier-ignore
  expect(leaving.map(({ toId }) => toId)).toEqual([4, 4, 4]);
  // Where there is no other way it goes into the zone of another replica.
  expect(planLeaving({ nodes, shards }, { leavingId: 1, joiningId: 0 }).map(({ toId }) => toId)).toEqual([3, 3, 3]); // prettier-ignore
});

test('plan: what a node owns goes to the one that takes its place, the rest to the emptiest', () => {
  const shards = [shard(1, [1, 2]), shard(2, [1, 3]), shard(3, [2, 3]), shard(4, [1, 4])];
  const view = { nodes: [node(1), node(2), node(3), node(4)], shards };
  const moves = planLeaving(view, { leavingId: 1, joiningId: 4 });
  expect(brief(moves)).toEqual(['1: 1 to 4', '2: 1 to 4', '4: 1 to 2']);
  const even = planLeaving(view, { leavingId: 1, joiningId: 0 });
  expect(brief(even)).toEqual(['1: 1 to 4', '2: 1 to 2', '4: 1 to 3']);
});

test('plan: an owner too many just goes; one that cannot be replaced stays, and says why', () => {
  const nodes = [node(1), node(2), node(3, { isSilent: true })];
  const more = { nodes, shards: [shard(1, [1, 2], { replicaCount: 1 })] };
  expect(planLeaving(more, { leavingId: 1, joiningId: 0 })).toEqual([{ shardId: 1, fromId: 1, toId: 2, sizeBytes: 0, reason: '' }]); // prettier-ignore
  const full = planLeaving({ nodes, shards: [shard(1, [1, 2])] }, { leavingId: 1, joiningId: 0 });
  expect(full[0]).toMatchObject({ toId: 0, reason: 'every node that may own it does already' });
  const lost = planLeaving({ nodes, shards: [shard(1, [3])] }, { leavingId: 3, joiningId: 0 });
  expect(lost[0]).toMatchObject({ toId: 0, reason: 'no node that answers has a copy of it' });
  // An owner that is silent is no replica to count on.
  const silent = planLeaving({ nodes: [...nodes, node(4)], shards: [shard(1, [1, 3], { replicaCount: 1 })] }, { leavingId: 1, joiningId: 0 }); // prettier-ignore
  expect(silent[0]).toMatchObject({ fromId: 1, toId: 2 });
});

const anyView = fc.integer({ min: 1, max: 6 }).chain((count) => {
  const ids = Array.from({ length: count }, (_, i) => i + 1);
  return fc.record({
    nodes: fc.tuple(...ids.map((id) => fc.record({ id: fc.constant(id), isSilent: fc.boolean(), isPassive: fc.boolean(), zone: fc.constantFrom(undefined, 'a', 'b') }))), // prettier-ignore
    shards: fc.array(fc.record({ owners: fc.subarray(ids, { minLength: 1 }), sizeBytes: fc.integer({ min: 0, max: 2 ** 33 }), replicaCount: fc.integer({ min: 1, max: 3 }), isAwaited: fc.boolean() }), { maxLength: 30 }), // prettier-ignore
  });
});

test('plan: of any cluster, replicas stay on nodes of their own and as many, and the fullest has no more', () => {
  fc.assert(
    fc.property(anyView, fc.integer({ min: 1, max: 6 }), ({ nodes, shards: bare }, leavingId) => {
      const shards = bare.map((one, i) => ({ ...one, id: i + 1 }));
      const view = { nodes, shards };
      const mayTake = new Set(nodes.filter(({ isSilent, isPassive }) => !isSilent && !isPassive).map(({ id }) => id)); // prettier-ignore
      const balance = planBalance(view);
      const leaving = planLeaving(view, { leavingId, joiningId: 0 });
      const owned = after(view, balance);
      for (const one of shards) expect(owned.get(one.id)).toHaveLength(one.owners.length);
      for (const { toId, fromId } of balance) expect([mayTake.has(toId), mayTake.has(fromId)]).toEqual([true, true]); // prettier-ignore
      const of = (load: ReadonlyMap<number, number>) => Math.max(0, ...[...load].filter(([id]) => mayTake.has(id)).map(([, bytes]) => bytes)); // prettier-ignore
      expect(of(loads(view, balance))).toBeLessThanOrEqual(of(loads(view, [])) + 64 * 1_024 * 30);
      const left = after(view, leaving);
      for (const { shardId, toId, reason } of leaving) {
        if (reason !== '') continue;
        expect(left.get(shardId)).not.toContain(leavingId);
        const before = shards.find(({ id }) => id === shardId);
        if (before?.owners.includes(toId) !== true) expect(mayTake.has(toId)).toBe(true);
      }
      const proposed = new Set(leaving.map(({ shardId }) => shardId));
      for (const { id, owners } of shards) expect(proposed.has(id)).toBe(owners.includes(leavingId)); // prettier-ignore
    }),
    { numRuns: 300, seed: 1 },
  );
});
