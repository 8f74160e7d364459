import type { Attack } from './attack.ts';
import { deepTrees, killed, largeAnswers, manyWindows, wideRows } from './heavy-queries.ts';
import { foreignAddresses } from './foreign-addresses.ts';
import { forgedRequests } from './forged-requests.ts';
import { manyShards, ownWrites } from './own-writes.ts';
import { portNoise } from './port-noise.ts';

/** All attacks, in the order in which they run. */
export const attacks: readonly Attack[] = [
  ownWrites,
  manyShards,
  wideRows,
  deepTrees,
  largeAnswers,
  manyWindows,
  killed,
  forgedRequests,
  foreignAddresses,
  portNoise,
];
