import type { Attack } from './attack.ts';
import { badLines, hugeBodies } from './broken-bodies.ts';
import { deepTrees, killed, largeAnswers, manyWindows, wideRows } from './heavy-queries.ts';
import { leavingWriters, stalledReaders, stalledWriters } from './leaving-clients.ts';
import { briefDatabases } from './brief-databases.ts';
import { longKeys, oddNames } from './odd-names.ts';
import { foreignAddresses } from './foreign-addresses.ts';
import { forgedRequests } from './forged-requests.ts';
import { manyShards, ownWrites } from './own-writes.ts';
import { longOverMany } from './long-over-many.ts';
import { portNoise } from './port-noise.ts';
import { slowForms } from './slow-forms.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ownWrites,
  manyShards,
  hugeBodies,
  leavingWriters,
  stalledWriters,
  badLines,
  stalledReaders,
  briefDatabases,
  longKeys,
  oddNames,
  wideRows,
  deepTrees,
  largeAnswers,
  manyWindows,
  killed,
  forgedRequests,
  foreignAddresses,
  portNoise,
  slowForms,
  longOverMany,
];
