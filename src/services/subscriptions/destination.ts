import { DbError } from '../../base/errors.ts';
import type { Outbound, TlsTrust } from '../../env/outbound.ts';

/** Points on their way to subscribers: line protocol in nanoseconds. */
export interface PointLines {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Each with its newline. */
  readonly lines: Uint8Array;
  /** Where each ends. */
  readonly ends: Uint32Array;
}

/** One place that points are sent to. */
export interface Destination {
  readonly url: string;
  /** Throws why it did not take them. */
  send(points: PointLines, signal: AbortSignal): Promise<void>;
}

export interface DestinationOptions {
  /** `[subscriber] http-timeout`. */
  readonly timeoutMs: number;
  /** Of https. */
  readonly trust: TlsTrust;
}

/** Throws for what cannot be sent to, with the reference's reasons where it has them. */
export function openDestination(
  outbound: Outbound,
  url: string,
  options: DestinationOptions,
): Destination {
  const place = new URL(url);
  switch (place.protocol) {
    case 'udp:':
      return datagrams(outbound, url, place);
    case 'https:':
    case 'http:':
      return posts(outbound, url, options);
    default:
      throw new DbError('invalid_argument', `unknown destination scheme ${place.protocol.slice(0, -1)}`); // prettier-ignore
  }
}

/** A point in each, without its newline. What is lost on the way nobody hears of. */
function datagrams(outbound: Outbound, url: string, { hostname, port }: URL): Destination {
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const address = { host: host === '' ? 'localhost' : host, port: Number(port) };
  return {
    url,
    send: ({ lines, ends }, signal) => {
      const parts = Array.from(ends, (end, i) => lines.subarray(ends[i - 1] ?? 0, end - 1));
      return outbound.sendDatagrams(address, parts, signal);
    },
  };
}

/** As the reference's client writes: all points of a write in one body (spec F53). */
function posts(
  outbound: Outbound,
  url: string,
  { timeoutMs, trust }: DestinationOptions,
): Destination {
  return {
    url,
    send: async ({ database, retentionPolicy, lines }, signal) => {
      const { target, headers } = writeRequest(url, database, retentionPolicy);
      const options = { headers, deadlineMs: timeoutMs, signal, trust };
      const { status, text } = await outbound.post(target, lines, options);
      if (status !== 204 && status !== 200)
        throw new DbError('write_failed', text.trimEnd() || `status ${status}`);
    },
  };
}

function writeRequest(
  url: string,
  database: string,
  retentionPolicy: string,
): { readonly target: string; readonly headers: Readonly<Record<string, string>> } {
  const place = new URL(url);
  const { username, password, searchParams } = place;
  place.pathname = `${place.pathname.replace(/\/+$/, '')}/write`;
  searchParams.set('consistency', '');
  searchParams.set('db', database);
  searchParams.set('precision', 'ns');
  searchParams.set('rp', retentionPolicy);
  searchParams.sort();
  place.username = '';
  place.password = '';
  place.hash = '';
  const headers = { 'Content-Type': '', 'User-Agent': 'InfluxDBClient' };
  if (username === '' && password === '') return { target: place.href, headers };
  const secret = `${decoded(username)}:${decoded(password)}`;
  const Authorization = `Basic ${Buffer.from(secret).toString('base64')}`;
  return { target: place.href, headers: { ...headers, Authorization } };
}

/** With a bare `%`, as subscriptions of earlier releases may have it, it is what it says. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
