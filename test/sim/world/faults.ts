export const faultKinds = [
  'crash',
  'lost_unsynced',
  'torn_write',
  'zero_tail',
  'lost_name',
  'lost_batch',
  'partition',
  'one_way',
  'loss',
  'duplicate',
  'delay',
  'reorder',
  'clock_skew',
  'clock_drift',
  'clock_jump',
  'disk_full',
  'io_error',
  'slow_disk',
  'bit_flip',
  'lost_folder',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** How often each kind of fault struck: changed something, not only was switched on. */
export type FaultCounts = Record<FaultKind, number>;

export function createFaultCounts(): FaultCounts {
  return Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;
}
