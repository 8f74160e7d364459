/**
 * Messages on a gRPC stream: a message is one or more frames, each a kind byte and at most frameBytesMax bytes. So no
 * message meets gRPC's limit on length, and one large reply does not hold memory for two. An error is a frame too, since
 * a text may be longer than HTTP/2 lets a trailer be.
 */
import { Buffer } from 'node:buffer';
import {
  DbError,
  dbErrorCodes,
  errorText,
  isDbError,
  type DbErrorCode,
} from '../../base/errors.ts';

export const frameBytesMax = 1 << 20;

const FrameKind = { part: 0, last: 1, error: 2 } as const;

export function* messageFrames(message: Uint8Array): Generator<Buffer> {
  let at = 0;
  do {
    const end = Math.min(message.length, at + frameBytesMax);
    const kind = end === message.length ? FrameKind.last : FrameKind.part;
    yield Buffer.concat([Buffer.of(kind), message.subarray(at, end)]);
    at = end;
  } while (at < message.length);
}

export function errorFrame(error: unknown): Buffer {
  const code = isDbError(error) ? error.code : 'internal';
  const text = JSON.stringify({ code, text: errorText(error) });
  return Buffer.concat([Buffer.of(FrameKind.error), Buffer.from(text)]);
}

/** Puts messages together again. */
export class FrameReader {
  #parts: Uint8Array[] = [];

  /** The message that `frame` completes, if it does. Throws the error that the other side sent. */
  take(frame: Uint8Array): Uint8Array | undefined {
    const payload = frame.subarray(1);
    if (frame[0] === FrameKind.error) throw decodeError(payload);
    this.#parts.push(payload);
    if (frame[0] === FrameKind.part) return undefined;
    const parts = this.#parts;
    this.#parts = [];
    return Buffer.concat(parts);
  }
}

function decodeError(payload: Uint8Array): DbError {
  const { code, text } = JSON.parse(Buffer.from(payload).toString('utf8')) as Record<
    string,
    string
  >;
  const known = dbErrorCodes.find((one): one is DbErrorCode => one === code);
  return new DbError(known ?? 'internal', text ?? '');
}
