import { expect, test } from 'vitest';
import { membersOf } from '../../test/support/raft-cluster.ts';
import { checkChange, settledMembership, withLearner, withoutLearner, withoutMember, withVoter } from './membership.ts'; // prettier-ignore
import { isMember, quorumOf, type Membership } from './types.ts';

const of = (voters: readonly number[], ...learners: readonly number[]): Membership => ({ voters: membersOf(...voters), learners: membersOf(...learners) }); // prettier-ignore
const [one] = membersOf(1);
const [five] = membersOf(5);

test('membership: who was listed several times is there once, and with a vote if it has one anywhere', () => {
  const settled = of([1, 2], 3, 4);
  expect(settledMembership(settled)).toBe(settled);
  expect(settledMembership(of([1, 2, 1]))).toEqual(of([1, 2]));
  expect(settledMembership(of([1, 2], 3, 3, 4))).toEqual(of([1, 2], 3, 4));
  expect(settledMembership(of([1, 2], 2, 3))).toEqual(of([1, 2], 3));
});

test('membership: a learner is added once, gets a vote, and whoever has one already keeps it', () => {
  const before = of([1, 2], 3, 4);
  if (one === undefined || five === undefined) throw new Error('there are some');
  expect(withLearner(before, one)).toBe(before);
  expect(withLearner(before, five)).toEqual(of([1, 2], 3, 4, 5));
  expect([1, 3, 4, 5].map((id) => isMember(before, id))).toEqual([true, true, true, false]);
  expect(withVoter(before, 3)).toEqual(of([1, 2, 3], 4));
  expect(withVoter(before, 1)).toBe(before);
  expect(() => withVoter(before, 5)).toThrow('the meta node was removed while it was being added');
});

test('membership: a member goes, with a vote or without; one with a vote is not taken out as a learner', () => {
  const before = of([1, 2], 3);
  expect([withoutMember(before, 1), withoutMember(before, 3)]).toEqual([of([2], 3), of([1, 2])]);
  expect(withoutMember(before, 9)).toBe(before);
  expect([withoutLearner(before, 1), withoutLearner(before, 9)]).toEqual([before, before]);
  expect(withoutLearner(before, 3)).toEqual(of([1, 2]));
});

test('membership: one voter comes or goes at a time, and each server and address is there once', () => {
  const before = of([1, 2, 3], 4);
  for (const after of [of([1, 2, 3, 4]), of([1, 2], 4), of([1, 2, 3]), of([1, 2, 3], 4, 5)])
    expect(() => {
      checkChange(before, after);
    }).not.toThrow();
  const shared = { id: 5, address: one?.address ?? '' };
  const refused: readonly (readonly [Membership, string])[] = [
    [of([1, 2, 3], 3), 'a meta node is a member once'],
    [of([1, 2, 3], 4, 4), 'a meta node is a member once'],
    [{ voters: before.voters, learners: [shared] }, 'a meta node is a member once'],
    [{ voters: before.voters, learners: [{ id: 1, address: 'other:1' }] }, 'a meta node is a member once'], // prettier-ignore
    [of([1, 2, 4]), 'a membership changes by one voter at a time'],
    [of([1]), 'a membership changes by one voter at a time'],
    [of([1, 2, 3, 4, 5]), 'a membership changes by one voter at a time'],
  ];
  for (const [after, text] of refused)
    expect(() => {
      checkChange(before, after);
    }).toThrow(text);
  expect(() => {
    checkChange(of([1]), of([], 4));
  }).toThrow('a cluster keeps at least one meta node');
});

test('membership: more than half of those that vote', () => {
  expect([1, 2, 3, 4, 5].map((count) => quorumOf(of(Array.from({ length: count }, (_, i) => i), 9)))).toEqual([1, 2, 2, 3, 3]); // prettier-ignore
});
