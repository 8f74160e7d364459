/**
 * What goes out on a connection. Frames of one turn of the event loop leave together: those of many calls, and the reply of a call
 * with what stands around it.
 * - Small payloads are copied; a long one is written as it lies, and is not to change until `onSent` of it.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { headBytes, putHead } from './frames.ts';

/** A payload whose copy costs more than a write of its own. */
const copiedBytesMax = 16_384;
/** Written as one. */
const joinedBytesMax = 65_536;
/** Waiting in the socket, past which nothing is added that has a way to wait. */
const waitingBytesMax = 1_048_576;

/** The same of frames that have no way to wait: heads, ends and answers about the connection. */
const floodBytesMax = 8_388_608;

interface Waiting {
  readonly bytes: Buffer;
  readonly onSent: (() => void) | undefined;
}

export class FrameOutput {
  readonly #socket: Duplex;
  #waiting: Waiting[] = [];
  #waitingBytes = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  get isFull(): boolean {
    return this.#waitingBytes + this.#socket.writableLength >= waitingBytesMax;
  }

  get isFlooded(): boolean {
    return this.#waitingBytes + this.#socket.writableLength >= floodBytesMax;
  }

  add(bytes: Buffer, onSent?: () => void): void {
    this.#waiting.push({ bytes, onSent });
    this.#waitingBytes += bytes.length;
    if (this.#waiting.length > 1) return;
    process.nextTick(() => {
      this.flush();
    });
  }

  /**
   * `onSent` is told once nobody looks at the payload any more, nor at what was sent before it: it may be the end of something
   * long, whose other parts wait as they lie.
   */
  addFrame(
    frame: { readonly type: number; readonly flags: number; readonly streamId: number },
    payload: Buffer,
    onSent?: () => void,
  ): void {
    const lengthBytes = payload.length;
    const isCopied = lengthBytes <= copiedBytesMax;
    const bytes = Buffer.allocUnsafe(headBytes + (isCopied ? lengthBytes : 0));
    putHead(bytes, 0, { ...frame, lengthBytes });
    if (isCopied) bytes.set(payload, headBytes);
    this.add(bytes, isCopied ? onSent : undefined);
    if (!isCopied) this.add(payload, onSent);
  }

  /** Writes what waits. */
  flush(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const lengthBytes = this.#waitingBytes;
    this.#waitingBytes = 0;
    const [first] = waiting;
    if (this.#socket.destroyed || first === undefined) return;
    if (waiting.length === 1) write(this.#socket, first);
    else if (lengthBytes <= joinedBytesMax) {
      const onSent = (): void => {
        for (const one of waiting) one.onSent?.();
      };
      write(this.#socket, { bytes: Buffer.concat(waiting.map(({ bytes }) => bytes)), onSent });
    } else {
      this.#socket.cork();
      for (const one of waiting) write(this.#socket, one);
      this.#socket.uncork();
    }
  }
}

function write(socket: Duplex, { bytes, onSent }: Waiting): void {
  if (onSent === undefined) {
    socket.write(bytes);
    return;
  }
  // What did not go out is looked at for as long as the connection likes.
  socket.write(bytes, (error) => {
    if (!error) onSent();
  });
}
