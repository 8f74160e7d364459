/** How many owners of a shard must have a write before it is acknowledged (spec F42). */
export type ConsistencyLevel = 'any' | 'one' | 'quorum' | 'all';

/** Parses the `consistency` parameter; '' means the default, `one`. Undefined for what is no level. */
export function parseConsistencyLevel(text: string): ConsistencyLevel | undefined {
  const level = text.toLowerCase();
  if (level === '') return 'one';
  if (level === 'any' || level === 'one' || level === 'quorum' || level === 'all') return level;
  return undefined;
}

/** Acknowledgements that `level` needs of `ownerCount` owners. */
export function requiredOwners(level: ConsistencyLevel, ownerCount: number): number {
  switch (level) {
    case 'any':
    case 'one':
      return 1;
    case 'quorum':
      return Math.floor(ownerCount / 2) + 1;
    case 'all':
      return ownerCount;
  }
}
