import type { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { StartedAnswer, WholeAnswer } from '../../../data/statements/started-answer.ts';
import { PartsStream } from './parts-stream.ts';
import { zipAnswer, zipParts } from './zip-answer.ts';

/** Sends a chunked answer as its parts are made and the client takes them. */
export function sendChunked(
  reply: FastifyReply,
  parts: AsyncGenerator<Buffer>,
  isZipped: boolean,
): FastifyReply {
  return sendParts(reply, new PartsStream([], parts), { isZipped, isPrompt: true });
}

/** Sends an answer as the client takes it. One that is whole goes with its length. */
export async function sendStarted(
  reply: FastifyReply,
  started: StartedAnswer,
  isZipped: boolean,
): Promise<FastifyReply> {
  if (started.kind === 'whole') return sendWhole(reply, started, isZipped);
  return sendParts(reply, new PartsStream(started.taken, started.parts), {
    isZipped,
    isPrompt: false,
  });
}

async function sendWhole(
  reply: FastifyReply,
  answer: WholeAnswer,
  isZipped: boolean,
): Promise<FastifyReply> {
  if (!isZipped) return reply.send(answer.bytes);
  return reply.header('Content-Encoding', 'gzip').send(await zipAnswer(answer));
}

function sendParts(
  reply: FastifyReply,
  plain: Readable,
  { isZipped, isPrompt }: { readonly isZipped: boolean; readonly isPrompt: boolean },
): FastifyReply {
  if (!isZipped) return reply.send(plain);
  return reply.header('Content-Encoding', 'gzip').send(zipParts(plain, { isPrompt }));
}
