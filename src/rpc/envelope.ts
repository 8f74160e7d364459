/**
 * The head of every request between nodes: version u8, 7 bytes zero, cluster id u64, little endian, then the message.
 * The deadline travels with the transport. A node talks to its own cluster only; cluster id 0 is that of a node that has
 * none yet, as when it is asked to join.
 */
import { DbError } from '../base/errors.ts';
import { decodeMessage, encodeMessage } from './message.ts';

export const protocolVersion = 1;
const headBytes = 16;

export function sealRequest(clusterId: bigint, body: unknown): Uint8Array {
  const message = encodeMessage(body);
  const bytes = new Uint8Array(headBytes + message.length);
  bytes[0] = protocolVersion;
  new DataView(bytes.buffer).setBigUint64(8, clusterId, true);
  bytes.set(message, headBytes);
  return bytes;
}

/** Throws `wrong_cluster` and `unsupported_version`. */
export function openRequest(clusterId: bigint, request: Uint8Array): unknown {
  if (request.length < headBytes) throw new DbError('corrupt', 'request: cut short');
  const version = request[0] ?? 0;
  if (version !== protocolVersion)
    throw new DbError('unsupported_version', `protocol version ${version}`);
  const view = new DataView(request.buffer, request.byteOffset, request.byteLength);
  const senderId = view.getBigUint64(8, true);
  if (senderId !== 0n && clusterId !== 0n && senderId !== clusterId) {
    const text = `request is of cluster ${senderId}, this node is of cluster ${clusterId}`;
    throw new DbError('wrong_cluster', text);
  }
  return decodeMessage(request.subarray(headBytes));
}
