import type { Jobs } from './jobs.ts';
import { saltBytesOf, type PasswordScheme } from './password-scheme.ts';
import type { Random } from './random.ts';

export interface HashPorts {
  readonly jobs: Jobs;
  readonly random: Random;
  readonly passwordScheme: PasswordScheme;
}

const wordBytes = 4;

/** What is kept of a new password. Throws `invalid_argument` for one that is too long for bcrypt. */
export function newHash(
  password: string,
  { jobs, random, passwordScheme: scheme }: HashPorts,
): Promise<string> {
  const saltBytes = saltBytesOf(scheme);
  const length = Math.ceil(saltBytes / wordBytes);
  const words = Uint32Array.from({ length }, () => random.u32());
  return jobs.run('hash-password', {
    password,
    scheme,
    salt: new Uint8Array(words.buffer, 0, saltBytes),
  });
}
