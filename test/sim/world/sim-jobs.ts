import { DbError } from '../../../src/base/errors.ts';
import { gunzipBytesSync } from '../../../src/env/node/gunzip.ts';
import {
  checkPasswordSync,
  hashPasswordSync,
} from '../../../src/env/node/passwords/hash-password.ts';
import { fraction, type Random } from '../../../src/env/random.ts';
import type { JobKinds, Jobs } from '../../../src/env/jobs.ts';
import type { Life, Loop } from './loop.ts';

const runners: { readonly [Kind in keyof JobKinds]: Runner<Kind> } = {
  gunzip: ({ bytes, lengthBytesMax }) => gunzipBytesSync(bytes, lengthBytesMax),
  'hash-password': hashPasswordSync,
  'check-password': checkPasswordSync,
};

type Runner<Kind extends keyof JobKinds> = (
  input: JobKinds[Kind]['input'],
) => JobKinds[Kind]['output'];

/** The same work, inline, after a delay. */
export class SimJobs implements Jobs {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #random: Random;
  #isClosed = false;

  constructor(loop: Loop, life: Life, random: Random) {
    this.#loop = loop;
    this.#life = life;
    this.#random = random;
  }

  async run<Kind extends keyof JobKinds>(
    kind: Kind,
    input: JobKinds[Kind]['input'],
  ): Promise<JobKinds[Kind]['output']> {
    if (this.#isClosed) throw new DbError('shutdown', `job ${kind} after close`);
    return this.#loop.later(this.#life, fraction(this.#random), () => runners[kind](input));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.resolve();
  }
}
