/** Requests in the access log (spec F114), whoever read them: Node's server, or what stands in front of it. */
import { claimedName, type SignedRequest } from '../../access/credentials.ts';
import { loggedAddress, loggedForm, oneLine } from './logged-values.ts';
import { pathOf } from './request-parameters.ts';

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** A request as far as the log tells of it. */
export interface LoggedRequest extends SignedRequest {
  readonly method: string;
  readonly ip: string;
  readonly headers: SignedRequest['headers'] & {
    readonly referer?: string | undefined;
    readonly 'user-agent'?: string | undefined;
    readonly 'x-forwarded-for'?: string | readonly string[] | undefined;
  };
  /** What a POST brought as a form; left out, none. */
  readonly form?: ReadonlyMap<string, string> | undefined;
}

export interface LoggedAnswer {
  readonly httpVersion: string;
  readonly status: number;
  /** Of the body as it was sent. */
  readonly lengthBytes: number;
  readonly requestId: string;
  readonly elapsedMs: number;
}

export interface AccessLogOptions {
  /** `log-enabled` */
  readonly isEnabled: boolean;
  /** `access-log-status-filters`, such as `5xx`; none is all. */
  readonly statusFilters: readonly string[];
  /** `suppress-write-log` */
  readonly leavesWritesOut: boolean;
}

/** Those of which the reference can leave out the lines: not what Prometheus writes. */
const writePaths = new Set(['/write', '/api/v2/write']);

export class AccessLog {
  readonly #write: (line: string) => void;
  readonly #options: AccessLogOptions;
  readonly #prefixes: readonly string[];

  /** `write` takes a line without its newline. */
  constructor(write: (line: string) => void, options: AccessLogOptions) {
    this.#write = write;
    this.#options = options;
    this.#prefixes = options.statusFilters.map((filter) =>
      filter.toLowerCase().replaceAll('x', ''),
    );
  }

  /** Asked before anything of a line is found out. */
  takes(request: Pick<LoggedRequest, 'method' | 'url'>, status: number): boolean {
    const { isEnabled, leavesWritesOut } = this.#options;
    if (!isEnabled) return false;
    if (leavesWritesOut && request.method === 'POST' && writePaths.has(pathOf(request)))
      return false;
    if (this.#prefixes.length === 0) return true;
    const text = String(status);
    return this.#prefixes.some((prefix) => text.startsWith(prefix));
  }

  note(request: LoggedRequest, answer: LoggedAnswer, endNs: bigint): void {
    this.#write(accessLogLine(request, answer, endNs));
  }
}

/**
 * One line in the common log format with request id and microseconds (spec 4.0), at the time when the request began. Passwords
 * are hidden, also those of statements in forms, which the reference shows.
 */
export function accessLogLine(
  request: LoggedRequest,
  { httpVersion, status, lengthBytes, requestId, elapsedMs }: LoggedAnswer,
  endNs: bigint,
): string {
  const { headers, method } = request;
  const micros = Math.floor(elapsedMs * 1_000);
  const address = loggedAddress(request);
  const form = method === 'POST' ? ` ${loggedForm(request)}` : '';
  const line = `${method} ${address} HTTP/${httpVersion}${form}`;
  const name = oneLine(claimedName(request) || '-');
  const from = `${fromOf(request)} - ${name} [${clfTime(endNs - BigInt(micros) * 1_000n)}]`;
  const client = `"${headers.referer || '-'}" "${headers['user-agent'] || '-'}"`;
  return `${from} "${line}" ${status} ${lengthBytes} ${client} ${requestId} ${micros}`;
}

/** Behind those for which it was forwarded. */
function fromOf({ ip, headers }: LoggedRequest): string {
  const host = hostOf(ip);
  const forwarded = headers['x-forwarded-for'];
  return forwarded === undefined ? host : `${String(forwarded)},${host}`;
}

/** A client of a Unix socket has no address. One of IPv4 has its own, though it came by a listener of IPv6. */
function hostOf(ip: string | undefined): string {
  if (ip === undefined || ip === '') return '@';
  return ip.startsWith('::ffff:') && ip.includes('.') ? ip.slice('::ffff:'.length) : ip;
}

let [lastSecond, lastText] = [-1, ''];

function clfTime(nowNs: bigint): string {
  const second = Number(nowNs / 1_000_000_000n);
  // Requests come by the thousand in a second.
  if (second !== lastSecond) [lastSecond, lastText] = [second, clfText(new Date(second * 1_000))];
  return lastText;
}

function clfText(date: Date): string {
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${day}:${time} +0000`;
}
