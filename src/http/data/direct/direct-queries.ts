/**
 * Plain queries past Node's HTTP and the framework (decision 0052): GETs that ask for JSON or CSV in one document. What a
 * request passes is the same: who makes it, what it may, what is counted and logged. Whatever would be refused is left to
 * the code that refuses it, before anything has run.
 */
import type { QueryRequest } from '../../../data/statements/statement-executor.ts';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import type { Statement } from '../../../influxql/ast.ts';
import type { KnownTexts } from '../../../influxql/known-texts.ts';
import { startWhole } from '../answers/start-whole.ts';
import type { AnswerFormat } from '../answers/answer-format.ts';
import { accessLogLine } from '../requests/access-log.ts';
import { pathOf, RequestParameters } from '../requests/request-parameters.ts';
import { formatOf, pinnedNodeOf, statementsOf } from '../query-route.ts';
import type { DirectParts, SharedAnswers } from './direct-parts.ts';
import { documentHead } from './plain-answer.ts';
import type { PlainHead } from './plain-head.ts';
import type { OpenQuery } from './query-connection.ts';

interface AskedQuery {
  readonly statements: readonly Statement[];
  readonly format: AnswerFormat;
  readonly parameters: RequestParameters;
}

export interface DirectQueriesParts extends DirectParts, SharedAnswers {
  readonly texts: KnownTexts;
}

/** Answers that are made another way, or are not made. */
const notPlain = ['chunked', 'async', 'params', 'time_format', 'pretty'];

export async function answerQuery(
  head: PlainHead,
  { ip, signal }: { readonly ip: string; readonly signal: AbortSignal },
  parts: DirectQueriesParts,
): Promise<OpenQuery | undefined> {
  const asked = askedBy(head, parts.texts);
  if (asked === undefined) return undefined;
  const { ports, options, counters, profiles, admit } = parts;
  const { statements, format, parameters } = asked;
  let query: QueryRequest;
  try {
    const admitted = admit(head);
    query = {
      statements,
      database: parameters.get('db'),
      retentionPolicy: parameters.get('rp'),
      principal: admitted instanceof Promise ? await admitted : admitted,
      isReadOnly: true,
      bucketsMax: options.bucketsMax,
      timeoutMs: options.queryTimeoutMs,
      signal,
      pinnedNodeId: pinnedNodeOf(parameters.get('node_id')),
    };
    ports.executor.authorize(query);
  } catch {
    return undefined;
  }
  const request = { ...head, method: 'GET', ip, principal: query.principal };
  const ended = counters.follows(request);
  profiles.add(pathOf(request), ip);
  const startMs = ports.clock.monotonicMs();
  let started: StartedAnswer;
  try {
    started = await startWhole(query, format, { ports, rowsMax: options.rowsMax });
  } catch (error) {
    ended(500, 0);
    throw error;
  }
  const asking = head.headers['x-request-id'] ?? head.headers['request-id'] ?? '';
  const requestId = asking === '' ? ports.requestId() : asking;
  const { version, logEnabled } = options;
  let bodyBytes = 0;
  return {
    started,
    head: (lengthBytes) => {
      bodyBytes = lengthBytes ?? 0;
      const said = { version, requestId, date: parts.date(), closes: parts.isClosing() };
      return documentHead(said, { contentType: format.contentType, lengthBytes });
    },
    end: (sentBytes) => {
      ended(200, sentBytes);
      if (!logEnabled) return;
      const elapsedMs = ports.clock.monotonicMs() - startMs;
      const answer = {
        httpVersion: '1.1',
        status: 200,
        lengthBytes: bodyBytes,
        requestId,
        elapsedMs,
      };
      ports.log.info(accessLogLine(request, answer, ports.clock.wallNs()));
    },
  };
}

function askedBy(head: PlainHead, texts: KnownTexts): AskedQuery | undefined {
  const { headers } = head;
  const { accept = '' } = headers;
  if (/\bgzip\b/.test(headers['accept-encoding'] ?? '')) return undefined;
  const parameters = RequestParameters.ofUrl(head);
  if (notPlain.some((name) => parameters.get(name) !== '')) return undefined;
  const format = formatOf(accept, parameters);
  if (!format.isStreamed) return undefined;
  const statements = statementsOf(parameters, texts);
  if (typeof statements === 'string' || !statements.every(isReading)) return undefined;
  return { statements, format, parameters };
}

/** Whether a statement changes nothing: of others a GET is warned. */
function isReading(statement: Statement): boolean {
  if (statement.kind === 'select') return statement.target === undefined;
  return statement.kind.startsWith('show-');
}
