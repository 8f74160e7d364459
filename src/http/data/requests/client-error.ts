import type { Duplex } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { KiB, MiB } from '../../../base/units.ts';

/** What Go's server says of a request that HTTP itself does not allow (spec 4.0): a status line, and its text. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  /** The status line when left out. */
  readonly text?: string;
}

/** What addresses get that are not there. */
export const notFoundText = '404 page not found';

export const badRequest: Refusal = { code: 400, reason: 'Bad Request' };
const unknownVersion: Refusal = { code: 505, reason: 'HTTP Version Not Supported: unsupported protocol version' }; // prettier-ignore
const unknownEncoding: Refusal = { code: 501, reason: 'Not Implemented', text: 'Unsupported transfer encoding' }; // prettier-ignore

/** By the code of Node's parser. All else is a plain 400. */
const refusals: ReadonlyMap<string, Refusal> = new Map([
  ['HPE_HEADER_OVERFLOW', { code: 431, reason: 'Request Header Fields Too Large' }],
  ['HPE_INVALID_VERSION', unknownVersion],
  ['HPE_INVALID_TRANSFER_ENCODING', unknownEncoding],
  ['ERR_HTTP_REQUEST_TIMEOUT', { code: 408, reason: 'Request Timeout' }],
]);

/**
 * What was refused with much behind it, as a head of megabytes, has its answer lost where the connection is closed at once: the
 * system takes back what the client has not read yet. It is passed over until the client ends, is silent, or has sent this; or some drops of it, which
 * would hold the connection for ever.
 */
const passedBytesMax = 64 * MiB;
const passedIdleMs = 500;
const dropsMax = 20;
const dropBytesMax = 1 * KiB;
/** How many bytes had come when they were refused, and how often some came since. */
const refused = new WeakMap<FastifyRequest['socket'], { readonly bytes: number; reads: number }>();

/** Answers what the parser has refused, before there is a request, and closes the connection. */
export function answerClientError(
  error: Error & { readonly code?: string },
  socket: FastifyRequest['socket'],
): void {
  const before = refused.get(socket);
  // The parser goes on to refuse what comes.
  if (before !== undefined) {
    const passedBytes = socket.bytesRead - before.bytes;
    const dropsBytes = (++before.reads - dropsMax) * dropBytesMax;
    if (passedBytes >= dropsBytes && passedBytes < passedBytesMax) return;
  }
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  refused.set(socket, { bytes: socket.bytesRead, reads: 0 });
  socket.setTimeout(passedIdleMs, () => {
    socket.destroy();
  });
  const refusal = refusals.get(error.code ?? '') ?? badRequest;
  const status = `${refusal.code} ${refusal.reason}`;
  const head = `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close`;
  socket.end(`${head}\r\n\r\n${refusal.text ?? status}`);
}

/** CONNECT asks a proxy for another server: as in Go no such address is here, and the connection is closed. */
export function refuseConnect(_request: unknown, socket: Duplex): void {
  const head = 'HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8';
  socket.end(`${head}\r\nConnection: close\r\n\r\n${notFoundText}\n`);
}

/** Whether each `%` of a path begins an escape. What these are need not be UTF-8. */
export function isWellEscaped(path: string): boolean {
  return !/%(?![\da-f]{2})/i.test(path);
}

/** What the parser lets pass, since it is told to be lenient, and Go does not. */
export function refusalOfHead({
  headers,
  rawHeaders,
  httpVersion,
}: FastifyRequest['raw']): Refusal | undefined {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return unknownVersion;
  const encoding = headers['transfer-encoding'];
  if (encoding !== undefined && encoding.toLowerCase() !== 'chunked') return unknownEncoding;
  if (headers.host === undefined && httpVersion === '1.1')
    return { code: 400, reason: 'Bad Request: missing required Host header' };
  return hostCount(rawHeaders) > 1 ? badRequest : undefined;
}

/** Names and values by turns. */
function hostCount(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]?.length === 4 && rawHeaders[i]?.toLowerCase() === 'host') count++;
  return count;
}

/** The same answer to a request that there is; the connection is closed after it. */
export function sendRefusal(reply: FastifyReply, { code, reason, text }: Refusal): FastifyReply {
  reply.raw.statusMessage = reason;
  return reply
    .code(code)
    .header('Connection', 'close')
    .type('text/plain; charset=utf-8')
    .send(text ?? `${code} ${reason}`);
}
