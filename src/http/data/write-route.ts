import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Principal } from '../../data/statements/principal.ts';
import { must } from '../../base/assert.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { quoteGo } from '../../base/go-format.ts';
import { KiB } from '../../base/units.ts';
import type { WriteRequest } from '../../data/write/body-routes.ts';
import { parseConsistencyLevel } from '../../data/write/consistency.ts';
import { unpackRequest } from '../prometheus/packed.ts';
import { writeRequestLines, type RemoteWrite } from '../prometheus/write-request.ts';
import { errorStatus } from '../error-reply.ts';
import { refuse, sendWritten } from './answers/refuse.ts';
import { whoAsks } from './access/gate.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import type { RequestCounters } from './requests/request-counters.ts';
import { pathOf, RequestParameters, type AddressedRequest } from './requests/request-parameters.ts';
import { ownedBytes, unzippedBody } from './requests/unzipped-body.ts';
import { prometheusPath, writeTargets, type WriteTarget } from './requests/write-target.ts';

/** A request to write, whoever has read it. */
export interface WritingRequest extends AddressedRequest {
  readonly principal: Principal | undefined;
}

/** A target, with what is restricted of it for whoever writes. */
export type BoundTarget = WriteTarget & Pick<WriteRequest, 'rules'>;

/**
 * Where a write goes, before its body is read: the database has to be named and there, and the user allowed (spec 4.2).
 * Throws the reference's texts.
 */
export function targetOf(
  request: WritingRequest,
  { writer }: Pick<DataApiPorts, 'writer'>,
): BoundTarget {
  const find = must(writeTargets.get(pathOf(request)), 'an address of writes');
  const target = find(RequestParameters.ofUrl(request));
  const { database } = target;
  if (database === '') throw new DbError('invalid_argument', 'database is required');
  writer.checkDatabase(database);
  const writing = whoAsks(request);
  const quoted = quoteGo(database);
  if (!writing.isKnown)
    throw new DbError('forbidden', `user is required to write to database ${quoted}`);
  if (writing.may('write', database)) {
    const rules = writing.rules('write', database);
    return rules === undefined ? target : { ...target, rules };
  }
  const text = `${quoteGo(writing.name)} user is not authorized to write to database ${quoted}`;
  throw new DbError('forbidden', text);
}

/**
 * Whether a write may come, in time for its body: undefined at once, as nearly always. Who writes to a database that another node has just
 * made is not told that it is not there, upon which clients drop what they write: the metas are asked first.
 */
export function admitWrite(
  request: WritingRequest,
  ports: Pick<DataApiPorts, 'writer' | 'settleCatalog'>,
): Promise<void> | undefined {
  try {
    targetOf(request, ports);
    return undefined;
  } catch (error) {
    const { settleCatalog } = ports;
    if (settleCatalog === undefined || !isDbError(error, 'database_not_found')) throw error;
    return settleCatalog().then(() => {
      targetOf(request, ports);
    });
  }
}

export interface WriteParts {
  readonly ports: Pick<DataApiPorts, 'writer' | 'clock' | 'jobs' | 'log'>;
  readonly options: Pick<DataApiOptions, 'writeTimeoutMs' | 'bodyBytesMax' | 'tracesWrites'>;
  readonly counters: Pick<RequestCounters, 'addPoints' | 'add'>;
}

/** POST /write, /api/v2/write and /api/v1/prom/write (spec 4.2 to 4.4). */
export async function handleWrite(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options, counters }: WriteParts,
): Promise<unknown> {
  try {
    const target = targetOf(request, ports);
    const { lines: body, refused, bodyRead } = await linesOf(request, { ports, options, counters });
    await writeBody(request, { target, body, bodyRead }, { ports, options, counters });
    if (refused === undefined) return await sendWritten(reply);
    const text = `partial write: ${refused.reason} dropped=${refused.count} for database: ${target.database}`;
    return await refuse(reply, 400, text);
  } catch (error) {
    if (!isDbError(error)) throw error;
    return refuse(reply, errorStatus[error.code], error.message);
  }
}

/** Resolves once the lines are in. Rejects with the reference's texts. */
export function writeBody(
  request: WritingRequest,
  { target, body, bodyRead, isLent }: { readonly target: BoundTarget } & Pick<WriteRequest, 'body' | 'bodyRead' | 'isLent'>, // prettier-ignore
  { ports, options, counters }: WriteParts,
): Promise<void> {
  const level = parseConsistencyLevel(RequestParameters.ofUrl(request).get('consistency'));
  const timeoutMs = options.writeTimeoutMs;
  if (options.tracesWrites) traceBody(ports, body);
  const { database, retentionPolicy, stepNs, rules } = target;
  const login = request.principal?.name || undefined;
  // Each by its name: this is done for each line of those who write one at a time.
  return ports.writer.write({ database, retentionPolicy, stepNs, rules, body, bodyRead, isLent, level, timeoutMs, counted: counters.addPoints, login }); // prettier-ignore
}

/** A line of the log is no longer than this. */
const tracedBytesMax = 512 * KiB;

function traceBody({ log }: Pick<DataApiPorts, 'log'>, body: Uint8Array): void {
  const text = Buffer.from(body.subarray(0, tracedBytesMax)).toString();
  const rest = body.length - tracedBytesMax;
  const more = rest > 0 ? `... and ${rest} bytes more` : '';
  log.info('Write body received by handler', { body: `${text}${more}` });
}

interface Lines extends RemoteWrite {
  /** Gives the body's memory back. */
  readonly bodyRead?: (() => void) | undefined;
}

async function linesOf(request: FastifyRequest, parts: WriteParts): Promise<Lines> {
  if (pathOf(request) === prometheusPath) return prometheusLines(request, parts);
  const { ports, options, counters } = parts;
  const { bodyBuffers: buffers } = request.server;
  const body = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  const isZipped = request.headers['content-encoding'] === 'gzip';
  const unzip = { ...ports, bytesMax: options.bodyBytesMax, place: request.bodyPlace, buffers };
  const lines = isZipped ? await unzippedBody(body, unzip) : ownedBytes(body);
  counters.add('writeReqBytes', lines.length);
  const bodyRead = (): void => {
    buffers.giveBack(lines);
  };
  return { lines, refused: undefined, bodyRead };
}

/** What Prometheus sends, as lines. */
async function prometheusLines(
  request: FastifyRequest,
  { ports: { clock }, options: { bodyBytesMax }, counters }: WriteParts,
): Promise<Lines> {
  const packed = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
  counters.add('writeReqBytes', packed.length);
  const message = await unpackRequest(packed, bodyBytesMax);
  await request.bodyPlace?.take(message.length);
  return writeRequestLines(message, () => clock.sleep(0));
}
