/**
 * The head of a write or of a query as nearly all clients send it, read without a parser of HTTP. Pure.
 *
 * Invariants:
 * - What is read here means the same to Node's parser: all that HTTP leaves room for (chunks, other versions, folded lines,
 *   a header twice, bytes beyond ASCII) is not plain, and left to that.
 * - Of the bytes nothing is taken before the whole head is known to be plain.
 */
import type { Buffer } from 'node:buffer';
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { KiB } from '../../../base/units.ts';
import { prometheusPath, writeTargets } from '../requests/write-target.ts';
import { pathOf } from '../requests/request-parameters.ts';
import type { SignedRequest } from '../../access/credentials.ts';

/** A longer head is rare, and left to Node. */
const headBytesMax = 16 * KiB;
/** Of a query that comes in a body; a longer one is left to Node, too. */
const formBytesMax = 16 * KiB;
/** A longer one is not kept. */
const knownBytesMax = 2 * KiB;
const headEnd = '\r\n\r\n';
const lineEnd = '\r\n';
const queryPath = '/query';

/** What is asked by it, of which a connection asks the same again and again. */
export interface PlainHead extends SignedRequest {
  readonly text: string;
  readonly kind: 'write' | 'query';
  readonly method: 'GET' | 'POST';
  /** By names in small letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the body. */
  readonly lengthBytes: number;
  /** The client asks for no more on this connection. */
  readonly closes: boolean;
  /** All but the first line, which is the same for most requests of a connection. */
  readonly fields: HeadFields;
}

interface HeadFields {
  readonly text: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Undefined where nobody says. */
  readonly lengthBytes: number | undefined;
  readonly closes: boolean;
}

const firstLine = /^(GET|POST) (\/[!-~]*) HTTP\/1\.1$/;
const headerLine = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t -~]*)$/;
const length = /^(?:0|[1-9]\d{0,14})$/;

/** Headers that change how a body or an answer is sent, or what is in the answer. */
const notPlain = new Set(['transfer-encoding', 'expect', 'upgrade', 'origin', 'te', 'trailer']);

/** Heads of writes, which differ in lengths of bodies, and in little else between connections of a client. */
export class KnownHeads {
  readonly #heads = new RecentMap<string, PlainHead>({ countMax: 1_024, weightMax: 512 * KiB });

  /** The same object for the same head, so that what is found out of it is known; undefined as readPlainHead() says. */
  read(bytes: Buffer, before: PlainHead | undefined): PlainHead | undefined {
    if (before !== undefined && holds(bytes, 0, before.text)) return before;
    const end = before?.kind === 'write' ? bytes.indexOf(headEnd, 0, 'latin1') + headEnd.length : 0;
    if (end < headEnd.length || end > knownBytesMax) return readPlainHead(bytes, before);
    const text = bytes.toString('latin1', 0, end);
    const known = this.#heads.get(text);
    if (known !== undefined) return known;
    const head = readPlainHead(bytes, before);
    if (head?.kind === 'write') this.#heads.set(text, head, text.length);
    return head;
  }
}

/**
 * The head at the start of `bytes`; undefined where that is not whole, or not plain. `before`: of the same connection.
 */
export function readPlainHead(bytes: Buffer, before?: PlainHead): PlainHead | undefined {
  if (before !== undefined && holds(bytes, 0, before.text)) return before;
  const lineLength = bytes.subarray(0, headBytesMax).indexOf(lineEnd, 0, 'latin1');
  if (lineLength < 0) return undefined;
  const line = bytes.toString('latin1', 0, lineLength);
  const [, method = '', url = ''] = firstLine.exec(line) ?? [];
  if (method === '') return undefined;
  const known = before !== undefined && holds(bytes, lineLength, before.fields.text);
  const fields = known ? before.fields : readFields(bytes, lineLength);
  if (fields === undefined) return undefined;
  const asked = { method: method as PlainHead['method'], url };
  const kind = kindOf(asked, fields);
  if (kind === undefined) return undefined;
  const { headers, lengthBytes = 0, closes } = fields;
  const text = line + fields.text;
  return { text, kind, ...asked, headers, lengthBytes, closes, fields, urlParameters: undefined };
}

function kindOf(
  { method, url }: Pick<PlainHead, 'method' | 'url'>,
  { headers, lengthBytes }: HeadFields,
): PlainHead['kind'] | undefined {
  const path = pathOf({ url });
  const coding = headers['content-encoding'];
  if (path === queryPath) {
    const isPlain = method === 'GET' ? lengthBytes === undefined : (lengthBytes ?? 0) <= formBytesMax; // prettier-ignore
    return isPlain && coding === undefined ? 'query' : undefined;
  }
  if (method !== 'POST' || lengthBytes === undefined) return undefined;
  if (coding !== undefined && coding !== 'gzip') return undefined;
  return writeTargets.has(path) && path !== prometheusPath ? 'write' : undefined;
}

function readFields(bytes: Buffer, lineLength: number): HeadFields | undefined {
  const end = bytes.subarray(0, headBytesMax).indexOf(headEnd, lineLength, 'latin1');
  if (end < 0) return undefined;
  const text = bytes.toString('latin1', lineLength, end + headEnd.length);
  const headers = readHeaders(text.slice(lineEnd.length, -headEnd.length));
  if (headers?.['host'] === undefined) return undefined;
  const { connection = 'keep-alive', 'content-length': announced } = headers;
  const way = connection.toLowerCase();
  if (way !== 'keep-alive' && way !== 'close') return undefined;
  if (announced !== undefined && !length.test(announced)) return undefined;
  const lengthBytes = announced === undefined ? undefined : Number(announced);
  return { text, headers, lengthBytes, closes: way === 'close' };
}

function holds(bytes: Buffer, at: number, text: string): boolean {
  const end = at + text.length;
  return bytes.length >= end && bytes.toString('latin1', at, end) === text;
}

function readHeaders(text: string): PlainHead['headers'] | undefined {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const line of text.split(lineEnd)) {
    const [, written = '', value = ''] = headerLine.exec(line) ?? [];
    const name = written.toLowerCase();
    if (name === '' || name in headers || notPlain.has(name)) return undefined;
    headers[name] = value.trimEnd();
  }
  return headers;
}
