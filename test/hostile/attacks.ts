import type { Attack } from './attack.ts';
import { briefDatabases } from './brief-databases.ts';
import { deepTrees, killed, largeAnswers, manyWindows, wideRows } from './heavy-queries.ts';
import { longKeys, oddNames } from './odd-names.ts';
import { manyShards, ownWrites } from './own-writes.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ownWrites,
  manyShards,
  briefDatabases,
  longKeys,
  oddNames,
  wideRows,
  deepTrees,
  largeAnswers,
  manyWindows,
  killed,
];
