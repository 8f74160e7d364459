import type { FastifyReply } from 'fastify';
import { setReason, setErrorHeader } from '../../error-reply.ts';
import { RequestParameters, type AddressedRequest } from '../requests/request-parameters.ts';
import { acceptedType } from './accepted-type.ts';
import { answerFormat, type AnswerFormat } from './answer-format.ts';

/** A request as whoever has read it hands it on. */
export interface AskingRequest extends AddressedRequest {
  readonly headers: Readonly<{ accept?: string | undefined }>;
}

/** An error of the data API, in the form that was asked for: whatever the address, as in the reference. */
export function refuse(reply: FastifyReply, status: number, text: string): FastifyReply {
  const { contentType, writeError } = refusalFormat(reply.request);
  setErrorHeader(reply, text);
  setReason(reply, status);
  return reply.code(status).type(contentType).send(writeError(text));
}

export function refusalFormat(
  request: AskingRequest,
): Pick<AnswerFormat, 'contentType' | 'writeError'> {
  const pretty = RequestParameters.ofUrl(request).getOfUrl('pretty') === 'true';
  return answerFormat(request.headers.accept ?? '', { epochUnitNs: undefined, pretty });
}

/** A write that went well has no body; its head names a type all the same. */
export function sendWritten(reply: FastifyReply): FastifyReply {
  const { accept = '' } = reply.request.headers;
  return reply.code(204).type(acceptedType(accept)).send();
}
