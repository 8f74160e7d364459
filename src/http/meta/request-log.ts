/**
 * A line for each request at a meta node (spec F115), where `cluster-tracing`: who asked for what, and how it went.
 *
 * Invariant: no secret is in it. Of a JSON body passwords and hashes are hidden, of a form what only this release sends: its values
 * are whole catalogs, and configurations with passwords of LDAP servers.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { shownAddress } from '../../base/shown-address.ts';
import type { Log } from '../../env/log.ts';
import { formatElapsed } from '../../influxql/duration.ts';
import { claimedName } from '../access/credentials.ts';

/** Of a body; what is longer is cut. */
const commandLengthMax = 1_024;
const hidden = '[REDACTED]';
const secretFields = /("(?:password|hash)"\s*:\s*)"(?:[^"\\]|\\[^])*(?:"|$)/g;
const secretParameters = new Set(['config', 'content', 'p', 'password']);

export function addRequestLog(api: FastifyInstance, log: Log): void {
  const told = log.child('meta-http');
  api.addHook('onResponse', (request, reply, done) => {
    told.info('weblog', fieldsOf(request, reply));
    done();
  });
}

function fieldsOf(request: FastifyRequest, reply: FastifyReply) {
  const { headers, raw } = request;
  return {
    host: request.ip,
    'user-id': '',
    username: claimedName(request),
    method: request.method,
    uri: shownAddress(request.url),
    protocol: `HTTP/${raw.httpVersion}`,
    command: request.method === 'POST' ? shownCommand(request) : '',
    status: reply.statusCode,
    size: Number(reply.getHeader('content-length') ?? 0),
    referrer: shownAddress(headers.referer ?? ''),
    'user-agent': headers['user-agent'] ?? '',
    'request-id': String(reply.getHeader('request-id') ?? ''),
    'execution-time': `${reply.elapsedTime.toFixed(3)}ms`,
    'execution-time-readable': formatElapsed(reply.elapsedTime),
  };
}

/** What a request brought, as a list of values by name; a body that is no form is a name without a value, as in the reference. */
export function shownCommand({ body, headers }: Pick<FastifyRequest, 'body' | 'headers'>): string {
  if (typeof body !== 'string' || body === '') return '{}';
  const isForm = (headers['content-type'] ?? '').startsWith('application/x-www-form-urlencoded');
  // curl says of JSON that it is a form, too.
  if (!isForm || /^\s*[{[]/.test(body))
    return `{'${cut(body.replaceAll(secretFields, `$1${hidden}`))}': ''}`;
  const shown = [...new URLSearchParams(body)].map(
    ([name, value]) => `'${cut(name)}': '${secretParameters.has(name) ? hidden : cut(value)}'`,
  );
  return `{${cut(shown.join(', '))}}`;
}

function cut(text: string): string {
  return text.length <= commandLengthMax ? text : `${text.slice(0, commandLengthMax)}...`;
}
