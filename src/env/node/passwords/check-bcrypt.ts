/**
 * Passwords of users that were imported from InfluxDB, which keeps them as bcrypt hashes (decision 20). New hashes are made
 * by scrypt (hash-password.ts), which costs whoever guesses memory too.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

export interface BcryptCheck {
  readonly password: string;
  readonly hash: string;
}

/** Each step doubles the time of a check: a forged hash must not hold a core for minutes. InfluxDB's cost is 10. */
const costMax = 14;
const hashPattern = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;

/** Whether it is a bcrypt hash that is worth a check. */
export function isBcrypt(hash: string): boolean {
  const [, cost] = hashPattern.exec(hash) ?? [];
  return cost !== undefined && Number(cost) >= 4 && Number(cost) <= costMax;
}

/** On a thread of its own. */
export async function checkBcrypt(check: BcryptCheck): Promise<boolean> {
  const worker = new Worker(new URL('./bcrypt-thread.ts', import.meta.url), { workerData: check });
  try {
    const [isSame] = (await once(worker, 'message')) as [unknown];
    return isSame === true;
  } finally {
    await worker.terminate();
  }
}
