/**
 * Requests with bytes beyond ASCII in their address, which Go takes and Node's parser refuses in every mode: `curl` sends
 * them when a query in quotes has an umlaut. The parser hands back what it stumbled over; the bytes are escaped and the
 * connection is given to the server once more.
 * - Only where the request line is whole in what the parser hands back: the first packet of a client.
 * - The connection is closed after this answer, so that it never goes through here twice.
 */
import { Buffer } from 'node:buffer';
import { duplexPair, type Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

type Server = FastifyInstance['server'];
type Socket = FastifyRequest['socket'];

/** What the parser says of such an address. */
const code = 'HPE_INVALID_URL';
const lineFeed = 10;
const firstBeyondAscii = 0x80;

interface ParserError {
  readonly code?: string | undefined;
  readonly bytesParsed?: number | undefined;
  /** Bytes as they came. */
  readonly rawPacket?: unknown;
}

/** Whether the request goes on; false leaves the error to the caller. */
export function mendAddress(server: Server, error: ParserError, socket: Socket): boolean {
  const { rawPacket, bytesParsed } = error;
  if (error.code !== code || !(rawPacket instanceof Buffer) || bytesParsed === undefined)
    return false;
  const mended = escapedRequest(rawPacket, bytesParsed);
  if (mended === undefined) return false;
  // The old parser would take what follows for its own and stumble again.
  for (const event of ['data', 'end', 'error', 'timeout']) socket.removeAllListeners(event);
  const [inside, outside] = duplexPair();
  outside.write(mended);
  socket.pipe(outside).pipe(socket);
  // Neither end of a pair hears when the other is destroyed.
  socket.on('error', () => undefined);
  socket.on('close', () => {
    outside.destroy();
    inside.destroy();
  });
  inside.on('close', () => {
    if (!inside.writableFinished) socket.destroy();
  });
  server.emit('connection', asSocket(inside, socket));
  return true;
}

/** The packet from the request line that has `at` in it; undefined when that is not what is wrong. */
function escapedRequest(packet: Buffer, at: number): Buffer | undefined {
  const start = packet.lastIndexOf(lineFeed, Math.max(0, at - 1)) + 1;
  const end = packet.indexOf(lineFeed, at);
  if (end < 0) return undefined;
  const line = packet.subarray(start, end + 1);
  if (!/^[A-Z]+ [^ ]+ HTTP\/1\.[01]\r?\n$/.test(line.toString('latin1'))) return undefined;
  if (line.every((byte) => byte < firstBeyondAscii)) return undefined;
  const escaped = line
    .toString('latin1')
    .replaceAll(/[\x80-\xff]/g, (byte) => encodeByte(byte.charCodeAt(0)));
  const head = Buffer.from(`${escaped}Connection: close\r\n`, 'latin1');
  return Buffer.concat([head, packet.subarray(end + 1)]);
}

function encodeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase()}`;
}

/** With what the server asks of a connection besides its bytes. */
function asSocket(inside: Duplex, { remoteAddress, remotePort }: Socket): Duplex {
  let bytesWritten = 0;
  const write = inside.write.bind(inside) as (...all: readonly unknown[]) => boolean;
  inside.write = (...all: readonly unknown[]): boolean => {
    bytesWritten += lengthOf(all[0], all[1]);
    return write(...all);
  };
  return Object.defineProperties(inside, {
    remoteAddress: { value: remoteAddress },
    remotePort: { value: remotePort },
    bytesWritten: { get: () => bytesWritten },
  });
}

function lengthOf(chunk: unknown, encoding: unknown): number {
  if (typeof chunk === 'string')
    return Buffer.byteLength(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8'); // prettier-ignore
  return chunk instanceof Uint8Array ? chunk.byteLength : 0;
}
