/**
 * Restrictions and grants come and go (spec F96).
 *
 * Invariants:
 * - Ids are unique among all rules.
 * - Bounds: each query and write of a restricted user looks at all of them.
 */
import { DbError } from '../../base/errors.ts';
import type { Command } from '../command/command.ts';
import { noAcl, type Acl, type AclGrant, type AclRule, type TextMatch } from '../model/acl.ts';
import { withAcl } from '../model/catalog-acl.ts';
import type { Catalog } from '../model/catalog.ts';
import { mustFindRole } from './apply-roles.ts';
import { mustFindUser } from './apply-users.ts';

export type AclCommand = Extract<Command, { kind: 'create-acl-rule' | 'drop-acl-rule' }>;

/** Of restrictions, and of grants. */
const rulesMax = 1_000;
const tagsMax = 16;
/** Users and roles of one grant. */
const namesMax = 1_000;
const textLengthMax = 1_024;

export function applyAclCommand(catalog: Catalog, command: AclCommand): Catalog {
  const { acl = noAcl } = catalog;
  const of = command.of === 'grant' ? 'grants' : 'restrictions';
  if (command.kind === 'drop-acl-rule') {
    const left = acl[of].filter(({ id }) => id !== command.ruleId);
    if (left.length === acl[of].length)
      throw new DbError('not_found', `${command.of} not found: ${command.ruleId}`);
    return withAcl(catalog, { ...acl, [of]: left });
  }
  const { users, roles, ...rule } = command.rule;
  checkRule(command.rule);
  if ([...acl.restrictions, ...acl.grants].some(({ id }) => id === rule.id))
    throw new DbError('already_exists', `a rule has the id ${rule.id}`);
  if (acl[of].length >= rulesMax)
    throw new DbError('limit_exceeded', `more than ${rulesMax} ${of}`);
  if (of === 'restrictions')
    return withAcl(catalog, { ...acl, restrictions: [...acl.restrictions, rule] });
  for (const user of users) mustFindUser(catalog, user);
  for (const role of roles) mustFindRole(catalog, role);
  return withAcl(catalog, { ...acl, grants: [...acl.grants, command.rule] });
}

/**
 * The rules of a cluster with those of a backup, of one id the cluster's. Grants are of users and roles that are there. Throws
 * `limit_exceeded` for too many.
 */
export function mergedAcl(
  { restrictions, grants }: Acl,
  given: Acl,
  { users = [], roles = [] }: Pick<Catalog, 'users' | 'roles'>,
): Acl {
  const known = new Set([...restrictions, ...grants].map(({ id }) => id));
  const [userNames, roleNames] = [users, roles].map((all) => new Set(all.map(({ name }) => name)));
  const isNew = (rule: AclRule): boolean => {
    checkRule({ users: [], roles: [], ...rule });
    const isKnown = known.has(rule.id);
    known.add(rule.id);
    return !isKnown;
  };
  const givenGrants = given.grants.filter(isNew).map((grant) => ({
    ...grant,
    users: grant.users.filter((name) => userNames?.has(name)),
    roles: grant.roles.filter((name) => roleNames?.has(name)),
  }));
  const merged = {
    restrictions: [...restrictions, ...given.restrictions.filter(isNew)],
    grants: [...grants, ...givenGrants.filter((one) => one.users.length + one.roles.length > 0)],
  };
  if (Math.max(merged.restrictions.length, merged.grants.length) > rulesMax)
    throw new DbError('limit_exceeded', `more than ${rulesMax} restrictions or grants`);
  return merged;
}

function checkRule({ id, database, measurement, tags, permissions, users, roles }: AclGrant): void {
  if (!/^[0-9a-f]{16}$/.test(id)) throw invalid('the id of a rule has 16 hexadecimal digits');
  checkMatch('database', database);
  if (measurement !== undefined) checkMatch('measurement', measurement);
  if (tags.length > tagsMax) throw invalid(`more than ${tagsMax} tags`);
  for (const tag of tags) {
    if (tag.key === '' || tag.key.length > textLengthMax) throw invalid('tag key required');
    checkMatch(`tag ${tag.key}`, tag);
  }
  if (permissions.length === 0 || new Set(permissions).size < permissions.length)
    throw invalid('permissions required: "read", "write" or both');
  if (users.length + roles.length > namesMax)
    throw invalid(`more than ${namesMax} users and roles`);
}

/** What is equal to nothing names nothing; what begins with nothing is anything. */
function checkMatch(what: string, { match, value }: TextMatch): void {
  if (match === 'exact' && value === '') throw invalid(`${what}: value required`);
  if (value.length > textLengthMax) throw invalid(`${what}: value too long`);
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
