import { expect, test } from 'vitest';
import { NodeJobs } from '../node-jobs.ts';
import { readPbkdf2 } from './pbkdf2-hash.ts';

/** Two of passlib's tests, and two with the reference's defaults that Python's hashlib has made. */
const vectors = [
  { password: 'password', hash: '$pbkdf2-sha256$1212$4vjV83LKPjQzk31VI4E0Vw$hsYF68OiOUPdDZ1Fg.fJPeq1h/gXXY7acBp9/6c.tmQ' },
  { password: 'password', hash: '$pbkdf2-sha512$1212$RHY0Fr3IDMSVO/RSZyb5ow$eNLfBK.eVozomMr.1gYa17k9B7KIK25NOEshvhrSX.esqY3s.FvWZViXz4KoLlQI.BzY/YTNJOiKc5gBYFYGww' },
  { password: 'password', hash: '$pbkdf2-sha256$29000$AAECAwQFBgcICQoLDA0ODw$oQniwjLkYbajNGr0RGSng8udgXKplgpN15LZNV56KTQ' },
  { password: 'pässword', hash: '$pbkdf2-sha512$29000$yMnKy8zNzs/Q0dLT1NXW1w$TUGw7zbv50QHZg3N6/c7oItD2OBFSntk5i4Qm46yV81B6zTjFIzACXBZ4F/cn5AG0VR/EkG40t5kJf/k.sOHYQ' },
] as const; // prettier-ignore

test('check-password: a pbkdf2 hash of the reference fits its password and no other', async () => {
  const jobs = new NodeJobs();
  for (const { password, hash } of vectors) {
    expect(await jobs.run('check-password', { password, hash })).toBe(true);
    expect(await jobs.run('check-password', { password: `${password}x`, hash })).toBe(false);
    expect(await jobs.run('check-password', { password: '', hash })).toBe(false);
  }
  await jobs.close();
});

test('check-password: what is no such hash, or one that would take minutes, fits nothing', async () => {
  const jobs = new NodeJobs();
  const [{ hash }] = vectors;
  for (const bad of [
    hash.slice(1),
    hash.slice(0, -8),
    `${hash}AAAA`,
    hash.replace('$1212$', '$0$'),
    hash.replace('$1212$', '$-1$'),
    hash.replace('$1212$', '$9999999$'),
    hash.replace('$1212$', '$99999999999$'),
    hash.replace('sha256', 'sha1'),
    hash.replace('sha256', 'sha512'),
    hash.replace('$4v', '$ 4v'),
  ]) {
    expect([bad, readPbkdf2(bad)]).toEqual([bad, undefined]);
    expect(await jobs.run('check-password', { password: 'password', hash: bad })).toBe(false);
  }
  await jobs.close();
});

test('hash-password: bytes of a password that are no UTF-8 are not those of another', async () => {
  const jobs = new NodeJobs();
  const scheme = { kind: 'pbkdf2', digest: 'sha256', rounds: 1_000, saltBytes: 16 } as const;
  const hash = await jobs.run('hash-password', {
    password: '\ufffd',
    scheme,
    salt: new Uint8Array(16),
  });
  const isRight = (password: string) => jobs.run('check-password', { password, hash });
  expect(await isRight('\ufffd')).toBe(true);
  // A byte of 255, as base/exact-text.ts has it.
  expect(await isRight('\udcff')).toBe(false);
  await jobs.close();
});
