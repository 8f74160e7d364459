import type { IncomingHttpHeaders } from 'node:http2';
import type { RpcMetadata } from '../../env/transport.ts';
import { textIn } from './status.ts';

const timeoutUnitsMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 1e-3,
  n: 1e-6,
};

export function isGrpcRequest(headers: IncomingHttpHeaders): boolean {
  const isGrpc = textIn(headers, 'content-type').startsWith('application/grpc');
  return headers[':method'] === 'POST' && isGrpc;
}

export function metadataOf(headers: IncomingHttpHeaders): RpcMetadata {
  const metadata: Record<string, string> = {};
  for (const [key, value] of Object.entries(headers))
    if (typeof value === 'string' && !key.startsWith(':')) metadata[key] = value;
  return metadata;
}

/** `grpc-timeout`: at most eight digits and a unit; what is no such text is none. */
export function deadlineMsOf(headers: IncomingHttpHeaders): number | undefined {
  const match = /^(\d{1,8})([HMSmun])$/.exec(textIn(headers, 'grpc-timeout'));
  if (match === null) return undefined;
  const unitMs = timeoutUnitsMs[match[2] ?? ''] ?? 1;
  return Math.min(Number(match[1]) * unitMs, 2 ** 31 - 1);
}
