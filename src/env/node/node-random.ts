import { randomFillSync } from 'node:crypto';
import { Prng } from '../../base/prng.ts';
import type { Random } from '../random.ts';

/** A stream seeded with 128 bits of the system's chance. Not for secrets. */
export function createNodeRandom(): Random {
  const [a = 0, b = 0, c = 0, d = 0] = randomFillSync(new Uint32Array(4));
  return new Prng([a, b, c, d]);
}
