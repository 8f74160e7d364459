import type { Attack } from './attack.ts';
import { deepTrees, killed, largeAnswers, manyWindows, wideRows } from './heavy-queries.ts';
import { manyShards, ownWrites } from './own-writes.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ownWrites,
  manyShards,
  wideRows,
  deepTrees,
  largeAnswers,
  manyWindows,
  killed,
];
