import { expect, test } from 'vitest';
import { judgeOwners, type HeldByNode, type JudgedShard } from './judge.ts';
import { Ledger, type Level } from './ledger.ts';

const dayNs = 86_400_000_000_000n;
const shards: readonly JudgedShard[] = [0n, 1n].map((day) => {
  const owners = day === 0n ? [1, 2] : [2, 3];
  return { id: Number(day) + 7, startNs: day * dayNs, endNs: (day + 1n) * dayNs, owners };
});

/** A point of each level at noon of each day, all acknowledged: 0 to 3 of the first day, 4 to 7 of the second. */
function written(): Ledger {
  const ledger = new Ledger();
  for (const day of [0n, 1n])
    for (const level of ['any', 'one', 'quorum', 'all'] satisfies Level[])
      ledger.acknowledge([ledger.send(day * dayNs + dayNs / 2n, level, 1)]);
  return ledger;
}

const nothing = { losses: [], lacks: [], shardIds: new Set() };
const holding = (...held: readonly (readonly number[])[]): HeldByNode =>
  new Map(held.map((values, i) => [i + 1, new Set(values)]));
const first = [0, 1, 2, 3];
const second = [4, 5, 6, 7];
const sound = holding(first, [...first, ...second], second);

test('operations: owners that have all of their shards are as they should be', () => {
  expect(judgeOwners(written(), shards, sound)).toEqual(nothing);
});

test('operations: a point that no node has is lost, and one that a node has which is no owner is on its owners not', () => {
  const held = holding([0, 1, 2], [0, 1, 2, ...second], second);
  expect(judgeOwners(written(), shards, held)).toMatchObject({
    losses: [expect.stringMatching(/^no owner has 1: 3 \(all by data-1/)],
    lacks: [],
  });
  const astray = holding([0, 1, 2], [0, 1, 2, ...second], [...second, 3]);
  expect(judgeOwners(written(), shards, astray).lacks).toEqual([
    expect.stringMatching(/^owners lack 1: 3 .* on data-3 alone$/),
  ]);
});

test('operations: a group of several shards has a point in one of them', () => {
  const group = [...shards, ...shards.map((shard) => ({ ...shard, id: shard.id + 2, owners: [1, 3] }))]; // prettier-ignore
  const held = holding([0, 1, 6, 7], [...first, 4, 5], [2, 3, 4, 5, 6, 7]);
  expect(judgeOwners(written(), group, held).lacks).toEqual([
    expect.stringMatching(/^owners lack 2: 2 .* on data-2,data-3 alone, 3 /),
  ]);
});

test('operations: a point that one owner lacks is told with the owner that has it, and where to repair', () => {
  const held = holding(first, [...first, 4, 5, 7], second);
  expect(judgeOwners(written(), shards, held)).toEqual({
    losses: [],
    lacks: [expect.stringMatching(/^owners lack 1: 6 \(quorum .* on data-3 alone$/)],
    shardIds: new Set([8]),
  });
});

test('operations: a deleted point that is back, and a value that nobody wrote, are told; a deletion nobody answered is either', () => {
  const ledger = written();
  ledger.deleting(ledger.points.slice(2, 4));
  ledger.deleted(ledger.points.slice(2, 3), 1);
  const held = holding([0, 1, 2, 3, 99], [0, 1, 2, 3, ...second], second);
  expect(judgeOwners(ledger, shards, held).losses).toEqual([
    expect.stringMatching(/^deleted and back 1: 2 .* on data-1,data-2$/),
    'never written 1: 99 on data-1',
  ]);
  const uneven = holding([0, 1, 3], [0, 1, ...second], second);
  expect(judgeOwners(ledger, shards, uneven).lacks).toEqual([
    expect.stringMatching(/^owners differ in 1: 3 .* on data-1 alone$/),
  ]);
});

test('operations: a disk that is lost excuses what it alone may have had, until all is well again', () => {
  const ledger = written();
  ledger.lose(1);
  const without = holding([2, 3], [2, 3, 6, 7], [6, 7]);
  expect(judgeOwners(ledger, shards, without)).toEqual(nothing);
  const settled = written();
  settled.settle();
  settled.lose(1);
  expect(judgeOwners(settled, shards, without).losses).toEqual([expect.stringMatching(/^no owner has 4: 0 /)]); // prettier-ignore
});

test('operations: an answer has what both owners acknowledged before it was asked for, and nothing that is gone or comes twice', () => {
  const ledger = new Ledger();
  const [early, alone, doomed] = (['all', 'one', 'quorum'] as const).map((level) => ledger.send(0n, level, 2)); // prettier-ignore
  if (early === undefined || alone === undefined || doomed === undefined) throw new Error('none');
  ledger.acknowledge([early, alone, doomed]);
  ledger.deleting([doomed]);
  ledger.deleted([doomed], 2);
  const asked = ledger.tick();
  ledger.acknowledge([ledger.send(0n, 'all', 2)]);
  expect(ledger.faultOf([0], asked)).toBe('');
  expect(ledger.faultOf([0, 1, 3], asked)).toBe('');
  expect(ledger.faultOf([1], asked)).toMatch(/^1 lack: 0 /);
  expect(ledger.faultOf([0, 2], asked)).toMatch(/^1 were deleted: 2 /);
  expect(ledger.faultOf([0, 0, 9], asked)).toBe('1 were never written: 9; 1 come twice');
});
