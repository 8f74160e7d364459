import type { Attack } from './attack.ts';
import { manyShards, ownWrites } from './own-writes.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [ownWrites, manyShards];
