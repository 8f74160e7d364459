import { gunzipSync } from 'node:zlib';

/** One answer of a connection. */
export interface RawAnswer {
  readonly status: string;
  /** `name: value`, names in small letters, in order. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** What tells of the moment, of the server or of the connection, and how the bytes were cut. */
const uncompared = /^(date|content-length|transfer-encoding|connection|keep-alive|(x-)?request-id|x-influxdb-(version|build)):/; // prettier-ignore

/** The answers in the bytes of a connection, to requests of these methods. */
export function readAnswers(bytes: Buffer, methods: readonly string[]): readonly RawAnswer[] {
  const answers: RawAnswer[] = [];
  let at = 0;
  let asked = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return [...answers, { status: 'cut', headers: [], body: bytes.toString('latin1', at) }]; // prettier-ignore
    const [status = '', ...lines] = bytes.toString('latin1', at, end).split('\r\n');
    const headers = lines.map(comparable);
    const isInterim = / 1\d\d /.test(status);
    const isEmpty = isInterim || / (204|304) /.test(status) || methods[asked] === 'HEAD';
    if (!isInterim) asked++;
    const { body, next } = isEmpty ? { body: Buffer.alloc(0), next: end + 4 } : readBody(bytes, end + 4, headers); // prettier-ignore
    at = next;
    const isPacked = headers.includes('content-encoding: gzip') && body.length > 0;
    const text = (isPacked ? gunzipSync(body) : body).toString('latin1');
    answers.push({ status: status.replace('HTTP/1.0', 'HTTP/1.1'), headers: headers.filter((line) => !uncompared.test(line)).sort(), body: text }); // prettier-ignore
  }
  return answers;
}

/** Control characters, which a header may not have, are blanks here; methods are in no order there. */
function comparable(line: string): string {
  const [name = '', ...rest] = line.split(': ');
  // oxlint-disable-next-line no-control-regex
  const value = rest.join(': ').replaceAll(/[\0-\x1f\x7f]/g, ' ');
  const isList = name.toLowerCase() === 'allow';
  return `${name.toLowerCase()}: ${isList ? value.split(', ').sort().join(', ') : value}`;
}

function readBody(
  bytes: Buffer,
  start: number,
  headers: readonly string[],
): { readonly body: Buffer; readonly next: number } {
  const length = headers.find((line) => line.startsWith('content-length:'));
  if (length !== undefined) {
    const next = start + Number(length.slice('content-length:'.length));
    return { body: bytes.subarray(start, next), next };
  }
  if (!headers.includes('transfer-encoding: chunked')) return { body: bytes.subarray(start), next: bytes.length }; // prettier-ignore
  const parts: Buffer[] = [];
  for (let at = start; ;) {
    const end = bytes.indexOf('\r\n', at);
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16);
    if (end < 0 || !(size > 0)) return { body: Buffer.concat(parts), next: end < 0 ? bytes.length : end + 4 }; // prettier-ignore
    parts.push(bytes.subarray(end + 2, end + 2 + size));
    at = end + 2 + size + 2;
  }
}
