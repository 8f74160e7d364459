/**
 * The portal: exchanges license keys for temporary licences over HTTP, or HTTPS with a certificate (spec F1).
 *
 * Invariants: a request is at most `bodyBytesMax` and `requestMs` long; whatever one asks, the next one is served; a key is
 * never written anywhere.
 */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import { answerExchange, exchangePath, type ExchangeAnswer, type KnownKey } from '../../license/key-exchange.ts'; // prettier-ignore
import type { KeyObject } from 'node:crypto';
import { errorText } from '../../base/errors.ts';

const bodyBytesMax = 4_096;
const requestMs = 10_000;
const connectionsMax = 1_000;

export interface PortalOptions {
  readonly privateKey: KeyObject;
  /** How long a licence counts that is given. */
  readonly lifetimeMs: number;
  /** Asked for each request: keys come and go while it serves. */
  readonly keys: () => readonly KnownKey[];
  readonly nowMs: () => number;
  /** PEM; without it the portal speaks HTTP. */
  readonly tls?: { readonly certificate: string; readonly key: string } | undefined;
  readonly print: (line: string) => void;
}

/** Not listening yet. */
export function createPortal(options: PortalOptions): Server {
  const onRequest: RequestListener = (request, response) => {
    void answer(request, options).then(({ status, text }) => {
      const length = String(Buffer.byteLength(text));
      response.writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': length });
      response.end(text);
      options.print(`${request.method} ${request.url} from ${request.socket.remoteAddress}: ${status}`); // prettier-ignore
    });
  };
  const limits = { requestTimeout: requestMs, headersTimeout: requestMs };
  const server =
    options.tls === undefined
      ? createServer(limits, onRequest)
      : createSecureServer({ ...limits, cert: options.tls.certificate, key: options.tls.key }, onRequest); // prettier-ignore
  server.maxConnections = connectionsMax;
  return server;
}

async function answer(request: IncomingMessage, options: PortalOptions): Promise<ExchangeAnswer> {
  if (request.url !== exchangePath) return refusal(404, 'not found');
  if (request.method !== 'POST') return refusal(405, 'method not allowed');
  try {
    const body = await readBody(request);
    if (body === undefined) return refusal(413, 'the body is too large');
    return answerExchange(body, options.keys(), { ...options, nowMs: options.nowMs() });
  } catch (error) {
    options.print(`a request failed: ${errorText(error)}`);
    return refusal(500, 'the portal cannot read its keys');
  }
}

async function readBody(request: IncomingMessage): Promise<string | undefined> {
  const parts: Uint8Array[] = [];
  let lengthBytes = 0;
  for await (const part of request as AsyncIterable<Uint8Array>) {
    lengthBytes += part.length;
    // The rest is read and let go of, so that the refusal arrives.
    if (lengthBytes <= bodyBytesMax) parts.push(part);
  }
  return lengthBytes > bodyBytesMax ? undefined : Buffer.concat(parts).toString('utf8');
}

function refusal(status: number, error: string): ExchangeAnswer {
  return { status, text: `${JSON.stringify({ error })}\n` };
}
