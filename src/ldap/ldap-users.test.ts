import { afterEach, expect, test } from 'vitest';
import { serverTable } from '../../test/support/ldap-config.ts';
import { LdapServer, type LdapEntry } from '../../test/support/ldap-server.ts';
import { NodeDirectory } from '../env/node/directory/node-directory.ts';
import type { Directory, DirectorySession } from '../env/directory.ts';
import type { Log } from '../env/log.ts';
import { LdapUsers, notRemembered, rememberedLong, type LdapUsersOptions } from './ldap-users.ts';

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

const reader = { dn: 'cn=reader', attributes: {}, password: 'r' };
const user = (name: string, base = 'o=x'): LdapEntry => ({
  dn: `uid=${name},${base}`,
  attributes: { uid: [name] },
  password: `${name} word`,
});
const group = (name: string, ...members: readonly string[]): LdapEntry => ({
  dn: `ou=${name},ou=groups`,
  attributes: { objectClass: ['groupOfUniqueNames'], ou: [name], uniqueMember: members },
});
const entries = [
  reader,
  user('ann'),
  user('bob'),
  user('twin'),
  user('twin', 'o=y'),
  group('admins', 'uid=ann,o=x'),
  group('devs', 'uid=bob,o=x', 'uid=ann,o=x'),
  group('others', 'uid=bob,o=x'),
];

async function open(some: readonly LdapEntry[] = entries): Promise<LdapServer> {
  const server = await LdapServer.open(some);
  closing.push(() => {
    server.close();
  });
  return server;
}

function configOf(servers: readonly { readonly port: number }[], more = ''): string {
  const all = servers.map(({ port }) =>
    serverTable({ port, password: 'r', bases: ['o=x', 'o=y'], adminGroup: 'admins' }),
  );
  return `enabled = true\n${more}\n${all.join('')}`;
}

function usersOf(
  first: string | undefined,
  options: LdapUsersOptions = rememberedLong,
  directory: Directory = new NodeDirectory(),
) {
  const now = { ms: 0, config: first };
  const said: string[] = [];
  const note = (message: string, fields: object = {}): void =>
    void said.push(`${message} ${JSON.stringify(fields)}`);
  const log = { warn: note, error: note } as unknown as Log;
  let words = 0;
  const random = { u32: () => ++words } as never;
  const users = new LdapUsers(
    { clock: { monotonicMs: () => now.ms }, random, log, directory, config: () => now.config },
    options,
  );
  closing.push(() => {
    void users.close();
  });
  return { users, now, said };
}

const admin = { isAdmin: true, roles: ['rw'] };
const writer = { isAdmin: false, roles: ['rw'] };

test('ldap users: groups are roles and admins; a wrong password, an unknown name and one of two are nobody', async () => {
  const server = await open();
  const { users } = usersOf(configOf([server]));
  expect(users.isEnabled).toBe(true);
  expect(await users.authenticate('ann', 'ann word')).toEqual(admin);
  expect(await users.authenticate('bob', 'bob word')).toEqual(writer);
  expect(await users.identify('bob')).toEqual(writer);
  for (const [name, password] of [
    ['ann', 'bob word'],
    ['ann', ''],
    ['', 'x'],
    ['nobody', 'x'],
    ['twin', 'twin word'],
    ['*', 'ann word'],
    ['ann)(uid=*', 'ann word'],
    ['x'.repeat(1_025), 'x'],
    ['ann', 'x'.repeat(1_025)],
  ] as const)
    expect([name, await users.authenticate(name, password)]).toEqual([name, undefined]);
  expect(await users.identify('twin')).toBeUndefined();
});

test('ldap users: without a configuration, or one that is off, nobody is asked; one that is not understood lets nobody in', async () => {
  const server = await open();
  const { users, now, said } = usersOf(undefined);
  expect([users.isEnabled, await users.authenticate('ann', 'ann word')]).toEqual([
    false,
    undefined,
  ]);
  now.config = configOf([server]).replace('enabled = true', 'enabled = false');
  expect([users.isEnabled, await users.authenticate('ann', 'ann word')]).toEqual([
    false,
    undefined,
  ]);
  now.config = 'enabled = true\n[[servers]]\nhost = "h"\nsecurity = "of a newer release"';
  expect([users.isEnabled, await users.authenticate('ann', 'ann word')]).toEqual([true, undefined]);
  expect(said.join()).toContain('nobody is let in');
  expect(server.asked).toEqual([]);
});

test('ldap users: a right password is remembered for ten minutes, a wrong one never is', async () => {
  const server = await open();
  const { users, now } = usersOf(configOf([server]));
  const askedBy = async (name: string, password: string) => {
    server.asked.length = 0;
    await users.authenticate(name, password);
    return server.asked.length > 0;
  };
  expect(await askedBy('ann', 'ann word')).toBe(true);
  expect(await askedBy('ann', 'ann word')).toBe(false);
  for (const _ of [1, 2]) expect(await askedBy('ann', 'wrong')).toBe(true);
  expect(await askedBy('ann', 'ann word')).toBe(false);
  now.ms = 10 * 60_000;
  expect(await askedBy('ann', 'ann word')).toBe(true);
  users.purge();
  expect(await askedBy('ann', 'ann word')).toBe(true);
  now.config = configOf([server], '# another');
  expect(await askedBy('ann', 'ann word')).toBe(true);
});

test('ldap users: who came by a token has shown no password, and makes none that was checked longer right', async () => {
  const server = await open();
  const { users, now } = usersOf(configOf([server]));
  expect(await users.identify('ann')).toEqual(admin);
  server.asked.length = 0;
  expect(await users.authenticate('ann', 'wrong')).toBeUndefined();
  expect(server.asked).toContain('bind uid=ann,o=x');
  expect(await users.authenticate('ann', 'ann word')).toEqual(admin);
  now.ms = 9 * 60_000;
  await users.identify('ann');
  now.ms = 11 * 60_000;
  server.asked.length = 0;
  await users.authenticate('ann', 'ann word');
  expect(server.asked).toContain('bind uid=ann,o=x');
});

test('ldap users: a password that was changed, and a user who has gone, are told at the next look', async () => {
  const server = await open();
  const { users, now } = usersOf(configOf([server]));
  await users.authenticate('ann', 'ann word');
  server.entries[1] = { ...user('ann'), password: 'new' };
  now.ms = 10 * 60_000;
  expect(await users.authenticate('ann', 'ann word')).toBeUndefined();
  now.ms = 0;
  expect(await users.authenticate('ann', 'ann word')).toBeUndefined();
  expect(await users.authenticate('ann', 'new')).toEqual(admin);
});

test('ldap users: a server that fails hands on to the next, and is left alone for a while; a refusal is the last word', async () => {
  const [first, second] = [
    await open([reader, user('ann')]),
    await open([
      reader,
      { ...user('ann'), password: 'second' },
      user('bob'),
      group('devs', 'uid=bob,o=x'),
    ]),
  ];
  const { users, now, said } = usersOf(configOf([first, second]));
  expect(await users.authenticate('ann', 'second')).toBeUndefined();
  expect(await users.authenticate('bob', 'bob word')).toEqual(writer);
  first.close();
  expect(await users.authenticate('ann', 'second')).toEqual({ isAdmin: false, roles: [] });
  expect(said.join()).toContain('An LDAP server has failed');
  expect(said.join()).not.toContain('second');
  // Nobody there may know of this one, but for the server that rests.
  await expect(users.authenticate('carl', 'x')).rejects.toMatchObject({ code: 'unavailable' });
  second.close();
  now.ms = 3_000;
  await expect(users.authenticate('bob', 'other')).rejects.toMatchObject({ code: 'unavailable' });
});

test('ldap users: while no server answers those who were right are for an hour, and nobody else', async () => {
  const server = await open();
  const { users, now } = usersOf(configOf([server]));
  await users.authenticate('ann', 'ann word');
  server.close();
  now.ms = 59 * 60_000;
  expect(await users.authenticate('ann', 'ann word')).toEqual(admin);
  await expect(users.authenticate('ann', 'wrong')).rejects.toMatchObject({ code: 'unavailable' });
  await expect(users.authenticate('bob', 'bob word')).rejects.toMatchObject({
    code: 'unavailable',
  });
  now.ms = 60 * 60_000;
  await expect(users.authenticate('ann', 'ann word')).rejects.toMatchObject({
    code: 'unavailable',
  });
});

test('ldap users: a refusal of one server counts while another rests, for who was right before, too', async () => {
  const [first, second] = [await open([reader]), await open()];
  const { users, now } = usersOf(configOf([first, second]));
  expect(await users.authenticate('ann', 'ann word')).toEqual(admin);
  second.entries[1] = { ...user('ann'), password: 'new' };
  first.close();
  now.ms = 11 * 60_000;
  expect(await users.authenticate('ann', 'ann word')).toBeUndefined();
  expect(await users.authenticate('ann', 'ann word')).toBeUndefined();
});

/** A directory whose connections come when they are let. */
function heldDirectory() {
  const held: (() => void)[] = [];
  const session: DirectorySession = {
    bind: () => Promise.resolve(true),
    search: (base) => Promise.resolve(base === 'o=x' ? [{ dn: 'uid=u,o=x', values: [] }] : []),
    close: () => undefined,
  };
  const directory: Directory = {
    connect: () =>
      new Promise(
        (resolve) =>
          void held.push(() => {
            resolve(session);
          }),
      ),
  };
  return { directory, held };
}

async function untilSettled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

test('ldap users: equal logins ask once; sixteen ask at once, 256 wait, others are refused', async () => {
  const { directory, held } = heldDirectory();
  const { users } = usersOf(configOf([{ port: 1 }]), rememberedLong, directory);
  const equal = Array.from({ length: 50 }, () => users.authenticate('u', 'same'));
  const others = Array.from({ length: 271 }, (_, i) => users.authenticate('u', `word ${i}`));
  await untilSettled();
  expect(held).toHaveLength(16);
  await expect(users.authenticate('u', 'one more')).rejects.toMatchObject({ code: 'queue_full' });
  while (held.length > 0) {
    held.shift()?.();
    await untilSettled();
  }
  expect(
    new Set(
      [...(await Promise.all(equal)), ...(await Promise.all(others))].map((one) => one?.isAdmin),
    ),
  ).toEqual(new Set([false]));
});

test('ldap users: an answer that was asked for before a purge, or with another configuration, is not remembered', async () => {
  const { directory, held } = heldDirectory();
  const { users, now } = usersOf(configOf([{ port: 1 }]), rememberedLong, directory);
  for (const change of [
    () => {
      users.purge();
    },
    () => {
      now.config = configOf([{ port: 2 }]);
      users.isEnabled.valueOf();
    },
  ]) {
    const before = users.authenticate('u', 'p');
    await untilSettled();
    change();
    held.shift()?.();
    await before;
    const behind = users.authenticate('u', 'p');
    await untilSettled();
    expect(held).toHaveLength(1);
    held.shift()?.();
    await behind;
    users.purge();
  }
});

test('ldap users: what waited for its turn while another configuration came is not remembered either', async () => {
  const { directory, held } = heldDirectory();
  const { users, now } = usersOf(configOf([{ port: 1 }]), rememberedLong, directory);
  const first = Array.from({ length: 16 }, (_, i) => users.authenticate('other', `word ${i}`));
  const waiting = users.authenticate('u', 'p');
  await untilSettled();
  now.config = configOf([{ port: 2 }]);
  expect(users.isEnabled).toBe(true);
  while (held.length > 0) {
    held.shift()?.();
    await untilSettled();
  }
  await Promise.all([...first, waiting]);
  const behind = users.authenticate('u', 'p');
  await untilSettled();
  expect(held).toHaveLength(1);
  held.shift()?.();
  await behind;
});

test('ldap users: what is not to be remembered is not', async () => {
  const server = await open();
  const { users } = usersOf(configOf([server]), notRemembered);
  for (const _ of [1, 2]) {
    server.asked.length = 0;
    expect(await users.authenticate('ann', 'ann word')).toEqual(admin);
    expect(server.asked.length).toBeGreaterThan(0);
  }
});

test('ldap users: warming brings all groups of the members of those that count, so that a login asks for none', async () => {
  const server = await open();
  const { users } = usersOf(configOf([server]));
  users.warm();
  expect(users.warmStatus.state).toBe('running');
  while (users.warmStatus.state === 'running') await untilSettled();
  expect(users.warmStatus).toEqual({ state: 'done', memberCount: 2, doneCount: 2, error: '' });
  server.asked.length = 0;
  expect(await users.authenticate('bob', 'bob word')).toEqual(writer);
  expect(server.asked.filter((one) => one.includes('uniqueMember'))).toEqual([]);
  users.purge();
  await users.authenticate('bob', 'bob word');
  expect(server.asked.filter((one) => one.includes('uniqueMember'))).toHaveLength(1);
});

test('ldap users: a warming can be cancelled, fails with its server, and needs LDAP to be enabled', async () => {
  const { directory, held } = heldDirectory();
  const { users } = usersOf(configOf([{ port: 1 }]), rememberedLong, directory);
  users.warm();
  users.cancelWarm();
  held.shift()?.();
  while (users.warmStatus.state === 'running') await untilSettled();
  expect(users.warmStatus).toMatchObject({ state: 'cancelled', error: '' });
  const server = await open();
  const config = configOf([server]);
  server.close();
  const failing = usersOf(config).users;
  failing.warm();
  while (failing.warmStatus.state === 'running') await untilSettled();
  expect(failing.warmStatus).toMatchObject({
    state: 'failed',
    error: expect.stringContaining('refused') as string,
  });
  expect(() => {
    usersOf(undefined).users.warm();
  }).toThrow('ldap is not enabled');
});
