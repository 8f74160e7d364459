/** Answers to writes and to queries, byte for byte as Node's server and fastify send them. */
import type { Buffer } from 'node:buffer';
import { errorHeader, reasonOf } from '../../error-reply.ts';
import type { AnswerType } from '../answers/accepted-type.ts';

export interface AnswerParts {
  readonly version: string;
  readonly requestId: string;
  /** Lines of headers that the configuration adds. */
  readonly more: string;
  /** Of now, as HTTP writes it. */
  readonly date: string;
  /** The node is about to end. */
  readonly closes: boolean;
}

/** Of an answer to a write, good or not. */
export interface WrittenParts extends AnswerParts {
  readonly contentType: AnswerType;
}

export interface PlainError {
  readonly status: number;
  readonly text: string;
  /** The text in the form that was asked for. */
  readonly body: Buffer;
}

/** Of the connection between two requests; Node's server says so, and closes it then. */
export const keepAliveSeconds = 72;

export interface PlainAnswer {
  readonly text: string;
  /** What the log of requests names: of the body. */
  readonly lengthBytes: number;
}

/** In the place of an id: no answer has it. */
const idPlace = '\0';

/** Answers to writes that are good, of which those of one second differ in their ids only. */
export class GoodAnswers {
  #alike: Omit<WrittenParts, 'requestId'> | undefined;
  #between: readonly string[] = [];

  answer(parts: WrittenParts): PlainAnswer {
    const { version, more, date, closes, contentType, requestId } = parts;
    const alike = this.#alike;
    if (alike?.date !== date || alike.closes !== closes || alike.version !== version || alike.more !== more || alike.contentType !== contentType) {
      this.#alike = parts;
      this.#between = plainAnswer({ ...parts, requestId: idPlace }, undefined).text.split(idPlace);
    }
    return { text: this.#between.join(requestId), lengthBytes: 0 };
  } // prettier-ignore
}

export function plainAnswer(
  { version, requestId, more, date, closes, contentType }: WrittenParts,
  error: PlainError | undefined,
): PlainAnswer {
  const status = error === undefined ? '204 No Content' : `${error.status} ${reasonOf(error.status)}`; // prettier-ignore
  const body = error?.body.toString('latin1') ?? '';
  const ids = idsOf({ version, requestId, more });
  const what = error === undefined ? '' : `X-Influxdb-Error: ${errorHeader(error.text)}\r\n`;
  const size = error === undefined ? '' : `content-length: ${body.length}\r\n`;
  const end = endOf(closes);
  const text = `HTTP/1.1 ${status}\r\n${ids}${what}content-type: ${contentType}\r\n${size}Date: ${date}\r\n${end}\r\n\r\n${body}`; // prettier-ignore
  return { text, lengthBytes: body.length };
}

export interface DocumentParts {
  readonly contentType: string;
  /** Undefined where it goes in chunks. */
  readonly lengthBytes: number | undefined;
  readonly isZipped: boolean;
}

export function documentHead(
  { version, requestId, more, date, closes }: AnswerParts,
  { contentType, lengthBytes, isZipped }: DocumentParts,
): string {
  const zipped = isZipped ? 'content-encoding: gzip\r\n' : '';
  const [size, coding] = lengthBytes === undefined ? ['', '\r\nTransfer-Encoding: chunked'] : [`content-length: ${lengthBytes}\r\n`, '']; // prettier-ignore
  return `HTTP/1.1 200 OK\r\n${idsOf({ version, requestId, more })}content-type: ${contentType}\r\n${zipped}${size}Date: ${date}\r\n${endOf(closes)}${coding}\r\n\r\n`; // prettier-ignore
}

function idsOf({
  version,
  requestId,
  more,
}: Pick<AnswerParts, 'version' | 'requestId' | 'more'>): string {
  return `X-Influxdb-Version: ${version}\r\nX-Influxdb-Build: ENT\r\nX-Request-Id: ${requestId}\r\nRequest-Id: ${requestId}\r\n${more}`; // prettier-ignore
}

function endOf(closes: boolean): string {
  return closes ? 'Connection: close' : `Connection: keep-alive\r\nKeep-Alive: timeout=${keepAliveSeconds}`; // prettier-ignore
}
