/**
 * Who votes, as sets: a server is in a membership once, as a voter or as a learner.
 *
 * Invariants:
 * - A change is made of the membership in force when it is proposed, never of one looked at before.
 * - Majorities are counted over different servers: what an earlier release wrote with a server listed twice is read as
 *   if it were there once, by every server alike.
 */
import { DbError } from '../base/errors.ts';
import { isMember, isVoter, type Member, type Membership } from './types.ts';

/** The same members, each once; the membership itself when that is so already. */
export function settledMembership(membership: Membership): Membership {
  const voters = onceEach(membership.voters);
  const learners = onceEach(membership.learners).filter(({ id }) => !isVoter(membership, id));
  const isSettled =
    voters.length === membership.voters.length && learners.length === membership.learners.length;
  return isSettled ? membership : { voters, learners };
}

/** With a member that has no vote yet; one that is there already stays what it is. */
export function withLearner(membership: Membership, member: Member): Membership {
  if (isMember(membership, member.id)) return membership;
  return { ...membership, learners: [...membership.learners, member] };
}

/** With a vote for a learner. Throws `conflict` for one that was removed since it became one. */
export function withVoter(membership: Membership, id: number): Membership {
  if (isVoter(membership, id)) return membership;
  const member = membership.learners.find((one) => one.id === id);
  if (member === undefined)
    throw new DbError('conflict', 'the meta node was removed while it was being added');
  const learners = membership.learners.filter((one) => one !== member);
  return { voters: [...membership.voters, member], learners };
}

export function withoutMember(membership: Membership, id: number): Membership {
  if (!isMember(membership, id)) return membership;
  const without = (members: readonly Member[]) => members.filter((member) => member.id !== id);
  return { voters: without(membership.voters), learners: without(membership.learners) };
}

/**
 * Without one that has no vote. What it had taken of the log it may have lost, and Raft believes no follower that it has less than it had:
 * added again it begins anew.
 */
export function withoutLearner(membership: Membership, id: number): Membership {
  return isVoter(membership, id) ? membership : withoutMember(membership, id);
}

/**
 * Throws `invalid_argument` for what may not follow `before`: a server listed twice, an address with two servers, none
 * left, or more than one voter that comes or goes (majorities of the two might not overlap).
 */
export function checkChange(before: Membership, after: Membership): void {
  const members = [...after.voters, ...after.learners];
  const isDoubled = (key: (member: Member) => unknown): boolean =>
    new Set(members.map(key)).size < members.length;
  if (isDoubled(({ id }) => id) || isDoubled(({ address }) => address))
    throw new DbError('invalid_argument', 'a meta node is a member once');
  const added = after.voters.filter(({ id }) => !isVoter(before, id));
  const removed = before.voters.filter(({ id }) => !isVoter(after, id));
  if (added.length + removed.length > 1)
    throw new DbError('invalid_argument', 'a membership changes by one voter at a time');
  if (after.voters.length === 0)
    throw new DbError('invalid_argument', 'a cluster keeps at least one meta node');
}

function onceEach(members: readonly Member[]): readonly Member[] {
  return members.filter(({ id }, i) => members.findIndex((other) => other.id === id) === i);
}
