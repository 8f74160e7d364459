/** What the installed influxd (1.6) answers otherwise than release 1.12, which is the one to match. */
const differences: readonly (readonly [statement: RegExp, reason: string])[] = [
  [/SERIES EXACT CARDINALITY/, 'before 1.9 a series was counted once for each shard it is in'],
];

/** The reason why two releases differ over a statement; undefined where they should not. */
export function releaseDifference(statement: string): string | undefined {
  return differences.find(([pattern]) => pattern.test(statement))?.[1];
}
