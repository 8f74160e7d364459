/**
 * Requests that Go takes and Node's parser refuses in every mode:
 * - bytes beyond ASCII in the address: `curl` sends them when a query in quotes has an umlaut;
 * - a `Content-Length` that is there twice and says the same.
 * The parser hands back what it stumbled over; the head is mended, and the connection is given to the server once more.
 * - Only where the head is whole in what the parser hands back as far as the parser needs it: the first packet of a client.
 * - The connection is closed after this answer, so that it never goes through here twice.
 */
import { Buffer } from 'node:buffer';
import { duplexPair, type Duplex } from 'node:stream';
import type { FastifyInstance, FastifyRequest } from 'fastify';

type Server = FastifyInstance['server'];
type Socket = FastifyRequest['socket'];

const lineFeed = 10;
const firstBeyondAscii = 0x80;
const requestLine = /^[A-Z]+ [^ ]+ HTTP\/1\.[01]\r?\n$/;
const closing = 'Connection: close\r\n';

interface ParserError {
  readonly code?: string | undefined;
  readonly bytesParsed?: number | undefined;
  /** Bytes as they came. */
  readonly rawPacket?: unknown;
}

/** By what the parser says: the packet from the request line on that has `at` in it, mended; undefined when that is not what is wrong. */
const menders: ReadonlyMap<string, (packet: Buffer, at: number) => Buffer | undefined> = new Map([
  ['HPE_INVALID_URL', withAddressEscaped],
  ['HPE_UNEXPECTED_CONTENT_LENGTH', withLengthOnce],
]);

/** Whether the request goes on; false leaves the error to the caller. */
export function mendRequest(server: Server, error: ParserError, socket: Socket): boolean {
  const { rawPacket, bytesParsed, code = '' } = error;
  if (!(rawPacket instanceof Buffer) || bytesParsed === undefined) return false;
  const mended = menders.get(code)?.(rawPacket, bytesParsed);
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

function withAddressEscaped(packet: Buffer, at: number): Buffer | undefined {
  const start = packet.lastIndexOf(lineFeed, Math.max(0, at - 1)) + 1;
  const end = packet.indexOf(lineFeed, at);
  if (end < 0) return undefined;
  const line = packet.subarray(start, end + 1);
  if (!requestLine.test(line.toString('latin1'))) return undefined;
  if (line.every((byte) => byte < firstBeyondAscii)) return undefined;
  const escaped = line
    .toString('latin1')
    .replaceAll(/[\x80-\xff]/g, (byte) => encodeByte(byte.charCodeAt(0)));
  return Buffer.concat([Buffer.from(`${escaped}${closing}`, 'latin1'), packet.subarray(end + 1)]);
}

function encodeByte(byte: number): string {
  return `%${byte.toString(16).toUpperCase()}`;
}

/** Those that differ stay: nobody could tell where the body ends. */
function withLengthOnce(packet: Buffer, at: number): Buffer | undefined {
  const start = headStart(packet, at);
  const end = packet.indexOf('\n\r\n', at) + 1 || packet.indexOf('\n\n', at) + 1;
  if (start === undefined || end === 0) return undefined;
  const [first = '', ...headers] = packet.toString('latin1', start, end).split(/(?<=\n)/);
  const isLength = (header: string): boolean => /^content-length[ \t]*:/i.test(header);
  const lengths = headers.filter(isLength).map((header) => header.slice(header.indexOf(':') + 1).trim()); // prettier-ignore
  if (lengths.length < 2 || new Set(lengths).size > 1) return undefined;
  const kept = headers.filter((header) => !isLength(header));
  const head = `${first}${closing}Content-Length: ${lengths[0]}\r\n${kept.join('')}`;
  return Buffer.concat([Buffer.from(head, 'latin1'), packet.subarray(end)]);
}

/** Where the request line stands of the head that `at` is in. */
function headStart(packet: Buffer, at: number): number | undefined {
  for (let end = packet.lastIndexOf(lineFeed, at); end >= 0;) {
    const start = end === 0 ? 0 : packet.lastIndexOf(lineFeed, end - 1) + 1;
    const line = packet.toString('latin1', start, end + 1);
    if (requestLine.test(line)) return start;
    // What is before an empty line is of another request.
    if (line.trim() === '' || start === 0) return undefined;
    end = start - 1;
  }
  return undefined;
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
