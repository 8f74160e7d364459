import { Buffer } from 'node:buffer';
import { exactBytesOf } from '../base/exact-text.ts';
import { stringifyWellFormed } from '../base/well-formed-json.ts';
import type { FastifyReply } from 'fastify';
import { must } from '../base/assert.ts';
import type { DbErrorCode } from '../base/errors.ts';
import { indentJson } from '../query/emit/json-indent.ts';
import { ByteWriter } from '../query/emit/byte-writer.ts';

/** The status of each error of the code base at the data API (spec 4.0 to 4.2). */
export const errorStatus: Readonly<Record<DbErrorCode, number>> = {
  invalid_argument: 400,
  parse_error: 400,
  partial_write: 400,
  field_type_conflict: 400,
  too_large: 413,
  database_not_found: 404,
  retention_policy_not_found: 500,
  measurement_not_found: 404,
  shard_not_found: 500,
  node_not_found: 500,
  not_found: 404,
  already_exists: 400,
  conflict: 409,
  unauthenticated: 401,
  forbidden: 403,
  license_invalid: 500,
  license_limit: 400,
  limit_exceeded: 503,
  queue_full: 503,
  cache_full: 500,
  disk_full: 500,
  unavailable: 500,
  no_leader: 500,
  not_leader: 500,
  shutdown: 503,
  timeout: 500,
  cancelled: 500,
  write_failed: 500,
  outcome_unknown: 500,
  corrupt: 500,
  io_error: 500,
  wrong_cluster: 500,
  catalog_forgotten: 500,
  lease_lost: 500,
  schema_changed: 500,
  unsupported_version: 500,
  unsupported: 400,
  internal: 500,
};

const headerBytesMax = 1024;
/** The name that Go still has for status 413. */
const tooLargeReason = 'Request Entity Too Large';

/** Of the statuses of errors. */
const reasons: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Unauthorized'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [409, 'Conflict'],
  [413, tooLargeReason],
  [500, 'Internal Server Error'],
  [503, 'Service Unavailable'],
]);

/** What stands behind a status in the first line of an answer, where that is not Node's to write. */
export function reasonOf(status: number): string {
  return must(reasons.get(status), 'a status of an error has a reason');
}

/** `{"error":"<text>"}` with the reference's headers. */
export function sendError(
  reply: FastifyReply,
  status: number,
  text: string,
  { pretty }: { readonly pretty: boolean } = { pretty: false },
): FastifyReply {
  const compact = writeJsonError(text);
  setErrorHeader(reply, text);
  setReason(reply, status);
  // Text would be sent with a charset that the reference does not name.
  return reply
    .code(status)
    .type('application/json')
    .send(pretty ? indentJson(compact) : compact);
}

/** Where the reference has another one than Node. */
export function setReason(reply: FastifyReply, status: number): void {
  if (status === 413) reply.raw.statusMessage = tooLargeReason;
}

/** `{"error":"<text>"}` and a newline. */
export function writeJsonError(text: string): Buffer {
  const writer = new ByteWriter();
  writer.ascii('{"error":');
  writer.jsonString(text);
  writer.ascii('}\n');
  return writer.take();
}

export function setErrorHeader(reply: FastifyReply, text: string): void {
  reply.raw.setHeader('X-Influxdb-Error', errorHeader(text));
}

/** The start of the text as it can stand in a header: its bytes, line breaks and the like as spaces. */
export function errorHeader(text: string): string {
  const bytes = exactBytesOf(text).subarray(0, headerBytesMax);
  const header = Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[\x00-\x1f\x7f]/g, ' ');
  return header.trim();
}

/** A document with the content type `application/json` and no charset, as the reference sends it. */
export function sendJson(reply: FastifyReply, document: unknown): FastifyReply {
  return reply.type('application/json').send(Buffer.from(`${stringifyWellFormed(document)}\n`));
}

/** The same without the newline: of `/ping` and `/health`. */
export function sendBareJson(reply: FastifyReply, document: unknown): FastifyReply {
  return reply.type('application/json').send(Buffer.from(stringifyWellFormed(document)));
}

/** As Go's library writes what is no answer of a handler: a browser shall not take it for anything but text. */
export function sendPlain(reply: FastifyReply, status: number, text: string): FastifyReply {
  reply.code(status).type('text/plain; charset=utf-8').header('X-Content-Type-Options', 'nosniff');
  return reply.send(`${text}\n`);
}
