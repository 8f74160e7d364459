import type { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { trimSpace } from '../../base/trim-space.ts';
import type { QueryRequest } from '../../data/statements/statement-executor.ts';
import type { Statement } from '../../influxql/ast.ts';
import type { KnownTexts } from '../../influxql/known-texts.ts';
import { parseParams } from '../../influxql/parse-params.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { epochUnitNs } from '../../query/emit/result.ts';
import { setErrorHeader } from '../error-reply.ts';
import { whoAsks } from './access/gate.ts';
import { answerFormat, type AnswerFormat } from './answers/answer-format.ts';
import { chunkedAnswer } from './answers/chunked-answer.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import { RequestParameters } from './requests/request-parameters.ts';
import { sendChunked, sendStarted } from './answers/send-answer.ts';
import { pacerOf, startWhole, type AnswerOptions } from './answers/start-whole.ts';
import { takesGzip } from './answers/zip-answer.ts';
import { leaveSlowReader } from './answers/slow-reader.ts';

const defaultChunkRows = 10_000;

export interface QueryRouteParts {
  readonly ports: DataApiPorts;
  readonly options: DataApiOptions;
  readonly texts: KnownTexts;
}

/** GET and POST /query (spec 4.1). */
export async function handleQuery(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options, texts }: QueryRouteParts,
): Promise<unknown> {
  const parameters = await RequestParameters.ofRequest(request);
  const format = formatOf(request.headers.accept ?? '', parameters);
  const refuse = (status: number, text: string) => refuseWith(reply, format, { status, text });
  const statements = statementsOf(parameters, texts);
  if (typeof statements === 'string') return refuse(400, statements);
  const query: QueryRequest = {
    statements,
    database: parameters.get('db'),
    retentionPolicy: parameters.get('rp'),
    principal: whoAsks(request),
    isReadOnly: request.method === 'GET' || request.method === 'HEAD',
    bucketsMax: options.bucketsMax,
    timeoutMs: options.queryTimeoutMs,
    signal: goneSignal(reply),
    pinnedNodeId: pinnedNodeOf(parameters.get('node_id')),
  };
  try {
    ports.executor.authorize(query);
  } catch (error) {
    if (!isDbError(error, 'forbidden')) throw error;
    ports.log.info('Error authorizing query', { error: error.message });
    return refuse(403, error.message);
  }
  if (parameters.get('async') === 'true') {
    void runDetached({ ...query, signal: new AbortController().signal }, ports);
    return reply.code(204).type(format.contentType).send();
  }
  const { readerIdleMs: idleMs, queryTimeoutMs: timeoutMs } = options;
  leaveSlowReader(reply.raw, ports.clock, { idleMs, timeoutMs, isMemoryShort: () => ports.executor.isMemoryShort }); // prettier-ignore
  const isZipped = takesGzip(request.headers['accept-encoding'] ?? '');
  reply.type(format.contentType);
  if (parameters.get('chunked') === 'true')
    return sendChunked(reply, chunkedParts(query, parameters, { format, ports }), isZipped);
  const { rowsMax } = options;
  return sendStarted(reply, await startWhole(query, format, { ports, rowsMax }), isZipped);
}

/** Its parts are the reader's until he asks for the next one, see StartedAnswer. */
export async function* chunkedParts(
  query: QueryRequest,
  parameters: RequestParameters,
  { format, ports }: Pick<AnswerOptions, 'ports'> & { readonly format: AnswerFormat },
): AsyncGenerator<Buffer> {
  const rowsMax = chunkRowsOf(parameters.get('chunk_size'));
  const { plainJson } = format;
  const started = plainJson && (await ports.executor.answer(query, { ...plainJson, chunkRowsMax: rowsMax })); // prettier-ignore
  if (started?.kind === 'whole') yield started.bytes;
  else if (started?.kind === 'parts') yield* started.parts;
  else {
    const pacer = pacerOf(query, ports);
    yield* chunkedAnswer(ports.executor.execute(query), format.open(), { rowsMax, pacer });
  }
}

export function formatOf(accept: string, parameters: RequestParameters): AnswerFormat {
  return answerFormat(accept, {
    epochUnitNs: epochUnitNs(trimSpace(parameters.get('epoch'))),
    isRfc3339: trimSpace(parameters.get('time_format')) === 'rfc3339',
    // The reference looks at the address alone for this one.
    pretty: parameters.getOfUrl('pretty') === 'true',
  });
}

/** What is no number, and 0, pin nothing, as in the reference. */
export function pinnedNodeOf(text: string): number | undefined {
  const id = /^\d+$/.test(text) ? Number(text) : 0;
  return id > 0 && Number.isSafeInteger(id) ? id : undefined;
}

/** The statements, or the text of what is wrong with them. */
export function statementsOf(
  parameters: RequestParameters,
  texts: KnownTexts,
): readonly Statement[] | string {
  const given = trimSpace(parameters.get('q'));
  const text = given === '' ? parameters.queryFile?.toWellFormed() : given;
  if (text === undefined) return 'missing required parameter "q"';
  if (!['', 'epoch', 'rfc3339'].includes(trimSpace(parameters.get('time_format'))))
    return 'Time format must be one of the following: rfc3339,epoch';
  const bound = parameters.get('params');
  let params;
  try {
    params = bound === '' ? undefined : parseParams(bound);
  } catch (error) {
    return errorText(error);
  }
  try {
    return params === undefined ? texts.parse(text) : parseQuery(text, params);
  } catch (error) {
    if (!isDbError(error)) throw error;
    return `error parsing query: ${error.message}`;
  }
}

function refuseWith(
  reply: FastifyReply,
  format: AnswerFormat,
  { status, text }: { readonly status: number; readonly text: string },
): FastifyReply {
  setErrorHeader(reply, text);
  return reply.code(status).type(format.contentType).send(format.writeError(text));
}

/** Aborts when the client is gone before its answer. */
export function goneSignal(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) controller.abort(new Error('query aborted'));
  });
  return controller.signal;
}

async function runDetached(query: QueryRequest, { executor, log }: DataApiPorts): Promise<void> {
  for await (const { error } of executor.execute(query))
    if (error !== undefined) log.error('error while running async query', { error });
}

function chunkRowsOf(text: string): number {
  const rows = /^\+?\d+$/.test(text) ? Number(text) : 0;
  return rows > 0 && rows < 2 ** 63 ? rows : defaultChunkRows;
}
