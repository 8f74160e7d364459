import { expect, test } from 'vitest';
import { isBcrypt } from './check-bcrypt.ts';
import { NodeJobs } from '../node-jobs.ts';

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

test('check-password: new hashes are of scrypt, and are checked as before', async () => {
  const jobs = new NodeJobs();
  const hash = await jobs.run('hash-password', { password: 'p', salt: new Uint8Array(16) });
  expect(hash.startsWith('scrypt$')).toBe(true);
  expect(await jobs.run('check-password', { password: 'p', hash })).toBe(true);
  expect(await jobs.run('check-password', { password: 'q', hash })).toBe(false);
  await jobs.close();
});
