import { expect, test } from 'vitest';
import { DbError, dbErrorCodes } from '../../base/errors.ts';
import type { Random } from '../../env/random.ts';
import type { ShardInfo } from '../../meta/model/catalog.ts';
import { chooseOwners, isNodeFailure, type OwnerPreference } from './choose-owners.ts';
import { FailedOwners } from './failed-owners.ts';

const random = { u32: () => 0 } as unknown as Random;
const shards: readonly ShardInfo[] = [
  { id: 1, owners: [4, 5] },
  { id: 2, owners: [5, 6] },
];

const noneBehind = () => 0;

function choose(
  localNodeId: number,
  errors: ReadonlyMap<number, unknown>,
  missedAt: OwnerPreference['missedAt'] = noneBehind,
) {
  const failed = new FailedOwners();
  for (const [nodeId, error] of errors) failed.add(nodeId, error);
  return [...chooseOwners(shards, { localNodeId, random, failed, missedAt })];
}

test('choose owners: this node first, else one that is asked anyway', () => {
  expect(choose(5, new Map())).toEqual([[5, [1, 2]]]);
  expect(choose(4, new Map())).toEqual([[4, [1]], [5, [2]]]); // prettier-ignore
});

test('choose owners: an owner that lacks what was written here is asked only when no other is left', () => {
  const missedAt = (shardId: number, nodeId: number) => (shardId === 1 && nodeId === 5 ? 3 : 0);
  expect(choose(5, new Map(), missedAt)).toEqual([[4, [1]], [5, [2]]]); // prettier-ignore
  expect(choose(5, new Map([[4, new Error('down')]]), missedAt)).toEqual([[5, [1, 2]]]);
  const allMissed = (shardId: number, nodeId: number) => (shardId === 1 ? nodeId : 0);
  expect(choose(5, new Map(), allMissed)).toEqual([[4, [1]], [5, [2]]]); // prettier-ignore
});

test('choose owners: a pinned node alone is asked, for the shards that it owns, and no other when it fails', () => {
  const pinned = (pinnedNodeId: number, failed = new FailedOwners()) => {
    const missedAt = (_shardId: number, nodeId: number) => nodeId;
    return [...chooseOwners(shards, { localNodeId: 5, random, failed, missedAt, pinnedNodeId })];
  };
  expect(pinned(6)).toEqual([[6, [2]]]);
  expect(pinned(4)).toEqual([[4, [1]]]);
  expect(pinned(9)).toEqual([]);
  const failed = new FailedOwners();
  failed.add(4, new DbError('unavailable', 'connection refused'));
  expect(() => pinned(4, failed)).toThrow('shard 1 is unavailable: connection refused');
});

test('choose owners: a shard without a live owner is left out where its reader says so', () => {
  const failed = new FailedOwners();
  const down = new DbError('unavailable', 'connection refused');
  for (const nodeId of [4, 5]) failed.add(nodeId, down);
  const choice = { localNodeId: 6, random, failed, missedAt: noneBehind };
  const asked: unknown[] = [];
  const leavesOut = (shardId: number, { cause }: Error): boolean => {
    asked.push([shardId, cause]);
    return true;
  };
  expect([...chooseOwners(shards, { ...choice, leavesOut })]).toEqual([[6, [2]]]);
  expect(asked).toEqual([[1, down]]);
  const without = { ...choice, leavesOut: () => false };
  expect(() => chooseOwners(shards, without)).toThrow('shard 1 is unavailable: connection refused');
});

test.each(['corrupt', 'io_error', 'unavailable', 'unsupported_version'] as const)(
  'choose owners: an owner that fails with %s is passed over, also when it is this node',
  (code) => {
    const error = new DbError(code, '000000001-000000001.tsm');
    expect(isNodeFailure(error)).toBe(true);
    expect(choose(5, new Map([[5, error]]))).toEqual([[4, [1]], [6, [2]]]); // prettier-ignore
    const all = new Map([4, 5].map((node) => [node, error]));
    expect(() => choose(5, all)).toThrow('shard 1 is unavailable: 000000001-000000001.tsm');
  },
);

test('choose owners: a shard that is damaged keeps no other shard of its node from being read there', () => {
  const damaged = (id: number) => new DbError('corrupt', `shard ${id} is damaged: shard.json`);
  expect(choose(5, new Map([[5, damaged(1)]]))).toEqual([[4, [1]], [5, [2]]]); // prettier-ignore
  expect(() => choose(5, new Map([[5, damaged(1)], [4, damaged(1)]]))).toThrow('shard 1 is unavailable: shard 1 is damaged: shard.json'); // prettier-ignore
});

test('choose owners: of owners of which one is away and one has damage, in whatever order, the damage is told', () => {
  const damaged = new DbError('corrupt', 'shard 1 is damaged: shard.json');
  const down = new DbError('unavailable', 'connection refused');
  for (const [first, last] of [[damaged, down], [down, damaged]]) // prettier-ignore
    expect(() => choose(5, new Map([[4, first], [5, last]]))).toThrow('shard 1 is unavailable: shard 1 is damaged: shard.json'); // prettier-ignore
});

test('failed owners: a shard that fails again, and ever more of them, fail the node', () => {
  const damaged = (id: number) => new DbError('corrupt', `shard ${id} is damaged: shard.json`);
  const again = new FailedOwners();
  again.add(5, damaged(1));
  expect([again.has(5, 1), again.has(5, 2)]).toEqual([true, false]);
  again.add(5, damaged(1));
  expect(again.has(5, 2)).toBe(true);
  const many = new FailedOwners();
  for (let id = 1; id <= 8; id++) many.add(5, damaged(id));
  expect(many.has(5, 99)).toBe(false);
  many.add(5, damaged(9));
  expect([many.has(5, 99), many.has(4, 1)]).toEqual([true, false]);
});

test('choose owners: an owner that takes this node for somebody else, as where their clocks differ, is not the only one to ask', () => {
  const apart = new DbError('unauthenticated', 'internal token: it has expired');
  const other = new DbError('wrong_cluster', 'it is of another cluster');
  for (const error of [apart, other]) expect(isNodeFailure(error)).toBe(true);
  expect(choose(6, new Map([[4, apart]]))).toEqual([[5, [1]], [6, [2]]]); // prettier-ignore
});

test('choose owners: what is wrong with the request is so on every owner', () => {
  const others = dbErrorCodes.filter((code) => !isNodeFailure(new DbError(code, '')));
  for (const code of ['invalid_argument', 'parse_error', 'limit_exceeded', 'cancelled', 'internal'])
    expect(others).toContain(code);
  expect(isNodeFailure(new Error('corrupt'))).toBe(false);
});

test('choose owners: of a shard that has no owner left it is said what gives it up', () => {
  const preference = { localNodeId: 4, random, failed: new FailedOwners(), missedAt: noneBehind };
  const text = 'shard 3 is unavailable: it has no owner (DROP SHARD 3 gives it up)';
  expect(() => chooseOwners([{ id: 3, owners: [] }], preference)).toThrow(text);
});

test('choose owners: nobody is asked for a shard that is being restored', () => {
  const preference = { localNodeId: 4, random, failed: new FailedOwners(), missedAt: noneBehind };
  const restoring = [...shards, { id: 3, owners: [4], restoreIndex: 9 }];
  expect(() => chooseOwners(restoring, preference)).toThrow('shard 3 is being restored');
});
