/**
 * Accepted connections that are read into memory of their user's. Node gives that to connections that are opened (`onread`),
 * and makes a buffer of 64 KiB for each piece that comes on one that is accepted: these are what V8 collects its whole heap
 * for while bodies come. So the handle of an accepted socket goes on in a second one that is made with `onread`.
 *
 * Invariants:
 * - The first socket stays, without a handle, as its server counts it: it ends with the second one.
 * - A second socket that was handed over gives its bytes to its readers as any stream does. A parser that takes them from the
 *   handle (Node's HTTP) sees none of this.
 * - What Node does not document is asked for and not assumed: without it nothing is taken.
 */
import { Buffer } from 'node:buffer';
import { Socket, type SocketConstructorOpts } from 'node:net';
import { Duplex, Readable } from 'node:stream';
import type { RawSocket, RawSockets, RawUser } from '../../raw-sockets.ts';

interface StreamHandle {
  reading: boolean;
  readStop(): number;
  readonly useUserBuffer: unknown;
}

interface WithHandle {
  _handle: StreamHandle | null;
}

export const nodeRawSockets: RawSockets = {
  take(socket, user, onDrained) {
    const handle = socket instanceof Socket ? detachHandle(socket) : undefined;
    return handle === undefined
      ? undefined
      : new NodeRawSocket(socket, handle, { user, onDrained });
  },
};

function detachHandle(socket: Socket): StreamHandle | undefined {
  const owner = socket as unknown as WithHandle;
  const handle = owner._handle;
  if (socket.destroyed || socket.readableLength > 0) return undefined;
  if (typeof handle?.useUserBuffer !== 'function' || typeof handle.readStop !== 'function')
    return undefined;
  handle.readStop();
  handle.reading = false;
  owner._handle = null;
  return handle;
}

class NodeRawSocket implements RawSocket {
  readonly #socket: Socket;
  readonly #user: RawUser;
  #isHandedOver = false;

  constructor(
    accepted: Duplex,
    handle: StreamHandle,
    { user, onDrained }: { readonly user: RawUser; readonly onDrained: () => void },
  ) {
    this.#user = user;
    const onread = {
      buffer: () => user.room(),
      callback: (lengthBytes: number, bytes: Uint8Array) => this.#took(lengthBytes, bytes),
    };
    const options = { handle, allowHalfOpen: true, onread };
    const socket = new Socket(options as unknown as SocketConstructorOpts);
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('drain', () => {
      if (!this.#isHandedOver) onDrained();
    });
    socket.on('end', () => {
      if (!this.#isHandedOver) user.ended();
    });
    // It is followed by 'close', and a client that has left needs no more words.
    socket.on('error', () => undefined);
    socket.on('close', () => {
      accepted.destroy();
      user.closed();
    });
  }

  write(...answer: readonly (string | Uint8Array)[]): boolean {
    const socket = this.#socket;
    if (answer.length > 1) socket.cork();
    let isTaken = true;
    for (const part of answer)
      isTaken = typeof part === 'string' ? socket.write(part, 'latin1') : socket.write(part);
    if (answer.length > 1) socket.uncork();
    return isTaken;
  }

  resume(): void {
    this.#socket.resume();
  }

  end(): void {
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  handOver(bytes: Uint8Array, give: (socket: Duplex) => void): void {
    this.#isHandedOver = true;
    if (this.#socket.readableEnded) {
      give(endedStream(this.#socket, bytes));
      return;
    }
    // Whoever gets it listens first, and what is here already is told before what comes.
    this.#socket.pause();
    if (bytes.length > 0) this.#socket.unshift(Buffer.from(bytes));
    give(this.#socket);
    this.#socket.resume();
  }

  #took(lengthBytes: number, bytes: Uint8Array): boolean {
    if (!this.#isHandedOver) return this.#user.took(lengthBytes);
    return this.#socket.push(Buffer.from(bytes.subarray(0, lengthBytes)));
  }
}

/** What came last of a client that sends no more, and the way back to it: nothing can be put back in front of an end. */
function endedStream(socket: Socket, bytes: Uint8Array): Duplex {
  const { remoteAddress } = socket;
  const readable = Readable.from([Buffer.from(bytes)], { objectMode: false });
  const stream = Object.assign(Duplex.from({ readable, writable: socket }), { remoteAddress });
  // Whoever watches an answer go out asks for it (http/data/requests/half-open.ts).
  return Object.defineProperty(stream, 'bytesWritten', { get: () => socket.bytesWritten });
}
