import { Buffer } from 'node:buffer';
import { request as openRequest, type OutgoingHttpHeaders } from 'node:http';
import { gunzipSync, gzipSync } from 'node:zlib';

/** A request that is sent to the reference for its answer, and to our API for the same. */
export interface HttpRequest {
  readonly method: string;
  /** With its search part, as it goes on the wire. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** The body goes gzipped; `cut` leaves out its last bytes. */
  readonly gzip?: 'whole' | 'cut';
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** The headers that count; the others differ from server to server by nature. */
const comparedHeaders = [
  'content-type',
  'content-encoding',
  'x-influxdb-error',
  'allow',
  'access-control-allow-origin',
  'access-control-allow-methods',
  'access-control-allow-headers',
  'access-control-expose-headers',
  'www-authenticate',
];

/** Sends a request byte for byte as it is described. A gzipped answer is given unpacked. */
export function sendRequest(url: string, one: HttpRequest): Promise<HttpAnswer> {
  const body = bodyOf(one);
  const headers: OutgoingHttpHeaders = { ...one.headers };
  if (one.gzip !== undefined) headers['Content-Encoding'] = 'gzip';
  headers['Content-Length'] = body.length;
  return new Promise((resolve, reject) => {
    const { method } = one;
    const sent = openRequest(`${url}${one.path}`, { method, headers, agent: false }, (response) => {
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => parts.push(part));
      response.on('error', reject);
      response.on('end', () => {
        const bytes = Buffer.concat(parts);
        const isGzip = response.headers['content-encoding'] === 'gzip' && bytes.length > 0;
        const text = (isGzip ? gunzipSync(bytes) : bytes).toString('utf8');
        const status = response.statusCode ?? 0;
        resolve({ status, headers: compared(one, response.headers), body: text });
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function compared(
  one: HttpRequest,
  headers: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const names = [...comparedHeaders];
  const asked = Object.keys(one.headers ?? {}).map((name) => name.toLowerCase());
  if (asked.some((name) => name.endsWith('request-id'))) names.push('request-id', 'x-request-id');
  const found: Record<string, string> = {};
  for (const name of names) {
    const value = headers[name];
    // The reference names the methods in any order.
    if (typeof value === 'string')
      found[name] = name === 'allow' ? value.split(', ').sort().join(', ') : value;
  }
  return found;
}

function bodyOf({ body = '', gzip }: HttpRequest): Buffer {
  if (gzip === undefined) return Buffer.from(body, 'utf8');
  const packed = gzipSync(body);
  return gzip === 'cut' ? packed.subarray(0, packed.length - 12) : packed;
}
