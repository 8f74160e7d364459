import type { Attack } from './attack.ts';
import { badLines, hugeBodies } from './broken-bodies.ts';
import { deepTrees, killed, largeAnswers, manyWindows, wideRows } from './heavy-queries.ts';
import { leavingWriters, stalledReaders, stalledWriters } from './leaving-clients.ts';
import { manyShards, ownWrites } from './own-writes.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ownWrites,
  manyShards,
  hugeBodies,
  leavingWriters,
  stalledWriters,
  badLines,
  stalledReaders,
  wideRows,
  deepTrees,
  largeAnswers,
  manyWindows,
  killed,
];
