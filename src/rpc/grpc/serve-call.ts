/**
 * One request of a peer, from its headers to its trailers.
 * - The caller is looked at before anything of its request is read.
 * - What a caller that was refused still sends is thrown away, for a while.
 */
import { once } from 'node:events';
import type { IncomingHttpHeaders, OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { DbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { RpcAdmission, RpcContext, RpcHandlers, RpcMetadata } from '../../env/transport.ts';
import type { SharedBuffers } from '../../base/shared-buffers.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { Garbage } from './garbage.ts';
import { prefixed } from './length-prefixed.ts';
import { readMessages } from './read-messages.ts';
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

const replyHeaders = { ':status': 200, 'content-type': 'application/grpc' } as const;
/** How long a refused caller may take to end what it sends. */
const drainMs = 5_000;
const drainBytesMax = 1 << 20;
const timeoutUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

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
    assertGrpc(headers);
    admission = handlers.admit(path, metadataOf(headers));
  } catch (error) {
    refuse(stream, error, clock);
    return;
  }
  if (admission.isTrusted) ports.onTrusted();
  const buffers = admission.isLent === true ? ports.buffers : undefined;
  const limits = { clock, budget, garbage, buffers, lengthBytesMax: admission.requestBytesMax };
  let release = (): void => undefined;
  const caller = new Caller(stream, clock, deadlineMsOf(headers));
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
    if (stream.readableEnded) fail(stream, error);
    else refuse(stream, error, clock);
  } finally {
    caller.settle();
    release();
  }
}

/** Tells a handler when nobody waits any more: the caller has gone, or its deadline has passed. */
class Caller {
  readonly #controller = new AbortController();
  readonly #timer: Timer | undefined;
  #isSettled = false;

  constructor(stream: ServerHttp2Stream, clock: Clock, deadlineMs: number | undefined) {
    stream.once('close', () => {
      // Most have their answer by then, and an error takes longer to make than the rest of this.
      if (!this.#isSettled) this.#abort(new DbError('cancelled', 'the caller is gone'));
    });
    if (deadlineMs === undefined) return;
    this.#timer = clock.after(deadlineMs, () => {
      this.#abort(new DbError('timeout', 'the deadline of the request has passed'));
    });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  settle(): void {
    this.#isSettled = true;
    this.#timer?.cancel();
  }

  #abort(error: DbError): void {
    this.#timer?.cancel();
    this.#controller.abort(error);
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

function assertGrpc(headers: IncomingHttpHeaders): void {
  const isGrpc = textIn(headers, 'content-type').startsWith('application/grpc');
  if (headers[':method'] !== 'POST' || !isGrpc)
    throw new DbError('unsupported', 'this port speaks gRPC');
}

function metadataOf(headers: IncomingHttpHeaders): RpcMetadata {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(headers))
    if (typeof value === 'string' && !key.startsWith(':')) metadata[key] = value;
  return metadata;
}

/** `grpc-timeout`: at most eight digits and a unit; what is no such text is none. */
function deadlineMsOf(headers: IncomingHttpHeaders): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(textIn(headers, 'grpc-timeout'));
  if (match === null) return undefined;
  const unitMs = timeoutUnitsMs[match[2] ?? ''] ?? 1;
  return Math.min(Number(match[1]) * unitMs, 2 ** 31 - 1);
}
