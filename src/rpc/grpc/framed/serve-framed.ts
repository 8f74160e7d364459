/**
 * The end of a connection of frames that answers (decision 93).
 * - A caller is looked at before anything of its request is kept, and hears at once that it is refused; what it still sends is
 *   passed over.
 */
import { Buffer } from 'node:buffer';
import type { Duplex } from 'node:stream';
import { DbError } from '../../../base/errors.ts';
import type { RpcAdmission } from '../../../env/transport.ts';
import { Caller } from '../caller.ts';
import { prefixed } from '../length-prefixed.ts';
import { peerBurstMax, peerResetsPerSecond } from '../paced-resets.ts';
import { RequestReading, type ReadRequest } from '../request-reader.ts';
import type { ServePorts } from '../serve-call.ts';
import { errorTrailers } from '../status.ts';
import { streamsMax } from '../stream-places.ts';
import { requestWindowBytes } from '../windows.ts';
import { FramedConnection } from './framed-connection.ts';
import type { FramedStream, StreamReader } from './framed-stream.ts';
import { clientPreface, FrameError, streamCodes } from './frames.ts';
import { encodeHeaders, type Headers } from './header-block.ts';
import { okBlock, replyBlock } from './reply-blocks.ts';
import { ServedHeads } from './served-heads.ts';

export interface FramedPorts extends ServePorts {
  /** Calls of the connection at once. */
  readonly callsMax: number;
}

/** Answers what comes, `first` with the preface at its start. Gives what says goodbye. */
export function serveFramed(socket: Duplex, first: Buffer, ports: FramedPorts): () => void {
  const heads = new ServedHeads();
  const resets = new ResetAllowance(ports.clock);
  const connection: FramedConnection = new FramedConnection(socket, {
    side: 'server',
    garbage: ports.garbage,
    streamWindowBytes: requestWindowBytes,
    streamsMax,
    opened: () =>
      connection.streamCount < ports.callsMax
        ? new FramedCall(connection, heads, ports)
        : undefined,
    settings: () => undefined,
    reset: () => {
      resets.take();
    },
    goaway: () => undefined,
    pong: () => undefined,
  });
  connection.begin();
  connection.take(first.subarray(clientPreface.length));
  socket.on('data', (part: Buffer) => {
    connection.take(part);
  });
  socket.resume();
  return () => {
    connection.close(streamCodes.none);
  };
}

/** How often a peer may give up calls (CVE-2023-44487): a burst, and so many a second. */
class ResetAllowance {
  readonly #clock: FramedPorts['clock'];
  #left = peerBurstMax;
  #leftMs: number;

  constructor(clock: FramedPorts['clock']) {
    this.#clock = clock;
    this.#leftMs = clock.monotonicMs();
  }

  /** Throws `FrameError` once there is none left. */
  take(): void {
    const nowMs = this.#clock.monotonicMs();
    const earned = ((nowMs - this.#leftMs) * peerResetsPerSecond) / 1_000;
    this.#left = Math.min(peerBurstMax, this.#left + earned) - 1;
    this.#leftMs = nowMs;
    if (this.#left < 0) throw new FrameError(streamCodes.calm, 'too many resets');
  }
}

/** One request, from its headers to its trailers. */
class FramedCall implements StreamReader {
  readonly #connection: FramedConnection;
  readonly #heads: ServedHeads;
  readonly #ports: FramedPorts;
  #stream: FramedStream | undefined;
  #reading: RequestReading | undefined;
  #caller: Caller | undefined;
  #hasBegun = false;

  constructor(connection: FramedConnection, heads: ServedHeads, ports: FramedPorts) {
    this.#connection = connection;
    this.#heads = heads;
    this.#ports = ports;
  }

  opened(stream: FramedStream): void {
    this.#stream = stream;
  }

  headers(block: Buffer, isEnd: boolean): void {
    if (this.#hasBegun) {
      if (!isEnd) throw new FrameError(streamCodes.protocol, 'headers in the middle');
      this.#reading?.end();
      return;
    }
    this.#hasBegun = true;
    const head = this.#heads.of(block);
    const { clock, handlers, budget } = this.#ports;
    let admission: RpcAdmission;
    try {
      if (!head.isGrpc) throw new DbError('unsupported', 'this port speaks gRPC');
      admission = handlers.admit(head.path, head.metadata);
      // Dialogs are for tools, which speak as anybody does.
      if (admission.kind === 'dialog') throw new DbError('unsupported', 'no node asks so');
    } catch (error) {
      this.#fail(error);
      return;
    }
    if (admission.isTrusted) this.#ports.onTrusted();
    const buffers = admission.isLent === true ? this.#ports.buffers : undefined;
    this.#caller = new Caller(clock, head.deadlineMs);
    const limits = { clock, budget, buffers, lengthBytesMax: admission.requestBytesMax };
    const { kind } = admission;
    this.#reading = new RequestReading(this, limits, {
      done: (request) => {
        void this.#answer(kind, head.path, request);
      },
      failed: (error) => {
        this.#caller?.settle();
        this.#fail(error);
      },
    });
    if (isEnd) this.#reading.end();
  }

  data(part: Buffer, isEnd: boolean): void {
    this.#reading?.push(part);
    if (isEnd) this.#reading?.end();
  }

  closed(): void {
    // Whoever leaves before its request is whole costs no error: nobody hears of it.
    if (this.#reading?.drop() === true) this.#caller?.settle();
    else this.#caller?.gone();
  }

  pause(): void {
    if (this.#stream !== undefined) this.#connection.hold(this.#stream);
  }

  resume(): void {
    if (this.#stream !== undefined) this.#connection.release(this.#stream);
  }

  expect(lengthBytes: number): void {
    if (this.#stream !== undefined) this.#connection.expect(this.#stream, lengthBytes);
  }

  /** Never rejects. */
  async #answer(kind: RpcAdmission['kind'], path: string, request: ReadRequest): Promise<void> {
    const { handlers, garbage } = this.#ports;
    const caller = this.#caller;
    if (caller === undefined) return;
    const context = { signal: caller.signal };
    try {
      if (kind === 'call') {
        const reply = await handlers.call(path, request.message, context);
        garbage.passed(reply.length);
        // With its answer the stream is closed, and nobody is to be told.
        caller.settle();
        this.#send(reply, okBlock);
      } else {
        for await (const reply of handlers.stream(path, request.message, context)) {
          garbage.passed(reply.length);
          if (this.#stream?.isClosed !== false) return;
          this.#send(reply);
          await this.#stream.drained();
        }
        caller.settle();
        this.#end(okBlock);
      }
    } catch (error) {
      caller.settle();
      this.#fail(caller.told(error));
    } finally {
      caller.settle();
      request.release();
    }
  }

  #begin(stream: FramedStream): void {
    if (stream.hasHeaders) return;
    stream.hasHeaders = true;
    this.#connection.headers(stream, replyBlock);
  }

  #send(reply: Uint8Array, ending?: Buffer): void {
    const stream = this.#stream;
    if (stream === undefined || stream.isClosed) return;
    this.#begin(stream);
    this.#connection.send(stream, prefixed(reply).map((bytes) => ({ bytes })), ending); // prettier-ignore
  }

  #end(block: Buffer): void {
    const stream = this.#stream;
    if (stream === undefined || stream.isClosed) return;
    if (stream.hasHeaders) this.#connection.send(stream, [], block);
    else this.#connection.headers(stream, Buffer.concat([replyBlock, block]), true);
  }

  #fail(error: unknown): void {
    if (this.#stream?.isClosed !== false) return;
    this.#end(encodeHeaders(errorTrailers(error) as Headers));
    // What is still to come of the request is nobody's.
    if (!this.#stream.isRemoteEnded) this.#connection.reset(this.#stream, streamCodes.none);
  }
}
