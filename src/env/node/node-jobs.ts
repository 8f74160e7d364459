import { DbError } from '../../base/errors.ts';
import type { JobKinds, Jobs } from '../jobs.ts';
import { checkBcrypt, isBcrypt } from './passwords/check-bcrypt.ts';
import { checkPbkdf2, readPbkdf2 } from './passwords/check-pbkdf2.ts';
import { gunzipBytes } from './gunzip.ts';
import { hashPassword, saltOf, sameHash } from './passwords/hash-password.ts';

const runners: { readonly [Kind in keyof JobKinds]: Runner<Kind> } = {
  gunzip: ({ bytes, lengthBytesMax }) => gunzipBytes(bytes, lengthBytesMax),
  'hash-password': ({ password, salt }) => hashPassword(password, salt),
  'check-password': async ({ password, hash }) => {
    if (isBcrypt(hash)) return checkBcrypt({ password, hash });
    const pbkdf2 = readPbkdf2(hash);
    if (pbkdf2 !== undefined) return checkPbkdf2(password, pbkdf2);
    const salt = saltOf(hash);
    return salt !== undefined && sameHash(hash, await hashPassword(password, salt));
  },
};

type Runner<Kind extends keyof JobKinds> = (
  input: JobKinds[Kind]['input'],
) => Promise<JobKinds[Kind]['output']>;

/** Jobs on the thread pool of libuv, or threads of their own. close() waits for those that run. */
export class NodeJobs implements Jobs {
  readonly #running = new Set<Promise<unknown>>();
  #closed = false;

  async run<Kind extends keyof JobKinds>(
    kind: Kind,
    input: JobKinds[Kind]['input'],
  ): Promise<JobKinds[Kind]['output']> {
    if (this.#closed) throw new DbError('shutdown', `job ${kind} after close`);
    const job = runners[kind](input);
    this.#running.add(job);
    try {
      return await job;
    } finally {
      this.#running.delete(job);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#running);
  }
}
