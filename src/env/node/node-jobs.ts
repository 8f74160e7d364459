import { DbError } from '../../base/errors.ts';
import type { JobKinds, Jobs } from '../jobs.ts';
import { gunzipBytes } from './gunzip.ts';
import { BcryptThreads } from './passwords/bcrypt-threads.ts';
import { checkPassword, hashPassword } from './passwords/hash-password.ts';

const runners: { readonly [Kind in keyof JobKinds]: Runner<Kind> } = {
  gunzip: ({ bytes, lengthBytesMax }) => gunzipBytes(bytes, lengthBytesMax),
  'hash-password': hashPassword,
  'check-password': checkPassword,
};

type Runner<Kind extends keyof JobKinds> = (
  input: JobKinds[Kind]['input'],
  threads: BcryptThreads,
) => Promise<JobKinds[Kind]['output']>;

/** Jobs on the thread pool of libuv, or threads of their own. close() waits for those that run. */
export class NodeJobs implements Jobs {
  readonly #running = new Set<Promise<unknown>>();
  readonly #threads = new BcryptThreads();
  #closed = false;

  async run<Kind extends keyof JobKinds>(
    kind: Kind,
    input: JobKinds[Kind]['input'],
  ): Promise<JobKinds[Kind]['output']> {
    if (this.#closed) throw new DbError('shutdown', `job ${kind} after close`);
    const job = runners[kind](input, this.#threads);
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
