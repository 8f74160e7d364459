import { gzipSync } from 'node:zlib';
import type { RandomChoice } from '../fresh/random-choice.ts';
import { randomParts } from './random-parts.ts';

/** A request, byte by byte, of a connection on which several follow one another. */
export interface HttpRequest {
  readonly method: string;
  readonly bytes: Buffer;
}

export const httpDatabase = 'raw';

const writePaths = ['/write', '/write', '/api/v2/write'];
const otherPaths = ['/ping', '/ping', '/status', '/health', '/api/v2/query', '/api/v2/delete', '/api/v2/buckets', '/api/v2/nosuch', '/', '/nosuch', '/api/v1/prom/write', '/api/v1/prom/read', '/debug/requests', '/metrics', '/write/', '//write', '/query/', '/qu%65ry', '/api/v2/../v2/write', '/PING', '/ping/x', '/favicon.ico', '/debug/nosuch', '/api/v2/buckets/raw', '/api/v2/buckets/nosuch/labels']; // prettier-ignore
const methods = ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'PATCH'];
const statements = ['SELECT * FROM m', 'SELECT v FROM m WHERE time > 0', 'SHOW DATABASES', 'SHOW MEASUREMENTS', 'SELECT', '', 'SELECT * FROM nosuch', 'SHOW USERS; SELECT v FROM m', 'SELECT v FROM m LIMIT 1', 'DROP MEASUREMENT nosuch', 'SELECT * FROM m GROUP BY *', '-- c', 'SELECT v FROM "m"; x']; // prettier-ignore
const lines = ['m v=1 1', 'm,t=a w=2.5 12\nm,t=b w=3 13', 'bad', 'late v=1', 'm v=1 1\nbad line\nm v=2 2', '', '\n', '# c', 'm v="x" 1', 'm v=1i 1', 'm v=1 9223372036854775807', '\xff v=1 1', 'm v=', 'm,t=a w=1 14']; // prettier-ignore
const oddHeaders = ['Origin: http://x.y', 'Origin: null', 'Origin: ', 'X-Request-Id: abc', 'Request-Id: r1', 'X-Request-Id: ', 'Request-Id: é'.replace('é', '\xe9'), 'User-Agent: ', 'User-Agent: influx', 'Accept: */*', 'Accept: text/csv', 'Accept: application/csv', 'Accept: application/json;q=0.5, text/csv', 'Accept: application/x-msgpack', 'Accept: text/html', 'Accept: ', 'Accept-Encoding: gzip', 'Accept-Encoding: deflate', 'Accept-Encoding: gzip;q=0', 'Accept-Encoding: *', 'Accept-Encoding: identity, gzip', 'Accept-Encoding: GZIP', 'Authorization: Basic eDp5', 'Authorization: Token x:y', 'Authorization: Bearer x', 'Authorization: ', 'Access-Control-Request-Method: POST', 'Cookie: a=b', 'X-Forwarded-For: 1.2.3.4', 'If-None-Match: *', 'Range: bytes=0-1', 'X-HTTP-Method-Override: GET', 'Upgrade: h2c', 'TE: trailers', 'Max-Forwards: 0', 'Content-Type: text/plain', 'Content-Type: application/json', 'Via: 1.1 x', 'X: ' + 'y'.repeat(9_000), 'Accept : a/b'.replace(' :', ':'), 'a: \t b \t', 'X-Empty:']; // prettier-ignore
const expects = ['Expect: 100-continue', 'Expect: 100-Continue', 'Expect: 200-ok'];

/** Requests of one connection; the last one asks for its end. */
export function httpConnection(random: RandomChoice): readonly HttpRequest[] {
  const count = random.of([1, 1, 1, 2, 3, 5]);
  return Array.from({ length: count }, (_, i) => httpRequest(random, i === count - 1));
}

function httpRequest(random: RandomChoice, isLast: boolean): HttpRequest {
  const kind = random.of(['write', 'write', 'query', 'query', 'other']);
  const method = random.chance(0.12) ? random.of(methods) : kind === 'write' ? 'POST' : kind === 'query' ? random.of(['GET', 'POST']) : random.of(['GET', 'GET', 'HEAD', 'POST', 'OPTIONS']); // prettier-ignore
  const path = kind === 'write' ? random.of(writePaths) : kind === 'query' ? '/query' : random.of(otherPaths); // prettier-ignore
  const isV2 = path === '/api/v2/write';
  const parameters = new URLSearchParams();
  if (kind === 'write') {
    if (random.chance(0.93)) parameters.set(isV2 ? 'bucket' : 'db', random.chance(0.95) ? httpDatabase : random.of(['nosuch', '', 'raw/autogen', 'raw/nosuch', 'raw/', '/', 'a/b/c'])); // prettier-ignore
    if (random.chance(0.3)) parameters.set('precision', random.of(isV2 ? ['ns', 'us', 'ms', 's', 'm', 'x', ''] : ['ns', 'n', 'u', 'ms', 's', 'm', 'h', 'x', ''])); // prettier-ignore
    if (isV2 && random.chance(0.3)) parameters.set('org', random.of(['', 'o', 'ö']));
    if (random.chance(0.1)) parameters.set('rp', random.of(['autogen', '', 'nosuch']));
    if (random.chance(0.1)) parameters.set('consistency', random.of(['one', 'all', 'x', '']));
  }
  const isForm = kind === 'query' && method === 'POST' && random.chance(0.6);
  const asked = new URLSearchParams();
  if (kind === 'query') {
    if (random.chance(0.95)) asked.set('q', random.of(statements));
    if (random.chance(0.9)) asked.set('db', random.chance(0.95) ? httpDatabase : 'nosuch');
    if (random.chance(0.05)) asked.set('async', random.of(['true', 'false', '1']));
    if (random.chance(0.05))
      asked.append(
        random.of(['q', 'db', 'epoch']),
        random.of(['SELECT v FROM m LIMIT 1', 'raw', 's', '']),
      );
    if (random.chance(0.3)) asked.set('epoch', random.of(['ns', 'ms', 's', 'x', '']));
    if (random.chance(0.2)) asked.set('pretty', random.of(['true', 'false', '1', '']));
    if (random.chance(0.15)) asked.set('chunked', random.of(['true', 'false', '1', 'x']));
    if (random.chance(0.1)) asked.set('chunk_size', random.of(['1', '2', '0', '-1', 'x']));
    if (random.chance(0.05)) asked.set('params', random.of(['{}', '{"a":1}', 'x', '[]', '']));
  }
  if (path === '/ping' && random.chance(0.5))
    parameters.set('verbose', random.of(['true', 'false', '1', '0', '', 'x']));
  if (path === '/health' || path === '/debug/requests') parameters.set('seconds', '0');
  const search =
    [...parameters, ...(isForm ? [] : asked)].length === 0
      ? ''
      : `?${new URLSearchParams([...parameters, ...(isForm ? [] : asked)]).toString()}`;
  const parts = isForm && random.chance(0.3) ? randomParts(random, asked) : undefined;
  const plain = isForm
    ? (parts?.body ?? Buffer.from(asked.toString()))
    : kind === 'write'
      ? Buffer.from(random.of(lines), 'latin1')
      : Buffer.from(
          method === 'POST'
            ? random.of([
                '',
                '{}',
                '{"start":"1970-01-01T00:00:00Z","stop":"1970-01-02T00:00:00Z"}',
                'x',
                '[]',
              ])
            : '',
        );
  const headers: string[] = ['Host: x'];
  let body = plain;
  if (parts !== undefined) headers.push(`Content-Type: ${parts.type}`);
  else if (isForm) headers.push(`Content-Type: ${random.chance(0.95) ? 'application/x-www-form-urlencoded' : random.of(['', 'text/plain', 'multipart/form-data', 'APPLICATION/X-WWW-FORM-URLENCODED; charset=utf-8'])}`); // prettier-ignore
  if (body.length > 0 && random.chance(0.15)) {
    body = random.of([
      () => gzipSync(plain),
      () => gzipSync(plain),
      () => plain,
      () => gzipSync(plain).subarray(0, 15),
      () => Buffer.concat([gzipSync(plain), gzipSync(plain)]),
      () => Buffer.concat([gzipSync(plain), Buffer.from('the rest of it')]),
    ])();
    headers.push(
      `Content-Encoding: ${random.of(['gzip', 'gzip', 'gzip', 'GZIP', 'identity', 'deflate', ''])}`,
    );
  }
  // Nothing follows it: who speaks it closes.
  const version = isLast && random.chance(0.1) ? '1.0' : '1.1';
  const hasBody = body.length > 0 || method === 'POST';
  const isChunked = hasBody && version === '1.1' && random.chance(0.15);
  if (isChunked) headers.push('Transfer-Encoding: chunked');
  else if (hasBody) headers.push(`Content-Length: ${body.length}`);
  for (let i = random.of([0, 0, 1, 2]); i > 0; i--) headers.push(random.of(oddHeaders));
  if (isLast && hasBody && random.chance(0.1)) headers.push(random.of(expects));
  if (isLast) headers.push('Connection: close');
  else if (random.chance(0.1))
    headers.push(random.of(['Connection: keep-alive', 'Connection: Keep-Alive', 'Connection: x']));
  const [first = '', ...others] = headers;
  const head = `${method} ${path}${search} HTTP/${version}\r\n${[first, ...random.shuffled(others)].join('\r\n')}\r\n\r\n`;
  return {
    method,
    bytes: Buffer.concat([Buffer.from(head, 'latin1'), isChunked ? chunks(random, body) : body]),
  };
}

function chunks(random: RandomChoice, body: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = Math.min(body.length, at + random.of([1, 7, 100]));
    const size = (end - at).toString(16);
    parts.push(Buffer.from(`${random.of([size, size, size.toUpperCase(), `0${size}`, `${size};a=b`, `${size} `])}\r\n`), body.subarray(at, end), Buffer.from('\r\n')); // prettier-ignore
    at = end;
  }
  return Buffer.concat([
    ...parts,
    Buffer.from(random.of(['0\r\n\r\n', '0\r\n\r\n', '00\r\n\r\n', '0\r\nX: y\r\n\r\n'])),
  ]);
}
