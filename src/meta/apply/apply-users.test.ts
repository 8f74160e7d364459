import { expect, test } from 'vitest';
import { applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command } from '../command/command.ts';

class Metas {
  catalog: Catalog = emptyCatalog;
  #index = 0;

  do(command: Command): CommandAnswer {
    const logged = { id: `${++this.#index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.#index, logged);
    this.catalog = catalog;
    return answer;
  }
}

const textOf = (answer: CommandAnswer): string => (answer.ok ? '' : answer.text);

test('users: made once, changed, dropped', () => {
  const metas = new Metas();
  const user = { kind: 'create-user', name: 'u', hash: 'h', isAdmin: false } as const;
  expect(textOf(metas.do({ ...user, name: '' }))).toBe('username required');
  expect(textOf(metas.do(user))).toBe('');
  expect(textOf(metas.do(user))).toBe('user already exists');
  metas.do({ kind: 'set-user-hash', name: 'u', hash: 'h2' });
  metas.do({ kind: 'set-user-admin', name: 'u', isAdmin: true });
  expect(metas.catalog.users).toEqual([{ name: 'u', hash: 'h2', isAdmin: true, privileges: [] }]);
  expect(decodeCatalog(encodeCatalog(metas.catalog)).users).toEqual(metas.catalog.users);
  expect(textOf(metas.do({ kind: 'drop-user', name: 'u' }))).toBe('');
  expect(metas.catalog.users).toBeUndefined();
  for (const command of [
    { kind: 'drop-user', name: 'u' },
    { kind: 'set-user-hash', name: 'u', hash: '' },
    { kind: 'set-user-admin', name: 'u', isAdmin: true },
    { kind: 'set-user-privilege', name: 'u', database: 'd', privilege: 'READ' },
    { kind: 'revoke-user-privilege', name: 'u', database: 'd', privilege: 'READ' },
  ] as const)
    expect(textOf(metas.do(command))).toBe('user not found');
});

test('users: a privilege for each database, which goes with the database', () => {
  const metas = new Metas();
  metas.do({ kind: 'create-user', name: 'u', hash: 'h', isAdmin: false });
  const grant = { kind: 'set-user-privilege', name: 'u', database: 'd' } as const;
  expect(textOf(metas.do({ ...grant, privilege: 'READ' }))).toBe('database not found: d');
  metas.do({ kind: 'create-database', name: 'd' });
  metas.do({ kind: 'create-database', name: 'e' });
  metas.do({ ...grant, privilege: 'READ' });
  metas.do({ ...grant, database: 'e', privilege: 'WRITE' });
  metas.do({ ...grant, privilege: 'ALL PRIVILEGES' });
  const privileges = () => metas.catalog.users?.[0]?.privileges;
  expect(privileges()).toEqual([
    { database: 'e', privilege: 'WRITE' },
    { database: 'd', privilege: 'ALL PRIVILEGES' },
  ]);
  metas.do({ kind: 'drop-database', name: 'd' });
  expect(privileges()).toEqual([{ database: 'e', privilege: 'WRITE' }]);
});

test('users: what is revoked is taken of what is granted by then', () => {
  const metas = new Metas();
  metas.do({ kind: 'create-user', name: 'u', hash: 'h', isAdmin: false });
  const place = { name: 'u', database: 'd' } as const;
  const revoke = (privilege: 'READ' | 'WRITE' | 'ALL PRIVILEGES') => textOf(metas.do({ kind: 'revoke-user-privilege', ...place, privilege })); // prettier-ignore
  const left = () => metas.catalog.users?.[0]?.privileges[0]?.privilege;
  expect(revoke('READ')).toBe('database not found: d');
  metas.do({ kind: 'create-database', name: 'd' });
  const [none, all] = ['NO PRIVILEGES', 'ALL PRIVILEGES'] as const;
  for (const [granted, revoked, want] of [
    [all, 'READ', 'WRITE'],
    [all, 'WRITE', 'READ'],
    [all, all, none],
    ['READ', 'READ', none],
    ['READ', 'WRITE', 'READ'],
    ['WRITE', all, none],
    // Whoever asks may not have heard yet that all was revoked: nothing comes again.
    [none, 'READ', none],
  ] as const) {
    metas.do({ kind: 'set-user-privilege', ...place, privilege: granted });
    expect(revoke(revoked)).toBe('');
    expect([granted, revoked, left()]).toEqual([granted, revoked, want]);
  }
});
