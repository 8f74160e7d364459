/** What `POST /user` and `POST /role` say (spec 3.4), checked field by field. */
import { permissions, type Permission } from '../../base/permission.ts';
import { DbError } from '../../base/errors.ts';
import type { ScopedPermissions } from '../../meta/model/catalog.ts';
import { isRecord, readJsonObject } from './json-object.ts';

export interface UserRequest {
  readonly action: string;
  readonly name: string;
  readonly password: string;
  /** Of a password that nobody has to say. */
  readonly hash: string;
  readonly permissions: readonly ScopedPermissions[];
}

export interface RoleRequest {
  readonly action: string;
  readonly name: string;
  readonly permissions: readonly ScopedPermissions[];
  readonly users: readonly string[];
}

/** Of a name, a password, a hash. */
const textLengthMax = 4_096;
const usersMax = 10_000;

/** Throws `invalid_argument` with the reference's texts. */
export function readUserRequest(body: unknown): UserRequest {
  const { action, of } = readBody(body, 'user');
  const name = textOf(of, 'name');
  if (name === '') throw wrong('username required');
  const password = textOf(of, 'password');
  return { action, name, password, hash: textOf(of, 'hash'), permissions: permissionsOf(of) };
}

/** Throws `invalid_argument` with the reference's texts. */
export function readRoleRequest(body: unknown): RoleRequest {
  const { action, of } = readBody(body, 'role');
  const name = textOf(of, 'name');
  if (name === '') throw wrong('role name required');
  const users = of['users'] ?? [];
  const isList = Array.isArray(users) && users.length <= usersMax && users.every((user) => typeof user === 'string'); // prettier-ignore
  if (!isList) throw wrong('users must be a list of names');
  return { action, name, permissions: permissionsOf(of), users };
}

function readBody(body: unknown, what: 'user' | 'role') {
  const { action, [what]: of } = readJsonObject(body);
  if (!isRecord(of)) throw wrong(`invalid ${what}`);
  return { action: typeof action === 'string' ? action : '', of };
}

function textOf(of: Readonly<Record<string, unknown>>, name: string): string {
  const value = of[name] ?? '';
  if (typeof value === 'string' && value.length <= textLengthMax) return value;
  throw wrong(`${name} must be a text of at most ${textLengthMax} characters`);
}

/** A list that Go never made is null: Chronograf sends those of databases where it changes nothing. */
function permissionsOf(of: Readonly<Record<string, unknown>>): readonly ScopedPermissions[] {
  const given = of['permissions'] ?? {};
  if (!isRecord(given)) throw wrong('permissions must be lists by database');
  return Object.entries(given).map(([scope, listed]) => {
    const names = listed ?? [];
    if (!Array.isArray(names)) throw wrong('permissions must be lists by database');
    return { scope, permissions: [...new Set(names.map(permissionOf))] };
  });
}

function permissionOf(name: unknown): Permission {
  // The reference's table of them has it misspelled, and so may whoever copied it.
  const asked = name === 'ManageContnuousQuery' ? 'ManageContinuousQuery' : name;
  const found = permissions.find((one) => one === asked);
  if (found === undefined) throw wrong(`invalid permission: ${String(name)}`);
  return found;
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
