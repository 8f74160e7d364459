import type { Jobs } from './jobs.ts';
import type { Random } from './random.ts';

export interface HashPorts {
  readonly jobs: Jobs;
  readonly random: Random;
}

const saltWords = 4;

/** What is kept of a new password. */
export function newHash(password: string, { jobs, random }: HashPorts): Promise<string> {
  const words = Uint32Array.from({ length: saltWords }, () => random.u32());
  return jobs.run('hash-password', { password, salt: new Uint8Array(words.buffer) });
}
