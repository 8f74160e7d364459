import { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { errorText, isDbError } from '../../base/errors.ts';
import { everyone } from '../../data/statements/principal.ts';
import type { QueryRequest } from '../../data/statements/statement-executor.ts';
import type { Statement } from '../../influxql/ast.ts';
import { parseParams } from '../../influxql/parse-params.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { epochUnitNs, type StatementResult } from '../../query/emit/result.ts';
import { setErrorHeader } from '../error-reply.ts';
import { answerFormat, chunksOf, limitRows, type AnswerFormat } from './answer-format.ts';
import type { DataApiOptions, DataApiPorts } from './data-api-options.ts';
import { inPieces, leaveSlowReader } from './slow-reader.ts';
import { RequestParameters } from './request-parameters.ts';
import { zipAnswer } from './zip-answer.ts';

const defaultChunkRows = 10_000;

/** GET and POST /query (spec 4.1). */
export async function handleQuery(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options }: { readonly ports: DataApiPorts; readonly options: DataApiOptions },
): Promise<unknown> {
  const parameters = await RequestParameters.ofRequest(request);
  const format = formatOf(request, parameters);
  const refuse = (status: number, text: string) => refuseWith(reply, format, { status, text });
  const statements = statementsOf(parameters);
  if (typeof statements === 'string') return refuse(400, statements);
  const timeFormat = parameters.get('time_format');
  if (!['', 'epoch', 'rfc3339'].includes(timeFormat))
    return refuse(400, 'Time format must be one of the following: rfc3339,epoch');
  const query: QueryRequest = {
    statements,
    database: parameters.get('db'),
    retentionPolicy: parameters.get('rp'),
    principal: everyone,
    isReadOnly: request.method === 'GET' || request.method === 'HEAD',
    bucketsMax: options.bucketsMax,
    timeoutMs: options.queryTimeoutMs,
    signal: goneSignal(reply),
  };
  try {
    ports.executor.authorize(query);
  } catch (error) {
    if (!isDbError(error, 'forbidden')) throw error;
    return refuse(403, error.message);
  }
  if (parameters.get('async') === 'true') {
    void runDetached({ ...query, signal: new AbortController().signal }, ports);
    return reply.code(204).type('application/json').send();
  }
  reply.type(format.contentType);
  const isChunked = parameters.get('chunked') === 'true';
  leaveSlowReader(reply.raw, ports.clock, {
    idleMs: options.readerIdleMs,
    // Only the query of a chunked answer is still at work while it is sent.
    timeoutMs: isChunked ? options.queryTimeoutMs : 0,
  });
  const wantsGzip = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '');
  if (isChunked) {
    const chunkRows = chunkRowsOf(parameters.get('chunk_size'));
    const results = ports.executor.execute({ ...query, chunkRows });
    const documents = chunkDocuments(results, chunkRows, format);
    return sendDocuments(reply, documents, wantsGzip);
  }
  const results: StatementResult[] = [];
  for await (const result of ports.executor.execute(query)) results.push(result);
  const bytes = format.write(limitRows(results, options.rowsMax));
  if (!wantsGzip) return sendBytes(reply, bytes);
  const zipped = await zipAnswer(bytes);
  return sendBytes(reply.header('Content-Encoding', 'gzip'), zipped);
}

const largeBytes = 1 << 20;

function sendBytes(reply: FastifyReply, bytes: Uint8Array): FastifyReply {
  if (bytes.length < largeBytes) return reply.send(bytes);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  return reply.header('Content-Length', bytes.length).send(inPieces(buffer));
}

function formatOf(request: FastifyRequest, parameters: RequestParameters): AnswerFormat {
  return answerFormat(request.headers.accept ?? '', {
    epochUnitNs: epochUnitNs(parameters.get('epoch')),
    isRfc3339: parameters.get('time_format') === 'rfc3339',
    // The reference looks at the address alone for this one.
    pretty: parameters.getOfUrl('pretty') === 'true',
  });
}

/** The statements, or the text of what is wrong with them. */
function statementsOf(parameters: RequestParameters): readonly Statement[] | string {
  const text = parameters.get('q').trim();
  if (text === '') return 'missing required parameter "q"';
  const bound = parameters.get('params');
  let params;
  try {
    params = bound === '' ? undefined : parseParams(bound);
  } catch (error) {
    return errorText(error);
  }
  try {
    return parseQuery(text, params);
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
function goneSignal(reply: FastifyReply): AbortSignal {
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
  const rows = /^\d+$/.test(text) ? Number(text) : 0;
  return rows > 0 ? rows : defaultChunkRows;
}

async function* chunkDocuments(
  results: AsyncIterable<StatementResult>,
  chunkRows: number,
  format: AnswerFormat,
): AsyncGenerator<Uint8Array> {
  for await (const result of results)
    for (const chunk of chunksOf(result, chunkRows)) yield format.write([chunk]);
}

function sendDocuments(
  reply: FastifyReply,
  documents: AsyncIterable<Uint8Array>,
  wantsGzip: boolean,
): FastifyReply {
  const plain = Readable.from(documents, { objectMode: false });
  if (!wantsGzip) return reply.send(plain);
  // A client that reads chunk by chunk must not wait for the compressor to fill its window.
  const zipped = createGzip({ level: 1, flush: constants.Z_SYNC_FLUSH });
  plain.on('error', (error) => zipped.destroy(error));
  return reply.header('Content-Encoding', 'gzip').send(plain.pipe(zipped));
}
