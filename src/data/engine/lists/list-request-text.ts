/**
 * A request for lists of thousands of measurements as one text: a copy of its bytes where plain data costs a microsecond for each
 * measurement, on both sides.
 */
import { Buffer } from 'node:buffer';
import { decodeMessage, encodeMessage } from '../../../rpc/message.ts';
import type { PackedRequest } from './pack-lists.ts';

/** Undefined with conditions, which are rarely the same again, and may have numbers that a text does not tell apart. */
export function requestText(request: PackedRequest): string | undefined {
  if (request.measurements.some(({ predicate }) => predicate !== undefined)) return undefined;
  const bytes = encodeMessage(request);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

export function decodeRequest(text: string): PackedRequest {
  return decodeMessage(Buffer.from(text, 'latin1')) as PackedRequest;
}
