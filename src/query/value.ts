/** A value of one cell: int64 and uint64 are bigint, exact. */
export type Value = number | bigint | string | boolean;

/** Linear-time regular expressions in Go's syntax. */
export type Matcher = (text: string) => boolean;
export type MatcherFactory = (pattern: string) => Matcher;
