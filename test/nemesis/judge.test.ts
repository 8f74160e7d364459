import { expect, test } from 'vitest';
import { describeLacks, findDifferences, findLosses, isHeld, withoutPoint, type Ledger, type NodeHeld } from './judge.ts'; // prettier-ignore

const ledger: Ledger = {
  acknowledged: new Map([
    ['any', [1, 3]],
    ['all', [2]],
  ]),
  told: new Map([1, 2, 3].map((number) => [number, `by node ${number}`])),
};

type Points = Readonly<Record<string, readonly number[]>>;

function node(
  nodeId: number,
  points: Points,
  registers: Readonly<Record<string, number>> = {},
): NodeHeld {
  // prettier-ignore
  const sets = Object.entries(points).map(([level, numbers]) => [level, new Set(numbers)] as const);
  return { nodeId, points: new Map(sets), registers: new Map(Object.entries(registers)) };
}

const faultsOf = (held: readonly NodeHeld[], of: Ledger = ledger): readonly string[] => [
  ...findLosses(held, of).map(({ fault }) => fault),
  ...findDifferences(held, of, 2).map(({ fault }) => fault),
];

/** Series lie in two shards, whose owners are not the same. */
const sound = [
  node(4, { any: [1, 3, 9] }, { a: 7 }),
  node(5, { any: [1, 3, 9], all: [2] }, { a: 7, b: 8 }),
  node(6, { all: [2] }, { b: 8 }),
];

test('nemesis: owners that have all that was acknowledged, and more of what was not, are as they should be', () => {
  expect(faultsOf(sound)).toEqual(['', '', '', '']);
  expect(describeLacks(sound, ledger, 2)).toBe('');
});

test('nemesis: a point that no owner has is named, with who acknowledged it', () => {
  const held = [node(4, { any: [1], all: [2] }), node(5, { any: [1], all: [2] })];
  expect(faultsOf(held)[0]).toBe('no owner has 1: 3 (by node 3)');
  expect(describeLacks(held, ledger, 2)).toMatch(/^node 4 lacks 1 at any: 3 \(by node 3\); node 5/);
});

test('nemesis: a point, or a value, that one owner lacks is told although the other has it', () => {
  const lacking = [node(4, { any: [1] }), ...sound.slice(1)];
  expect(faultsOf(lacking)).toEqual(['', '', 'node 4 lacks 1 at any: 3 (by node 3)', 'they differ in any,a']); // prettier-ignore
  const differing = [sound[0], node(5, { any: [1, 3, 9], all: [2] }, { a: 6, b: 8 }), sound[2]];
  expect(faultsOf(differing as NodeHeld[])).toEqual(['', '', '', 'they differ in a']);
  const more = [node(4, { any: [1, 3, 9, 10] }, { a: 7 }), ...sound.slice(1)];
  expect(faultsOf(more)).toEqual(['', '', '', 'they differ in any']);
});

test('nemesis: an owner that has nothing of a series at all is told', () => {
  const held = [node(4, {}), ...sound.slice(1)];
  expect(faultsOf(held)).toEqual(['', '', '1 nodes have any at any', 'they differ in a']);
});

test('nemesis: what proves nothing does not pass', () => {
  const none = { ...ledger, acknowledged: new Map([['quorum', []]]) };
  expect(faultsOf(sound, none)[0]).toBe('nothing shows that the level keeps them');
});

test('nemesis: a point that was taken away on purpose is not waited for, and whatever else is lacking is', () => {
  const held = [node(4, { any: [1, 9] }, { a: 7 }), node(5, { any: [1, 9], all: [2] }, { a: 7, b: 8 }), ...sound.slice(2)]; // prettier-ignore
  expect([isHeld(held, 3), isHeld(sound, 3), isHeld(sound, 2)]).toEqual([false, true, true]);
  expect(describeLacks(held, withoutPoint(ledger, 3), 2)).toBe('');
  expect(describeLacks(held, withoutPoint(ledger, 1), 2)).toMatch(/^node 4 lacks 1 at any: 3 /);
});
