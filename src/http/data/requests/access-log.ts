import type { FastifyReply, FastifyRequest } from 'fastify';
import { claimedName } from '../access/credentials.ts';

const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');

/** One line in the common log format with request id and microseconds (spec 4.0). Passwords are hidden. */
export function accessLogLine(request: FastifyRequest, reply: FastifyReply, nowNs: bigint): string {
  const { headers } = request;
  const line = `${request.method} ${hidePasswords(request.url)} HTTP/${request.raw.httpVersion}`;
  const size = String(reply.getHeader('content-length') ?? 0);
  const name = claimedName(request) || '-';
  const from = `${request.ip} - ${name} [${clfTime(nowNs)}]`;
  const client = `"${headers.referer ?? '-'}" "${headers['user-agent'] ?? '-'}"`;
  const id = String(reply.getHeader('request-id') ?? '-');
  const micros = Math.round(reply.elapsedTime * 1_000);
  return `${from} "${line}" ${reply.statusCode} ${size} ${client} ${id} ${micros}`;
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
