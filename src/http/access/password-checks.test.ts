import { expect, test } from 'vitest';
import type { Jobs } from '../../env/jobs.ts';
import { PasswordChecks } from './password-checks.ts';

/** Passwords are right when the hash says so; `checks` are those that cost something, `release` lets them end. */
function open() {
  const checks: string[] = [];
  const held: (() => void)[] = [];
  let isHeld = false;
  const jobs: Jobs = {
    run: async (_kind, input) => {
      const { password, hash } = input as { readonly password: string; readonly hash: string };
      checks.push(password);
      if (isHeld) await new Promise<void>((resolve) => held.push(resolve));
      return hash === `hash of ${password}`;
    },
    close: () => Promise.resolve(),
  };
  let words = 0;
  const passwords = new PasswordChecks(jobs, { u32: () => ++words, f64: () => 0 } as never);
  const hold = (): void => {
    isHeld = true;
  };
  const release = (): void => {
    isHeld = false;
    for (const end of held) end();
  };
  return { checks, passwords, hold, release };
}

function user(password: string, name = 'u') {
  return { name, hash: `hash of ${password}`, isAdmin: false, privileges: [] };
}

test('passwords: a right one is checked once, a wrong one each time', async () => {
  const { checks, passwords } = open();
  for (const _ of [1, 2, 3]) expect(await passwords.isRight(user('a'), 'a')).toBe(true);
  expect(checks).toEqual(['a']);
  for (const _ of [1, 2]) expect(await passwords.isRight(user('a'), 'b')).toBe(false);
  expect(checks).toEqual(['a', 'b', 'b']);
});

test('passwords: one that was right is wrong when the user has another, and for another user', async () => {
  const { passwords } = open();
  expect(await passwords.isRight(user('a'), 'a')).toBe(true);
  expect(await passwords.isRight(user('b'), 'a')).toBe(false);
  expect(await passwords.isRight(user('b', 'v'), 'a')).toBe(false);
  expect(await passwords.isRight(user('b'), 'b')).toBe(true);
});

test('passwords: equal ones at once are one check, and too many others are refused', async () => {
  const { checks, passwords, hold, release } = open();
  hold();
  const equal = Array.from({ length: 1_000 }, () => passwords.isRight(user('a'), 'a'));
  expect(checks).toHaveLength(1);
  const others = Array.from({ length: 255 }, (_, at) => passwords.isRight(user('a'), `x${at}`));
  await expect(passwords.isRight(user('a'), 'y')).rejects.toMatchObject({ code: 'queue_full' });
  release();
  expect(new Set(await Promise.all(equal))).toEqual(new Set([true]));
  expect(new Set(await Promise.all(others))).toEqual(new Set([false]));
  expect(await passwords.isRight(user('y'), 'y')).toBe(true);
});

test('passwords: a check that failed says nothing of the next', async () => {
  let isBroken = true;
  const run = () => (isBroken ? Promise.reject(new Error('its thread has ended')) : Promise.resolve(true)); // prettier-ignore
  const jobs = { run, close: () => Promise.resolve() };
  const passwords = new PasswordChecks(jobs as never, { u32: () => 1, f64: () => 0 } as never);
  await expect(passwords.isRight(user('a'), 'a')).rejects.toThrow('its thread has ended');
  isBroken = false;
  expect(await passwords.isRight(user('a'), 'a')).toBe(true);
});

test('passwords: of more than ten thousand users the one longest known is asked for again', async () => {
  const { checks, passwords } = open();
  const isRight = (i: number) => passwords.isRight(user('a', `u${i}`), 'a');
  for (let i = 0; i < 10_000; i++) await isRight(i);
  expect(await isRight(0)).toBe(true);
  expect(checks).toHaveLength(10_000);
  await isRight(10_000);
  await isRight(1);
  expect(checks).toHaveLength(10_001);
  await isRight(0);
  expect(checks).toHaveLength(10_002);
});
