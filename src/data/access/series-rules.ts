/**
 * What a user may read, or write, of the series of one database (spec F96): all but what a restriction matches that no grant of theirs,
 * or of a role of theirs, matches too.
 *
 * Invariants:
 * - The predicate of a measurement and `isAllowed` say the same of each of its series.
 * - A tag is matched where a series has it, and never where it has not, whatever its field of the name says.
 */
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import type { Acl, AclPermission, AclRule, TagMatch, TextMatch } from '../../meta/model/acl.ts';
import type { Predicate } from '../../query/predicate.ts';

/** Those of a database that count for a user, of one permission. */
export interface SeriesRules {
  /** One at least. */
  readonly restrictions: readonly AclRule[];
  readonly grants: readonly AclRule[];
}

/** `all` of the series of a measurement, `none`, or those of a predicate by their tags. */
export type Allowed = 'all' | 'none' | Predicate;

/** What whoever reads or writes a database is bound to; undefined for one who is not. */
export type RulesOf = (database: string) => SeriesRules | undefined;

export interface RuledUser {
  readonly name: string;
  readonly isAdmin: boolean;
  readonly roles: readonly string[];
}

/** Undefined where nothing of the database is restricted for the user. */
export function rulesOf(
  acl: Acl | undefined,
  { name, isAdmin, roles }: RuledUser,
  asked: { readonly permission: AclPermission; readonly database: string },
): SeriesRules | undefined {
  if (acl === undefined || isAdmin) return undefined;
  const isOf = ({ database, permissions }: AclRule): boolean =>
    permissions.includes(asked.permission) && matches(database, asked.database);
  const restrictions = acl.restrictions.filter(isOf);
  if (restrictions.length === 0) return undefined;
  const isOwn = (grant: Acl['grants'][number]): boolean =>
    grant.users.includes(name) || grant.roles.some((role) => roles.includes(role));
  const grants = acl.grants.filter((grant) => isOf(grant) && isOwn(grant));
  // Of all there is, that is: nothing is left of the restrictions.
  if (grants.some(isOfAll)) return undefined;
  return { restrictions, grants };
}

/** What a series of the measurement has to be like. */
export function allowedOf({ restrictions, grants }: SeriesRules, measurement: string): Allowed {
  const isOf = (rule: AclRule): boolean => matchesMeasurement(rule, measurement);
  const restricting = restrictions.filter(isOf);
  if (restricting.length === 0) return 'all';
  const granting = grants.filter(isOf);
  if (granting.some(hasNoTags)) return 'all';
  const granted = granting.map(({ tags }) => all('and', tags.map(isTagged)));
  const isWhole = restricting.some(hasNoTags);
  if (isWhole) return granted.length === 0 ? 'none' : all('or', granted);
  const free = all(
    'and',
    restricting.map(({ tags }) => all('or', tags.map(isUntagged))),
  );
  return all('or', [free, ...granted]);
}

/** The same of one series, by its key. */
export function isAllowed({ restrictions, grants }: SeriesRules, key: string): boolean {
  const { measurement, tags } = parseSeriesKey(key);
  const valueOf = new Map(tags.map((tag) => [tag.key, tag.value]));
  const isOf = (rule: AclRule): boolean =>
    matchesMeasurement(rule, measurement) && rule.tags.every((tag) => hasTag(tag, valueOf));
  return !restrictions.some(isOf) || grants.some(isOf);
}

/** What a statement asks for, of what is allowed. */
export function bounded(
  allowed: Exclude<Allowed, 'none'>,
  predicate: Predicate | undefined,
): Predicate | undefined {
  if (allowed === 'all') return predicate;
  return predicate === undefined ? allowed : { kind: 'and', left: allowed, right: predicate };
}

function matches({ match, value }: TextMatch, text: string): boolean {
  return match === 'exact' ? text === value : text.startsWith(value);
}

function matchesMeasurement({ measurement }: AclRule, name: string): boolean {
  return measurement === undefined || matches(measurement, name);
}

function hasTag(tag: TagMatch, tags: ReadonlyMap<string, string>): boolean {
  const value = tags.get(tag.key) ?? '';
  return value !== '' && matches(tag, value);
}

function hasNoTags({ tags }: AclRule): boolean {
  return tags.length === 0;
}

function isOfAll(rule: AclRule): boolean {
  const { measurement } = rule;
  const isOfAny = measurement === undefined || (measurement.match === 'prefix' && measurement.value === ''); // prettier-ignore
  return isOfAny && hasNoTags(rule);
}

function isTagged(tag: TagMatch): Predicate {
  return tagTest(tag, false);
}

function isUntagged(tag: TagMatch): Predicate {
  return tagTest(tag, true);
}

/** What a series lacks is '' in a predicate, which no tag of a rule matches. */
function tagTest({ match, key: name, value }: TagMatch, negated: boolean): Predicate {
  const operand = { kind: 'tag', name } as const;
  if (match === 'prefix' && value !== '')
    return { kind: 'match', operand, pattern: `^${escaped(value)}`, negated };
  // Any value at all is one that is not missing.
  const isEqual = (match === 'exact') !== negated;
  const right = { kind: 'constant', value: match === 'exact' ? value : '' } as const;
  return { kind: 'compare', operator: isEqual ? '=' : '!=', left: operand, right };
}

function escaped(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A tree no deeper than the logarithm of its parts: walks of it stay shallow. */
function all(kind: 'and' | 'or', parts: readonly Predicate[]): Predicate {
  const [only] = parts;
  if (only !== undefined && parts.length === 1) return only;
  if (only === undefined) return { kind: 'constant', value: kind === 'and' };
  const middle = parts.length >> 1;
  return { kind, left: all(kind, parts.slice(0, middle)), right: all(kind, parts.slice(middle)) };
}
