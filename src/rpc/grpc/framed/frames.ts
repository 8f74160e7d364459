/**
 * Frames of HTTP/2 (RFC 9113) as nodes send them to each other (decision 93): no padding, no priorities, a block of headers in one
 * frame. What comes is cut into frames here; of DATA the parts are handed on as they come.
 */
import { Buffer } from 'node:buffer';
import { DbError } from '../../../base/errors.ts';

export const frameTypes = { data: 0, headers: 1, reset: 3, settings: 4, ping: 6, goaway: 7, windowUpdate: 8 } as const; // prettier-ignore
export const frameFlags = { ack: 1, endStream: 1, endHeaders: 4, padded: 8, priority: 32 } as const;
export const settingIds = { maxConcurrentStreams: 3, initialWindowSize: 4, maxFrameSize: 5 } as const; // prettier-ignore

/** RFC 9113 7. */
export const streamCodes = { none: 0, protocol: 1, flowControl: 3, refused: 7, cancel: 8, compression: 9, calm: 11, security: 12 } as const; // prettier-ignore

export const clientPreface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');
export const headBytes = 9;
/** Of a frame that is no DATA: room for the text of an error (status.ts). */
const controlBytesMax = 65_536;
/** Of DATA: what is announced. Parts are taken as they come, so that it bounds no memory. */
export const dataBytesMax = 256 * 1_024;

/** A frame of a connection that breaks the rules, with the code that says which. */
export class FrameError extends DbError {
  readonly streamCode: number;

  constructor(streamCode: number, text: string) {
    super('corrupt', `a frame of HTTP/2: ${text}`);
    this.streamCode = streamCode;
  }
}

export interface FrameSink {
  /** Of any type but DATA, with its whole payload, which is a view of what came. */
  frame(type: number, flags: number, streamId: number, payload: Buffer): void;
  /** A part of DATA, a view of what came; `isEnd` with the last one of a stream. */
  data(streamId: number, part: Buffer, isEnd: boolean): void;
}

export class FrameReader {
  readonly #sink: FrameSink;
  readonly #head = Buffer.alloc(headBytes);
  #headFilled = 0;
  #type = 0;
  #flags = 0;
  #streamId = 0;
  /** Of the payload under way; -1 between frames. */
  #left = -1;
  #gathered: Buffer | undefined;

  constructor(sink: FrameSink) {
    this.#sink = sink;
  }

  /** Throws `FrameError` for what is not taken here, and what the sink throws. */
  push(chunk: Buffer): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#left < 0) {
        at = this.#readHead(chunk, at);
        if (this.#left > 0 || this.#left < 0) continue;
      }
      const end = Math.min(chunk.length, at + this.#left);
      this.#readPayload(chunk.subarray(at, end));
      at = end;
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#headFilled === 0 && chunk.length - at >= headBytes) {
      this.#begin(chunk, at);
      return at + headBytes;
    }
    const end = Math.min(chunk.length, at + headBytes - this.#headFilled);
    chunk.copy(this.#head, this.#headFilled, at, end);
    this.#headFilled += end - at;
    if (this.#headFilled === headBytes) {
      this.#headFilled = 0;
      this.#begin(this.#head, 0);
    }
    return end;
  }

  #begin(head: Buffer, at: number): void {
    const lengthBytes = head.readUIntBE(at, 3);
    this.#type = head[at + 3] ?? 0;
    this.#flags = head[at + 4] ?? 0;
    this.#streamId = head.readUInt32BE(at + 5) & 0x7f_ff_ff_ff;
    const isData = this.#type === frameTypes.data;
    if (lengthBytes > (isData ? dataBytesMax : controlBytesMax))
      throw new FrameError(streamCodes.protocol, `of ${lengthBytes} bytes`);
    const isPlain = (this.#flags & frameFlags.padded) === 0;
    if (isData && !isPlain) throw new FrameError(streamCodes.protocol, 'with padding');
    this.#left = lengthBytes;
  }

  /** `part` is no more than what is left. */
  #readPayload(part: Buffer): void {
    const left = this.#left - part.length;
    if (this.#type === frameTypes.data) {
      this.#left = left > 0 ? left : -1;
      const isEnd = left === 0 && (this.#flags & frameFlags.endStream) !== 0;
      this.#sink.data(this.#streamId, part, isEnd);
      return;
    }
    const gathered = this.#gathered === undefined ? part : Buffer.concat([this.#gathered, part]);
    this.#gathered = left > 0 ? gathered : undefined;
    this.#left = left > 0 ? left : -1;
    if (left === 0) this.#sink.frame(this.#type, this.#flags, this.#streamId, gathered);
  }
}

/** Writes the head of a frame to `to`. */
export function putHead(
  to: Buffer,
  at: number,
  frame: { readonly lengthBytes: number; readonly type: number; readonly flags: number; readonly streamId: number }, // prettier-ignore
): void {
  to.writeUIntBE(frame.lengthBytes, at, 3);
  to[at + 3] = frame.type;
  to[at + 4] = frame.flags;
  to.writeUInt32BE(frame.streamId, at + 5);
}

/** A frame that is small. */
export function frameOf(
  type: number,
  flags: number,
  streamId: number,
  payload: Uint8Array,
): Buffer {
  // prettier-ignore
  const frame = Buffer.allocUnsafe(headBytes + payload.length);
  putHead(frame, 0, { lengthBytes: payload.length, type, flags, streamId });
  frame.set(payload, headBytes);
  return frame;
}

export function settingsFrame(settings: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(6 * settings.length);
  for (const [i, [id, value]] of settings.entries()) {
    payload.writeUInt16BE(id, 6 * i);
    payload.writeUInt32BE(value, 6 * i + 2);
  }
  return frameOf(frameTypes.settings, 0, 0, payload);
}

export function wordFrame(type: number, streamId: number, value: number): Buffer {
  const payload = Buffer.allocUnsafe(4);
  payload.writeUInt32BE(value);
  return frameOf(type, 0, streamId, payload);
}

export function goawayFrame(lastId: number, code: number): Buffer {
  const payload = Buffer.allocUnsafe(8);
  payload.writeUInt32BE(lastId);
  payload.writeUInt32BE(code, 4);
  return frameOf(frameTypes.goaway, 0, 0, payload);
}

/** Throws `FrameError` for what is no list of settings. */
export function settingsIn(payload: Buffer): ReadonlyMap<number, number> {
  if (payload.length % 6 !== 0) throw new FrameError(streamCodes.protocol, 'settings cut short');
  const settings = new Map<number, number>();
  for (let at = 0; at < payload.length; at += 6)
    settings.set(payload.readUInt16BE(at), payload.readUInt32BE(at + 2));
  return settings;
}
