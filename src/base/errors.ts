/**
 * The one error class of the code base. A code exists only if some caller reacts to it: http/error-reply.ts and
 * rpc/grpc/status.ts map every code, and the type of their tables makes a missing row a compile error.
 * Message texts that users see are the reference server's, word for word.
 */
export const dbErrorCodes = [
  // Asked for wrongly; the text says what is wrong.
  'invalid_argument',
  'parse_error',
  'partial_write',
  'field_type_conflict',
  'too_large',
  // Not there.
  'database_not_found',
  'retention_policy_not_found',
  'measurement_not_found',
  'shard_not_found',
  'node_not_found',
  'not_found',
  'already_exists',
  'conflict',
  // Not allowed.
  'unauthenticated',
  'forbidden',
  'license_invalid',
  'license_limit',
  // A limit with a name was reached; the request had no effect.
  'limit_exceeded',
  'queue_full',
  'cache_full',
  'disk_full',
  // Not now.
  'unavailable',
  'no_leader',
  'not_leader',
  'shutdown',
  'timeout',
  'cancelled',
  'write_failed',
  /** The request may or may not have been applied: the caller must not report either. */
  'outcome_unknown',
  // Damage: path and offset in the text.
  'corrupt',
  'io_error',
  'wrong_cluster',
  /** The metas know less than they have told: nothing is decided before an operator has looked at it. */
  'catalog_forgotten',
  /** What was asked was only for the holder of a lease, and another has it now. */
  'lease_lost',
  /** Planned by what a node has not any more: to be planned anew. */
  'schema_changed',
  'unsupported_version',
  // A statement of the language that this build does not carry yet; the text names it.
  'unsupported',
  'internal',
] as const;

export type DbErrorCode = (typeof dbErrorCodes)[number];

export class DbError extends Error {
  override readonly name = 'DbError';
  readonly code: DbErrorCode;

  constructor(code: DbErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}

/** True for a DbError, and when a code is given, only for that code. */
export function isDbError(error: unknown, code?: DbErrorCode): error is DbError {
  return error instanceof DbError && (code === undefined || error.code === code);
}

/** For logs: where what nobody expected was thrown, on another thread too. */
export function errorPlace(error: unknown): string {
  if (isDbError(error) && typeof error.cause === 'string') return error.cause;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

/** The text of anything thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
