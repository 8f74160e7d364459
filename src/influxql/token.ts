/** Kinds of token that carry text; keywords and signs are their own upper-case text. */
export interface Token {
  /**
   * `IDENT`, `STRING`, `INTEGER`, `NUMBER`, `DURATIONVAL`, `REGEX`, `BOUND`, `EOF`, `BAD` (illegal character),
   * `BADSTRING`, `BADESCAPE`, `BADREGEX`, a keyword, or a sign such as `<=`.
   */
  readonly kind: string;
  /** The decoded text of a literal or identifier; of `BOUND` the name and its `$`; '' where the kind says it all. */
  readonly text: string;
  /** Zero-based; messages count from one. */
  readonly line: number;
  readonly column: number;
  /** Whether white space or a comment stands before it: some rules want their next sign at once. */
  readonly isAfterBlank?: boolean;
}

/** What messages call a token without a text of its own. */
export function tokenName(kind: string): string {
  return kind === 'BAD' ? 'ILLEGAL' : kind;
}

/** Reserved words (spec 6.1); `name` and `time` are none. */
export const keywords: ReadonlySet<string> = new Set(
  (
    'ALL ALTER ANALYZE ANY AS ASC BEGIN BY CARDINALITY CREATE CONTINUOUS DATABASE DATABASES DEFAULT DELETE DESC ' +
    'DESTINATIONS DIAGNOSTICS DISTINCT DROP DURATION END EVERY EXACT EXPLAIN FIELD FOR FROM FUTURE GRANT GRANTS ' +
    'GROUP GROUPS IN INF INSERT INTO KEY KEYS KILL LIMIT SHOW MEASUREMENT MEASUREMENTS NAME OFFSET ON ORDER PASSWORD ' +
    'PAST POLICY POLICIES PRIVILEGES QUERIES QUERY READ REPLICATION RESAMPLE RETENTION REVOKE SELECT SERIES SET SHARD ' +
    'SHARDS SLIMIT SOFFSET STATS SUBSCRIPTION SUBSCRIPTIONS TAG TO USER USERS VALUES VERBOSE WHERE WITH WRITE AND OR ' +
    'TRUE FALSE'
  ).split(' '),
);
