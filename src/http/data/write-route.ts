import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { DbError, isDbError } from '../../base/errors.ts';
import { everyone } from '../../data/statements/principal.ts';
import type { CountedPoints } from '../../data/write/body-routes.ts';
import { parseConsistencyLevel } from '../../data/write/consistency.ts';
import { precisionNs } from '../../models/line-protocol.ts';
import { errorStatus, sendError } from '../error-reply.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import type { RequestCounters } from './request-counters.ts';
import { RequestParameters } from './request-parameters.ts';

/**
 * Why a write is refused before its body is read: the database has to be named and there, and the user allowed (spec
 * 4.2). Undefined when it may go on.
 */
export function refusalOfWrite(
  request: FastifyRequest,
  { writer }: Pick<DataApiPorts, 'writer'>,
): { readonly status: number; readonly text: string } | undefined {
  const database = RequestParameters.ofUrl(request).get('db');
  if (database === '') return { status: 400, text: 'database is required' };
  try {
    writer.checkDatabase(database);
  } catch (error) {
    if (!isDbError(error)) throw error;
    return { status: errorStatus[error.code], text: error.message };
  }
  if (everyone.mayWrite(database)) return undefined;
  const text = `"${everyone.name}" user is not authorized to write to database "${database}"`;
  return { status: 403, text };
}

const gzipHeaderBytes = 10;

/** POST /write (spec 4.2). */
export async function handleWrite(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options, counters }: { readonly ports: DataApiPorts; readonly options: DataApiOptions; readonly counters: RequestCounters }, // prettier-ignore
): Promise<unknown> {
  const parameters = RequestParameters.ofUrl(request);
  const database = parameters.get('db');
  const counted = (points: CountedPoints): void => {
    counters.addPoints(points);
  };
  const precision = parameters.get('precision');
  const stepNs = precisionNs.get(precision === '' ? 'ns' : precision);
  if (stepNs === undefined) {
    const text = `invalid precision "${precision}" (use n, u, ms, s, m or h)`;
    return sendError(reply, 400, text);
  }
  const { bodyBuffers } = request.server;
  try {
    const body = await bodyOf(request, ports, options.bodyBytesMax);
    const bodyRead = (): void => {
      bodyBuffers.giveBack(body);
    };
    const retentionPolicy = parameters.get('rp');
    const level = parseConsistencyLevel(parameters.get('consistency'));
    const timeoutMs = options.writeTimeoutMs;
    await ports.writer.write({ database, retentionPolicy, body, bodyRead, stepNs, level, timeoutMs, counted }); // prettier-ignore
    return await reply.code(204).type('application/json').send();
  } catch (error) {
    if (!isDbError(error)) throw error;
    return sendError(reply, errorStatus[error.code], error.message);
  }
}

/** The body as another thread may have it: in a buffer of its own, or in memory that is shared. */
async function bodyOf(
  request: FastifyRequest,
  { jobs }: DataApiPorts,
  bytesMax: number,
): Promise<Uint8Array> {
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  if (request.headers['content-encoding'] === 'gzip') {
    // Less than a header of gzip is told from a wrong one.
    if (body.length < gzipHeaderBytes)
      throw new DbError('invalid_argument', body.length === 0 ? 'EOF' : 'unexpected EOF');
    // The limit of bodies holds for what comes out of them too.
    const lengthBytesMax = bytesMax === 0 ? Number.MAX_SAFE_INTEGER : bytesMax;
    try {
      const bytes = await jobs.run('gunzip', { bytes: new Uint8Array(body), lengthBytesMax });
      request.server.bodyBuffers.giveBack(body);
      await request.bodyPlace?.take(bytes.length);
      return owned(bytes);
    } catch (error) {
      if (isDbError(error, 'too_large')) throw new DbError('too_large', 'Request Entity Too Large');
      throw error;
    }
  }
  return owned(body);
}

function owned(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes;
  const ownsAll = bytes.byteLength === bytes.buffer.byteLength && bytes.byteLength > 0;
  return ownsAll ? new Uint8Array(bytes.buffer) : new Uint8Array(bytes);
}
