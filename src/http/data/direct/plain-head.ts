/**
 * The head of a write, or of a query in its address, as nearly all clients send it, read without a parser of HTTP. Pure.
 *
 * Invariants:
 * - What is read here means the same to Node's parser: all that HTTP leaves room for (chunks, other versions, folded lines,
 *   a header twice, bytes beyond ASCII, a connection that is to be closed) is not plain, and left to that.
 * - Of the bytes nothing is taken before the whole head is known to be plain.
 */
import type { Buffer } from 'node:buffer';
import { prometheusPath, writeTargets } from '../requests/write-target.ts';
import { pathOf } from '../requests/request-parameters.ts';
import type { SignedRequest } from '../../access/credentials.ts';

/** A longer head is rare, and left to Node. */
const headBytesMax = 4_096;
const headEnd = '\r\n\r\n';
const lineEnd = '\r\n';

/** What is asked by it, of which a connection asks the same again and again. */
export interface PlainHead extends SignedRequest {
  readonly text: string;
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body. */
  readonly lengthBytes: number;
}

const writeLine = /^POST (\/[!-~]*) HTTP\/1\.1$/;
const queryLine = /^GET (\/query\?[!-~]*) HTTP\/1\.1$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~]*)$/;
const length = /^(?:0|[1-9]\d{0,14})$/;

/** Headers that change how a body or an answer is sent, or what is in the answer. */
const notPlain = new Set(['transfer-encoding', 'content-encoding', 'expect', 'upgrade', 'origin', 'te', 'trailer']); // prettier-ignore

/**
 * The head of a write at the start of `bytes`; undefined where that is not whole, or not plain. `before`: of the same
 * connection.
 */
export function readPlainHead(bytes: Buffer, before?: PlainHead): PlainHead | undefined {
  if (before !== undefined && startsWith(bytes, before.text)) return before;
  const head = readHead(bytes, writeLine);
  if (head === undefined) return undefined;
  const path = pathOf(head);
  if (!writeTargets.has(path) || path === prometheusPath) return undefined;
  const announced = head.headers['content-length'] ?? '';
  return length.test(announced) ? { ...head, lengthBytes: Number(announced) } : undefined;
}

/** The same of a query, which has no body. */
export function readQueryHead(bytes: Buffer, before?: PlainHead): PlainHead | undefined {
  if (before !== undefined && startsWith(bytes, before.text)) return before;
  const head = readHead(bytes, queryLine);
  return head?.headers['content-length'] === undefined ? head : undefined;
}

function readHead(bytes: Buffer, line: RegExp): PlainHead | undefined {
  const end = bytes.subarray(0, headBytesMax).indexOf(headEnd, 0, 'latin1');
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', 0, end + headEnd.length);
  const [first = '', ...lines] = text.slice(0, end).split(lineEnd);
  const url = line.exec(first)?.[1];
  if (url === undefined) return undefined;
  const headers = readHeaders(lines);
  if (headers?.['host'] === undefined) return undefined;
  return { text, url, headers, lengthBytes: 0, urlParameters: undefined };
}

function startsWith(bytes: Buffer, text: string): boolean {
  return bytes.length >= text.length && bytes.toString('latin1', 0, text.length) === text;
}

function readHeaders(lines: readonly string[]): PlainHead['headers'] | undefined {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of lines) {
    const [, written = '', value = ''] = headerLine.exec(line) ?? [];
    const name = written.toLowerCase();
    if (name === '' || name in headers || notPlain.has(name)) return undefined;
    headers[name] = value.trimEnd();
  }
  const { connection = 'keep-alive' } = headers;
  return connection.toLowerCase() === 'keep-alive' ? headers : undefined;
}
