import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../data/statements/principal.ts';
import { must } from '../../base/assert.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { CountedPoints, WriteRequest } from '../../data/write/body-routes.ts';
import { parseConsistencyLevel } from '../../data/write/consistency.ts';
import { unpackRequest } from '../prometheus/packed.ts';
import { writeRequestLines, type RemoteWrite } from '../prometheus/write-request.ts';
import { errorStatus, sendError } from '../error-reply.ts';
import { whoAsks } from './access/gate.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import type { RequestCounters } from './requests/request-counters.ts';
import { pathOf, RequestParameters, type AddressedRequest } from './requests/request-parameters.ts';
import { prometheusPath, writeTargets, type WriteTarget } from './requests/write-target.ts';

/** A request to write, whoever has read it. */
export interface WritingRequest extends AddressedRequest {
  readonly principal: Principal | undefined;
}

/**
 * Where a write goes, before its body is read: the database has to be named and there, and the user allowed (spec 4.2).
 * Throws the reference's texts.
 */
export function targetOf(
  request: WritingRequest,
  { writer }: Pick<DataApiPorts, 'writer'>,
): WriteTarget {
  const find = must(writeTargets.get(pathOf(request)), 'an address of writes');
  const target = find(RequestParameters.ofUrl(request));
  const { database } = target;
  if (database === '') throw new DbError('invalid_argument', 'database is required');
  writer.checkDatabase(database);
  const writing = whoAsks(request);
  const quoted = JSON.stringify(database);
  if (!writing.isKnown)
    throw new DbError('forbidden', `user is required to write to database ${quoted}`);
  if (writing.may('write', database)) return target;
  const text = `${JSON.stringify(writing.name)} user is not authorized to write to database ${quoted}`;
  throw new DbError('forbidden', text);
}

const gzipHeaderBytes = 10;

export interface WriteParts {
  readonly ports: Pick<DataApiPorts, 'writer' | 'clock' | 'jobs'>;
  readonly options: Pick<DataApiOptions, 'writeTimeoutMs' | 'bodyBytesMax'>;
  readonly counters: Pick<RequestCounters, 'addPoints'>;
}

/** POST /write, /api/v2/write and /api/v1/prom/write (spec 4.2 to 4.4). */
export async function handleWrite(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options, counters }: WriteParts,
): Promise<unknown> {
  try {
    const target = targetOf(request, ports);
    const { lines: body, refused, bodyRead } = await linesOf(request, ports, options);
    await writeBody(request, { target, body, bodyRead }, { ports, options, counters });
    if (refused === undefined) return await reply.code(204).type('application/json').send();
    const text = `partial write: ${refused.reason} dropped=${refused.count} for database: ${target.database}`;
    return await sendError(reply, 400, text);
  } catch (error) {
    if (!isDbError(error)) throw error;
    return sendError(reply, errorStatus[error.code], error.message);
  }
}

/** Resolves once the lines are in. Rejects with the reference's texts. */
export function writeBody(
  request: WritingRequest,
  { target, ...body }: { readonly target: WriteTarget } & Pick<WriteRequest, 'body' | 'bodyRead'>,
  { ports, options, counters }: WriteParts,
): Promise<void> {
  const level = parseConsistencyLevel(RequestParameters.ofUrl(request).get('consistency'));
  const timeoutMs = options.writeTimeoutMs;
  const counted = (points: CountedPoints): void => {
    counters.addPoints(points);
  };
  return ports.writer.write({ ...target, ...body, level, timeoutMs, counted });
}

interface Lines extends RemoteWrite {
  /** Gives the body's memory back. */
  readonly bodyRead?: (() => void) | undefined;
}

async function linesOf(
  request: FastifyRequest,
  ports: WriteParts['ports'],
  options: WriteParts['options'],
): Promise<Lines> {
  if (pathOf(request) === prometheusPath) return prometheusLines(request, ports, options);
  const lines = await bodyOf(request, ports, options.bodyBytesMax);
  const { bodyBuffers } = request.server;
  const bodyRead = (): void => {
    bodyBuffers.giveBack(lines);
  };
  return { lines, refused: undefined, bodyRead };
}

/** What Prometheus sends, as lines. */
async function prometheusLines(
  request: FastifyRequest,
  { clock }: WriteParts['ports'],
  { bodyBytesMax }: WriteParts['options'],
): Promise<Lines> {
  const packed = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const message = await unpackRequest(packed, bodyBytesMax);
  await request.bodyPlace?.take(message.length);
  return writeRequestLines(message, () => clock.sleep(0));
}

/** The body as another thread may have it: in a buffer of its own, or in memory that is shared. */
async function bodyOf(
  request: FastifyRequest,
  { jobs }: WriteParts['ports'],
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
