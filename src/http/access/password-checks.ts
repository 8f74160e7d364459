import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { DbError } from '../../base/errors.ts';
import type { Jobs } from '../../env/jobs.ts';
import type { Random } from '../../env/random.ts';
import type { User } from '../../meta/model/catalog.ts';

/** Hashes are slow on purpose: more than these do not wait for their turn. */
const pendingMax = 256;
/** Users whose password is remembered; beyond them the one longest known is forgotten. */
const rememberedMax = 10_000;
const keyWords = 8;

/**
 * Whether passwords are right (spec F88). The hash of a user costs tens of milliseconds, and clients send their password with
 * every request, so the digest of a right one is remembered until the user has another hash. It is keyed by a secret of
 * this process: it is of no use to who reads it. Only right passwords are remembered, one for each user; equal ones that
 * are asked at once are checked once.
 */
export class PasswordChecks {
  readonly #jobs: Jobs;
  /** No bytes: of them Node makes a key each time, at six times the cost of the digest. */
  readonly #key: KeyObject;
  readonly #remembered = new Map<string, string>();
  readonly #pending = new Map<string, Promise<boolean>>();

  constructor(jobs: Jobs, random: Random) {
    this.#jobs = jobs;
    this.#key = createSecretKey(Uint32Array.from({ length: keyWords }, () => random.u32()));
  }

  /** Throws `queue_full` when too many wait. */
  async isRight({ name, hash }: User, password: string): Promise<boolean> {
    const said = JSON.stringify([name, hash, password]);
    const digest = createHmac('sha256', this.#key).update(said).digest('base64');
    if (this.#remembered.get(name) === digest) return true;
    const pending = this.#pending.get(digest);
    if (pending !== undefined) return pending;
    if (this.#pending.size >= pendingMax)
      throw new DbError('queue_full', 'too many passwords wait to be checked');
    const check = this.#jobs.run('check-password', { password, hash });
    this.#pending.set(digest, check);
    try {
      const isRight = await check;
      if (isRight) this.#remember(name, digest);
      return isRight;
    } finally {
      this.#pending.delete(digest);
    }
  }

  #remember(name: string, digest: string): void {
    this.#remembered.delete(name);
    const [oldest] = this.#remembered.keys();
    if (oldest !== undefined && this.#remembered.size >= rememberedMax)
      this.#remembered.delete(oldest);
    this.#remembered.set(name, digest);
  }
}
