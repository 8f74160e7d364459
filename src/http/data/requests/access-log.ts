import { claimedName, type SignedRequest } from '../../access/credentials.ts';

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** A request as far as the log tells of it. */
export interface LoggedRequest extends SignedRequest {
  readonly method: string;
  readonly ip: string;
  readonly headers: SignedRequest['headers'] & {
    readonly referer?: string | undefined;
    readonly 'user-agent'?: string | undefined;
  };
}

export interface LoggedAnswer {
  readonly httpVersion: string;
  readonly status: number;
  readonly lengthBytes: number;
  readonly requestId: string;
  readonly elapsedMs: number;
}

/** One line in the common log format with request id and microseconds (spec 4.0). Passwords are hidden. */
export function accessLogLine(
  request: LoggedRequest,
  { httpVersion, status, lengthBytes, requestId, elapsedMs }: LoggedAnswer,
  nowNs: bigint,
): string {
  const { headers } = request;
  const line = `${request.method} ${hidePasswords(request.url)} HTTP/${httpVersion}`;
  const name = claimedName(request) || '-';
  const from = `${request.ip} - ${name} [${clfTime(nowNs)}]`;
  const client = `"${headers.referer ?? '-'}" "${headers['user-agent'] ?? '-'}"`;
  const micros = Math.round(elapsedMs * 1_000);
  return `${from} "${line}" ${status} ${lengthBytes} ${client} ${requestId} ${micros}`;
}

function hidePasswords(url: string): string {
  return url
    .replaceAll(/([?&]p=)[^&]*/g, '$1[REDACTED]')
    .replaceAll(/(password(?:\+|%20|\s)+(?:for[^=&]*=(?:\+|%20)*)?)(?:%27|').*?(?:%27|')/gi, '$1[REDACTED]'); // prettier-ignore
}

function clfTime(nowNs: bigint): string {
  const date = new Date(Number(nowNs / 1_000_000n));
  const two = (value: number) => String(value).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()] ?? ''}/${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':');
  return `${day}:${time} +0000`;
}
