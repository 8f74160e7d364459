/**
 * One call on a connection of frames, as either end has it: what it has to send waits here for the windows, and what came of
 * it is counted until the peer may send more.
 */
import type { Buffer } from 'node:buffer';
import { Latch } from '../../../base/async/latch.ts';

/** Hears what comes of a stream. */
export interface StreamReader {
  /** Before anything else. */
  opened(stream: FramedStream): void;
  /** The first block of headers, or the one that ends it. */
  headers(block: Buffer, isEnd: boolean): void;
  data(part: Buffer, isEnd: boolean): void;
  /** Nothing comes or goes any more: by the peer's reset, or, with undefined, by the end of the connection. */
  closed(streamCode: number | undefined): void;
}

export interface Sent {
  readonly bytes: Buffer;
  readonly onSent?: (() => void) | undefined;
}

/** Waiting for windows; whoever makes more waits. */
const pendingBytesMax = 65_536;

export class FramedStream {
  readonly id: number;
  readonly reader: StreamReader;
  /** What it may still send, and may still be sent. */
  sendWindowBytes: number;
  receiveWindowBytes: number;
  /** Came since the peer was last told to go on. */
  uncreditedBytes = 0;
  /** The peer is not told to go on. */
  isHeld = false;
  readonly queue: Sent[] = [];
  /** What follows the last of the queue: the end, with a block of headers where there is one. */
  ending: Buffer | 'end' | undefined;
  /** Whether this side has sent its headers. */
  hasHeaders = false;
  isLocalEnded = false;
  isRemoteEnded = false;
  isClosed = false;
  #pendingBytes = 0;
  #drained: Latch<undefined> | undefined;

  constructor(
    id: number,
    reader: StreamReader,
    windows: { readonly sendBytes: number; readonly receiveBytes: number },
  ) {
    this.id = id;
    this.reader = reader;
    this.sendWindowBytes = windows.sendBytes;
    this.receiveWindowBytes = windows.receiveBytes;
  }

  push(sent: Sent): void {
    this.queue.push(sent);
    this.#pendingBytes += sent.bytes.length;
  }

  /** Undefined unless whoever sends is to wait. */
  drained(): Promise<undefined> | undefined {
    if (this.#pendingBytes < pendingBytesMax || this.isClosed) return undefined;
    this.#drained ??= new Latch();
    return this.#drained.promise;
  }

  passed(lengthBytes: number): void {
    this.#pendingBytes -= lengthBytes;
    if (this.#pendingBytes < pendingBytesMax) this.#wake();
  }

  /** Nothing of it is sent any more. */
  close(): void {
    this.isClosed = true;
    this.queue.length = 0;
    this.#wake();
  }

  #wake(): void {
    this.#drained?.open(undefined);
    this.#drained = undefined;
  }
}
