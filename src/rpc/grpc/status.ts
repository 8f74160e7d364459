/**
 * How an error travels: gRPC's own code for tools, the code of base/errors.ts beside it for nodes, the text escaped as
 * gRPC asks.
 */
import { Buffer } from 'node:buffer';
import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2';
import {
  DbError,
  dbErrorCodes,
  errorText,
  isDbError,
  type DbErrorCode,
} from '../../base/errors.ts';

const codeKey = 'varve-code';

/** gRPC's codes; a missing row does not compile. */
const statusOf: Readonly<Record<DbErrorCode, number>> = {
  invalid_argument: 3,
  parse_error: 3,
  partial_write: 3,
  field_type_conflict: 3,
  too_large: 8,
  database_not_found: 5,
  retention_policy_not_found: 5,
  measurement_not_found: 5,
  shard_not_found: 5,
  node_not_found: 5,
  not_found: 5,
  already_exists: 6,
  conflict: 10,
  unauthenticated: 16,
  forbidden: 7,
  license_invalid: 7,
  license_limit: 7,
  limit_exceeded: 8,
  queue_full: 8,
  cache_full: 8,
  disk_full: 8,
  unavailable: 14,
  no_leader: 14,
  not_leader: 9,
  shutdown: 14,
  timeout: 4,
  cancelled: 1,
  write_failed: 10,
  outcome_unknown: 2,
  corrupt: 15,
  io_error: 13,
  wrong_cluster: 7,
  catalog_forgotten: 9,
  lease_lost: 9,
  schema_changed: 9,
  unsupported_version: 12,
  unsupported: 12,
  internal: 13,
};

/** Of the escaped text: a header block ends at 64 KiB. */
const textBytesMax = 32_768;

export const okTrailers: OutgoingHttpHeaders = { 'grpc-status': '0' };

export function errorTrailers(error: unknown): OutgoingHttpHeaders {
  const code = isDbError(error) ? error.code : 'internal';
  return {
    'grpc-status': String(statusOf[code]),
    'grpc-message': escapeText(errorText(error)),
    [codeKey]: code,
  };
}

/** What trailers say went wrong; undefined when nothing did. */
export function trailersError(trailers: IncomingHttpHeaders): DbError | undefined {
  const status = trailers['grpc-status'];
  if (status === '0') return undefined;
  if (status === undefined) return new DbError('outcome_unknown', 'the answer has no status');
  // Of a server that is none of ours nothing is passed on.
  if (trailers[codeKey] === undefined)
    return new DbError(
      'unavailable',
      `the answer has gRPC status ${status.toString().slice(0, 8)}`,
    );
  const known = dbErrorCodes.find((code) => code === trailers[codeKey]);
  return new DbError(known ?? 'internal', unescapeText(textIn(trailers, 'grpc-message')));
}

export function textIn(headers: IncomingHttpHeaders, key: string): string {
  const value = headers[key];
  return typeof value === 'string' ? value : '';
}

function escapeText(text: string): string {
  let escaped = '';
  // There and back, so that half a surrogate pair becomes U+FFFD.
  for (const character of Buffer.from(text).toString()) {
    const isPlain = character >= ' ' && character <= '~' && character !== '%';
    const part = isPlain ? character : encodeURIComponent(character);
    // encodeURIComponent leaves none of what is not plain as it is.
    if (escaped.length + part.length > textBytesMax) return `${escaped}...`;
    escaped += part;
  }
  // A header begins and ends with no space.
  return escaped.replace(/^ | $/g, '%20');
}

function unescapeText(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
