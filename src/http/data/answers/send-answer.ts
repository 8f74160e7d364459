import { Buffer } from 'node:buffer';
import type { Readable } from 'node:stream';
import { constants, createGzip } from 'node:zlib';
import type { FastifyReply } from 'fastify';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import { PartsStream } from './parts-stream.ts';
import { zipAnswer } from './zip-answer.ts';

/** Sends the parts of an answer as the client takes them. One that is whole in its first part goes with its length. */
export async function sendAnswer(
  reply: FastifyReply,
  parts: AsyncGenerator<Buffer>,
  { isChunked, isZipped }: { readonly isChunked: boolean; readonly isZipped: boolean },
): Promise<FastifyReply> {
  if (isChunked) return sendParts(reply, new PartsStream([], parts), { isZipped, isPrompt: true });
  const first = await parts.next();
  if (first.done === true) return reply.send(Buffer.alloc(0));
  const second = await parts.next();
  if (second.done !== true)
    return sendParts(reply, new PartsStream([first.value, second.value], parts), { isZipped, isPrompt: false }); // prettier-ignore
  return sendWhole(reply, first.value, isZipped);
}

/** Sends a document that one worker has made. */
export async function sendStarted(
  reply: FastifyReply,
  started: StartedAnswer,
  isZipped: boolean,
): Promise<FastifyReply> {
  if (started.kind === 'whole') return sendWhole(reply, started.bytes, isZipped);
  return sendParts(reply, new PartsStream([], started.parts), { isZipped, isPrompt: false });
}

async function sendWhole(
  reply: FastifyReply,
  bytes: Buffer,
  isZipped: boolean,
): Promise<FastifyReply> {
  if (!isZipped) return reply.send(bytes);
  return reply.header('Content-Encoding', 'gzip').send(await zipAnswer(bytes));
}

/** `isPrompt`: a client that reads chunk by chunk must not wait for the compressor to fill its window. */
function sendParts(
  reply: FastifyReply,
  plain: Readable,
  { isZipped, isPrompt }: { readonly isZipped: boolean; readonly isPrompt: boolean },
): FastifyReply {
  if (!isZipped) return reply.send(plain);
  const flush = isPrompt ? constants.Z_SYNC_FLUSH : constants.Z_NO_FLUSH;
  const zipped = createGzip({ level: 1, flush });
  plain.on('error', (error) => zipped.destroy(error));
  zipped.on('close', () => plain.destroy());
  return reply.header('Content-Encoding', 'gzip').send(plain.pipe(zipped));
}
