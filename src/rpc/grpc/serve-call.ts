/**
 * One request of a peer, from its headers to its trailers.
 * - The caller is looked at before anything of its request is read.
 * - What a caller that was refused still sends is thrown away, for a while.
 */
import { once } from 'node:events';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { RpcAdmission, RpcContext, RpcHandlers } from '../../env/transport.ts';
import type { SharedBuffers } from '../../base/shared-buffers.ts';
import type { ByteBudget } from '../../base/async/byte-budget.ts';
import { Caller } from './caller.ts';
import type { Garbage } from './garbage.ts';
import { prefixed } from './length-prefixed.ts';
import { readMessages } from './read-messages.ts';
import { deadlineMsOf, isGrpcRequest, metadataOf } from './request-heads.ts';
import { readRequest } from './request-reader.ts';
import { errorTrailers, okTrailers, textIn } from './status.ts';

export interface ServePorts {
  readonly clock: Clock;
  readonly garbage: Garbage;
  readonly handlers: RpcHandlers;
  readonly budget: ByteBudget;
  /** For requests that are lent. */
  readonly buffers: SharedBuffers;
  /** Told when the caller has shown that it is of the cluster. */
  readonly onTrusted: () => void;
}

export const replyHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;
/** How long a refused caller may take to end what it sends. */
const drainMs = 5_000;
const drainBytesMax = 1 << 20;

export async function serveCall(
  stream: ServerHttp2Stream,
  headers: IncomingHttpHeaders,
  ports: ServePorts,
): Promise<void> {
  const { clock, garbage, handlers, budget } = ports;
  stream.on('error', () => undefined);
  const path = textIn(headers, ':path');
  let admission: RpcAdmission;
  try {
    if (!isGrpcRequest(headers)) throw new DbError('unsupported', 'this port speaks gRPC');
    admission = handlers.admit(path, metadataOf(headers));
  } catch (error) {
    refuse(stream, error, clock);
    return;
  }
  if (admission.isTrusted) ports.onTrusted();
  const buffers = admission.isLent === true ? ports.buffers : undefined;
  const limits = { clock, budget, garbage, buffers, lengthBytesMax: admission.requestBytesMax };
  let release = (): void => undefined;
  const caller = new Caller(clock, deadlineMsOf(headers));
  stream.once('close', () => {
    caller.gone();
  });
  try {
    if (admission.kind === 'dialog') {
      const context = { signal: caller.signal, garbage };
      const messages = readMessages(stream, limits);
      await answer(stream, answersOf(messages, (one) => handlers.call(path, one, context)), context); // prettier-ignore
      return;
    }
    const request = await readRequest(stream, limits);
    release = request.release;
    const context = { signal: caller.signal, garbage };
    if (admission.kind === 'call') {
      const reply = await handlers.call(path, request.message, context);
      await answer(stream, [reply], context);
    } else await answer(stream, handlers.stream(path, request.message, context), context);
  } catch (error) {
    // Nothing is owed to a caller that is gone; one whose time is up has said so itself.
    const told = caller.told(error);
    if (stream.readableEnded) fail(stream, told);
    else refuse(stream, told, clock);
  } finally {
    caller.settle();
    release();
  }
}

async function* answersOf(
  messages: AsyncIterable<Uint8Array>,
  handle: (message: Uint8Array) => Promise<Uint8Array>,
): AsyncGenerator<Uint8Array, undefined> {
  for await (const message of messages) yield await handle(message);
  return undefined;
}

async function answer(
  stream: ServerHttp2Stream,
  replies: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
  { signal, garbage }: RpcContext & Pick<ServePorts, 'garbage'>,
): Promise<void> {
  for await (const reply of replies) {
    garbage.passed(reply.length);
    if (stream.destroyed) return;
    begin(stream);
    for (const part of prefixed(reply))
      if (!stream.write(part)) await once(stream, 'drain', { signal }).catch(() => undefined);
  }
  end(stream, okTrailers);
}

function begin(stream: ServerHttp2Stream): void {
  if (!stream.headersSent) stream.respond(replyHeaders, { waitForTrailers: true });
}

function fail(stream: ServerHttp2Stream, error: unknown): void {
  end(stream, errorTrailers(error));
}

function end(stream: ServerHttp2Stream, trailers: OutgoingHttpHeaders): void {
  if (stream.destroyed || stream.closed) return;
  if (!stream.headersSent) {
    stream.respond({ ...replyHeaders, ...trailers }, { endStream: true });
    return;
  }
  stream.once('wantTrailers', () => {
    stream.sendTrailers(trailers);
  });
  stream.end();
}

/** Answers before the request has come whole, and lets the rest of it come to nothing. */
function refuse(stream: ServerHttp2Stream, error: unknown, clock: Clock): void {
  if (stream.destroyed) return;
  const timer = clock.after(drainMs, () => {
    stream.close();
  });
  let drainedBytes = 0;
  stream.on('data', (part: Buffer) => {
    drainedBytes += part.length;
    if (drainedBytes > drainBytesMax) stream.close();
  });
  stream.once('close', () => {
    timer.cancel();
  });
  stream.resume();
  fail(stream, error);
}
