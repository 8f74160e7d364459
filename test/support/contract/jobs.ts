import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Jobs } from '../../../src/env/jobs.ts';
import { defaultPasswordScheme, type PasswordScheme } from '../../../src/env/password-scheme.ts';
import type { Run } from './harness.ts';

const failure = (code: string, message: unknown): unknown =>
  expect.objectContaining({ code, message }) as unknown;

const schemes: readonly { readonly scheme: PasswordScheme; readonly head: RegExp }[] = [
  { scheme: defaultPasswordScheme, head: /^\$2a\$10\$$/ },
  ...(['sha256', 'sha512'] as const).map((digest) => ({
    scheme: { kind: 'pbkdf2', digest, rounds: 1_000, saltBytes: 16 } as const,
    head: new RegExp(`^\\$pbkdf2-${digest}\\$1000\\$[^$]{22}\\$$`),
  })),
];
const scryptHash = 'scrypt$16384$8$1$BwcHBwcHBwcHBwcHBwcHBw==$8BTq/VaY7J65HCycBA2Htclb5teqn/+0yTakJppzWm8='; // prettier-ignore

export function jobsContract(name: string, run: Run<{ readonly jobs: Jobs }>): void {
  const plain = new TextEncoder().encode('cpu value=1\n'.repeat(1000));
  const zipped = gzipSync(plain);
  const limit = plain.length;

  test(`${name}: gunzip gives the bytes, up to and including the limit`, () =>
    run(async ({ jobs }) => {
      const got = await jobs.run('gunzip', { bytes: zipped, lengthBytesMax: limit });
      expect(Buffer.compare(got, plain)).toBe(0);
      const empty = await jobs.run('gunzip', { bytes: gzipSync(''), lengthBytesMax: limit });
      expect(empty.length).toBe(0);
      const members = Buffer.concat([gzipSync('a'), gzipSync('b')]);
      const both = await jobs.run('gunzip', { bytes: members, lengthBytesMax: limit });
      expect(new TextDecoder().decode(both)).toBe('ab');
    }));

  test(`${name}: more than the limit is too large`, () =>
    run(async ({ jobs }) => {
      await expect(
        jobs.run('gunzip', { bytes: zipped, lengthBytesMax: limit - 1 }),
      ).rejects.toEqual(failure('too_large', expect.anything()));
    }));

  test(`${name}: what is not gzip is refused with the texts of the reference`, () =>
    run(async ({ jobs }) => {
      const check = async (bytes: Uint8Array, text: string): Promise<void> => {
        await expect(jobs.run('gunzip', { bytes, lengthBytesMax: limit })).rejects.toEqual(
          failure('invalid_argument', text),
        );
      };
      await check(new Uint8Array(0), 'EOF');
      await check(plain, 'gzip: invalid header');
      await check(zipped.subarray(0, zipped.length - 12), 'unexpected EOF');
      await check(zipped.subarray(0, 5), 'unexpected EOF');
      const flipped = Uint8Array.from(zipped);
      flipped[flipped.length - 8] = (flipped[flipped.length - 8] ?? 0) ^ 1;
      await check(flipped, 'gzip: invalid checksum');
    }));

  for (const { scheme, head } of schemes)
    test(`${name}: a password is known by its hash of ${head.source}, and by no other`, () =>
      run(async ({ jobs }) => {
        const hashOf = (password: string, first: number) =>
          jobs.run('hash-password', { password, scheme, salt: Uint8Array.of(first, ...Array<number>(15).fill(7)) }); // prettier-ignore
        const hash = await hashOf('secret é', 1);
        expect(hash.slice(0, hash.lastIndexOf('$') + 1)).toMatch(head);
        expect(await hashOf('secret é', 1)).toBe(hash);
        expect(await hashOf('secret é', 2)).not.toBe(hash);
        expect(await jobs.run('check-password', { password: 'secret é', hash })).toBe(true);
        expect(await jobs.run('check-password', { password: 'secret', hash })).toBe(false);
        expect(await jobs.run('check-password', { password: '', hash })).toBe(false);
        for (const bad of ['$2a$10$x', hash.slice(0, -1), `${hash}A`, ` ${hash}`])
          expect(await jobs.run('check-password', { password: 'secret é', hash: bad })).toBe(false);
      }));

  test(`${name}: hashes of earlier releases are known, whatever new ones are made by`, () =>
    run(async ({ jobs }) => {
      expect(await jobs.run('check-password', { password: 'secret é', hash: scryptHash })).toBe(true); // prettier-ignore
      expect(await jobs.run('check-password', { password: 'secret', hash: scryptHash })).toBe(false); // prettier-ignore
    }));

  test(`${name}: bcrypt takes passwords of up to 72 bytes, as the reference`, () =>
    run(async ({ jobs }) => {
      const scheme = { kind: 'bcrypt', cost: 4 } as const;
      const salt = new Uint8Array(16);
      const longest = 'é'.repeat(36);
      const hash = await jobs.run('hash-password', { password: longest, scheme, salt });
      expect(await jobs.run('check-password', { password: longest, hash })).toBe(true);
      await expect(
        jobs.run('hash-password', { password: `${longest}a`, scheme, salt }),
      ).rejects.toEqual(failure('invalid_argument', 'bcrypt: password length exceeds 72 bytes'));
    }));

  test(`${name}: nothing runs after close`, () =>
    run(async ({ jobs }) => {
      await jobs.close();
      await expect(jobs.run('gunzip', { bytes: zipped, lengthBytesMax: limit })).rejects.toEqual(
        failure('shutdown', expect.anything()),
      );
    }));
}
