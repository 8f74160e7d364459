export const faultKinds = [
  'crash',
  'lost_unsynced',
  'torn_write',
  'zero_tail',
  'lost_name',
  'lost_batch',
  'partition',
  'loss',
  'duplicate',
  'delay',
  'reorder',
  'clock_jump',
  'disk_full',
  'io_error',
  'bit_flip',
  'slow_disk',
] as const;

export type FaultKind = (typeof faultKinds)[number];

/** How often each kind of fault struck: changed something, not only was switched on. */
export type FaultCounts = Record<FaultKind, number>;

export function createFaultCounts(): FaultCounts {
  return Object.fromEntries(faultKinds.map((kind) => [kind, 0])) as FaultCounts;
}
