import type { License } from '../../license/license.ts';

/** A worker for each core that the licence allows and the machine has (spec F3). */
export function workerCountOf({ coresMax }: License, coreCount: number): number {
  return Math.max(1, Math.min(coresMax, coreCount));
}
