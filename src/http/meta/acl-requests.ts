/** What `POST /influxdb/v2/acl/restrictions` and `/grants` say (spec 3.4), checked field by field. */
import { DbError } from '../../base/errors.ts';
import { aclPermissions, textMatches, type AclGrant, type AclKind, type AclRule, type TagMatch, type TextMatch } from '../../meta/model/acl.ts'; // prettier-ignore
import { isRecord, readJsonObject } from './json-object.ts';

type Given = Readonly<Record<string, unknown>>;

const ruleFields = ['database', 'measurement', 'tags', 'permissions'] as const;
const fieldsOf: Readonly<Record<AclKind, readonly string[]>> = {
  restriction: ruleFields,
  grant: [...ruleFields, 'users', 'roles'],
};

/**
 * Throws `invalid_argument`. A field that nobody knows is refused: with a misspelled `measurement` passed over a grant would be
 * of the whole database. Bounds are of the command (meta/apply/apply-acl.ts).
 */
export function readAclRequest(of: AclKind, body: unknown): Omit<AclGrant, 'id'> {
  const given = readJsonObject(body);
  mustKnow(given, fieldsOf[of], of);
  const { database, measurement, tags = [], permissions, users = [], roles = [] } = given;
  const rule = {
    database: matchOf(database, 'database'),
    ...(measurement !== undefined && { measurement: matchOf(measurement, 'measurement') }),
    tags: listOf(tags, 'tags').map(tagOf),
    permissions: listOf(permissions, 'permissions').map(permissionOf),
    users: listOf(users, 'users').map((one) => nameOf(one, 'users')),
    roles: listOf(roles, 'roles').map((one) => nameOf(one, 'roles')),
  };
  if (of === 'grant' && rule.users.length + rule.roles.length === 0)
    throw wrong('users or roles required');
  return rule;
}

export function ruleDocument(rule: AclRule & Partial<AclGrant>): unknown {
  const { id, database, measurement, tags, permissions, users = [], roles = [] } = rule;
  return {
    id,
    database: matchDocument(database),
    ...(measurement !== undefined && { measurement: matchDocument(measurement) }),
    ...(tags.length > 0 && { tags: tags.map(({ match, key, value }) => ({ match, key, value })) }),
    permissions,
    ...(users.length > 0 && { users: users.map((name) => ({ name })) }),
    ...(roles.length > 0 && { roles: roles.map((name) => ({ name })) }),
  };
}

function matchDocument({ match, value }: TextMatch): TextMatch {
  return { match, value };
}

function matchOf(given: unknown, what: string): TextMatch {
  if (!isRecord(given)) throw wrong(`${what} required`);
  mustKnow(given, ['match', 'value'], what);
  return textOf(given, what);
}

function tagOf(given: unknown): TagMatch {
  if (!isRecord(given)) throw wrong('tags must be objects');
  mustKnow(given, ['match', 'key', 'value'], 'tags');
  const { key } = given;
  if (typeof key !== 'string' || key === '') throw wrong('tag key required');
  return { key, ...textOf(given, `tag ${key}`) };
}

function textOf({ match, value }: Given, what: string): TextMatch {
  const found = textMatches.find((one) => one === match);
  if (found === undefined) throw wrong(`${what}: match must be "exact" or "prefix"`);
  if (typeof value !== 'string') throw wrong(`${what}: value required`);
  return { match: found, value };
}

function permissionOf(given: unknown): AclRule['permissions'][number] {
  const found = aclPermissions.find((one) => one === given);
  if (found === undefined) throw wrong(`invalid permission: ${String(given)}`);
  return found;
}

function nameOf(given: unknown, what: string): string {
  const name = isRecord(given) ? given['name'] : undefined;
  if (typeof name === 'string' && name !== '') return name;
  throw wrong(`${what} must be objects with a name`);
}

function listOf(given: unknown, what: string): readonly unknown[] {
  if (given === undefined) throw wrong(`${what} required`);
  if (Array.isArray(given)) return given;
  throw wrong(`${what} must be a list`);
}

function mustKnow(given: Given, known: readonly string[], what: string): void {
  const other = Object.keys(given).find((name) => !known.includes(name));
  if (other !== undefined) throw wrong(`${what}: unknown field ${JSON.stringify(other)}`);
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
