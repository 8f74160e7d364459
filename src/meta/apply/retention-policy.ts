import { DbError } from '../../base/errors.ts';
import { hourNs } from '../../base/units.ts';
import type { RetentionPolicy, RetentionRules } from '../model/catalog.ts';
import type { PolicySpec } from '../command/command.ts';
import { normalShardGroupDurationNs } from '../model/shard-groups.ts';

const nameBytesMax = 255;
/** Separators of paths, and what the reference does not print: of all kinds of space only the plain one. */
const unprintable = /[/\\\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u;

/** A policy with the spec's rules and defaults for the rest; throws the reference's text when they do not hold. */
export function newPolicy(
  spec: PolicySpec,
  defaults: { readonly name: string; readonly replicaCount: number },
): RetentionPolicy {
  const durationNs = spec.durationNs ?? 0n;
  return checked({
    name: spec.name ?? defaults.name,
    durationNs,
    shardGroupDurationNs: normalShardGroupDurationNs(spec.shardDurationNs ?? 0n, durationNs),
    replicaCount: spec.replication ?? defaults.replicaCount,
    pastLimitNs: spec.pastLimitNs ?? 0n,
    futureLimitNs: spec.futureLimitNs ?? 0n,
    shardGroups: [],
  });
}

/** Groups that exist keep their bounds. The manual has limits of writes as fixed; 1.12.4 changes them. */
export function alteredPolicy(policy: RetentionPolicy, spec: PolicySpec): RetentionPolicy {
  const durationNs = spec.durationNs ?? policy.durationNs;
  const shardDurationNs = spec.shardDurationNs ?? policy.shardGroupDurationNs;
  return checked({
    ...policy,
    name: spec.name ?? policy.name,
    durationNs,
    shardGroupDurationNs: normalShardGroupDurationNs(shardDurationNs, durationNs),
    replicaCount: spec.replication ?? policy.replicaCount,
    pastLimitNs: spec.pastLimitNs ?? policy.pastLimitNs,
    futureLimitNs: spec.futureLimitNs ?? policy.futureLimitNs,
  });
}

/** As the reference compares them: one that is created again with other limits of writes keeps those it has. */
export function isSamePolicy(left: RetentionRules, right: RetentionRules): boolean {
  return (
    left.durationNs === right.durationNs &&
    left.shardGroupDurationNs === right.shardGroupDurationNs &&
    left.replicaCount === right.replicaCount
  );
}

/** Whether a policy is what a spec asks for: what is not said may be anything, but for the shard duration's default. */
export function matchesSpec(policy: RetentionRules, spec: PolicySpec): boolean {
  const { durationNs, replicaCount, pastLimitNs, futureLimitNs } = policy;
  const shardDurationNs = normalShardGroupDurationNs(spec.shardDurationNs ?? 0n, durationNs);
  return (
    (spec.durationNs ?? durationNs) === durationNs &&
    shardDurationNs === policy.shardGroupDurationNs &&
    (spec.replication ?? replicaCount) === replicaCount &&
    (spec.pastLimitNs ?? pastLimitNs) === pastLimitNs &&
    (spec.futureLimitNs ?? futureLimitNs) === futureLimitNs
  );
}

/** Names are folders on disk. */
export function checkName(name: string): void {
  if (name === '.' || name === '..' || unprintable.test(name))
    throw new DbError('invalid_argument', 'invalid name');
  if (new TextEncoder().encode(name).length > nameBytesMax)
    throw new DbError('invalid_argument', 'name too long');
}

/** What is wrong with a spec whatever it is for. */
export function checkSpec({ name, durationNs }: PolicySpec): void {
  if (name !== undefined) checkName(name);
  if (durationNs !== undefined && durationNs !== 0n && durationNs < hourNs)
    throw new DbError('invalid_argument', 'retention policy duration must be at least 1h0m0s');
}

function checked(policy: RetentionPolicy): RetentionPolicy {
  const { name, durationNs, shardGroupDurationNs, replicaCount } = policy;
  if (name === '') throw new DbError('invalid_argument', 'retention policy name required');
  checkSpec({ name, durationNs });
  if (replicaCount < 1)
    throw new DbError('invalid_argument', 'replication factor must be greater than 0');
  if (durationNs !== 0n && durationNs < shardGroupDurationNs) {
    const text = 'retention policy duration must be greater than the shard duration';
    throw new DbError('invalid_argument', text);
  }
  if (policy.pastLimitNs < 0n || policy.futureLimitNs < 0n)
    throw new DbError('invalid_argument', 'negative write limit');
  return policy;
}
