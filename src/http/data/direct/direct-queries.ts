/**
 * Plain queries past Node's HTTP and the framework (decision 0052): statements that read, in an address or a form, zipped
 * or not. What a request passes is the same: who makes it, what it may, what is counted and logged. Whatever would be
 * refused is left to the code that refuses it, before anything has run.
 */
import type { Buffer } from 'node:buffer';
import type { QueryRequest } from '../../../data/statements/statement-executor.ts';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import type { Statement } from '../../../influxql/ast.ts';
import type { KnownTexts } from '../../../influxql/known-texts.ts';
import { PartsStream } from '../answers/parts-stream.ts';
import { startWhole, type AnswerOptions } from '../answers/start-whole.ts';
import { piecesOf, takesGzip, zipAnswer, zipParts } from '../answers/zip-answer.ts';
import type { AnswerFormat } from '../answers/answer-format.ts';
import { pathOf, RequestParameters } from '../requests/request-parameters.ts';
import { chunkedParts, formatOf, pinnedNodeOf, statementsOf } from '../query-route.ts';
import type { DirectParts, SharedAnswers } from './direct-parts.ts';
import { documentHead } from './plain-answer.ts';
import type { PlainHead } from './plain-head.ts';
import type { AskedRequest, OpenQuery } from './exchange.ts';

interface AskedQuery {
  readonly statements: readonly Statement[];
  readonly format: AnswerFormat;
  readonly parameters: RequestParameters;
  readonly isZipped: boolean;
}

export interface DirectQueriesParts extends DirectParts, SharedAnswers {
  readonly texts: KnownTexts;
}

const timeFormats = ['', 'epoch', 'rfc3339'];

export async function answerQuery(
  { head, body, ip, signal }: AskedRequest,
  parts: DirectQueriesParts,
): Promise<OpenQuery | undefined> {
  const asked = askedBy(head, body, parts.texts);
  if (asked === undefined) return undefined;
  const { ports, options, counters, accessLog, profiles, admit } = parts;
  const { statements, format, parameters } = asked;
  let query: QueryRequest;
  try {
    const admitted = admit(head);
    query = {
      statements,
      database: parameters.get('db'),
      retentionPolicy: parameters.get('rp'),
      principal: admitted instanceof Promise ? await admitted : admitted,
      isReadOnly: head.method === 'GET',
      bucketsMax: options.bucketsMax,
      timeoutMs: options.queryTimeoutMs,
      signal,
      pinnedNodeId: pinnedNodeOf(parameters.get('node_id')),
    };
    ports.executor.authorize(query);
  } catch {
    return undefined;
  }
  const request = { ...head, ip, principal: query.principal };
  const ended = counters.follows(request);
  profiles.add(pathOf(request), ip);
  const startMs = ports.clock.monotonicMs();
  let started: StartedAnswer;
  try {
    started = await startedOf(query, asked, { ports, rowsMax: options.rowsMax });
  } catch (error) {
    ended(500, 0);
    throw error;
  }
  const asking = head.headers['x-request-id'] ?? head.headers['request-id'] ?? '';
  const requestId = asking === '' ? ports.requestId() : asking;
  const { version } = options;
  return {
    started,
    head: (lengthBytes) => {
      const closes = parts.isClosing() || head.closes;
      const said = { version, requestId, more: parts.fixed.text, date: parts.date(), closes };
      const { contentType } = format;
      return documentHead(said, { contentType, lengthBytes, isZipped: asked.isZipped });
    },
    end: (sentBytes, lengthBytes) => {
      ended(200, sentBytes);
      if (!accessLog.takes(head, 200)) return;
      const elapsedMs = ports.clock.monotonicMs() - startMs;
      const answer = { httpVersion: '1.1', status: 200, lengthBytes, requestId, elapsedMs };
      accessLog.note({ ...request, form: parameters.form }, answer, ports.clock.wallNs());
    },
  };
}

/** As the route makes it, zipped if the client takes that. */
async function startedOf(
  query: QueryRequest,
  { format, parameters, isZipped }: AskedQuery,
  options: AnswerOptions,
): Promise<StartedAnswer> {
  const isChunked = parameters.get('chunked') === 'true';
  const started: StartedAnswer = isChunked
    ? { kind: 'parts', taken: [], parts: chunkedParts(query, parameters, { format, ...options }) }
    : await startWhole(query, format, options);
  if (!isZipped) return started;
  if (started.kind === 'whole') return { kind: 'whole', bytes: await zipAnswer(started) };
  const plain = new PartsStream(started.taken, started.parts);
  const zipped = zipParts(plain, { isPrompt: isChunked });
  return { kind: 'parts', taken: [], parts: await piecesOf(zipped) };
}

function askedBy(head: PlainHead, body: Buffer, texts: KnownTexts): AskedQuery | undefined {
  const { accept = '', 'content-type': type = '', 'accept-encoding': codings = '' } = head.headers;
  const parameters = RequestParameters.ofBody(head, body, type);
  if (parameters === undefined || parameters.get('async') === 'true') return undefined;
  if (!timeFormats.includes(parameters.get('time_format'))) return undefined;
  const statements = statementsOf(parameters, texts);
  if (typeof statements === 'string' || !statements.every(isReading)) return undefined;
  return { statements, format: formatOf(accept, parameters), parameters, isZipped: takesGzip(codings) }; // prettier-ignore
}

/** Whether a statement changes nothing: others are rare, and left to Node's server. */
function isReading(statement: Statement): boolean {
  if (statement.kind === 'select') return statement.target === undefined;
  return statement.kind.startsWith('show-');
}
