import type { Buffer } from 'node:buffer';

/** The one gRPC method: request frames one way, reply frames the other. What it asks for is in the metadata. */
export const exchange = {
  path: '/varve.Rpc/Exchange',
  requestStream: true,
  responseStream: true,
  requestSerialize: (frame: Buffer): Buffer => frame,
  requestDeserialize: (frame: Buffer): Buffer => frame,
  responseSerialize: (frame: Buffer): Buffer => frame,
  responseDeserialize: (frame: Buffer): Buffer => frame,
} as const;

export const methodKey = 'varve-method';
/** `call` for one reply, `stream` for many. */
export const kindKey = 'varve-kind';
