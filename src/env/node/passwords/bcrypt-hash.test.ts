import { getActiveResourcesInfo } from 'node:process';
import { expect, test } from 'vitest';
import { isBcrypt } from './bcrypt-hash.ts';
import { NodeJobs } from '../node-jobs.ts';

const threadCount = (): number =>
  getActiveResourcesInfo().filter((kind) => kind === 'MessagePort').length;

/** Of the vectors that come with crypt_blowfish, and one that Go's bcrypt has made. */
const vectors = [
  { password: 'U*U', hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW' },
  { password: 'U*U*', hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK' },
  { password: '', hash: '$2a$05$CCCCCCCCCCCCCCCCCCCCC.7uG0VCzI2bS7j6ymqJi9CdcdxiRTWNy' },
] as const;

test('check-password: a bcrypt hash of an imported user fits its password and no other', async () => {
  const jobs = new NodeJobs();
  for (const { password, hash } of vectors) {
    expect(await jobs.run('check-password', { password, hash })).toBe(true);
    expect(await jobs.run('check-password', { password: `${password}x`, hash })).toBe(false);
  }
  await jobs.close();
});

test('check-password: what is no hash, or one that would take minutes, fits nothing', async () => {
  const jobs = new NodeJobs();
  const [{ hash }] = vectors;
  for (const bad of [
    '',
    'U*U',
    hash.slice(0, -1),
    `${hash}A`,
    hash.replace('$05$', '$31$'),
    hash.replace('$05$', '$03$'),
    hash.replace('$2a', '$2x'),
  ]) {
    // prettier-ignore
    expect(isBcrypt(bad)).toBe(false);
    expect(await jobs.run('check-password', { password: 'U*U', hash: bad })).toBe(false);
  }
  await jobs.close();
});

test('check-password: many guesses at once take two threads, and each gets its answer', async () => {
  const jobs = new NodeJobs();
  const [{ password, hash }] = vectors;
  const threadsBefore = threadCount();
  const guesses = Array.from({ length: 100 }, (_, at) =>
    jobs.run('check-password', { password: at % 10 === 0 ? password : `${at}`, hash }),
  );
  expect(threadCount() - threadsBefore).toBeLessThanOrEqual(2);
  const answers = await Promise.all(guesses);
  expect(answers.map((isRight, at) => (isRight ? at : -1)).filter((at) => at >= 0)).toEqual([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]); // prettier-ignore
  await jobs.close();
});
